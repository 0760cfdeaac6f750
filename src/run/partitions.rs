//! The partitions of a job with their cells: those the ledger knows, and those that are new, which it learns first.

use std::sync::Arc;

use crate::ledger::LedgerError;
use crate::plan;

use super::error::RunError;
use super::job::JobRun;
use super::members::{Placed, place, settled};
use super::publish::Settled;
use super::store::blocking;

impl JobRun {
    /// All partitions of the job, in the order they were planned.
    pub(super) async fn partitions(&self) -> Result<Vec<Settled>, RunError> {
        let (job, cells, store) = (Arc::clone(&self.job), self.cells.clone(), self.store.clone());
        let (token, path) = (self.token, self.options.folders.ledger());
        blocking(move || {
            let name = job.name.as_str();
            let known = store.now(|ledger| ledger.known(name))?;
            let Placed { cells: mut members, new } = place(&cells, &known);
            let new = plan::assign(new.into_iter().filter_map(|at| cells.get(at)), &known, &job.output);
            if !new.is_empty() {
                store.now(|ledger| ledger.add(name, token, &new))?;
            }
            let rows = store.now(|ledger| ledger.partitions(name))?;
            members.extend(new.into_iter().map(|partition| (partition.key, partition.cells)));
            let partitions = settled(rows, members);
            // Planned anew, cells that fell out of the ledger would stand in two files.
            match partitions.iter().find(|settled| settled.row.cells != settled.cells.len() as u64) {
                None => Ok(partitions),
                Some(wrong) => Err(RunError::Ledger(LedgerError::Contradiction {
                    path,
                    found: format!(
                        "partition `{}` was planned with {} cells and lists {}",
                        wrong.row.key,
                        wrong.row.cells,
                        wrong.cells.len()
                    ),
                })),
            }
        })
        .await
    }
}
