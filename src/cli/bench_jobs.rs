//! `tidemill bench JOB...`: how close to the limits the jobs come, in real time, in virtual time, or live.
//!
//! Invariant: state and output lie in a folder of this process below `bench/` of the workspace and are gone afterwards.
//! Only a live bench touches the real quota journal, and must: its calls count like all others.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use tokio::sync::{mpsc, watch};

use crate::bench::{Means, Scenario};
use crate::disk::{Durability, OnTheSpot};
use crate::fetch::Transport;
use crate::job::{Problem, Problems};
use crate::provider::{Environment, Workspace};
use crate::quota::Clock;
use crate::run::{Assigned, Exit, Folders, Options, Prepared, RunError, Store, open_ledger, run as run_jobs};
use crate::simulate::{self, InMemory, SimSecrets, Simulator};

use super::args::{BenchArguments, JobArguments};
use super::bench_book::{Benched, Book};
use super::run::{DISK, assign, read, simulators};
use super::scratch::Scratch;
use super::signal::Signals;
use super::simulators::{Listening, serve_while};
use super::start::CommandError;
use super::term::say;

/// How long answers in flight are waited for when the time is over.
const GRACE: Duration = Duration::from_secs(20);
const REAL: Duration = Duration::from_secs(60);
const VIRTUAL: Duration = Duration::from_hours(24);

type Simulators = HashMap<String, Arc<Mutex<Simulator>>>;

/// Runs the jobs; an end when a signal left no time for a report.
///
/// # Errors
/// What is wrong with the call, the jobs or this machine.
pub(super) async fn bench_jobs(arguments: &BenchArguments) -> Result<Result<Benched, Exit>, CommandError> {
    refuse_what_plays_take(arguments)?;
    let means = match arguments.spend {
        Some(spend) => Means::Live { spend },
        None if arguments.in_virtual_time => Means::Virtual,
        None => Means::Loopback,
    };
    let mut signals = Signals::watch()?;
    if let Means::Live { spend } = means {
        say(&format!(
            "live: at most {spend} calls, which are paid and count in the quota; what they fetch is thrown away"
        ));
    }
    let clock = Clock::system();
    let signal = Arc::new(watch::Sender::new(None));
    let bench = Bench { arguments: arguments.clone(), means, signal: Arc::clone(&signal) };
    let work = async move {
        match means {
            Means::Virtual => {
                let done = tokio::task::spawn_blocking(move || bench.in_virtual_time());
                done.await.unwrap_or(Err(RunError::Worker.into()))
            }
            Means::Loopback | Means::Live { .. } => bench.run().await,
        }
    };
    let farewell = format!("what comes in within {} s is counted, nothing new is sent", GRACE.as_secs());
    signals
        .heed(&signal, &clock, GRACE + DISK, &farewell, work)
        .await
        .map_or_else(|exit| Ok(Err(exit)), |done| done.map(Ok))
}

struct Bench {
    arguments: BenchArguments,
    means: Means,
    signal: Arc<watch::Sender<Option<Exit>>>,
}

