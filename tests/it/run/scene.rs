//! One workspace through as many nights as a test wants: settings, job files, simulators that remember, a clock.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard};
use std::time::Duration;

use jiff::Timestamp;
use tempfile::TempDir;
use tidemill::job::Job;
use tidemill::ledger::{CellRow, Ledger, Outcome, SqliteLedger};
use tidemill::provider::{Credential, Environment, Provider, SecretRef, Workspace};
use tidemill::quota::Clock;
use tidemill::run::{Assigned, Event, Exit, Folders, JobReport, Options, Prepared, Report, Store, apply, run};
use tidemill::simulate::{self, Faults, InMemory, SimSecrets, Simulator, Stats};
use tidemill::spool::{Durability, generation_of};
use tokio::sync::{mpsc, watch};

use super::jobs::PLAN;
use super::parquet::{files, rows};
use super::served::Served;
use super::world;

const PROVIDERS: [&str; 3] = ["agushuju", "foxdata", "sensenova"];

/// Cell keys and rows, in plan order.
pub(crate) type World = Arc<Vec<(String, Vec<String>)>>;

/// How a scene begins.
pub(crate) struct Night<'a> {
    pub(crate) jobs: &'a [&'a str],
    pub(crate) settings: &'a str,
    /// Provider and script.
    pub(crate) faults: &'a [(&'a str, &'a str)],
    pub(crate) seed: u64,
    pub(crate) start: &'a str,
    /// Settings the simulators are made of, where the provider allows something else than we believe.
    pub(crate) actual: Option<&'a str>,
}

impl Default for Night<'_> {
    fn default() -> Self {
        Self { jobs: &[], settings: PLAN, faults: &[], seed: 1, start: "2026-03-02T02:00:00Z", actual: None }
    }
}

/// How long what is in flight may come in after a signal.
pub(crate) const GRACE: Duration = Duration::from_secs(20);

/// What stops a run from outside.
#[derive(Clone, Copy)]
pub(crate) enum Twist {
    None,
    /// Everything is dropped once so many events came.
    Kill(usize),
    /// A signal comes with this event.
    Signal(usize, Exit),
}

/// A run that came to its end.
pub(crate) struct Ended {
    pub(crate) report: Report,
    /// Requests that reached any simulator in this run.
    pub(crate) requests: u64,
    pub(crate) events: Vec<Event>,
}

pub(crate) struct Scene {
    root: TempDir,
    pub(crate) jobs: Vec<String>,
    pub(crate) keep: bool,
    pub(crate) retry_failed: bool,
    pub(crate) refetch: bool,
    pub(crate) accept_empty: bool,
    pub(crate) accept_failed: bool,
    pub(crate) refetch_damaged: bool,
    pub(crate) clock: Clock,
    environment: Environment,
    pub(crate) simulators: BTreeMap<String, Arc<Mutex<Simulator>>>,
    served: Served,
    pub(crate) seed: u64,
}

impl Night<'_> {
    pub(crate) fn begin(self) -> Scene {
        let root = tempfile::tempdir().unwrap();
        // The order of delays is part of a seed; names of temporary folders must not be.
        fastrand::seed(self.seed);
        fs::write(root.path().join("tidemill.toml"), self.actual.unwrap_or(self.settings)).unwrap();
        let clock = Clock::starting_at(self.start.parse().unwrap());
        let mut environment = Environment::default();
        let workspace = Workspace::load(root.path(), root.path(), environment.clone(), &[]).unwrap();
        let mut simulators = BTreeMap::new();
        for name in PROVIDERS {
            let provider = workspace.provider(name).unwrap();
            let secrets = SimSecrets::resolve(&provider, |_| None);
            for secret in secrets.entries() {
                if let (SecretRef::Env(name), Some(text)) = (&secret.reference, &secret.documented) {
                    environment.set(name, text);
                }
            }
            let script = self.faults.iter().find(|(of, _)| *of == name).map_or("", |(_, script)| script);
            let faults = Faults::parse(script, &provider).unwrap();
            let options = simulate::Options { seed: self.seed, faults, log: true, ..simulate::Options::default() };
            let simulator = Simulator::new(&provider, secrets, options);
            simulators.insert(name.to_owned(), Arc::new(Mutex::new(simulator)));
        }
        fs::write(root.path().join("tidemill.toml"), self.settings).unwrap();
        let jobs = self.jobs.iter().map(|job| (*job).to_owned()).collect();
        Scene {
            root,
            jobs,
            keep: false,
            retry_failed: false,
            refetch: false,
            accept_empty: false,
            accept_failed: false,
            refetch_damaged: false,
            clock,
            environment,
            simulators,
            served: Served::default(),
            seed: self.seed,
        }
    }
}

