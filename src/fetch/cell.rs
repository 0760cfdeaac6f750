//! The one loop: cursor, permit, attempt, verdict, page, spool, next cursor. It has no rule of its own. Pages that can be
//! asked for side by side are left to `parallel`.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Mutex;

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::job::{Job, Paging, TemplateError};
use crate::json::Outline;
use crate::ledger::Outcome;
use crate::plan::CellId;
use crate::quota::Refusal;
use crate::spool::{Ahead, CellProgress, EndFrame, Frame, PageFrame, PageHead, SpoolError, SpoolHandle};

use super::attempt::{Answered, Received, Source, ask, lock};
use super::feed::Handed;
use super::notice::Notice;
use super::page::Page;
use super::paginator::{Cursor, Paginator};
use super::parallel::{Together, fetch_together};
use super::position::Position;
use super::request::Request;
use super::sign::SignError;
use super::spread::{Spread, check_kept};

/// One cell, where its pages go and how far it got before.
pub struct CellTask<'a> {
    /// Names it in the spool.
    pub id: CellId,
    /// Fills the templates.
    pub values: &'a Map<String, Value>,
    /// Takes its pages.
    pub spool: &'a SpoolHandle,
    /// Hash of the partition it belongs to.
    pub partition: &'a str,
    /// What the spool holds of it.
    pub progress: Option<CellProgress>,
}

impl CellTask<'_> {
    /// Whether pages are kept beyond the one at `position`.
    fn has_gap(&self, position: &Position) -> bool {
        let kept = self.progress.as_ref().filter(|progress| progress.epoch == position.epoch);
        kept.is_some_and(|progress| !progress.ahead.is_empty())
    }

    /// The pages that can be asked for side by side at `position`, and those of them that are kept.
    fn rest(&self, paging: &Paging, position: &Position) -> Option<(Spread, BTreeMap<u32, Ahead>)> {
        let kept = self.progress.as_ref().filter(|progress| progress.epoch == position.epoch);
        let ahead = kept.map(|progress| progress.ahead.clone()).unwrap_or_default();
        Spread::of(paging, position, &ahead).map(|spread| (spread, ahead))
    }
}

/// How the work on a cell ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CellEnd {
    /// For good; the spool has its end frame.
    Settled(Outcome),
    /// Left for a later run.
    Pending {
        /// The last answer.
        reason: String,
    },
    /// Left until `resume_at`: a quota, a ceiling or a deadline.
    Parked {
        /// When it can go on.
        resume_at: Timestamp,
        /// Why it cannot now.
        reason: String,
        /// What else waits with it.
        reach: Reach,
    },
    /// Nothing may go to this provider until a person acts.
    Stopped {
        /// What the provider said, and what to do.
        reason: String,
    },
    /// The run was asked to end.
    Interrupted,
}

/// What a wait holds up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// This cell alone; others may go on.
    Cell,
    /// Every cell of the job: a quota, a ceiling, the deadline.
    Job,
}

