//! The statements that list all partitions of a job, and all its cells.
//!
//! Invariant: one pass over the rows as they lie, whatever their number: nothing is looked up or sorted for each.

use std::sync::Arc;

use rusqlite::{OptionalExtension, Transaction};

use crate::plan::{CellKey, KnownPartition};

use super::row::PartitionRow;
use super::sqlite_guard::Inside;
use super::sqlite_rows::{PARTITION, partition_row};

/// Where the partitions of a job lie: mostly next to each other, as they were planned at once. The job itself is compared
/// so that no index is used: in its order they would have to be sorted.
const OF_JOB: &str = "BETWEEN (SELECT min(id) FROM partition WHERE job = ?1) \
     AND (SELECT max(id) FROM partition WHERE job = ?1) AND +job = ?1";

/// The number of a job.
fn job_id(db: &Transaction<'_>, job: &str) -> Inside<Option<i64>> {
    let mut select = db.prepare_cached("SELECT id FROM job WHERE name = ?")?;
    Ok(select.query_row([job], |row| row.get(0)).optional()?)
}

/// All partitions of a job in the order they were added.
pub(super) fn partitions(db: &Transaction<'_>, job: &str) -> Inside<Vec<PartitionRow>> {
    let id = job_id(db, job)?;
    let mut select = db.prepare_cached(&format!("SELECT {PARTITION} FROM partition WHERE id {OF_JOB} ORDER BY id"))?;
    Ok(select.query_map([id], partition_row)?.collect::<Result<_, _>>()?)
}

/// The membership of all partitions of a job, in the order they were added.
pub(super) fn known(db: &Transaction<'_>, job: &str) -> Inside<Vec<KnownPartition>> {
    let id = job_id(db, job)?;
    let mut select =
        db.prepare_cached(&format!("SELECT id, key, cells FROM partition WHERE id {OF_JOB} ORDER BY id"))?;
    let mut members = db.prepare_cached(&format!(
        "SELECT partition, key FROM cell WHERE partition {OF_JOB} ORDER BY partition, position"
    ))?;
    let mut members = members.query([id])?;
    let mut next: Option<(i64, Arc<str>)> = None;
    let mut known = Vec::new();
    let mut rows = select.query([id])?;
    while let Some(row) = rows.next()? {
        let id: i64 = row.get(0)?;
        let mut cells = Vec::with_capacity(row.get(2)?);
        loop {
            match next.take() {
                Some((partition, key)) if partition == id => cells.push(CellKey(key)),
                // That of a later partition, which waits for its turn; one of none has no turn.
                Some(later) if later.0 > id => {
                    next = Some(later);
                    break;
                }
                Some(_) | None => {}
            }
            let Some(member) = members.next()? else { break };
            next = Some((member.get(0)?, member.get(1)?));
        }
        known.push(KnownPartition { key: row.get(1)?, cells });
    }
    Ok(known)
}