impl Scene {
    /// A file beside the jobs.
    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.root.path().join(name), text).unwrap();
    }

    /// A secret that is not the one demanded.
    pub(crate) fn forge(&mut self, variable: &str) {
        self.environment.set(variable, "a-key-nobody-ever-issued");
        self.served.forget();
    }

    pub(crate) fn folders(&self) -> Folders {
        let root = self.root.path();
        Folders { state: root.join("state"), output: root.join("data"), quota: root.join("quota") }
    }

    pub(crate) fn simulator(&self, provider: &str) -> MutexGuard<'_, Simulator> {
        self.simulators[provider].lock().unwrap()
    }

    pub(crate) fn stats(&self, provider: &str) -> Stats {
        self.simulator(provider).stats()
    }

    /// Requests that reached any simulator.
    pub(crate) fn requests(&self) -> u64 {
        PROVIDERS.iter().map(|name| self.stats(name).requests).sum()
    }

    pub(crate) fn duplicates(&self) -> u64 {
        PROVIDERS.iter().map(|name| self.stats(name).duplicates).sum()
    }

    /// Requests refused because a limit was passed.
    pub(crate) fn too_fast(&self) -> u64 {
        PROVIDERS.iter().flat_map(|name| self.stats(name).windows).map(|window| window.refused).sum()
    }

    pub(crate) async fn wait_until(&self, wall: &str) {
        let now = self.clock.now();
        self.clock.sleep_until(now.elapsed_at(wall.parse().unwrap())).await;
    }

    pub(crate) fn workspace(&self) -> Workspace {
        Workspace::load(self.root.path(), self.root.path(), self.environment.clone(), &[]).unwrap()
    }

    pub(crate) fn provider(&self, name: &str) -> Provider {
        Provider::clone(&self.served(name).0)
    }

    /// A provider and its credential, as the runs use them.
    pub(crate) fn served(&self, name: &str) -> (Arc<Provider>, Credential) {
        self.served.provider(name, || self.workspace())
    }

    pub(crate) fn parsed(&self) -> Vec<Job> {
        let file = self.root.path().join("job.toml");
        self.jobs.iter().map(|text| self.served.job(&file, text)).collect()
    }

    pub(crate) fn prepared(&self) -> Vec<Prepared> {
        let served = |job: Job| {
            let (provider, credential) = self.served(&job.provider);
            Prepared { job: Arc::new(job), provider, credential }
        };
        self.parsed().into_iter().map(served).collect()
    }

    /// A run to its own end.
    pub(crate) async fn run(&self) -> Ended {
        self.run_with(Twist::None, self.ledger()).await.unwrap()
    }

    pub(crate) async fn run_twisted(&self, twist: Twist) -> Option<Ended> {
        self.run_with(twist, self.ledger()).await
    }

    pub(crate) fn ledger(&self) -> Box<dyn Ledger> {
        Box::new(SqliteLedger::open(&self.folders().ledger()).unwrap())
    }

    /// A run; none when it was killed.
    pub(crate) async fn run_with(&self, twist: Twist, ledger: Box<dyn Ledger>) -> Option<Ended> {
        let before = self.requests();
        let prepared = self.prepared();
        let mut reports: Vec<JobReport> = prepared
            .iter()
            .map(|one| JobReport::new(one.job.name.as_str(), &one.provider.name, one.job.output.path.clone()))
            .collect();
        let assigned = prepared.into_iter().map(|prepared| {
            let simulator = Arc::clone(&self.simulators[&prepared.provider.name]);
            Assigned { prepared, transport: Arc::new(InMemory::new(simulator, self.clock.clone())) }
        });
        let started = self.clock.now().wall;
        let (signal, signalled) = watch::channel(None);
        let options = Options {
            keep: self.keep,
            retry_failed: self.retry_failed,
            refetch: self.refetch,
            accept_empty: self.accept_empty,
            accept_failed: self.accept_failed,
            refetch_damaged: self.refetch_damaged,
            ..Options::new(self.folders(), Durability::Process, signalled, GRACE)
        };
        let (sender, mut heard) = mpsc::unbounded_channel();
        // Every run has a clock that begins with it, as a process has.
        let clock = Clock::starting_at(started);
        let mut running = Box::pin(run(assigned.collect(), Store::new(ledger), options, clock, sender));
        let mut events = Vec::new();
        let mut done = false;
        loop {
            tokio::select! {
                biased;
                event = heard.recv() => {
                    let Some(event) = event else { break };
                    apply(&mut reports, &event);
                    events.push(event);
                    match twist {
                        Twist::Kill(after) if events.len() == after => {
                            drop(running);
                            // What the dead process had handed to the kernel still happens.
                            self.clock.sleep_until(self.clock.now().elapsed + Duration::from_millis(1)).await;
                            return None;
                        }
                        Twist::Signal(after, exit) if events.len() == after => drop(signal.send_replace(Some(exit))),
                        Twist::None | Twist::Kill(_) | Twist::Signal(..) => {}
                    }
                }
                () = &mut running, if !done => done = true,
            }
        }
        let report = Report::new(started, self.clock.now().wall, true, reports);
        Some(Ended { report, requests: self.requests() - before, events })
    }

    /// The rows all cells of job `index` have at the provider, by cell key. Kept by everything they depend on: most
    /// scenes are about the same few jobs.
    pub(crate) fn planned(&self, index: usize) -> World {
        static KNOWN: LazyLock<Mutex<BTreeMap<String, World>>> = LazyLock::new(Mutex::default);
        let now = self.clock.now().wall;
        let text = &self.jobs[index];
        let key = format!("{} {}\n{text}", self.seed, now.as_second() / 3600);
        if let Some(world) = KNOWN.lock().unwrap().get(&key) {
            return world.clone();
        }
        let job = &self.parsed()[index];
        let world = Arc::new(world::planned(&self.provider(&job.provider), job, self.seed, now));
        KNOWN.lock().unwrap().insert(key, world.clone());
        world
    }

    /// The rows job `index` has in visible files; all scenes call the output of a job as the job.
    pub(crate) fn visible(&self, index: usize) -> Vec<String> {
        rows(&self.folders().output.join(self.name(index)))
    }

    pub(crate) fn name(&self, index: usize) -> &str {
        self.jobs[index].lines().find_map(|line| line.strip_prefix("name = ")).unwrap().trim_matches('"')
    }

    /// Every planned record is visible exactly once; cells that `without` names are not visible at all.
    pub(crate) fn assert_exact_but(&self, without: impl Fn(&str) -> bool) {
        for index in 0..self.jobs.len() {
            let planned = self.planned(index);
            let cells = planned.iter().filter(|(cell, _)| !without(cell));
            same(cells.flat_map(|(_, rows)| rows.clone()).collect(), self.visible(index));
        }
        self.assert_tidy();
    }

    pub(crate) fn assert_exact(&self) {
        self.assert_exact_but(|_| false);
    }

    /// What is visible is right although not all: whole cells, no record twice.
    pub(crate) fn assert_part(&self) {
        for index in 0..self.jobs.len() {
            let mut wanted: HashMap<&str, u64> = HashMap::new();
            let planned = self.planned(index);
            for row in planned.iter().flat_map(|(_, rows)| rows) {
                *wanted.entry(row).or_default() += 1;
            }
            for row in self.visible(index) {
                let left = wanted.get_mut(row.as_str()).unwrap_or_else(|| panic!("a row nobody sent: {row}"));
                *left = left.checked_sub(1).unwrap_or_else(|| panic!("a row twice: {row}"));
            }
        }
    }

    /// All bytes below the output folder.
    pub(crate) fn output(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        files(&self.folders().output).into_iter().map(|path| (path.clone(), fs::read(&path).unwrap())).collect()
    }

    /// Nothing half done is left in the output; of a published partition the spool has the pages of its last generation,
    /// as long as the archive keeps them or they can be asked for again.
    fn assert_tidy(&self) {
        let strangers: Vec<_> = files(&self.folders().output)
            .into_iter()
            .filter(|path| path.extension().is_none_or(|extension| extension != "parquet"))
            .collect();
        assert!(strangers.is_empty(), "{strangers:?}");
        let ledger = self.ledger();
        let now = self.clock.now().wall;
        for (name, job) in (0..self.jobs.len()).map(|index| self.name(index)).zip(self.parsed()) {
            for row in ledger.partitions(name).unwrap() {
                let kept = files(&self.folders().spool(name, &row.hash));
                let again = |cell: &CellRow| cell.outcome.as_ref().is_some_and(Outcome::asked_again);
                let again = ledger.cells(row.id).unwrap().iter().any(again);
                let young = row.committed.is_some_and(|at| {
                    jiff::SignedDuration::try_from(job.archive.keep).is_ok_and(|keep| now.duration_since(at) < keep)
                });
                let generation = (again || young).then_some(row.generation);
                assert_eq!(kept.is_empty(), generation.is_none(), "{kept:?}");
                assert!(kept.iter().all(|path| generation_of(path) == generation), "{row:?} {kept:?}");
            }
        }
    }

    /// A further run does nothing at all.
    pub(crate) async fn assert_settled(&self, exit: Exit) {
        let before = self.output();
        let again = self.run().await;
        assert_eq!(again.requests, 0, "a second run asked again");
        assert_eq!(again.report.exit, exit, "{:#?}", again.report);
        assert!(before == self.output(), "a second run changed a file");
    }

    /// The whole promise of a scene without lasting trouble.
    pub(crate) async fn assert_clean(&self, ended: &Ended) {
        ended.assert(Exit::Done);
        self.assert_exact();
        assert_eq!(self.too_fast(), 0);
        assert_eq!(self.duplicates(), 0);
        self.assert_settled(Exit::Done).await;
    }
}

impl Ended {
    pub(crate) fn assert(&self, exit: Exit) {
        assert_eq!(self.report.exit, exit, "{:#?}", self.report);
        assert_eq!(self.report.exit_code, exit.code());
    }

    pub(crate) fn job(&self, index: usize) -> &JobReport {
        &self.report.jobs[index]
    }

    pub(crate) fn reason(&self) -> &str {
        self.report.jobs.iter().find_map(|job| job.reason.as_deref()).unwrap_or_default()
    }

    /// When it can go on, in wall time.
    pub(crate) fn resume_at(&self) -> Timestamp {
        self.report.resume_at.unwrap()
    }
}

/// Equal as multisets; the first difference speaks for all.
fn same(mut wanted: Vec<String>, mut found: Vec<String>) {
    wanted.sort_unstable();
    found.sort_unstable();
    if wanted != found {
        let at =
            wanted.iter().zip(&found).position(|(one, other)| one != other).unwrap_or(wanted.len().min(found.len()));
        let (one, other) = (wanted.get(at), found.get(at));
        panic!("{} rows planned, {} visible; planned {one:?}, visible {other:?}", wanted.len(), found.len());
    }
}