impl Bench {
    /// The same run each time: one thread, a clock that jumps from one thing that happens to the next, one seed.
    fn in_virtual_time(&self) -> Result<Benched, CommandError> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
        let runtime =
            runtime.map_err(|source| CommandError::Io { what: "the runtime could not start".to_owned(), source })?;
        let _here = OnTheSpot::begin();
        fastrand::seed(self.arguments.seed);
        runtime.block_on(self.run())
    }

    async fn run(&self) -> Result<Benched, CommandError> {
        let now = Clock::system().now().wall;
        let start = if self.means == Means::Virtual { midnight(now) } else { now };
        let BenchArguments { targets, set, json, .. } = self.arguments.clone();
        let (jobs, is_live) = (JobArguments { jobs: targets, set, json }, self.is_live());
        let reading = tokio::task::spawn_blocking(move || read(&jobs, !is_live, start));
        let (workspace, mut prepared) = reading.await.unwrap_or(Err(RunError::Worker.into()))?;
        if let Means::Live { spend } = self.means {
            share_out(spend, &mut prepared);
        }
        let scratch = Scratch::open(&workspace.settings.root, "bench")?;
        self.run_below(&scratch, &workspace, prepared, start).await
    }

    async fn run_below(
        &self,
        scratch: &Scratch,
        workspace: &Workspace,
        prepared: Vec<Prepared>,
        start: Timestamp,
    ) -> Result<Benched, CommandError> {
        let folders = match self.is_live() {
            true => scratch.counting(&Folders::of(&workspace.settings, &workspace.environment)),
            false => scratch.folders(),
        };
        let clock = if self.means == Means::Virtual { Clock::starting_at(start) } else { Clock::system() };
        let start = clock.now().wall;
        let (ledger, _) = open_ledger(&folders, start)?;
        // Virtual time does not see how long a disk takes.
        let is_hard = self.means != Means::Virtual && workspace.settings.survives_power_loss;
        let durability = if is_hard { Durability::Power } else { Durability::Process };
        let options = Options::new(folders, durability, self.signal.subscribe(), GRACE);
        let (assigned, listening, simulators) = self.wire(prepared, &workspace.environment, &clock).await?;
        let mut book = Book::new(&assigned, simulators, start, self.length(), self.arguments.played.drift);
        let store = Store::new(Box::new(ledger));
        let used = Clock::processor();
        let work = self.rounds(&assigned, &store, &options, &clock, &mut book);
        let timed = async {
            tokio::select! {
                () = work => {}
                never = self.time_is_over(&clock) => match never {},
            }
        };
        serve_while(listening, &clock, timed).await;
        let used = Clock::processor().saturating_sub(used);
        Ok(book.close(used, |limits| self.scenario(limits), self.means))
    }

    /// Runs the jobs, and those that paused again as soon as they may go on, as whoever starts them by the clock would.
    async fn rounds(&self, jobs: &[Assigned], store: &Store, options: &Options, clock: &Clock, book: &mut Book) {
        let mut signal = options.signal.clone();
        let mut round: Vec<usize> = (0..jobs.len()).collect();
        loop {
            let (sender, mut events) = mpsc::unbounded_channel();
            let again = round.iter().filter_map(|index| jobs.get(*index)).map(again).collect();
            book.begin(&round);
            let follow = async {
                while let Some(event) = events.recv().await {
                    book.hear(&event);
                }
            };
            tokio::join!(run_jobs(again, store.clone(), options.clone(), clock.clone(), sender), follow);
            let now = clock.now();
            if self.is_live() || signal.borrow().is_some() {
                return;
            }
            let Some((resume_at, paused)) = book.paused(now.wall, now.wall_at(self.length())) else { return };
            round = paused;
            tokio::select! {
                () = clock.sleep_until(now.elapsed_at(resume_at)) => {}
                ended = signal.wait_for(Option::is_some) => drop(ended),
            }
        }
    }

    /// Asks the run to end when its time is over.
    async fn time_is_over(&self, clock: &Clock) -> std::convert::Infallible {
        clock.sleep_until(self.length()).await;
        self.signal.send_if_modified(|signal| signal.replace(signal.unwrap_or(Exit::Paused)).is_none());
        std::future::pending().await
    }

    /// The jobs with their wires, what listens for them, and the simulators by provider.
    async fn wire(
        &self,
        prepared: Vec<Prepared>,
        environment: &Environment,
        clock: &Clock,
    ) -> Result<(Vec<Assigned>, HashMap<String, Listening>, Simulators), CommandError> {
        match self.means {
            Means::Live { .. } => Ok((assign(prepared, &HashMap::new())?, HashMap::new(), HashMap::new())),
            Means::Loopback => {
                let listening = simulators(&prepared, environment, &[], &self.played()).await?;
                let played = listening.iter().map(|(name, one)| (name.clone(), Arc::clone(&one.simulator))).collect();
                Ok((assign(prepared, &listening)?, listening, played))
            }
            Means::Virtual => {
                let mut played = Simulators::new();
                let assigned = prepared.into_iter().map(|prepared| {
                    let provider = &prepared.provider;
                    let simulator = played.entry(provider.name.clone()).or_insert_with(|| {
                        let secrets = SimSecrets::resolve(provider, |reference| reference.resolve(environment).ok());
                        Arc::new(Mutex::new(Simulator::new(provider, secrets, self.played())))
                    });
                    let transport: Arc<dyn Transport> = Arc::new(InMemory::new(Arc::clone(simulator), clock.clone()));
                    Assigned { prepared, transport }
                });
                Ok((assigned.collect(), HashMap::new(), played))
            }
        }
    }

    /// How the simulators play.
    fn played(&self) -> simulate::Options {
        simulate::Options {
            seed: self.arguments.seed,
            latency: self.arguments.latency,
            rules: self.arguments.played.rules(),
            count_at: self.arguments.played.count_at,
            drift_ppm: self.arguments.played.drift,
            log: true,
            ..simulate::Options::default()
        }
    }

    /// The same in the words of a play, for its conditions.
    fn scenario(&self, limits: &crate::provider::Limits) -> Scenario {
        let BenchArguments { latency, seed, played, .. } = &self.arguments;
        let mut scenario = Scenario::new(limits.clone(), played.rules(), *latency, self.length(), *seed);
        scenario.server.count_at = played.count_at;
        scenario.drift_ppm = -played.drift;
        scenario
    }

    fn length(&self) -> Duration {
        self.arguments.length.unwrap_or(if self.means == Means::Virtual { VIRTUAL } else { REAL })
    }

    fn is_live(&self) -> bool {
        matches!(self.means, Means::Live { .. })
    }
}

