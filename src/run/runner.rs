//! The only spawner: dispatchers, spool writers and jobs, begun and ended together.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use crate::fetch::{Ending, RetryBudget, Signer};
use crate::job::Job;
use crate::ledger::{JobLock, LockError};
use crate::plan::{self, Fingerprint};
use crate::quota::{self, Clock, Dispatcher, History, Journal, Quota};
use crate::spool::{Durability, SpoolWriter};

use super::advice::next_step;
use super::assign::Assigned;
use super::error::RunError;
use super::event::{Event, EventKind};
use super::exit::Exit;
use super::folders::Folders;
use super::generation::forget_half_fetched;
use super::job::JobRun;
use super::prepare::Prepared;
use super::replay::reading_alone;
use super::salvage::{Rebuilt, is_lost, salvage};
use super::store::{Store, blocking};

/// Frames that may wait for the disk before a cell waits too.
const SPOOL_QUEUE: usize = 64;

/// How a run goes about its jobs.
#[derive(Clone)]
pub struct Options {
    /// Where everything is.
    pub folders: Folders,
    /// Keep what is committed although a job's request changed.
    pub keep: bool,
    /// Ask again, in committed partitions, for cells that were rejected or may have been empty only then.
    pub retry_failed: bool,
    /// Fetch every committed partition again, as the job asks now.
    pub refetch: bool,
    /// Take an empty answer to a refetch for the truth.
    pub accept_empty: bool,
    /// Take what earlier runs rejected as final.
    pub accept_failed: bool,
    /// Set damaged pages aside and fetch them again, at the price that is said.
    pub refetch_damaged: bool,
    /// How hard pages are kept.
    pub durability: Durability,
    /// The end a signal gives the run.
    pub signal: watch::Receiver<Option<Exit>>,
    /// How long after it what is in flight may still come in.
    pub grace: Duration,
}

impl Options {
    /// A run that goes on where the last one stopped and does nothing else.
    pub fn new(
        folders: Folders,
        durability: Durability,
        signal: watch::Receiver<Option<Exit>>,
        grace: Duration,
    ) -> Self {
        Self {
            folders,
            keep: false,
            retry_failed: false,
            refetch: false,
            accept_empty: false,
            accept_failed: false,
            refetch_damaged: false,
            durability,
            signal,
            grace,
        }
    }
}

/// Runs all jobs to their ends, telling `events` of everything; the last event of each job is its end.
///
/// Jobs that use one credential share its limits. Nothing is left running when this returns.
pub async fn run(
    jobs: Vec<Assigned>,
    store: Store,
    options: Options,
    clock: Clock,
    events: mpsc::UnboundedSender<Event>,
) {
    let mut services: JoinSet<()> = JoinSet::new();
    let mut workers: JoinSet<()> = JoinSet::new();
    let ending = ending(&options, &clock, &mut services);
    let mut accounts: HashMap<String, Account> = HashMap::new();
    let lost = lost(&jobs, &store, &options.folders).await;
    for assigned in jobs {
        let lost = lost.contains(&assigned.prepared.credential.fingerprint());
        let work = Work {
            account: account(&assigned.prepared, lost, &options.folders.quota, &clock, &mut accounts, &mut services)
                .await,
            assigned,
            store: store.clone(),
            options: options.clone(),
            clock: clock.clone(),
            events: events.clone(),
            ending: ending.clone(),
        };
        let (writer, spool) = SpoolWriter::new(SPOOL_QUEUE);
        services.spawn(async move {
            writer.run().await;
        });
        workers.spawn(async move { work.run(spool).await });
    }
    drop((accounts, ending));
    while workers.join_next().await.is_some() {}
    // Each service ends by itself once nobody holds a handle, and not before it has written down what it was told: a
    // journal that misses the end of a day would let the next run ask in vain.
    while services.join_next().await.is_some() {}
}

/// Moves on when a signal asks the run to end, and again when its grace is over.
fn ending(options: &Options, clock: &Clock, services: &mut JoinSet<()>) -> watch::Receiver<Ending> {
    let mut signal = options.signal.clone();
    let asked = signal.borrow().is_some();
    let (sender, ending) = watch::channel(if asked { Ending::Asked } else { Ending::NotYet });
    let (grace, clock) = (options.grace, clock.clone());
    services.spawn(async move {
        let grace_ends = async {
            // Without anybody who could send a signal the run ends by itself only.
            if signal.wait_for(Option::is_some).await.is_err() {
                std::future::pending::<()>().await;
            }
            sender.send_replace(Ending::Asked);
            clock.sleep_until(clock.now().elapsed + grace).await;
            sender.send_replace(Ending::Over);
        };
        tokio::select! {
            () = grace_ends => {}
            () = sender.closed() => {}
        }
        // Held to the end, so that waiting for an end never ends by itself.
        sender.closed().await;
    });
    ending
}

