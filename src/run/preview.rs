//! A look at the first pages of one cell: real calls under the real limits, of which nothing is kept.
//!
//! Invariant: no more calls leave than were asked for, retries and following pages included; each is in the quota's
//! journal like any other.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::fetch::{
    Answer, CellEnd, CellTask, Ending, Exchange, Judgement, Notice, Source, Spending, Transport, TransportError,
    WireRequest, depth, fetch_cell,
};
use crate::job::{Ceilings, Job, Paging};
use crate::ledger::{Ledger, LedgerError, ModelLedger, SqliteLedger};
use crate::plan::Cell;
use crate::provider::Credential;
use crate::quota::{Clock, Permit};
use crate::spool::{Head, PartitionSpool, SpoolHandle, SpoolWriter};

use super::assign::Assigned;
use super::error::RunError;
use super::folders::Folders;
use super::prepare::Prepared;
use super::runner::{Account, Options, account, nothing_known};
use super::salvage::is_lost;
use super::store::blocking;

/// Names the one partition of a preview in its spool.
const PARTITION: &str = "preview";

/// What is looked at.
pub struct Look {
    /// The cell.
    pub cell: Cell,
    /// Calls at most.
    pub calls: u64,
    /// The folders of an earnest run.
    pub home: Folders,
    /// Those that use the credential: what is there of one of them, and not in the ledger, tells that nobody knows what
    /// it has used.
    pub jobs: Vec<Arc<Job>>,
}

/// What was asked and answered, in order, and how the cell ended.
#[derive(Debug)]
pub struct Previewed {
    /// Every call.
    pub calls: Vec<Call>,
    /// The end; nothing when more would have come after the last call.
    pub end: Option<CellEnd>,
    /// What a person should know.
    pub warnings: Vec<String>,
}

/// One call, without any secret.
#[derive(Debug, Clone)]
pub struct Call {
    /// Its method and address.
    pub request: String,
    /// Its body, empty where there is none.
    pub body: String,
    /// The body of the answer; nothing when none came.
    pub answer: Option<Bytes>,
    /// What the answer means.
    pub judgement: Judgement,
    /// What the page holds; nothing where the answer is none.
    pub page: Option<Counted>,
    /// Send to answer.
    pub latency: Duration,
}

/// A page in numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    /// Records on it.
    pub records: u64,
    /// What it cost, 0 where the provider does not say.
    pub credits: u64,
}

/// Asks for the first pages of one cell.
///
/// # Errors
/// For faults on our side; whatever the provider does is in what is returned.
pub async fn preview(assigned: Assigned, look: Look, options: Options, clock: Clock) -> Result<Previewed, RunError> {
    let lost = {
        let (home, jobs) = (look.home.clone(), look.jobs.clone());
        blocking(move || is_any_lost(&home, &jobs)).await?
    };
    let (mut services, mut accounts) = (JoinSet::new(), HashMap::new());
    let account =
        account(&assigned.prepared, lost, &options.folders.quota, &clock, &mut accounts, &mut services).await?;
    drop(accounts);
    let (writer, spool) = SpoolWriter::new(1);
    services.spawn(async move {
        writer.run().await;
    });
    let previewed = ask(assigned, account, spool, look, options, &clock).await;
    // They end by themselves once nobody holds a handle, and have written down then what they were told.
    while services.join_next().await.is_some() {}
    previewed
}

/// Whether something of one of the jobs is kept at `home` that no ledger there has heard of. Leaves no trace.
fn is_any_lost(home: &Folders, jobs: &[Arc<Job>]) -> Result<bool, RunError> {
    let ledger: Box<dyn Ledger> = match home.ledger().exists().then(|| SqliteLedger::open(&home.ledger())) {
        Some(Ok(ledger)) => Box::new(ledger),
        // A run would begin a new one, which knows nothing either.
        Some(Err(LedgerError::Damaged { .. })) | None => Box::new(ModelLedger::new()),
        Some(Err(error)) => return Err(error.into()),
    };
    jobs.iter().try_fold(false, |lost, job| Ok(lost || is_lost(ledger.as_ref(), home, job)?))
}

