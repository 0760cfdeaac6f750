//! A small job and the provider that serves it, made once; places to run it in, made thousands of times.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tempfile::TempDir;
use tidemill::disk::Durability;
use tidemill::job::Job;
use tidemill::ledger::{LedgerError, SqliteLedger};
use tidemill::provider::{Environment, SecretRef, Workspace};
use tidemill::quota::Clock;
use tidemill::run::{
    Assigned, EventKind, Exit, Folders, Options, Prepared, Scope, Store, VerifyOptions, next_step, prepare, run, verify,
};
use tidemill::simulate::{self, Faults, InMemory, Latency, SimSecrets, Simulator};
use tokio::sync::{mpsc, watch};

const START: &str = "2026-03-02T02:00:00Z";

/// Requests in flight: what may be bought again when a run ends in the middle.
pub(crate) const IN_FLIGHT: u64 = 4;

/// Quick, but not so quick that a page never waits for another one.
const LATENCY: Latency = Latency::Plain { floor: Duration::from_millis(1), mean_extra: Duration::from_millis(1) };

/// Limits that are never in the way.
pub(crate) const SETTINGS: &str =
    "[provider.agushuju]\nlimits = { qps = 1000, per_minute = 100000, per_day = 1000000, concurrency = 4 }\n";

macro_rules! stocks {
    ($until:literal) => {
        concat!(
            r#"
name = "stocks"
provider = "agushuju"
[grid]
stock_code = ["000001.SZ", "000002.SZ", "000003.SZ", "000004.SZ"]
[request]
path = "/stock_daily"
query = { stock_code = "{stock_code}", trade_date_start = "2025-01-06", trade_date_end = ""#,
            $until,
            r#"" }
[schema]
columns = { trade_date = "date" }
[paging]
kind = "offset"
limit = "limit"
offset = "offset"
page_size = 2
total = "/count"
[output]
path = "stocks"
cells_per_file = 2
[archive]
keep = "0"
"#
        )
    };
}

/// Two files of two cells each, two pages a cell.
pub(crate) const STOCKS: &str = stocks!("2025-01-08");

/// The same, asking for something else.
pub(crate) const EDITED: &str = stocks!("2025-01-09");

/// A job that can be run anywhere.
pub(crate) struct Mill {
    job: Arc<Job>,
    prepared: Prepared,
    secrets: SimSecrets,
}

/// A folder to run it in, a provider that remembers, and a clock.
pub(crate) struct Place {
    mill: Arc<Mill>,
    root: TempDir,
    simulator: Arc<Mutex<Simulator>>,
    clock: Clock,
}

/// What is asked of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum How {
    Plain,
    RetryFailed,
    Refetch,
}

/// A run that came to its end.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) exit: Exit,
    pub(crate) reason: String,
    /// Requests that reached the provider.
    pub(crate) requests: u64,
}

/// A folder that costs no disk, where the system has one: these tests sync thousands of times.
pub(crate) fn memory() -> TempDir {
    tempfile::tempdir_in("/dev/shm").unwrap_or_else(|_| tempfile::tempdir().unwrap())
}

impl Mill {
    pub(crate) fn new(job: &str) -> Arc<Self> {
        let root = memory();
        fs::write(root.path().join("tidemill.toml"), SETTINGS).unwrap();
        let mut environment = Environment::default();
        let workspace = Workspace::load(root.path(), root.path(), environment.clone(), &[]).unwrap();
        let job = Job::parse(&root.path().join("job.toml"), job).unwrap();
        let secrets = SimSecrets::resolve(&workspace.provider(&job.provider).unwrap(), |_| None);
        for secret in secrets.entries() {
            if let (SecretRef::Env(name), Some(text)) = (&secret.reference, &secret.documented) {
                environment.set(name, text);
            }
        }
        let workspace = Workspace::load(root.path(), root.path(), environment, &[]).unwrap();
        let mut prepared = prepare(&workspace, vec![job], START.parse().unwrap()).unwrap();
        let prepared = prepared.remove(0);
        Arc::new(Self { job: Arc::clone(&prepared.job), prepared, secrets })
    }

