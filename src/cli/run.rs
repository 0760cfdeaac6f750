//! `tidemill run`: fetch, publish, say what happened.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::watch;

use crate::job::{Problem, Problems};
use crate::provider::{Environment, Provider, Workspace};
use crate::quota::Clock;
use crate::run::{
    Assigned, Exit, Folders, JobReport, Options, Prepared, Report, RunError, Site, Store, assign as assign_jobs,
    over_http, run as run_jobs,
};
use crate::simulate::{self, Faults, with_secrets};

use super::args::{JobArguments, ProgressMode, RunArguments};
use super::load::load;
use super::progress::{Progress, Subject, follow};
use super::render::{next, summary};
use super::signal::Signals;
use super::simulators::{Listening, listen, serve_while};
use super::start::CommandError;
use super::term::{put, say};

/// What the disk gets after the grace: pages that came in are kept, a file that is being published is finished.
pub(super) const DISK: Duration = Duration::from_secs(5);

/// Runs the jobs and prints the report.
pub(super) async fn run(arguments: RunArguments) -> Result<Exit, CommandError> {
    // Before anything that takes time: a signal of these first moments ends the run as one of any later moment does.
    let mut signals = Signals::watch()?;
    let clock = Clock::system();
    let started = clock.now().wall;
    let (jobs, simulate) = (arguments.jobs.clone(), arguments.simulate);
    let reading = tokio::task::spawn_blocking(move || read(&jobs, simulate, started));
    let (Workspace { settings, environment, .. }, mut prepared) = tokio::select! {
        read = reading => read.unwrap_or(Err(RunError::Worker.into()))?,
        // Nothing is sent and nothing written yet: there is nothing to end cleanly.
        exit = signals.next() => return Ok(exit),
    };
    for prepared in &mut prepared {
        let job = Arc::make_mut(&mut prepared.job);
        job.ceilings = job.ceilings.and(arguments.ceilings());
    }
    let folders = Folders::chosen(&settings, &environment, arguments.simulate);
    let listening = match arguments.simulate {
        true => {
            let options = simulate::Options { seed: 1, ..simulate::Options::default() };
            simulators(&prepared, &environment, &arguments.fault, &options).await?
        }
        false => HashMap::new(),
    };
    let assigned = assign(prepared, &listening)?;
    let mut reports: Vec<JobReport> = assigned.iter().map(|job| empty_report(&job.prepared, &folders)).collect();

    let site = Site::open(folders, &settings, started)?;
    let subjects: Vec<Subject> = assigned.iter().map(|job| subject(&job.prepared, site.store())).collect();
    let (signal, signalled) = watch::channel(None);
    let options = Options {
        keep: arguments.keep,
        retry_failed: arguments.retry_failed,
        refetch: arguments.refetch,
        accept_empty: arguments.accept_empty,
        accept_failed: arguments.accept_failed,
        refetch_damaged: arguments.refetch_damaged,
        ..site.options(signalled, arguments.grace)
    };
    let (sender, events) = site.events(assigned.iter().map(|job| &job.prepared.job.name), started);
    let work = async {
        let running = run_jobs(assigned, site.store().clone(), options, clock.clone(), sender);
        tokio::join!(running, follow(events, Progress::new(arguments.shown(), subjects), &clock, &mut reports));
    };
    let (grace, work) = (arguments.grace, serve_while(listening, &clock, work));
    let farewell = format!("what comes in within {} s is kept, nothing new is sent", grace.as_secs_f32());
    let ended = signals.heed(&signal, &clock, grace + DISK, &farewell, work).await;
    if let Err(exit) = ended {
        return Ok(exit);
    }
    let report = Report::new(started, clock.now().wall, arguments.simulate, reports);
    // Shown first: a disk that is too full to keep the report must not hide it.
    match arguments.jobs.json {
        true => put(&serde_json::to_string_pretty(&report).unwrap_or_default()),
        false if arguments.is_silent_of(report.exit) => {}
        false => {
            put(summary(&report).trim_end());
            say_next(&report, &arguments.jobs, arguments.progress);
        }
    }
    site.remember(&report)?;
    Ok(report.exit)
}

