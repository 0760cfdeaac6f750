//! `tidemill plan`: how many cells and partitions, how many are left. Sends nothing and writes nothing.

use serde_json::json;

use crate::job::Job;
use crate::ledger::{Ledger, SqliteLedger, Totals};
use crate::plan;
use crate::quota::Clock;
use crate::run::{Exit, Folders, Prepared, RunError};

use super::args::JobArguments;
use super::load::load;
use super::render::count;
use super::simulators::with_secrets;
use super::start::CommandError;
use super::term::put;

/// Prints the plan of each job.
pub(super) fn plan(arguments: &JobArguments) -> Result<Exit, CommandError> {
    let mut loaded = load(arguments)?;
    // Nothing is sent, so no secret is needed.
    loaded.workspace.environment = with_secrets(&loaded.workspace.environment, &loaded.providers());
    let now = Clock::system().now().wall;
    let prepared = loaded.prepare(now)?;
    let folders = Folders::of(&loaded.workspace.settings, &loaded.workspace.environment);
    let ledger = match folders.ledger().exists() {
        true => Some(SqliteLedger::open(&folders.ledger()).map_err(RunError::from)?),
        false => None,
    };
    let mut plans = Vec::new();
    for Prepared { job, provider, .. } in prepared {
        let cells = plan::cells(&job, now, &provider.zone)?.len();
        let partitions = plan::assign(plan::cells(&job, now, &provider.zone)?, &[], &job.output).len();
        let totals = totals(ledger.as_ref(), &job)?;
        let settled = totals.records + totals.empty + totals.unconfirmed + totals.rejected;
        let left = (cells as u64).saturating_sub(settled);
        plans.push((job, provider, cells, partitions, settled, left));
    }
    for (job, provider, cells, partitions, settled, left) in plans {
        if arguments.json {
            put(&json!({
                "job": job.name.as_str(), "provider": provider.name, "cells": cells, "files": partitions,
                "settled": settled, "left": left,
            })
            .to_string());
        } else {
            put(&format!(
                "{} from {}: {} in {}, {settled} settled, {left} left (one request each, and one per further page)",
                job.name,
                provider.name,
                count(cells as u64, "cell"),
                count(partitions as u64, "file"),
            ));
        }
    }
    Ok(Exit::Done)
}

fn totals(ledger: Option<&SqliteLedger>, job: &Job) -> Result<Totals, CommandError> {
    match ledger {
        Some(ledger) => Ok(ledger.totals(job.name.as_str()).map_err(RunError::from)?),
        None => Ok(Totals::default()),
    }
}