/// The credentials of jobs that left traces here of which the ledger knows nothing.
async fn lost(jobs: &[Assigned], store: &Store, folders: &Folders) -> HashSet<String> {
    let asked = jobs.iter().map(|assigned| &assigned.prepared);
    let asked: Vec<_> = asked.map(|one| (Arc::clone(&one.job), one.credential.fingerprint())).collect();
    let (store, folders) = (store.clone(), folders.clone());
    let lost = blocking(move || {
        let lost = asked.into_iter().filter(|(job, _)| {
            // What cannot be read is told when the job is worked on.
            store.now(|ledger| Ok(is_lost(ledger, &folders, job).unwrap_or(false))).unwrap_or(false)
        });
        Ok(lost.map(|(_, credential)| credential).collect())
    });
    lost.await.unwrap_or_default()
}

/// What all jobs of one credential share: its limits, the token it signs with, and how often it may ask again.
#[derive(Clone)]
pub(super) struct Account {
    pub(super) quota: Quota,
    pub(super) signer: Arc<Signer>,
    pub(super) retries: Arc<Mutex<RetryBudget>>,
    /// What has been used is not known, so all of it counts as used.
    pub(super) filled: bool,
}

/// The account of a job's credential, opened by the first job that uses it. Where the ledger of a job is `lost` and no
/// journal of attempts is there either, its windows count as used up.
pub(super) async fn account(
    prepared: &Prepared,
    lost: bool,
    journals: &Path,
    clock: &Clock,
    accounts: &mut HashMap<String, Account>,
    services: &mut JoinSet<()>,
) -> Result<Account, RunError> {
    let fingerprint = prepared.credential.fingerprint();
    if let Some(account) = accounts.get(&fingerprint) {
        return Ok(account.clone());
    }
    let limits = prepared.provider.limits.clone();
    let folder = journals.to_owned();
    let (name, clock_here) = (fingerprint.clone(), clock.clone());
    let (journal, history, filled): (Option<Journal>, History, bool) = blocking({
        let limits = limits.clone();
        move || {
            if !Journal::is_needed(&limits.windows) {
                return Ok((None, History::default(), false));
            }
            let unknown = lost && !Journal::exists(&folder, &name);
            let (mut journal, mut past) = Journal::open(&folder, &name, &clock_here, &limits.windows)?;
            if unknown {
                past = journal.fill(clock_here.now())?;
            }
            Ok((Some(journal), past, unknown))
        }
    })
    .await?;
    let (quota, dispatcher): (Quota, Dispatcher) =
        quota::open(&limits, prepared.provider.max_wait, journal, history, clock.clone());
    services.spawn(dispatcher.run());
    let signer = Arc::new(Signer::new(&prepared.provider, prepared.credential.clone()));
    let account = Account { quota, signer, retries: Arc::default(), filled };
    accounts.insert(fingerprint, account.clone());
    Ok(account)
}

/// One job on its way.
struct Work {
    assigned: Assigned,
    account: Result<Account, RunError>,
    store: Store,
    options: Options,
    clock: Clock,
    events: mpsc::UnboundedSender<Event>,
    ending: watch::Receiver<Ending>,
}

type End = (Exit, Option<String>, Option<Timestamp>);

impl Work {
    async fn run(self, spool: crate::spool::SpoolHandle) {
        let (events, job, clock) = (self.events.clone(), Arc::clone(&self.assigned.prepared.job), self.clock.clone());
        let (exit, reason, resume_at) = match self.work(spool).await {
            Ok(end) => end,
            Err(RunError::Plan(problems)) => (Exit::Usage, Some(problems.to_string()), None),
            Err(error) => (Exit::Failed, Some(chain(&error)), None),
        };
        let kind = EventKind::Ended { exit, reason, resume_at };
        drop(events.send(Event { job: job.name.clone(), at: clock.now().wall, kind }));
    }

