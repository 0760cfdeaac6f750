//! `tidemill plan`: how many cells and files, how many calls and credits are left, and when they are done. Sends nothing
//! and changes no job.

use jiff::Timestamp;

use crate::ledger::{Ledger, SqliteLedger};
use crate::plan::{Used, Work, forecast};
use crate::quota::{Clock, Snapshot};
use crate::run::{Exit, Folders, Prepared, RunError, standing};
use crate::simulate::with_secrets;

use super::args::JobArguments;
use super::load::load;
use super::plan_text::{Planned, Together, lines};
use super::quota::known;
use super::start::CommandError;
use super::term::{put, say};

/// Prints the plan of each job; those of one credential together, for they share its limits.
pub(super) fn plan(arguments: &JobArguments) -> Result<Exit, CommandError> {
    let mut loaded = load(arguments)?;
    // Nothing is sent, so no secret is needed.
    loaded.workspace.environment = with_secrets(&loaded.workspace.environment, &loaded.providers());
    let clock = Clock::system();
    let now = clock.now().wall;
    let prepared = loaded.prepare(now)?;
    let folders = Folders::of(&loaded.workspace.settings, &loaded.workspace.environment);
    let ledger = match folders.ledger().exists() {
        true => Some(SqliteLedger::open(&folders.ledger()).map_err(RunError::from)?),
        false => None,
    };
    let ledger = ledger.as_ref().map(|ledger| ledger as &dyn Ledger);
    let mut accounts: Vec<(String, Together)> = Vec::new();
    let mut is_work_left = false;
    for Prepared { job, provider, credential } in prepared {
        let standing = standing(&job, &provider, ledger, &folders, now).map_err(|error| match error {
            RunError::Plan(problems) => CommandError::Input(problems),
            other => CommandError::Run(other),
        })?;
        let cells = standing.left + standing.again;
        is_work_left |= cells > 0;
        let work = Work { cells, learned: standing.learned, ceilings: job.ceilings };
        let planned = Planned { job, standing, work };
        let account = credential.fingerprint();
        match accounts.iter_mut().find(|(known, _)| *known == account) {
            Some((_, together)) => together.jobs.push(planned),
            None => accounts.push((account, Together { provider, jobs: vec![planned] })),
        }
    }
    for (fingerprint, together) in accounts {
        let (_, snapshot) = known(&together.provider, &fingerprint, &folders, &clock)?;
        show(&together, &used(&snapshot), now, arguments.json);
    }
    if is_work_left && !arguments.json {
        // Whoever has never run them tries without a key first.
        let rehearsal = if ledger.is_none() { " --simulate" } else { "" };
        say(&format!("next: tidemill run {}{rehearsal}", arguments.typed()));
    }
    Ok(Exit::Done)
}

/// What is used of each window now.
pub(super) fn used(snapshot: &Snapshot) -> Vec<Used> {
    let windows = snapshot.windows.iter().enumerate();
    windows
        .filter_map(|(window, one)| Some(Used { window, used: one.used.into(), resets_at: one.resets_at? }))
        .collect()
}

fn show(together: &Together, used: &[Used], now: Timestamp, json: bool) {
    let work: Vec<Work> = together.jobs.iter().map(|planned| planned.work).collect();
    let forecast = forecast(&work, &together.provider.limits, used, &together.provider.zone, now);
    match json {
        true => together.json(&forecast).iter().for_each(|line| put(&line.to_string())),
        false => lines(together, &forecast, now).iter().for_each(|line| put(line)),
    }
}
