//! The seam: what every ledger does, held by one conformance suite.
//!
//! Invariant: each method is exactly one transaction, and a write under a token smaller than the job's current one
//! fails with [`LedgerError::Fenced`]. Blocking; time comes in as an argument.

use jiff::Timestamp;

use crate::plan::{CellKey, KnownPartition, Partition};

use super::error::LedgerError;
use super::row::{
    CellRow, Claim, Decision, PartitionId, PartitionRow, RejectedRecord, Rejection, RunRow, SealedCell, Totals,
};

/// What is planned and done.
///
/// A partition goes `fetching → sealed → publishing → committed`; sealing may be repeated until it is committed (its
/// file is then decided anew). A committed one may be reopened for some of its cells: it is `fetching` again, in the
/// next generation, and what was decided stays decided until the new generation is. Nothing else goes back.
pub trait Ledger: Send {
    /// Takes a job over, or begins it: every older holder is fenced out.
    fn claim(&mut self, job: &str, now: Timestamp) -> Result<Claim, LedgerError>;

    /// Stores the fingerprint of the job as it is run from now on.
    fn adopt(&mut self, job: &str, token: u64, fingerprint: &str) -> Result<(), LedgerError>;

    /// Plans partitions. Those already known are left alone; it is an error if their cells differ, or if a cell is
    /// in another partition of the job.
    fn add(&mut self, job: &str, token: u64, partitions: &[Partition]) -> Result<(), LedgerError>;

    /// All partitions of a job in the order they were added.
    fn partitions(&self, job: &str) -> Result<Vec<PartitionRow>, LedgerError>;

    /// The cells of a partition in plan order.
    fn cells(&self, partition: PartitionId) -> Result<Vec<CellRow>, LedgerError>;

    /// The membership of all partitions of a job, in the order they were added.
    fn known(&self, job: &str) -> Result<Vec<KnownPartition>, LedgerError>;

    /// Settles all cells of a partition and notes the records that stay out of its file. `cells` are exactly its
    /// members, in any order. What an earlier sealing wrote is replaced.
    fn seal(
        &mut self,
        partition: PartitionId,
        token: u64,
        cells: &[SealedCell],
        rejected: &[RejectedRecord],
    ) -> Result<(), LedgerError>;

    /// The records noted by [`Ledger::seal`], in the same order.
    fn rejected(&self, partition: PartitionId) -> Result<Vec<RejectedRecord>, LedgerError>;

    /// Decides what the file of a sealed partition is, once; `false`, and nothing changed, if it is not sealed.
    fn decide(&mut self, partition: PartitionId, token: u64, decision: &Decision) -> Result<bool, LedgerError>;

    /// The decided file is visible and was read back.
    fn commit(&mut self, partition: PartitionId, token: u64) -> Result<(), LedgerError>;

    /// Takes a committed partition back for the cells in `retry`, at least one: it is `fetching` in the next generation
    /// and these cells are planned again. Its decision stays what it is, and so does its file.
    fn reopen(&mut self, partition: PartitionId, token: u64, retry: &[CellKey]) -> Result<(), LedgerError>;

    /// Gives up the generation that [`Ledger::reopen`] began, before it is sealed: the partition is committed as it was,
    /// with the old decision and the old ends of its cells.
    fn restore(&mut self, partition: PartitionId, token: u64) -> Result<(), LedgerError>;

    /// The cells a partition was reopened for, as they stood before, in plan order; none once the new generation is
    /// committed or given up.
    fn retried(&self, partition: PartitionId) -> Result<Vec<CellRow>, LedgerError>;

    /// The recorded schema of the dataset.
    fn schema(&self, job: &str) -> Result<Option<String>, LedgerError>;

    /// Records the schema of the dataset.
    fn record_schema(&mut self, job: &str, token: u64, schema: &str) -> Result<(), LedgerError>;

    /// Keeps the report of the last run of a job; it need not have been claimed.
    fn note_run(&mut self, job: &str, run: &RunRow) -> Result<(), LedgerError>;

    /// The last run noted.
    fn last_run(&self, job: &str) -> Result<Option<RunRow>, LedgerError>;

    /// The rejections of a job that stand, cells before records, each in plan order, at most `most`.
    fn rejections(&self, job: &str, most: usize) -> Result<Vec<Rejection>, LedgerError>;

    /// The token of the last claim of a job; `None` if it was never claimed.
    fn token(&self, job: &str) -> Result<Option<u64>, LedgerError>;

    /// Counts of a job; zeros for an unknown one.
    fn totals(&self, job: &str) -> Result<Totals, LedgerError>;
}

/// Finds a member's position; the error names what is wrong with a sealing.
pub(super) fn member(
    members: &std::collections::HashMap<CellKey, usize>,
    key: &CellKey,
    partition: &str,
) -> Result<usize, LedgerError> {
    let what = || LedgerError::Membership { partition: partition.to_owned(), what: format!("`{key}` is not in it") };
    members.get(key).copied().ok_or_else(what)
}

/// Checks which members are to be asked for again; gives their positions, sorted.
pub(super) fn retry_positions(
    members: &std::collections::HashMap<CellKey, usize>,
    partition: &str,
    retry: &[CellKey],
) -> Result<Vec<usize>, LedgerError> {
    let mut at = retry.iter().map(|key| member(members, key, partition)).collect::<Result<Vec<_>, _>>()?;
    at.sort_unstable();
    at.dedup();
    if at.is_empty() {
        let what = "no cell of it is to be asked for again".to_owned();
        return Err(LedgerError::Membership { partition: partition.to_owned(), what });
    }
    Ok(at)
}

/// Checks that a sealing settles each member once; gives the position of each sealed cell and each rejected record.
pub(super) fn positions(
    members: &std::collections::HashMap<CellKey, usize>,
    partition: &str,
    cells: &[SealedCell],
    rejected: &[RejectedRecord],
) -> Result<(Vec<usize>, Vec<usize>), LedgerError> {
    let wrong = |what: String| LedgerError::Membership { partition: partition.to_owned(), what };
    let mut settled = vec![false; members.len()];
    let mut at = Vec::with_capacity(cells.len());
    for cell in cells {
        let position = member(members, &cell.key, partition)?;
        if std::mem::replace(&mut settled[position], true) {
            return Err(wrong(format!("`{}` is settled twice", cell.key)));
        }
        at.push(position);
    }
    if let Some(open) = members.iter().find(|(_, position)| !settled[**position]) {
        return Err(wrong(format!("`{}` is not settled", open.0)));
    }
    let records = rejected.iter().map(|record| member(members, &record.cell, partition));
    Ok((at, records.collect::<Result<_, _>>()?))
}