/// A fault on our side; the cell is as it was at its last durable page.
#[derive(Debug, thiserror::Error)]
pub enum CellError {
    /// The spool cannot be written.
    #[error("the page could not be kept")]
    Spool(#[from] SpoolError),
    /// The spool holds a cursor that cannot be read.
    #[error("the spool holds an unreadable cursor")]
    Cursor(#[from] serde_json::Error),
    /// The request cannot be signed.
    #[error("the request could not be signed")]
    Sign(#[from] SignError),
    /// The attempt cannot be counted, so it must not leave.
    #[error("no attempt can leave")]
    Quota(#[source] Refusal),
}

/// Fetches a cell from where it stands to its end.
///
/// # Errors
/// Only for faults on our side; whatever a provider does is a [`CellEnd`].
pub async fn fetch_cell(source: &Source<'_>, task: &CellTask<'_>) -> Result<CellEnd, CellError> {
    let paginator = || Mutex::new(Paginator::new(source.paging, &source.provider.base_url));
    let mut seen = paginator();
    let mut position = match start(source, task)? {
        Start::At(position) => position,
        Start::Ended(outcome) => return Ok(CellEnd::Settled(outcome)),
        Start::LacksEnd(position) => return settle(source, task, &position, Outcome::Records).await,
    };
    let first = match render(source.job, task.values) {
        Ok(request) => request,
        // A row of an axis file without a field that a template names: no call is spent on it.
        Err(error) => {
            let outcome = Outcome::Rejected { code: "template".to_owned(), message: error.to_string() };
            // Where a page is missing none counts.
            let at = if task.has_gap(&position) { position.anew() } else { position };
            return settle(source, task, &at, outcome).await;
        }
    };
    loop {
        if let Some(rest) = task.rest(source.paging, &position) {
            match fetch_together(source, task, (&first, &seen), &position, rest).await? {
                Together::All(after) if after.cursor.is_none() => {
                    return settle(source, task, &after, Outcome::Records).await;
                }
                Together::All(after) => position = after,
                Together::Moved(why) => (position, seen) = (begin_anew(source, &position, &why), paginator()),
                // Pages behind the refused one may be kept; they are void with it.
                Together::Refused { code, message } => {
                    return settle(source, task, &position.anew(), Outcome::Rejected { code, message }).await;
                }
                Together::End(end) => return Ok(end),
            }
            continue;
        }
        let (request, answered) = ask_page(source, task, (&first, &seen), &position).await?;
        match answered {
            Answered::Page(kept) => {
                let after = position.after(&kept.page);
                // The last page and the end of its cell go to disk together.
                let end = after.cursor.is_none().then(|| {
                    let outcome = short(&kept.page, after.records).unwrap_or(Outcome::Records);
                    end_frame(source, task, &after, outcome)
                });
                let settled = end.as_ref().map(|end| end.outcome.clone());
                keep(source, task, &request, &position, *kept, end).await?;
                if let Some(outcome) = settled {
                    return Ok(CellEnd::Settled(outcome));
                }
                position = after;
            }
            // The task behind a cursor may have expired: begin anew, once; the old pages are void.
            answered if cursor_died(&answered, &position) => {
                (source.notify)(Notice::Warning("a cursor was refused; the cell begins anew".to_owned()));
                (position, seen) = (position.anew(), paginator());
            }
            Answered::Empty { unconfirmed } => {
                let outcome = if position.records > 0 { Outcome::Records } else { Outcome::Empty { unconfirmed } };
                return settle(source, task, &position, outcome).await;
            }
            Answered::Refused { code, message } => {
                return settle(source, task, &position, Outcome::Rejected { code, message }).await;
            }
            Answered::End(end) => return Ok(end),
        }
    }
}

/// Where a cell begins whose pages, asked for side by side, are not what was announced: at its first page, and from now
/// on page by page.
fn begin_anew(source: &Source<'_>, position: &Position, why: &str) -> Position {
    let text = format!("{why} while its pages were fetched in parallel; the cell is fetched again page by page");
    (source.notify)(Notice::Warning(text));
    position.anew()
}

/// Asks for the page at `position`; what cannot be asked is refused, and costs no call.
pub(super) async fn ask_page<'r>(
    source: &Source<'_>,
    task: &CellTask<'_>,
    (first, seen): (&'r Request, &Mutex<Paginator<'_>>),
    position: &Position,
) -> Result<(Cow<'r, Request>, Answered), CellError> {
    let request = match lock(seen).request(first, position.cursor.as_ref()) {
        Ok(request) => request,
        // What the provider said leads nowhere, today and tomorrow.
        Err(error) => {
            let message = source.signer.credential().redact(error.to_string());
            return Ok((Cow::Borrowed(first), Answered::Refused { code: "page".to_owned(), message }));
        }
    };
    let answered = match ask(source, task.values, seen, &request, position).await {
        // A value of this cell that HTTP cannot carry: the other cells can still be asked for.
        Err(CellError::Sign(error @ (SignError::Header(_) | SignError::Address(_)))) => {
            Answered::Refused { code: "request".to_owned(), message: error.to_string() }
        }
        answered => answered?,
    };
    Ok((request, answered))
}

/// Makes a page durable, with the `end` of its cell if it is the last; its permit is held until then.
pub(super) async fn keep(
    source: &Source<'_>,
    task: &CellTask<'_>,
    request: &Request,
    position: &Position,
    Received { page, body, outline, status, received, held }: Received,
    end: Option<EndFrame>,
) -> Result<(), SpoolError> {
    source.spending.charge(page.credits.unwrap_or_default());
    let head = PageHead {
        cell: task.id,
        epoch: position.epoch,
        page: position.pages,
        status,
        records: page.records,
        // As the body: a link to the next page may hold the key, which signing puts back.
        next: page.advance.next.as_ref().map(|next| masked(source, &next.to_text())),
        request: request.fingerprint(),
        credits: page.credits,
        total: page.advance.total,
        parallel: position.parallel,
        received,
    };
    let (body, outline) = match source.signer.credential().mask(&body) {
        Cow::Borrowed(_) => (body.clone(), outline),
        // What it says may stand elsewhere now.
        Cow::Owned(masked) => (masked.into(), None),
    };
    let frames = [Frame::Page(PageFrame { head, body })].into_iter().chain(end.map(Frame::End)).collect();
    // Before the permit frees: what left after a write that failed would be paid for and lost.
    append(source, task, frames, outline).await?;
    drop(held);
    (source.notify)(Notice::Page { records: page.records, credits: page.credits.unwrap_or_default() });
    Ok(())
}

/// Makes frames durable; when that fails nothing may leave any more. The `outline` is of the page among them.
async fn append(
    source: &Source<'_>,
    task: &CellTask<'_>,
    frames: Vec<Frame>,
    outline: Option<Outline>,
) -> Result<(), SpoolError> {
    let copy = source.feed.map(|feed| (feed, frames.clone()));
    let kept = task.spool.append(task.partition, frames).await;
    match (&kept, copy) {
        (Err(_), _) => source.spending.halt(),
        (Ok(()), Some((feed, frames))) => feed.hand_on(Handed { frames, outline }),
        (Ok(()), None) => {}
    }
    kept
}

/// A refusal of a following page is about the way there, not about the cell, and may not come again. What our own reading
/// of a page refuses would be refused again.
pub(super) fn is_about_cursor(code: &str) -> bool {
    code != "page" && code != "request"
}

/// The answer is about the cursor: a refusal, or nothing where a saved cursor promised more.
fn cursor_died(answered: &Answered, position: &Position) -> bool {
    let about_cursor = match answered {
        Answered::Refused { code, .. } => is_about_cursor(code),
        Answered::Empty { .. } => position.resumed,
        Answered::Page(_) | Answered::End(_) => false,
    };
    about_cursor && position.cursor.is_some() && !position.restarted
}

fn masked(source: &Source<'_>, text: &str) -> String {
    String::from_utf8_lossy(&source.signer.credential().mask(text.as_bytes())).into_owned()
}

/// The first request of a cell; also tries what is filled in later, so that a missing value costs nothing.
///
/// # Errors
/// When a template names a value that the cell does not have.
pub fn render(job: &Job, values: &Map<String, Value>) -> Result<Request, TemplateError> {
    for (_, template) in &job.records.add {
        template.render(values)?;
    }
    for (_, template) in &job.records.expect {
        template.render_text(values)?;
    }
    Request::render(&job.request, values)
}

enum Start {
    At(Position),
    Ended(Outcome),
    /// The last page is there, its end frame is not: their write was torn between the two.
    LacksEnd(Position),
}

fn start(source: &Source<'_>, task: &CellTask<'_>) -> Result<Start, CellError> {
    let Some(progress) = &task.progress else {
        return Ok(Start::At(Position::default()));
    };
    if let Some(outcome) = &progress.end {
        return Ok(Start::Ended(outcome.clone()));
    }
    let cursor = progress.next.as_deref().map(Cursor::from_text).transpose()?;
    let position = Position {
        epoch: progress.epoch,
        pages: progress.pages,
        records: progress.records,
        total: progress.total,
        parallel: false,
        resumed: cursor.is_some(),
        cursor,
        restarted: false,
    };
    if progress.parallel
        && let Err(why) = check_kept(source.paging, progress)
    {
        return Ok(Start::At(begin_anew(source, &position, &why)));
    }
    Ok(if position.pages > 0 && position.cursor.is_none() { Start::LacksEnd(position) } else { Start::At(position) })
}

async fn settle(
    source: &Source<'_>,
    task: &CellTask<'_>,
    position: &Position,
    outcome: Outcome,
) -> Result<CellEnd, CellError> {
    let end = end_frame(source, task, position, outcome);
    let outcome = end.outcome.clone();
    append(source, task, vec![Frame::End(end)], None).await?;
    Ok(CellEnd::Settled(outcome))
}

/// The end of a cell at `position`: without a record there is nothing but an explicit empty.
fn end_frame(source: &Source<'_>, task: &CellTask<'_>, position: &Position, outcome: Outcome) -> EndFrame {
    let outcome = match outcome {
        Outcome::Records if position.records == 0 => Outcome::Empty { unconfirmed: false },
        other => other,
    };
    EndFrame {
        cell: task.id,
        epoch: position.epoch,
        pages: position.pages,
        records: position.records,
        outcome,
        received: source.clock.now().wall,
    }
}

/// The end of a cell whose last page holds nothing although the provider announced more: records are missing, and nobody
/// knows which.
fn short(page: &Page, received: u64) -> Option<Outcome> {
    let total = page.advance.total.filter(|total| page.records == 0 && received < *total)?;
    let message = format!("the provider announced {total} records, but its pages ended after {received}");
    Some(Outcome::Rejected { code: "short".to_owned(), message })
}
