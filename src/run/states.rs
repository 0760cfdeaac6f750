//! How far each cell of a job is: what the ledger has settled, and what ended in the spool since. Only looks.

use std::collections::HashMap;

use crate::ledger::{Ledger, Outcome, PartitionRow, PartitionState, Rejection};
use crate::plan::{CellId, CellKey};
use crate::spool::{Head, SpoolView, Tail};

use super::error::RunError;
use super::folders::Folders;

/// How far a cell is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CellState {
    /// It has records.
    Records,
    /// There is nothing, as the provider said.
    Empty,
    /// It was rejected for good.
    Rejected,
    /// It is still to be asked for, or to be asked on.
    Left,
}

impl CellState {
    fn of(outcome: &Outcome) -> Self {
        match outcome {
            Outcome::Records => Self::Records,
            Outcome::Empty { .. } => Self::Empty,
            Outcome::Rejected { .. } => Self::Rejected,
        }
    }
}

/// The cells of a job that the ledger knows, partition by partition in the order they were planned.
///
/// # Errors
/// When the ledger cannot be read.
pub fn cell_states(job: &str, ledger: &dyn Ledger, folders: &Folders) -> Result<Vec<(CellKey, CellState)>, RunError> {
    let mut states = Vec::new();
    for row in ledger.partitions(job)? {
        let ended = ended(job, ledger, folders, &row)?;
        for cell in ledger.cells(row.id)? {
            let outcome = cell.outcome.as_ref().or_else(|| ended.get(&cell.key.id()));
            let state = outcome.map_or(CellState::Left, CellState::of);
            states.push((cell.key, state));
        }
    }
    Ok(states)
}

/// What stands as rejected of a job, at most `most`: what the ledger lists, then what was rejected in the spool since.
///
/// # Errors
/// When the ledger cannot be read.
pub fn rejections(job: &str, ledger: &dyn Ledger, folders: &Folders, most: usize) -> Result<Vec<Rejection>, RunError> {
    let mut rejections = ledger.rejections(job, most)?;
    for row in ledger.partitions(job)? {
        let ended = ended(job, ledger, folders, &row)?;
        if ended.is_empty() {
            continue;
        }
        for cell in ledger.cells(row.id)? {
            if let Some(Outcome::Rejected { message, .. }) = ended.get(&cell.key.id()) {
                rejections.push(Rejection { cell: cell.key, message: message.clone() });
            }
        }
    }
    rejections.truncate(most);
    Ok(rejections)
}

/// Cells of a partition that have ended in the spool, but not yet in the ledger. Pages that cannot be read are taken for not
/// there.
pub(super) fn ended(
    job: &str,
    ledger: &dyn Ledger,
    folders: &Folders,
    row: &PartitionRow,
) -> Result<HashMap<CellId, Outcome>, RunError> {
    let folder = folders.spool(job, &row.hash);
    if row.state != PartitionState::Fetching || !folder.exists() {
        return Ok(HashMap::new());
    }
    let head = Head {
        job: job.to_owned(),
        partition: row.key.clone(),
        generation: row.generation,
        token: row.token,
        replaces: None,
    };
    let Ok(view) = SpoolView::open(&folder, head, Tail::MayBeTorn) else { return Ok(HashMap::new()) };
    let open = ledger.cells(row.id)?.into_iter().filter(|cell| cell.outcome.is_none());
    let ended = open.filter_map(|cell| {
        let id = cell.key.id();
        Some((id, view.progress(&id)?.end.clone()?))
    });
    Ok(ended.collect())
}
