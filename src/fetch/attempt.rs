//! One request until it is a page or its cell ends: permit, signature, attempt, verdict, decision.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Map, Value};
use tokio::sync::watch;

use crate::disk::aside;
use crate::job::{Job, Paging};
use crate::json::{Document, Outline};
use crate::provider::{AfterRetries, Provider, Verdict};
use crate::quota::{Clock, Departed, Feedback, Loss, Permit, Quota, Refusal};

use super::budget::RetryBudget;
use super::ceiling::Spending;
use super::cell::{CellEnd, CellError, Reach};
use super::classify::{Judgement, classify};
use super::ending::Ending;
use super::feed::Feed;
use super::headers::retry_after;
use super::notice::Notice;
use super::page::{Page, PageError, read_page};
use super::paginator::Paginator;
use super::position::Position;
use super::rate_headers::advice;
use super::request::Request;
use super::retry::{Decision, RetryState};
use super::sign::Signer;
use super::transport::{Answer, Transport, TransportError};

/// Bytes of a body that is worth a thread of its own to look at.
const LONG: usize = 256 << 10;

/// What the cells of one job share.
pub struct Source<'a> {
    /// What is asked.
    pub job: &'a Job,
    /// Who is asked.
    pub provider: &'a Provider,
    /// The way to the next page: the job's own or the provider's.
    pub paging: &'a Paging,
    /// How deep answers are looked into: [`super::depth`].
    pub depth: usize,
    /// Takes what is durable, if anybody wants it.
    pub feed: Option<&'a Feed>,
    /// The wire.
    pub transport: &'a dyn Transport,
    /// Says when an attempt may leave.
    pub quota: &'a Quota,
    /// Knows the credential.
    pub signer: &'a Signer,
    /// Says when a retry may leave; all cells of the credential share it.
    pub retries: &'a Mutex<RetryBudget>,
    /// What the run may spend.
    pub spending: &'a Spending,
    /// The time.
    pub clock: &'a Clock,
    /// Uniform in 0..1.
    pub random: &'a (dyn Fn() -> f64 + Send + Sync),
    /// Told of everything that happens.
    pub notify: &'a (dyn Fn(Notice) + Send + Sync),
    /// Whether the run is asked to end.
    pub ending: watch::Receiver<Ending>,
    /// Whether the job takes its provider for down: whoever would have to wait for a retry is left for a later run.
    pub down: watch::Receiver<bool>,
}

/// A page, with the permit that is held until it is durable.
pub(super) struct Received {
    pub(super) page: Page,
    pub(super) body: Bytes,
    pub(super) outline: Option<Outline>,
    pub(super) status: u16,
    pub(super) received: Timestamp,
    pub(super) held: Departed,
}

/// What one request came to.
pub(super) enum Answered {
    /// A page.
    Page(Box<Received>),
    /// The provider says there is nothing.
    Empty { unconfirmed: bool },
    /// The cell cannot succeed as it is asked.
    Refused { code: String, message: String },
    /// Anything that ends the work on the cell for now.
    End(CellEnd),
}

