//! A workspace with runs behind it, to be looked at and damaged: made once, copied for each case.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use tempfile::TempDir;
use tidemill::job::Job;
use tidemill::ledger::{Ledger, SqliteLedger};
use tidemill::plan::{self, CellKey};
use tidemill::provider::{Environment, Provider, SecretRef, Workspace};
use tidemill::quota::Clock;
use tidemill::run::{
    Assigned, EventKind, Exit, FindingKind, Folders, Options, Scope, Store, Verification, VerifyOptions, prepare, run,
    verify,
};
use tidemill::simulate::{self, Faults, InMemory, SimSecrets, Simulator};
use tidemill::spool::Durability;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{mpsc, watch};

/// Four cells of three pages, two files.
pub(crate) const RANKS: &str = r#"
name = "ranks"
provider = "foxdata"
[grid]
app = ["389801252", "310633997"]
day = { from = "2026-01-01", to = "2026-01-02" }
[request]
method = "POST"
path = "/app/rank"
json = { appId = "{app}", region = "US", date = "{day}" }
[records]
path = "ranks"
add = { app_id = "{app}" }
[schema]
columns = { rank = "int64" }
[output]
path = "ranks"
partition_by = ["day"]
[archive]
keep = "0"
"#;

/// The same, paused after so many requests.
pub(crate) fn at_most(requests: u64) -> String {
    format!("max_requests = {requests}\n{RANKS}")
}

pub(crate) struct Place {
    root: TempDir,
    runtime: Runtime,
    clock: Clock,
    environment: Environment,
    simulator: Arc<Mutex<Simulator>>,
}

fn provider(root: &Path) -> Provider {
    Workspace::load(root, root, Environment::default(), &[]).unwrap().provider("foxdata").unwrap()
}

impl Place {
    pub(crate) fn new(faults: &str) -> Self {
        let root = tempfile::tempdir().unwrap();
        let limits = "limits = { qps = 10, per_minute = 300, per_day = 20000, concurrency = 4 }";
        fs::write(root.path().join("tidemill.toml"), format!("[provider.foxdata]\n{limits}\n")).unwrap();
        let provider = provider(root.path());
        let secrets = SimSecrets::resolve(&provider, |_| None);
        let mut environment = Environment::default();
        for secret in secrets.entries() {
            if let (SecretRef::Env(name), Some(text)) = (&secret.reference, &secret.documented) {
                environment.set(name, text);
            }
        }
        let faults = Faults::parse(faults, &provider).unwrap();
        let options = simulate::Options { seed: 1, faults, ..simulate::Options::default() };
        let simulator = Arc::new(Mutex::new(Simulator::new(&provider, secrets, options)));
        let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        let clock = runtime.block_on(async { Clock::starting_at("2026-03-02T02:00:00Z".parse().unwrap()) });
        Self { root, runtime, clock, environment, simulator }
    }

    pub(crate) fn root(&self) -> &Path {
        self.root.path()
    }

    /// Runs `job` to its end, or until it is killed after so many events; gives the events that came, and the end.
    pub(crate) fn run(&self, job: &str, kill_after: usize) -> (usize, Option<Exit>) {
        let workspace = Workspace::load(self.root(), self.root(), self.environment.clone(), &[]).unwrap();
        self.runtime.block_on(async {
            let now = self.clock.now();
            let prepared = prepare(&workspace, vec![parsed(self.root(), job)], now.wall).unwrap();
            let wire = InMemory::new(Arc::clone(&self.simulator), self.clock.clone());
            let assigned =
                prepared.into_iter().map(|prepared| Assigned { prepared, transport: Arc::new(wire.clone()) }).collect();
            let folders = Folders::rehearsal(self.root());
            let ledger = SqliteLedger::open(&folders.ledger()).unwrap();
            let (_signal, signal) = watch::channel(None);
            let options = Options::new(folders, Durability::Process, signal, Duration::from_secs(20));
            let (sender, mut events) = mpsc::unbounded_channel();
            let running = run(assigned, Store::new(Box::new(ledger)), options, self.clock.clone(), sender);
            let mut running = Box::pin(running);
            let (mut count, mut end, mut done) = (0, None, false);
            loop {
                tokio::select! {
                    biased;
                    event = events.recv() => {
                        let Some(event) = event else { return (count, end) };
                        count += 1;
                        if let EventKind::Ended { exit, .. } = event.kind {
                            end = Some(exit);
                        }
                        if count == kill_after {
                            drop(running);
                            // What was handed to a blocking thread still happens; the paused clock waits for it.
                            self.clock.sleep_until(self.clock.now().elapsed + Duration::from_millis(1)).await;
                            return (count, None);
                        }
                    }
                    () = &mut running, if !done => done = true,
                }
            }
        })
    }

