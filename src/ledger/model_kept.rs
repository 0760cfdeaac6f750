//! A partition as the ledger in memory keeps it.

use std::collections::HashMap;

use crate::plan::{CellKey, Partition};

use super::error::LedgerError;
use super::row::{Cause, CellRow, Outcome, PartitionId, PartitionRow, PartitionState, RejectedRecord};

/// One partition with all that belongs to it.
#[derive(Debug, Clone)]
pub(super) struct Kept {
    pub(super) job: String,
    pub(super) row: PartitionRow,
    pub(super) cells: Vec<CellRow>,
    pub(super) rejected: Vec<RejectedRecord>,
    /// Cells it was reopened for, as they stood, with their positions.
    pub(super) retried: Vec<(usize, CellRow)>,
}

impl Kept {
    pub(super) fn new(job: &str, id: PartitionId, token: u64, partition: &Partition) -> Self {
        let row = PartitionRow {
            id,
            key: partition.key.clone(),
            folders: partition.folders.clone(),
            hash: partition.hash(job),
            state: PartitionState::Fetching,
            generation: 1,
            token,
            file: None,
            digest: None,
            rows: 0,
            bytes: 0,
            cells: partition.cells.len() as u64,
            cause: None,
            committed: None,
            accepted: false,
        };
        let cells = partition.cells.iter().map(|cell| Self::planned(&cell.key)).collect();
        Self { job: job.to_owned(), row, cells, rejected: Vec::new(), retried: Vec::new() }
    }

    pub(super) fn reopen(&mut self, token: u64, cause: Cause, at: &[usize]) {
        for position in at {
            let planned = Self::planned(&self.cells[*position].key);
            self.retried.push((*position, std::mem::replace(&mut self.cells[*position], planned)));
        }
        self.row.state = PartitionState::Fetching;
        self.row.generation += 1;
        self.row.cause = Some(cause);
        self.row.token = token;
    }

    /// Cells that `--retry-failed` asks for again, and rejected records.
    pub(super) fn acceptable(&self) -> u64 {
        let cells = self.cells.iter().filter(|cell| cell.outcome.as_ref().is_some_and(Outcome::asked_again));
        (cells.count() + self.rejected.len()) as u64
    }

    /// Whether what a person took as final is all that a new generation has of that kind.
    pub(super) fn stays_accepted(&self) -> bool {
        let again: Vec<&CellRow> =
            self.cells.iter().filter(|cell| cell.outcome.as_ref().is_some_and(Outcome::asked_again)).collect();
        let kind = |cell: &CellRow| cell.outcome.as_ref().map(std::mem::discriminant);
        let was = |cell: &CellRow| self.retried.iter().find(|(_, was)| was.key == cell.key).map(|(_, was)| was);
        let as_before = |cell: &&CellRow| {
            was(cell)
                .is_none_or(|was| kind(was) == kind(cell) && was.outcome.as_ref().is_some_and(Outcome::asked_again))
        };
        self.row.accepted && self.rejected.is_empty() && !again.is_empty() && again.iter().all(as_before)
    }

    /// Its rejected records are those of an answer that is being replaced.
    pub(super) fn is_asked_anew(&self) -> bool {
        self.row.state == PartitionState::Fetching && self.row.cause == Some(Cause::Refetch)
    }

    pub(super) fn planned(key: &CellKey) -> CellRow {
        CellRow { key: key.clone(), outcome: None, records: 0, pages: 0, credits: 0 }
    }

    pub(super) fn members(&self) -> HashMap<CellKey, usize> {
        self.cells.iter().enumerate().map(|(position, cell)| (cell.key.clone(), position)).collect()
    }

    pub(super) fn out_of_order(&self) -> LedgerError {
        LedgerError::State { partition: self.row.key.clone(), state: self.row.state }
    }
}
