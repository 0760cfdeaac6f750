//! Plays a quarter night by night.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Map, Value};
use tidemill::disk::Watch;
use tidemill::fetch::{Request, Signer};
use tidemill::ledger::Ledger;
use tidemill::run::{CellTally, Report};
use tidemill::simulate::Faults;

use super::super::run::kill::Mortal;
use super::super::run::scene::{Night as Begin, Scene, Twist};
use super::books::Books;
use super::jobs;
use super::schedule::{End, Night, Quarter, Run, When};
use super::shelf::Shelf;
use super::trouble::VENDORS;

/// How often something happened.
pub(crate) type Counts = BTreeMap<String, u64>;

/// Every so many nights the library's own proof looks at jobs that were simply done, too.
const CLOSELY_EVERY: usize = 6;
/// Every so many nights it reads each byte.
const READ_DATA_EVERY: usize = 30;

/// Everything that stands from one night to the next.
pub(crate) struct Stage<'a> {
    pub(crate) quarter: &'a Quarter,
    pub(crate) scene: Scene,
    /// The texts of all jobs; the last one runs once a week.
    jobs: [String; 4],
    /// By job.
    pub(crate) shelves: Vec<Shelf>,
    pub(crate) books: Books,
    /// By job, where its cells stood after the last run.
    pub(crate) tallies: Vec<CellTally>,
    pub(crate) counts: Counts,
    /// Jobs that were simply done are looked at closely tonight.
    pub(crate) closely: bool,
    /// Every byte is read tonight.
    pub(crate) read_data: bool,
    /// The last runs that came to their own end.
    pub(crate) reports: Vec<Report>,
    /// Calls others made.
    others: u32,
}

/// What came of a quarter.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Played {
    pub(crate) counts: Counts,
    /// Requests it took.
    requests: u64,
    /// All files it left.
    files: BTreeMap<PathBuf, Vec<u8>>,
}

/// Plays it all; `at` says which night it is. Whatever does not hold panics.
pub(crate) async fn play(quarter: &Quarter, at: &AtomicUsize) -> Played {
    let mut stage = Stage::set(quarter);
    for (number, night) in quarter.nights.iter().enumerate() {
        at.store(number, Ordering::Relaxed);
        stage.closely = number % CLOSELY_EVERY == CLOSELY_EVERY - 1;
        stage.read_data = number % READ_DATA_EVERY == READ_DATA_EVERY - 1;
        stage.night(night).await;
    }
    at.store(quarter.nights.len(), Ordering::Relaxed);
    (stage.closely, stage.read_data) = (true, false);
    stage.finish().await;
    let (output, files) = (stage.scene.folders().output, stage.scene.output());
    let files = files.into_iter().map(|(path, bytes)| (path.strip_prefix(&output).unwrap().to_owned(), bytes));
    Played { requests: stage.scene.requests(), files: files.collect(), counts: stage.counts }
}

impl<'a> Stage<'a> {
    fn set(quarter: &'a Quarter) -> Self {
        let (settings, jobs) = (jobs::settings(quarter), jobs::jobs(quarter));
        let texts: Vec<&str> = jobs.iter().map(String::as_str).collect();
        let start = (quarter.nights[0].at - Duration::from_secs(86_400)).to_string();
        let begin = Begin { jobs: &texts, settings: &settings, seed: quarter.seed, start: &start, ..Begin::default() };
        let scene = begin.begin();
        let now = scene.clock.now().wall;
        let shelves =
            scene.parsed().iter().map(|job| Shelf::new(&scene.provider(&job.provider), quarter.seed, now)).collect();
        let books = Books::open(&scene);
        Self {
            quarter,
            scene,
            tallies: vec![CellTally::default(); jobs.len()],
            jobs,
            shelves,
            books,
            counts: Counts::new(),
            closely: false,
            read_data: false,
            reports: Vec::new(),
            others: 0,
        }
    }

    pub(crate) fn count(&mut self, what: impl Into<String>) {
        *self.counts.entry(what.into()).or_default() += 1;
    }

    pub(crate) async fn night(&mut self, night: &Night) {
        self.count("nights");
        if night.runs.is_empty() {
            return self.count("nights missed");
        }
        self.dress(night);
        self.script(&[]);
        if let Some((provider, left)) = night.spent {
            self.spend(night.at, provider, left as u64).await;
        }
        self.script(&night.trouble);
        self.until(night.at).await;
        if night.lost {
            self.lose();
        }
        self.reports.clear();
        let beside = night.runs.iter().position(|run| run.when == When::Beside);
        for (index, run) in night.runs.iter().enumerate() {
            match run.when {
                When::Cron => {}
                When::After(wait) => self.scene.clock.sleep_until(self.scene.clock.now().elapsed + wait).await,
                When::Resume => match self.reports.iter().filter_map(|report| report.resume_at).max() {
                    Some(at) => self.until(at).await,
                    None => continue,
                },
                When::Beside => continue,
            }
            if beside == Some(index + 1) {
                self.two_runs(night).await;
            } else {
                self.run(night, *run).await;
            }
        }
    }

