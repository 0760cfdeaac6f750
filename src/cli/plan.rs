//! `tidemill plan`: how many cells and partitions, how many are left. Sends nothing and writes nothing.

use serde_json::json;

use crate::job::Job;
use crate::ledger::{Ledger, PartitionRow, SqliteLedger, Totals};
use crate::plan;
use crate::quota::Clock;
use crate::run::{Exit, Folders, Prepared, RunError, refetched};

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
        let (totals, rows) = known(ledger.as_ref(), &job)?;
        let settled = totals.records + totals.empty + totals.unconfirmed + totals.rejected + totals.accepted;
        let left = (cells as u64).saturating_sub(settled);
        let again: u64 = refetched(&job, &provider.zone, &rows, now).into_iter().map(|row| row.cells).sum();
        plans.push((job, provider, cells, partitions, settled, left, again));
    }
    for (job, provider, cells, partitions, settled, left, again) in plans {
        if arguments.json {
            put(&json!({
                "job": job.name.as_str(), "provider": provider.name, "cells": cells, "files": partitions,
                "settled": settled, "left": left, "again": again,
            })
            .to_string());
        } else {
            let again = match again {
                0 => String::new(),
                again => format!(", {again} fetched again"),
            };
            put(&format!(
                "{} from {}: {} in {}, {settled} settled, {left} left{again} (one request each, and one per further page)",
                job.name,
                provider.name,
                count(cells as u64, "cell"),
                count(partitions as u64, "file"),
            ));
        }
    }
    Ok(Exit::Done)
}

fn known(ledger: Option<&SqliteLedger>, job: &Job) -> Result<(Totals, Vec<PartitionRow>), CommandError> {
    let Some(ledger) = ledger else { return Ok((Totals::default(), Vec::new())) };
    let name = job.name.as_str();
    Ok((ledger.totals(name).map_err(RunError::from)?, ledger.partitions(name).map_err(RunError::from)?))
}
