//! `tidemill replay`: the files once more, from the pages that are paid for. Sends nothing, needs no key.

use tokio::sync::mpsc;

use crate::quota::Clock;
use crate::run::{Exit, Folders, JobReport, Report, Store, open_ledger, remember, replay as replay_jobs};
use crate::simulate::with_secrets;

use super::args::ReplayArguments;
use super::load::load;
use super::progress::{Progress, Subject, follow};
use super::render::summary;
use super::run::{empty_report, say_next, subject};
use super::start::CommandError;
use super::term::{put, say};

/// Rebuilds each job and prints the report.
pub(super) async fn replay(arguments: ReplayArguments) -> Result<Exit, CommandError> {
    let clock = Clock::system();
    let started = clock.now().wall;
    let mut loaded = load(&arguments.jobs)?;
    // Nothing is sent, so no secret is needed.
    loaded.workspace.environment = with_secrets(&loaded.workspace.environment, &loaded.providers());
    let prepared = loaded.prepare(started)?;
    let folders = match arguments.simulate {
        true => Folders::rehearsal(&loaded.workspace.settings.root),
        false => Folders::of(&loaded.workspace.settings, &loaded.workspace.environment),
    };
    if !folders.ledger().exists() {
        say(&format!("error: nothing was fetched here: there is no ledger in `{}`", folders.state.display()));
        return Ok(Exit::Usage);
    }
    let (ledger, note) = open_ledger(&folders, started)?;
    note.iter().for_each(|note| say(note));
    let store = Store::new(Box::new(ledger));
    let mut reports: Vec<JobReport> = prepared.iter().map(|job| empty_report(job, &folders)).collect();
    let subjects: Vec<Subject> = prepared.iter().map(|job| subject(job, &store)).collect();
    let (sender, events) = mpsc::unbounded_channel();
    let replaying = replay_jobs(prepared, store.clone(), folders, clock.clone(), sender);
    tokio::join!(replaying, follow(events, Progress::new(arguments.progress, subjects), &clock, &mut reports));
    let report = Report::new(started, clock.now().wall, arguments.simulate, reports);
    match arguments.jobs.json {
        true => put(&serde_json::to_string_pretty(&report).unwrap_or_default()),
        false => {
            put(summary(&report).trim_end());
            say(&format!("{} requests sent", report.requests_sent));
            say_next(&report, &arguments.jobs, arguments.progress);
        }
    }
    remember(&store, &report)?;
    Ok(report.exit)
}