    async fn work(self, spool: crate::spool::SpoolHandle) -> Result<End, RunError> {
        let Account { quota, signer, retries, filled } = self.account?;
        let Prepared { job, provider, .. } = self.assigned.prepared;
        let (folder, name) = (self.options.folders.state.clone(), job.name.clone());
        let _lock = match blocking(move || Ok(JobLock::acquire(&folder, name.as_str()))).await? {
            Ok(lock) => lock,
            Err(held @ LockError::Held { .. }) => return Ok((Exit::Paused, Some(held.to_string()), None)),
            Err(error) => return Err(RunError::Lock(error)),
        };
        let now = self.clock.now().wall;
        let fingerprint = Fingerprint::new(&job, job.paging.as_ref().unwrap_or(&provider.paging));
        let rebuilt = {
            let (folders, job, fingerprint) = (self.options.folders.clone(), Arc::clone(&job), fingerprint.clone());
            let store = self.store.clone();
            blocking(move || recall(&store, &folders, &job, &fingerprint, now)).await?
        };
        let unknown = filled.then(|| nothing_known(&provider.name));
        for note in rebuilt.into_iter().chain(unknown) {
            let kind = EventKind::warning(note);
            drop(self.events.send(Event { job: job.name.clone(), at: now, kind }));
        }
        let claim = {
            let name = job.name.as_str().to_owned();
            self.store.call(move |ledger| ledger.claim(&name, now)).await?
        };
        let change = changed(claim.known_fingerprint, &fingerprint);
        let changed = change.is_some();
        match change {
            Some(reason) if claim.committed_cells > 0 && !self.options.keep && !self.options.refetch => {
                return Ok((Exit::Usage, Some(reason), None));
            }
            Some(_) => {
                let (store, options, name) = (self.store.clone(), self.options.clone(), job.name.clone());
                blocking(move || forget_half_fetched(&store, &options.folders, options.durability, &name)).await?;
            }
            None => {}
        }
        // A refetch adopts it together with the reopening: old files must never pass for answers to the new question.
        if !self.options.refetch {
            let (name, fingerprint) = (job.name.as_str().to_owned(), fingerprint.0.clone());
            self.store.call(move |ledger| ledger.adopt(&name, claim.token, &fingerprint)).await?;
        }
        let cells = {
            let (job, zone) = (Arc::clone(&job), provider.zone.clone());
            blocking(move || plan::cells(&job, now, &zone).map_err(RunError::Plan)).await?
        };
        let run = JobRun {
            signer,
            retries,
            job,
            provider,
            cells,
            transport: self.assigned.transport,
            quota,
            clock: self.clock,
            options: self.options,
            fingerprint,
            changed,
            store: self.store,
            token: claim.token,
            spool,
            events: self.events,
            ending: self.ending,
        };
        let outlook = run.run().await?;
        let signal = run.options.signal.borrow().unwrap_or(Exit::Interrupted);
        Ok(outlook.exit(signal))
    }
}

/// What to tell a person whose limits are taken as used up.
pub(super) fn nothing_known(provider: &str) -> String {
    format!(
        "what this credential has used is not known, so its limits count as used up: say what really is with `tidemill quota \
         {provider} --set-used day=N`"
    )
}

/// Tells the ledger what it does not know of a job, if anything; gives what to tell a person.
fn recall(
    store: &Store,
    folders: &Folders,
    job: &Job,
    fingerprint: &Fingerprint,
    now: Timestamp,
) -> Result<Option<String>, RunError> {
    let rebuilt = store.now(|ledger| Ok(salvage(ledger, folders, job, fingerprint)))??;
    let Some(Rebuilt { salvaged, note }) = rebuilt else { return Ok(None) };
    store.now(|ledger| ledger.salvage(job.name.as_str(), &salvaged, now))?;
    Ok(Some(note))
}

/// What changed in a job since its cells were committed, said so that a person can choose.
fn changed(before: Option<String>, now: &Fingerprint) -> Option<String> {
    let before = before.map(Fingerprint).filter(|before| before != now)?;
    let changes = now.changes(&before);
    // Of a ledger that was lost only the hash is known.
    let what = if before.0.starts_with('{') { changes.join(", ") } else { "the request".to_owned() };
    let free = match reading_alone(&changes) {
        true => "`tidemill replay` reads the pages that are kept as the job does now, at no cost. Or run",
        false => "Run",
    };
    Some(format!(
        "{what} changed since cells of this job were committed: the new pages would not match the old files. {free} with \
         `--refetch` to fetch all of it again as asked now, or with `--keep` to keep what is committed and fetch the rest \
         as asked now"
    ))
}

/// An error with all its causes and the next step, on one line.
pub(crate) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    match next_step(error) {
        Some(step) => format!("{text}; {step}"),
        None => text,
    }
}