/// What only a play of limits has.
fn refuse_what_plays_take(arguments: &BenchArguments) -> Result<(), Problems> {
    let given = [
        ("--compare", arguments.compare, "a job is run by this program alone"),
        ("--load", arguments.load.is_some(), "a job is its own load"),
        ("--cells", arguments.cells.is_some(), "a job has the cells of its grid"),
        ("--limits", arguments.limits.is_some(), "a job has the limits of its provider: `--set` changes them"),
        ("--retry-after", arguments.retry_after, "a simulator says what its provider file has it say"),
    ];
    let given = given.into_iter().filter(|(_, is_given, _)| *is_given);
    let problems =
        given.map(|(flag, _, why)| Problem::new("", format!("`{flag}` is for limits, not for jobs")).hint(why));
    Problems(problems.collect()).or(())
}

/// Gives each job its part of what may be spent; the first have what is left over.
fn share_out(spend: u64, prepared: &mut [Prepared]) {
    let count = prepared.len().max(1) as u64;
    for (nth, prepared) in (0_u64..).zip(prepared) {
        let part = spend / count + u64::from(nth < spend % count);
        let ceilings = &mut Arc::make_mut(&mut prepared.job).ceilings;
        ceilings.max_requests = Some(ceilings.max_requests.map_or(part, |own| own.min(part)));
    }
}

fn again(assigned: &Assigned) -> Assigned {
    let Prepared { job, provider, credential } = &assigned.prepared;
    let prepared = Prepared { job: Arc::clone(job), provider: Arc::clone(provider), credential: credential.clone() };
    Assigned { prepared, transport: Arc::clone(&assigned.transport) }
}

/// The begin of the day in UTC: a bench in virtual time is the same all day, and `yesterday` is what it is.
fn midnight(now: Timestamp) -> Timestamp {
    now.to_zoned(TimeZone::UTC).start_of_day().map_or(now, |day| day.timestamp())
}
