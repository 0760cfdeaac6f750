//! The seam: what every ledger does, held by one conformance suite.
//!
//! Invariant: each method is exactly one transaction, and a write under a token smaller than the job's current one
//! fails with [`LedgerError::Fenced`]. Blocking; time comes in as an argument.

use jiff::Timestamp;

use crate::plan::{CellKey, KnownPartition, Learned, Partition};

use super::error::LedgerError;
use super::row::{
    Cause, CellRow, Claim, Decision, PartitionId, PartitionRow, RejectedRecord, Rejection, Reopening, RunRow, Salvaged,
    SealedCell, Totals,
};

/// What is planned and done.
///
/// A partition goes `fetching → sealed → publishing → committed`; sealing may be repeated until it is committed (its
/// file is then decided anew). A committed one may be reopened: it is `fetching` again, in the next generation, and what
/// was decided stays decided until the new generation is. A sealed one whose pages are lost may be unsealed. Nothing else
/// goes back.
pub trait Ledger: Send {
    /// Takes a job over, or begins it: every older holder is fenced out.
    fn claim(&mut self, job: &str, now: Timestamp) -> Result<Claim, LedgerError>;

    /// Stores the fingerprint of the job as it is run from now on. Another one than before makes what was learned worthless:
    /// it is forgotten, here and by [`Ledger::reopen`].
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
    fn commit(&mut self, partition: PartitionId, token: u64, now: Timestamp) -> Result<(), LedgerError>;

    /// Takes committed partitions of a job back, all or none: each is `fetching` in its next generation, and the cells
    /// named with it are planned again. Their decisions stay what they are, and so do their files.
    fn reopen(&mut self, job: &str, token: u64, what: &Reopening) -> Result<(), LedgerError>;

    /// Gives up the generation that [`Ledger::reopen`] began, before it is sealed: the partition is committed as it was,
    /// with the old decision and the old ends of its cells.
    fn restore(&mut self, partition: PartitionId, token: u64) -> Result<(), LedgerError>;

    /// Takes a sealed partition back whose pages are lost: it is `fetching` in the same generation, and the cells that its
    /// sealing settled are planned again. One that was never published loses the decision about its file with that, if it
    /// has one; of one that was reopened the decision that stands may be replaced already, so it must not be decided yet.
    fn unseal(&mut self, partition: PartitionId, token: u64) -> Result<(), LedgerError>;

    /// Takes what is rejected or not confirmed in committed partitions as final; gives how many cells and records that are.
    /// It stays so in later generations, until one has another such cell, or a rejected record.
    fn accept(&mut self, job: &str, token: u64) -> Result<u64, LedgerError>;

    /// Committed partitions with cells that may be asked for again: rejected or empty only then, and not accepted.
    fn retryable(&self, job: &str) -> Result<Vec<PartitionId>, LedgerError>;

    /// Takes in what was found of a job, and begins it if it is not known. A partition that is known stays as it is, but
    /// for one that is being fetched in its first generation with the same cells: if its file was found, it is committed.
    fn salvage(&mut self, job: &str, found: &Salvaged, now: Timestamp) -> Result<(), LedgerError>;

    /// The cells a partition was reopened for, as they stood before, in plan order; none once the new generation is
    /// committed or given up.
    fn retried(&self, partition: PartitionId) -> Result<Vec<CellRow>, LedgerError>;

    /// The recorded schema of the dataset.
    fn schema(&self, job: &str) -> Result<Option<String>, LedgerError>;

    /// Records the schema of the dataset.
    fn record_schema(&mut self, job: &str, token: u64, schema: &str) -> Result<(), LedgerError>;

    /// Keeps the report of a run of a job, which need not have been claimed; of each job the last
    /// [`super::RUNS_KEPT`] are kept.
    fn note_run(&mut self, job: &str, run: &RunRow) -> Result<(), LedgerError>;

    /// The last runs noted, at most `most`, the last one first.
    fn runs(&self, job: &str, most: usize) -> Result<Vec<RunRow>, LedgerError>;

    /// Every job that was claimed, or of which a run was noted, by name.
    fn jobs(&self) -> Result<Vec<String>, LedgerError>;

    /// Adds to what the runs of a job took.
    fn learn(&mut self, job: &str, token: u64, more: &Learned) -> Result<(), LedgerError>;

    /// What the runs of a job took since it asks what it asks now; zeros when nothing was learned.
    fn learned(&self, job: &str) -> Result<Learned, LedgerError>;

    /// The rejections of a job that stand and are not accepted, cells before records, each in plan order, at most `most`.
    fn rejections(&self, job: &str, most: usize) -> Result<Vec<Rejection>, LedgerError>;

    /// The token of the last claim of a job; `None` if it was never claimed.
    fn token(&self, job: &str) -> Result<Option<u64>, LedgerError>;

    /// When a job was claimed last, or begun from what was found of it; `None` if neither.
    fn claimed(&self, job: &str) -> Result<Option<Timestamp>, LedgerError>;

    /// Counts of a job; zeros for an unknown one.
    fn totals(&self, job: &str) -> Result<Totals, LedgerError>;
}

/// Checks that no partition was found twice.
pub(super) fn found_once(found: &Salvaged) -> Result<(), LedgerError> {
    let mut keys = std::collections::HashSet::new();
    match found.partitions.iter().find(|one| !keys.insert(one.partition.key.as_str())) {
        Some(twice) => {
            let (partition, what) = (twice.partition.key.clone(), "it was found twice".to_owned());
            Err(LedgerError::Membership { partition, what })
        }
        None => Ok(()),
    }
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
pub(super) fn again_positions(
    members: &std::collections::HashMap<CellKey, usize>,
    partition: &str,
    cause: Cause,
    again: &[CellKey],
) -> Result<Vec<usize>, LedgerError> {
    let mut at = again.iter().map(|key| member(members, key, partition)).collect::<Result<Vec<_>, _>>()?;
    at.sort_unstable();
    at.dedup();
    if at.is_empty() && cause != Cause::Replay {
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
