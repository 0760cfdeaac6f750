//! `tidemill verify`: is everything there that was paid for, exactly once? Sends nothing, changes nothing, needs no key.

use std::path::Path;

use serde_json::json;

use crate::job::Job;
use crate::ledger::{Doing, JobLock, Ledger, LockError, ModelLedger, SqliteLedger};
use crate::plan::{self, CellKey};
use crate::provider::Workspace;
use crate::quota::Clock;
use crate::run::{
    Exit, Finding, Folders, Prepared, RunError, Scope, Verification, VerifyOptions, verify as verify_job,
};
use crate::simulate::with_secrets;

use super::args::VerifyArguments;
use super::load::load;
use super::start::CommandError;
use super::term::{put, say};

/// Looks at each job and prints what does not hold.
pub(super) fn verify(arguments: &VerifyArguments) -> Result<Exit, CommandError> {
    let mut loaded = load(&arguments.jobs)?;
    // Nothing is sent, so no secret is needed.
    loaded.workspace.environment = with_secrets(&loaded.workspace.environment, &loaded.providers());
    let now = Clock::system().now().wall;
    let prepared = loaded.prepare(now)?;
    let folders = {
        let Workspace { settings, environment, .. } = &loaded.workspace;
        Folders::chosen(settings, environment, arguments.simulate)
    };
    // A folder without a ledger is no error: whatever it holds is then unknown to it.
    let ledger: Box<dyn Ledger> = match folders.ledger().exists() {
        true => Box::new(SqliteLedger::open(&folders.ledger()).map_err(RunError::from)?),
        false => Box::new(ModelLedger::new()),
    };
    let mut exit = Exit::Done;
    let (mut verified, mut held) = (Vec::new(), Vec::new());
    for Prepared { job, provider, .. } in &prepared {
        let cells: Vec<CellKey> = plan::cells(job, now, &provider.zone)?.into_iter().map(|cell| cell.key).collect();
        let _lock = match lock(&folders, job) {
            Ok(lock) => lock,
            Err(busy @ LockError::Held { .. }) => {
                say(&format!("{}: not verified, {busy}", job.name));
                held.push(job.name.as_str());
                exit = exit.and(Exit::Paused);
                continue;
            }
            Err(error) => return Err(RunError::from(error).into()),
        };
        let options = VerifyOptions { read_data: arguments.read_data, planned: Some(&cells) };
        let verification = verify_job(&Scope { folders: &folders, job }, ledger.as_ref(), options)?;
        exit = exit.and(verification.exit());
        verified.push(verification);
    }
    if arguments.jobs.json {
        let report = json!({ "exit_code": exit.code(), "jobs": verified, "held": held });
        put(&serde_json::to_string_pretty(&report).unwrap_or_default());
    } else {
        let cwd = std::env::current_dir().unwrap_or_default();
        verified.iter().for_each(|verification| show(verification, &cwd));
    }
    Ok(exit)
}

/// Keeps runs of the job away; a state folder that does not exist has none, and is not made.
fn lock(folders: &Folders, job: &Job) -> Result<Option<JobLock>, LockError> {
    match folders.state.exists() {
        true => JobLock::acquire_for(Doing::Verify, &folders.state, job.name.as_str()).map(Some),
        false => Ok(None),
    }
}

fn show(verification: &Verification, cwd: &Path) {
    for finding in &verification.findings {
        put(&line(finding, cwd));
    }
    for path in &verification.leftovers {
        say(&format!("note: {} is left from a run that was stopped; the next one removes it", short(path, cwd)));
    }
    for path in &verification.quarantined {
        let path = short(path, cwd);
        say(&format!("note: {path} holds damaged pages as they were found; no run needs or removes them"));
    }
    put(&summary(verification));
}

/// What, where, what to do next.
fn line(finding: &Finding, cwd: &Path) -> String {
    let place = match (&finding.partition, &finding.path) {
        (_, Some(path)) => short(path, cwd),
        (Some(partition), None) => format!("partition `{partition}`"),
        (None, None) => "the ledger".to_owned(),
    };
    format!("{}: {place}: {}; {}", finding.kind.name(), finding.message, finding.next)
}

fn short(path: &str, cwd: &Path) -> String {
    Path::new(path).strip_prefix(cwd).map_or_else(|_| path.to_owned(), |path| path.display().to_string())
}

fn summary(verification: &Verification) -> String {
    let cells = &verification.cells;
    let mut text =
        format!("{}  {} cells: {} records, {} empty", verification.job, cells.total, cells.records, cells.empty);
    if cells.unconfirmed > 0 {
        text.push_str(&format!(" ({} of them unconfirmed)", cells.unconfirmed));
    }
    text.push_str(&format!(", {} rejected, {} left", cells.rejected, cells.left));
    let findings = match verification.findings.len() {
        0 => "no findings".to_owned(),
        1 => "1 finding".to_owned(),
        many => format!("{many} findings"),
    };
    let files = if verification.files == 1 { "file" } else { "files" };
    text.push_str(&format!("; {} {files}, {} rows, {findings}", verification.files, verification.rows));
    text
}