/// The paginator that the pages of a cell share; what it has seen counts however a page ended.
pub(super) fn lock<'a, 'b>(seen: &'a Mutex<Paginator<'b>>) -> MutexGuard<'a, Paginator<'b>> {
    seen.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Asks one request until it is a page or the cell ends; every attempt takes a permit.
pub(super) async fn ask(
    source: &Source<'_>,
    values: &Map<String, Value>,
    seen: &Mutex<Paginator<'_>>,
    request: &Request,
    position: &Position,
) -> Result<Answered, CellError> {
    let mut state = RetryState::default();
    let mut first = true;
    loop {
        let (permit, waited) = match admit(source).await? {
            Ok(admitted) => admitted,
            Err(end) => return Ok(Answered::End(end)),
        };
        let sent = source.clock.now();
        let signed = source.signer.sign(request, sent.wall)?;
        if std::mem::take(&mut first) {
            budget(source).first(sent.elapsed);
        }
        let (mut held, result) = tokio::select! {
            biased;
            sent = source.transport.send(signed.request, permit) => sent,
            () = reached(source, Ending::Over) => return Ok(Answered::End(dropped(source, waited, sent.elapsed))),
        };
        let now = source.clock.now();
        source.spending.waited(now.elapsed - sent.elapsed);
        let mut wait = None;
        let (judgement, read) = match &result {
            Ok(answer) => {
                let told = advice(&answer.headers, now.wall);
                let skew = told.date.and_then(|server| source.signer.observe_date(server, now.wall));
                skew.map(Notice::Warning).into_iter().for_each(source.notify);
                wait = retry_after(&answer.headers, now.wall);
                held.advised(told);
                judge(source, values, seen, request, position, answer).await
            }
            Err(error) => (judge_broken(error), None),
        };
        report(source.quota, &mut held, &result, &judgement, wait);
        let judgement = mask(source.signer, judgement);
        let latency = now.elapsed - sent.elapsed;
        (source.notify)(Notice::Attempt { waited, latency, judgement: judgement.clone() });
        if proves_token(&judgement.verdict) {
            source.signer.accepted(signed.epoch);
        }
        match (&judgement.verdict, result, read) {
            (Verdict::Accept, Ok(answer), Some(read)) => return Ok(accept(source, read, answer, now.wall, held)),
            (Verdict::Empty { unconfirmed }, ..) => return Ok(Answered::Empty { unconfirmed: *unconfirmed }),
            (verdict, ..) => {
                drop(held);
                let refused = source.signer.refused_before(signed.epoch);
                let decision = state.decide(verdict, wait, refused, (source.random)());
                if let Some(answered) = act(source, decision, &judgement, signed.epoch).await {
                    return Ok(answered);
                }
            }
        }
    }
}

/// A page as it was read.
struct Read {
    page: Page,
    outline: Option<Outline>,
}

/// What an answer means, and the page it is if it is one.
async fn judge(
    source: &Source<'_>,
    values: &Map<String, Value>,
    seen: &Mutex<Paginator<'_>>,
    request: &Request,
    position: &Position,
    answer: &Answer,
) -> (Judgement, Option<Result<Read, PageError>>) {
    let (body, depth) = (answer.body.clone(), source.depth);
    // Every byte of the body is looked at here, once; others wait while that takes long.
    let document = match body.len() < LONG {
        true => Document::read(&answer.body, depth).ok(),
        false => {
            let tape = aside(move || Document::check(&body, depth)).await.and_then(Result::ok);
            tape.and_then(|tape| Document::of(&answer.body, tape).ok())
        }
    };
    let told = (&*answer.body, document.as_ref());
    let judgement = classify(source.provider, answer.status.as_u16(), told, &request.path, request.next_page);
    let read = match (&judgement.verdict, &document) {
        (Verdict::Accept, Some(document)) => {
            let (cursor, at) = (position.cursor.as_ref(), (position.pages, position.records));
            Some(read_page(source.provider, source.job, &mut lock(seen), values, document, cursor, at))
        }
        (_, _) => None,
    };
    let outline = source.feed.and(document).and_then(Document::into_outline);
    (judgement, read.map(|page| page.map(|page| Read { page, outline })))
}

fn accept(
    source: &Source<'_>,
    read: Result<Read, PageError>,
    answer: Answer,
    received: Timestamp,
    held: Departed,
) -> Answered {
    match read {
        Ok(Read { page, outline }) => {
            page.credits.into_iter().for_each(|credits| held.cost(credits));
            let status = answer.status.as_u16();
            Answered::Page(Box::new(Received { page, body: answer.body, outline, status, received, held }))
        }
        // It may quote the answer, and a link to the next page may hold the key.
        Err(error) => {
            let message = source.signer.credential().redact(error.to_string());
            Answered::Refused { code: "page".to_owned(), message }
        }
    }
}

/// Carries out a decision; none means ask again.
async fn act(source: &Source<'_>, decision: Decision, judgement: &Judgement, epoch: u64) -> Option<Answered> {
    let words = match &judgement.hint {
        Some(hint) => format!("{judgement} ({hint})"),
        None => judgement.to_string(),
    };
    match decision {
        Decision::Wait => None,
        Decision::SignAgain { earlier } => {
            source.signer.refused(epoch, earlier);
            None
        }
        Decision::Poll { after } => pause(source, after, words).await.map(Answered::End),
        Decision::Again { after, left } => {
            if let Some(end) = pause(source, after, words.clone()).await {
                return Some(Answered::End(end));
            }
            turn(source, left, &words).await.map(Answered::End)
        }
        Decision::Pending => Some(Answered::End(CellEnd::Pending { reason: words })),
        Decision::Reject => Some(Answered::Refused {
            code: judgement.code.clone().unwrap_or_else(|| format!("http {}", judgement.http)),
            message: words,
        }),
        Decision::Stop => {
            source.quota.stop(words.clone());
            Some(Answered::End(CellEnd::Stopped { reason: words }))
        }
    }
}

/// Waits before another attempt, unless that is longer than the provider's `max_wait` or the run ends meanwhile.
async fn pause(source: &Source<'_>, after: Duration, reason: String) -> Option<CellEnd> {
    if after > source.provider.max_wait {
        let now = source.clock.now();
        return Some(CellEnd::Parked { resume_at: now.wall_at(now.elapsed + after), reason, reach: Reach::Cell });
    }
    delay(source, after, reason).await
}

/// Waits until the budget has a retry for this request. Its turn comes, so no cell ends for want of it alone.
async fn turn(source: &Source<'_>, left: u32, words: &str) -> Option<CellEnd> {
    let mut down = source.down.clone();
    loop {
        let now = source.clock.now().elapsed;
        // Bound here, so that the lock is free before anything is awaited.
        let asked = budget(source).may_retry(now, left);
        let Err(wait) = asked else { return None };
        let reason = format!("{words}; so many requests failed that this one is repeated later");
        tokio::select! {
            biased;
            // Whoever would tell is gone only when the run is being torn down: then nothing is told, and nothing waits.
            Ok(_) = down.wait_for(|down| *down) => return Some(CellEnd::Pending { reason: words.to_owned() }),
            end = delay(source, wait, reason) => if end.is_some() { return end },
        }
    }
}

/// Waits, unless the run ends meanwhile.
async fn delay(source: &Source<'_>, after: Duration, reason: String) -> Option<CellEnd> {
    let now = source.clock.now();
    (source.notify)(Notice::Delay { until: now.wall_at(now.elapsed + after), reason });
    tokio::select! {
        biased;
        () = reached(source, Ending::Asked) => Some(CellEnd::Interrupted),
        () = source.clock.sleep_until(now.elapsed + after) => None,
    }
}

fn budget<'a>(source: &Source<'a>) -> MutexGuard<'a, RetryBudget> {
    source.retries.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Waits until the end of the run has come so far.