/// Reads and checks everything, which may take a while where axis files are large or far away.
pub(super) fn read(
    arguments: &JobArguments,
    simulate: bool,
    now: Timestamp,
) -> Result<(Workspace, Vec<Prepared>), CommandError> {
    let mut loaded = load(arguments)?;
    if simulate {
        loaded.workspace.environment = with_secrets(&loaded.workspace.environment, &loaded.providers());
    }
    let prepared = loaded.prepare(now)?;
    Ok((loaded.workspace, prepared))
}

/// A job for the progress; what cannot be read of earlier runs only makes its forecast worse, and the run says so itself.
pub(super) fn subject(prepared: &Prepared, store: &Store) -> Subject {
    let learned = store.now(|ledger| ledger.learned(prepared.job.name.as_str())).unwrap_or_default();
    Subject::new(prepared, learned)
}

/// Names the command that comes next.
pub(super) fn say_next(report: &Report, call: &JobArguments, progress: ProgressMode) {
    // Whoever wants to hear nothing while all goes well does not hear this either.
    if report.exit == Exit::Done && progress == ProgressMode::None {
        return;
    }
    if let Some(next) = next(report, &call.typed()) {
        say(&format!("next: {next}"));
    }
}

pub(super) fn empty_report(prepared: &Prepared, folders: &Folders) -> JobReport {
    let output = folders.output.join(&prepared.job.output.path);
    let cwd = std::env::current_dir().unwrap_or_default();
    // Shorter to read and to paste; the shell of the person stands in the same folder.
    JobReport::of(prepared, output.strip_prefix(cwd).unwrap_or(&output))
}

/// A simulator for each provider of the jobs, that plays as `options` and `faults` say.
pub(super) async fn simulators(
    prepared: &[Prepared],
    environment: &Environment,
    faults: &[String],
    options: &simulate::Options,
) -> Result<HashMap<String, Listening>, CommandError> {
    let mut providers: Vec<&Provider> = prepared.iter().map(|job| job.provider.as_ref()).collect();
    providers.sort_by_key(|provider| &provider.name);
    providers.dedup_by_key(|provider| &provider.name);
    let mut faults = deal(faults, &providers)?;
    let mut listening = HashMap::new();
    for provider in providers {
        let own = faults.remove(&provider.name).unwrap_or_default();
        listening.insert(provider.name.clone(), listen(provider, environment, &own, options.clone(), 0).await?);
    }
    Ok(listening)
}

/// Which simulator plays which fault: `PROVIDER:FAULT` is for that one, a bare fault for all that know it.
fn deal(faults: &[String], providers: &[&Provider]) -> Result<HashMap<String, Vec<String>>, Problems> {
    let mut dealt: HashMap<String, Vec<String>> = HashMap::new();
    let mut problems = Problems::default();
    for fault in faults.iter().flat_map(|faults| faults.split(',')) {
        let named = fault
            .split_once(':')
            .and_then(|(name, fault)| Some((providers.iter().find(|provider| provider.name == name)?, fault)));
        let (candidates, fault) = match named {
            Some((provider, fault)) => (std::slice::from_ref(provider), fault),
            None => (providers, fault),
        };
        let mut refusals = Vec::new();
        for provider in candidates {
            match Faults::parse(fault, provider) {
                Ok(_) => dealt.entry(provider.name.clone()).or_default().push(fault.to_owned()),
                Err(error) => refusals.push(error.to_string()),
            }
        }
        if refusals.len() == candidates.len() {
            problems.0.extend(refusals.into_iter().map(|refusal| Problem::new("", refusal)));
        }
    }
    problems.or(dealt)
}

/// Gives each job its wire; in a rehearsal it leads to the simulator.
pub(super) fn assign(
    mut prepared: Vec<Prepared>,
    listening: &HashMap<String, Listening>,
) -> Result<Vec<Assigned>, CommandError> {
    for job in &mut prepared {
        if let Some(simulator) = listening.get(&job.provider.name) {
            Arc::make_mut(&mut job.provider).base_url = simulator.base_url.clone();
        }
    }
    Ok(assign_jobs(prepared, over_http).map_err(RunError::from)?)
}