    /// A provider that follows the script `faults`.
    pub(crate) fn simulator(&self, faults: &str) -> Arc<Mutex<Simulator>> {
        let provider = &self.prepared.provider;
        let faults = Faults::parse(faults, provider).unwrap();
        let options = simulate::Options { seed: 1, faults, latency: LATENCY, ..simulate::Options::default() };
        Arc::new(Mutex::new(Simulator::new(provider, self.secrets.clone(), options)))
    }

    /// An empty place with such a provider.
    pub(crate) fn place(self: &Arc<Self>, faults: &str) -> Place {
        let (simulator, clock) = (self.simulator(faults), Clock::starting_at(START.parse().unwrap()));
        Place { mill: Arc::clone(self), root: memory(), simulator, clock }
    }

    /// Nothing is left of what the job had under way, and `verify --read-data` has nothing to say.
    pub(crate) fn assert_sound(&self, folders: &Folders, what: &str) {
        let scope = Scope { folders, job: &self.job };
        let ledger = SqliteLedger::open(&folders.ledger()).unwrap();
        let found = verify(&scope, &ledger, VerifyOptions { read_data: true, planned: None }).unwrap();
        assert_eq!((found.findings, found.leftovers), (vec![], vec![]), "{what}");
    }
}

impl Place {
    /// The same, this many hours later.
    pub(crate) fn later(self, hours: u64) -> Self {
        let clock = Clock::starting_at(self.clock.now().wall + Duration::from_hours(hours));
        Self { clock, ..self }
    }

    pub(crate) fn root(&self) -> &Path {
        self.root.path()
    }

    pub(crate) fn folders(&self) -> Folders {
        Folders { state: self.root().join("state"), output: self.root().join("data"), quota: self.root().join("quota") }
    }

    pub(crate) fn requests(&self) -> u64 {
        self.simulator.lock().unwrap().stats().requests
    }

    /// Pages the provider sold twice.
    pub(crate) fn bought_again(&self) -> u64 {
        self.simulator.lock().unwrap().stats().duplicates
    }

    /// A run to its end.
    pub(crate) async fn run(&self, how: How) -> Ended {
        loop {
            let ended = self.run_once(how).await;
            // A process that another test is just starting holds a copy of every lock until it becomes its program.
            if !ended.reason.contains(&format!("another process (pid {})", std::process::id())) {
                return ended;
            }
        }
    }

    async fn run_once(&self, how: How) -> Ended {
        let before = self.requests();
        // Every run has a clock that begins with it, as a process has.
        let clock = Clock::starting_at(self.clock.now().wall);
        let transport = Arc::new(InMemory::new(Arc::clone(&self.simulator), clock.clone()));
        let Prepared { job, provider, credential } = &self.mill.prepared;
        let prepared =
            Prepared { job: Arc::clone(job), provider: Arc::clone(provider), credential: credential.clone() };
        let folders = self.folders();
        let ledger = match SqliteLedger::open(&folders.ledger()) {
            Ok(ledger) => ledger,
            Err(error) => return Ended { exit: Exit::Failed, reason: said(&error), requests: 0 },
        };
        let (_signal, signal) = watch::channel(None);
        let options = Options {
            retry_failed: how == How::RetryFailed,
            refetch: how == How::Refetch,
            ..Options::new(folders, Durability::Power, signal, Duration::from_secs(20))
        };
        let (sender, mut events) = mpsc::unbounded_channel();
        run(vec![Assigned { prepared, transport }], Store::new(Box::new(ledger)), options, clock, sender).await;
        let mut ended = None;
        while let Some(event) = events.recv().await {
            if let EventKind::Ended { exit, reason, .. } = event.kind {
                ended = Some((exit, reason.unwrap_or_default()));
            }
        }
        let (exit, reason) = ended.unwrap();
        Ended { exit, reason, requests: self.requests() - before }
    }

    /// Every file below the output folder, by path below it.
    pub(crate) fn output(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        files(&self.folders().output)
    }
}

impl Ended {
    pub(crate) fn assert(&self, exit: Exit) {
        assert_eq!(self.exit, exit, "{self:?}");
    }
}

/// An error that ends the program before the run begins, as it is told.
fn said(error: &LedgerError) -> String {
    format!("{error}; {}", next_step(error).unwrap_or_default())
}

/// Every file below `folder`, by path below it.
pub(crate) fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.insert(path.strip_prefix(folder).unwrap().to_owned(), fs::read(&path).unwrap());
            }
        }
    }
    found
}