    /// Runs to the end `exit`.
    pub(crate) fn run_to(self, job: &str, exit: Exit) -> Self {
        assert_eq!(self.run(job, usize::MAX).1, Some(exit));
        self
    }
}

fn parsed(root: &Path, job: &str) -> Job {
    Job::parse(&root.join("ranks.toml"), job).unwrap()
}

fn copied(from: &Path) -> TempDir {
    let to = tempfile::tempdir().unwrap();
    for (path, bytes) in tree(from) {
        let path = to.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    to
}

/// A copy of a workspace whose job is done.
pub(crate) fn finished() -> TempDir {
    static MADE: OnceLock<Place> = OnceLock::new();
    copied(MADE.get_or_init(|| Place::new("").run_to(RANKS, Exit::Done)).root())
}

/// A copy of a workspace whose job was paused twice, with pages of both partitions in two segments each.
pub(crate) fn paused() -> TempDir {
    static MADE: OnceLock<Place> = OnceLock::new();
    let make = || Place::new("").run_to(&at_most(4), Exit::Paused).run_to(&at_most(4), Exit::Paused);
    copied(MADE.get_or_init(make).root())
}

/// Every file with its bytes, and every folder.
pub(crate) fn tree(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let is_link = fs::symlink_metadata(&path).unwrap().is_symlink();
            if path.is_dir() && !is_link {
                folders.push(path);
            } else if !is_link {
                found.insert(path.strip_prefix(root).unwrap().to_owned(), fs::read(&path).unwrap());
            }
        }
    }
    found
}

/// The visible files, sorted.
pub(crate) fn files(root: &Path) -> Vec<PathBuf> {
    let paths = tree(root).into_keys().filter(|path| path.extension().is_some_and(|end| end == "parquet"));
    paths.map(|path| root.join(path)).collect()
}

/// The spool folders of the job with their segments, sorted.
pub(crate) fn spools(root: &Path) -> Vec<(PathBuf, Vec<PathBuf>)> {
    let mut spools: BTreeMap<PathBuf, Vec<PathBuf>> = BTreeMap::new();
    for path in tree(root).into_keys().filter(|path| path.extension().is_some_and(|end| end == "pgs")) {
        let path = root.join(path);
        spools.entry(path.parent().unwrap().to_owned()).or_default().push(path);
    }
    spools.into_iter().collect()
}

pub(crate) fn ledger(root: &Path) -> SqliteLedger {
    SqliteLedger::open(&Folders::rehearsal(root).ledger()).unwrap()
}

/// What is found; looking changes no byte.
pub(crate) fn look_with(root: &Path, job: &str, ledger: impl Ledger, read_data: bool) -> Verification {
    let before = tree(root);
    let (job, folders) = (parsed(root, job), Folders::rehearsal(root));
    let now = "2026-03-02T02:00:00Z".parse().unwrap();
    let planned: Vec<CellKey> =
        plan::cells(&job, now, &provider(root).zone).unwrap().into_iter().map(|cell| cell.key).collect();
    let options = VerifyOptions { read_data, planned: Some(&planned) };
    let found = verify(&Scope { folders: &folders, job: &job }, &ledger, options).unwrap();
    drop(ledger);
    let left: BTreeMap<_, _> =
        tree(root).into_iter().filter(|(path, _)| !path.to_string_lossy().contains("ledger.db-")).collect();
    let before: BTreeMap<_, _> =
        before.into_iter().filter(|(path, _)| !path.to_string_lossy().contains("ledger.db-")).collect();
    assert!(left == before, "verify changed something on disk");
    for finding in &found.findings {
        assert!(!finding.message.is_empty() && finding.next == finding.kind.next(), "{finding:?}");
        assert!(finding.path.is_some() || finding.partition.is_some(), "it does not say where: {finding:?}");
    }
    found
}

pub(crate) fn look(root: &Path, read_data: bool) -> Verification {
    look_with(root, RANKS, ledger(root), read_data)
}

pub(crate) fn kinds(found: &Verification) -> BTreeSet<FindingKind> {
    found.findings.iter().map(|finding| finding.kind).collect()
}

/// Exactly these kinds of findings, each at a place that `at` ends, where one is given.
pub(crate) fn assert_found(what: &str, found: &Verification, due: &[FindingKind], at: Option<&Path>) {
    assert_eq!(kinds(found), due.iter().copied().collect(), "{what}: {:#?}", found.findings);
    let exit = if due.is_empty() { Exit::Done } else { Exit::Failed };
    assert_eq!(found.exit(), exit, "{what}");
    if let Some(at) = at {
        let place = at.display().to_string();
        assert!(found.findings.iter().any(|one| one.path.as_ref() == Some(&place)), "{what}: {:#?}", found.findings);
    }
}