async fn ask(
    assigned: Assigned,
    account: Account,
    spool: SpoolHandle,
    look: Look,
    options: Options,
    clock: &Clock,
) -> Result<Previewed, RunError> {
    let Assigned { prepared: Prepared { mut job, provider, credential }, transport } = assigned;
    let Account { quota, signer, retries, filled } = account;
    let head = Head {
        job: job.name.as_str().to_owned(),
        partition: PARTITION.to_owned(),
        generation: 1,
        token: 1,
        replaces: None,
    };
    let (folder, durability) = (options.folders.spool(job.name.as_str(), PARTITION), options.durability);
    let opened = blocking(move || Ok(PartitionSpool::open(&folder, head, durability)?)).await?;
    spool.open(PARTITION, opened).await?;
    let job = Arc::make_mut(&mut job);
    job.ceilings = Ceilings { max_requests: Some(look.calls), ..job.ceilings };
    let paging = one_by_one(job.paging.as_ref().unwrap_or(&provider.paging));
    let (ending, is_ending) = watch::channel(Ending::NotYet);
    let recorder = Recorder {
        wire: transport.as_ref(),
        credential: &credential,
        most: look.calls,
        heard: Mutex::default(),
        ending: &ending,
    };
    let notices = Mutex::new(Notices::default());
    let notify = |notice: Notice| notices.lock().unwrap_or_else(PoisonError::into_inner).hear(notice);
    let source = Source {
        job,
        provider: &provider,
        paging: &paging,
        depth: depth(&provider, job, &paging),
        feed: None,
        transport: &recorder,
        quota: &quota,
        signer: &signer,
        retries: &retries,
        spending: &Spending::new(job.ceilings),
        clock,
        random: &|| fastrand::f64(),
        notify: &notify,
        ending: is_ending,
        down: watch::channel(false).1,
    };
    let values = look.cell.values();
    let task =
        CellTask { id: look.cell.key.id(), values: &values, spool: &spool, partition: PARTITION, progress: None };
    let fetched = tokio::select! {
        fetched = fetch_cell(&source, &task) => fetched,
        never = heed(&options, clock, &ending) => match never {},
    };
    let cell_error = |error| RunError::Cell { cell: look.cell.key.to_string(), source: Box::new(error) };
    let end = fetched.map_err(cell_error)?;
    let is_enough = end == CellEnd::Interrupted && options.signal.borrow().is_none();
    let Notices { told, mut warnings } = notices.into_inner().unwrap_or_else(PoisonError::into_inner);
    warnings.extend(filled.then(|| nothing_known(&provider.name)));
    let heard = recorder.heard.into_inner().unwrap_or_else(PoisonError::into_inner);
    let calls = heard.into_iter().zip(told);
    let calls = calls.map(|(Heard { request, body, answer }, Told { judgement, page, latency })| Call {
        request,
        body,
        answer,
        judgement,
        page,
        latency,
    });
    let calls = calls.collect();
    Ok(Previewed { calls, end: (!is_enough).then_some(end), warnings })
}

/// Asks for the end when a signal comes, and again when its grace is over.
async fn heed(options: &Options, clock: &Clock, ending: &watch::Sender<Ending>) -> std::convert::Infallible {
    let mut signal = options.signal.clone();
    if signal.wait_for(Option::is_some).await.is_ok() {
        ending.send_replace(Ending::Asked);
        clock.sleep_until(clock.now().elapsed + options.grace).await;
        ending.send_replace(Ending::Over);
    }
    std::future::pending().await
}

/// The same way from page to page, one after the other.
fn one_by_one(paging: &Paging) -> Paging {
    let mut paging = paging.clone();
    match &mut paging {
        Paging::Page { parallel_pages, .. } | Paging::Offset { parallel_pages, .. } => *parallel_pages = 1,
        Paging::None | Paging::Cursor { .. } | Paging::NextUrl { .. } => {}
    }
    paging
}

/// What was told on the way.
#[derive(Default)]
struct Notices {
    told: Vec<Told>,
    warnings: Vec<String>,
}

/// What was told of one call.
struct Told {
    judgement: Judgement,
    page: Option<Counted>,
    latency: Duration,
}

impl Notices {
    fn hear(&mut self, notice: Notice) {
        match notice {
            Notice::Attempt { latency, judgement, .. } => self.told.push(Told { judgement, page: None, latency }),
            // Calls come one after the other: it is the answer to the last.
            Notice::Page { records, credits } => {
                self.told.last_mut().into_iter().for_each(|told| told.page = Some(Counted { records, credits }));
            }
            Notice::Warning(text) => self.warnings.push(text),
            Notice::Delay { .. } => {}
        }
    }
}

/// What went over the wire, without any secret.
struct Heard {
    request: String,
    body: String,
    answer: Option<Bytes>,
}

/// The wire, with somebody who writes down what goes over it, and who asks for the end once it was enough.
struct Recorder<'a> {
    wire: &'a dyn Transport,
    credential: &'a Credential,
    most: u64,
    heard: Mutex<Vec<Heard>>,
    ending: &'a watch::Sender<Ending>,
}

impl Transport for Recorder<'_> {
    fn send(&self, request: WireRequest, permit: Permit) -> Exchange<'_> {
        let asked = format!("{} {}", request.method, request.url);
        let body = String::from_utf8_lossy(&request.body).into_owned();
        let asked = (self.credential.redact(asked), self.credential.redact(body));
        Box::pin(async move {
            let (departed, result) = self.wire.send(request, permit).await;
            self.note(asked, &result);
            (departed, result)
        })
    }
}

impl Recorder<'_> {
    fn note(&self, (request, body): (String, String), result: &Result<Answer, TransportError>) {
        let answer = result.as_ref().ok().map(|answer| match self.credential.mask(&answer.body) {
            Cow::Borrowed(_) => answer.body.clone(),
            Cow::Owned(masked) => masked.into(),
        });
        let mut heard = self.heard.lock().unwrap_or_else(PoisonError::into_inner);
        heard.push(Heard { request, body, answer });
        if heard.len() as u64 >= self.most {
            self.ending.send_if_modified(|ending| {
                let before = *ending;
                *ending = before.max(Ending::Asked);
                *ending != before
            });
        }
    }
}