async fn reached(source: &Source<'_>, stage: Ending) {
    let mut ending = source.ending.clone();
    // Whoever watched for signals is gone only when the run is being torn down.
    drop(ending.wait_for(|now| *now >= stage).await);
}

/// Accounts for an attempt whose answer is no longer waited for: it left, so it counts; its permit reports the loss.
fn dropped(source: &Source<'_>, waited: Duration, sent: Duration) -> CellEnd {
    let judgement = judge_broken(&TransportError::Broken("the run had to end before it came".to_owned()));
    (source.notify)(Notice::Attempt { waited, latency: source.clock.now().elapsed - sent, judgement });
    CellEnd::Interrupted
}

/// A permit and how long it was waited for, or why there is none; an error when the limits cannot be kept.
async fn admit(source: &Source<'_>) -> Result<Result<(Permit, Duration), CellEnd>, CellError> {
    if *source.ending.borrow() >= Ending::Asked {
        return Ok(Err(CellEnd::Interrupted));
    }
    let asked = source.clock.now().elapsed;
    let admitted = async {
        if let Some(feed) = source.feed {
            feed.room().await;
        }
        source.quota.permit(&source.job.name).await
    };
    let permit = tokio::select! {
        biased;
        () = reached(source, Ending::Asked) => return Ok(Err(CellEnd::Interrupted)),
        permit = admitted => permit,
    };
    let permit = match permit {
        Ok(permit) => permit,
        Err(Refusal::Parked { resume_at, reason, .. }) => {
            return Ok(Err(CellEnd::Parked { resume_at, reason, reach: Reach::Job }));
        }
        Err(Refusal::Stopped { reason }) => return Ok(Err(CellEnd::Stopped { reason })),
        Err(broken @ Refusal::Broken { .. }) => return Err(CellError::Quota(broken)),
    };
    let now = source.clock.now();
    Ok(match source.spending.claim(now.elapsed) {
        Ok(()) => Ok((permit, now.elapsed - asked)),
        Err(reason) => Err(CellEnd::Parked { resume_at: now.wall, reason, reach: Reach::Job }),
    })
}