    /// Files and jobs of the night.
    fn dress(&mut self, night: &Night) {
        self.scene.write("symbols.csv", &jobs::symbols(&night.symbols));
        self.scene.write("prompts.txt", &jobs::prompts(night.prompts));
        self.scene.jobs = if night.weekly { self.jobs.to_vec() } else { self.jobs[..3].to_vec() };
    }

    /// The ledger is gone, and with it what is known of cells that left neither rows nor pages.
    fn lose(&mut self) {
        for ending in ["", "-wal", "-shm"] {
            drop(fs::remove_file(self.scene.folders().state.join(format!("ledger.db{ending}"))));
        }
        for (job, tally) in self.scene.parsed().iter().zip(&self.tallies) {
            self.books.excuse(&job.provider, tally.empty);
        }
        self.count("ledgers lost");
    }

    /// What goes wrong from now on.
    fn script(&mut self, trouble: &[(&'static str, String)]) {
        for vendor in &VENDORS {
            let script = trouble.iter().find(|(name, _)| *name == vendor.name).map_or("", |(_, script)| script);
            let mut simulator = self.scene.simulator(vendor.name);
            let faults = Faults::parse(script, simulator.provider()).unwrap();
            simulator.script(faults);
        }
        for (provider, _) in trouble {
            self.count(format!("nights of trouble at {provider}"));
        }
    }

    async fn until(&self, wall: Timestamp) {
        self.scene.clock.sleep_until(self.scene.clock.now().elapsed_at(wall)).await;
    }

    /// Somebody else uses the key shortly before `at` until so many calls are left of the day.
    async fn spend(&mut self, at: Timestamp, provider: &'static str, left: u64) {
        let (served, credential) = self.scene.served(provider);
        let signer = Signer::new(&served, credential);
        let job = self.scene.parsed().into_iter().find(|job| job.provider == provider).unwrap();
        let space = Duration::from_secs(8);
        let calls = u32::try_from(self.books.left(provider, at).saturating_sub(left)).unwrap();
        self.until(at - space * (calls + 1)).await;
        for _ in 0..calls {
            let now = self.scene.clock.now();
            if self.books.left(provider, now.wall) > left {
                self.others += 1;
                let other = format!("{}.SZ", 900_000 + self.others);
                let values = [("app", &*other), ("stock_code", &*other), ("day", "2020-01-01")];
                let values = values.map(|(name, value)| (name.to_owned(), Value::from(value)));
                let request = Request::render(&job.request, &Map::from_iter(values)).unwrap();
                let signed = signer.sign(&request, now.wall).unwrap();
                self.scene.simulator(provider).answer(now, &signed.request.into_http().unwrap());
                self.books.somebody_else(&self.scene, provider);
            }
            self.scene.clock.sleep_until(now.elapsed + space).await;
        }
        self.count(format!("nights after others used {provider}"));
    }

    async fn run(&mut self, night: &Night, run: Run) {
        let started = self.scene.clock.now().wall;
        self.scene.retry_failed = night.weekly && run.when == When::Cron;
        let ledger: Box<dyn Ledger> = match run.end {
            End::Death(call, after) => Box::new(Mortal::new(self.scene.ledger(), call, after).0),
            _ => self.scene.ledger(),
        };
        let twist = match run.end {
            End::Own | End::Death(..) | End::Full(_) => Twist::None,
            End::Kill(event) => Twist::Kill(event),
            End::Signal(event, exit) => Twist::Signal(event, exit),
        };
        let watch = match run.end {
            End::Full(steps) => Some(full_after(&self.scene, steps)),
            _ => None,
        };
        let ended = self.scene.run_with(twist, ledger).await;
        drop(watch);
        self.count("runs");
        self.look(night, run.end, started, ended.into_iter().map(|ended| ended.report).collect());
    }

    /// Cron started while the run before is still under way.
    async fn two_runs(&mut self, night: &Night) {
        let started = self.scene.clock.now().wall;
        self.scene.retry_failed = false;
        let (one, other) = tokio::join!(self.scene.run(), self.scene.run());
        self.count("runs at once");
        self.look(night, End::Own, started, vec![one.report, other.report]);
    }
}

/// A disk that is full after so many changes of it.
fn full_after(scene: &Scene, steps: usize) -> Watch {
    let root = scene.folders().state.parent().unwrap().to_owned();
    let mut taken = 0;
    Watch::below(&root, move |_| {
        taken += 1;
        if taken > steps { Err(io::Error::from_raw_os_error(28)) } else { Ok(()) }
    })
}
