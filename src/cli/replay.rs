//! `tidemill replay`: the files once more, from the pages that are paid for. Sends nothing, needs no key.

use crate::provider::Workspace;
use crate::quota::Clock;
use crate::run::{Exit, Folders, JobReport, Report, Site, replay as replay_jobs};
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
    let Workspace { settings, environment, .. } = &loaded.workspace;
    let folders = Folders::chosen(settings, environment, arguments.simulate);
    if !folders.ledger().exists() {
        say(&format!("error: nothing was fetched here: there is no ledger in `{}`", folders.state.display()));
        return Ok(Exit::Usage);
    }
    let mut reports: Vec<JobReport> = prepared.iter().map(|job| empty_report(job, &folders)).collect();
    let site = Site::open(folders, settings, started)?;
    let subjects: Vec<Subject> = prepared.iter().map(|job| subject(job, site.store())).collect();
    let (sender, events) = site.events(prepared.iter().map(|one| &one.job.name), started);
    let replaying = replay_jobs(prepared, site.store().clone(), site.folders().clone(), clock.clone(), sender);
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
    site.remember(&report)?;
    Ok(report.exit)
}