/// Tells the quota what came of the attempt, once.
fn report(
    quota: &Quota,
    held: &mut Departed,
    result: &Result<Answer, TransportError>,
    judgement: &Judgement,
    wait: Option<Duration>,
) {
    match (result, &judgement.verdict) {
        (Err(TransportError::TimedOut(_)), _) => held.lost(Loss::TimedOut),
        (Err(_), _) => held.lost(Loss::Reset),
        (Ok(_), Verdict::Accept | Verdict::Empty { .. }) => held.answered(Feedback::Accepted),
        (Ok(_), Verdict::Throttle(window)) => {
            held.answered(Feedback::Throttled { window: *window, retry_after: wait });
        }
        (Ok(_), Verdict::Pending { .. } | Verdict::Retry { .. } | Verdict::Reauthorize { .. }) => {
            held.answered(Feedback::Failed);
        }
        (Ok(_), Verdict::Reject) => held.answered(Feedback::Failed),
        (Ok(_), Verdict::Stop) => {
            // Before the answer frees anything: nothing may slip out between the two.
            quota.stop(judgement.to_string());
            held.answered(Feedback::Failed);
        }
    }
}

/// Whether the provider has looked past the credential: it spoke about the request itself. A fault or a throttle may
/// come from something that stands before the credential is checked.
fn proves_token(verdict: &Verdict) -> bool {
    match verdict {
        Verdict::Accept | Verdict::Empty { .. } | Verdict::Pending { .. } | Verdict::Reject => true,
        Verdict::Retry { .. } | Verdict::Throttle(_) | Verdict::Reauthorize { .. } | Verdict::Stop => false,
    }
}

fn judge_broken(error: &TransportError) -> Judgement {
    let verdict = match error {
        TransportError::Certificate(_) => Verdict::Stop,
        TransportError::TooLarge(_) => Verdict::Reject,
        TransportError::Connect(_) | TransportError::TimedOut(_) | TransportError::Broken(_) => Verdict::Retry {
            max_attempts: 5,
            delay: Duration::from_secs(1),
            cap: Duration::from_secs(60),
            then: AfterRetries::Pending,
        },
    };
    Judgement { verdict, http: 0, code: None, message: error.to_string(), hint: None }
}

/// A provider may echo the key it refuses; its words go to screens, logs and the ledger.
fn mask(signer: &Signer, mut judgement: Judgement) -> Judgement {
    let credential = signer.credential();
    judgement.message = credential.redact(judgement.message);
    judgement.code = judgement.code.map(|code| credential.redact(code));
    judgement
}
