//! Where a job stands before a run: what is settled, what is left to ask for, what its cells took. Only looks.

use jiff::Timestamp;

use crate::job::Job;
use crate::ledger::{Ledger, PartitionState};
use crate::plan::{self, Learned};
use crate::provider::Provider;

use super::error::RunError;
use super::folders::Folders;
use super::refetch::refetched;
use super::states::ended;

/// Where a job stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Standing {
    /// Cells planned now.
    pub cells: u64,
    /// Files they make, if all were planned anew.
    pub files: u64,
    /// Cells that came to their end, published or not.
    pub settled: u64,
    /// Cells that a run would ask for.
    pub left: u64,
    /// Published cells that it would ask for again.
    pub again: u64,
    /// What cells took in earlier runs.
    pub learned: Learned,
}

/// Where `job` stands at `now`; without a `ledger` nothing was done yet.
///
/// # Errors
/// When the cells cannot be planned or the ledger cannot be read. Pages that cannot be read are taken for not there: a run
/// says what is wrong with them.
pub fn standing(
    job: &Job,
    provider: &Provider,
    ledger: Option<&dyn Ledger>,
    folders: &Folders,
    now: Timestamp,
) -> Result<Standing, RunError> {
    let planned = plan::cells(job, now, &provider.zone).map_err(RunError::Plan)?;
    let cells = planned.len() as u64;
    let files = planned.files(&job.output);
    let Some(ledger) = ledger else { return Ok(Standing { cells, files, left: cells, ..Standing::default() }) };
    let name = job.name.as_str();
    let (totals, rows) = (ledger.totals(name)?, ledger.partitions(name)?);
    let published = totals.records + totals.empty + totals.unconfirmed + totals.rejected + totals.accepted;
    let mut settled = published;
    for row in rows.iter().filter(|row| row.state == PartitionState::Fetching) {
        settled += ended(name, ledger, folders, row)?.len() as u64;
    }
    let again = refetched(job, &provider.zone, &rows, now).into_iter().map(|row| row.cells).sum();
    let learned = ledger.learned(name)?;
    Ok(Standing { cells, files, settled, left: cells.saturating_sub(settled), again, learned })
}
