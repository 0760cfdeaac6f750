//! The statements by which a partition gets a later generation, or is put back as it was; and those by which a job
//! begins with partitions that an earlier ledger knew.
//!
//! Invariant: each runs inside the caller's transaction, after its guard.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Transaction, params};

use super::ledger::{found_once, positions};
use super::row::{Cause, CellRow, PartitionId, Published, Salvaged};
use super::sqlite_cells::{add, note_rejected, positions_of, settle};
use super::sqlite_guard::Inside;
use super::sqlite_rows::cell_row;

/// Begins the next generation: the cells at these positions are planned again, and as they stood they are kept.
pub(super) fn plan_again(
    db: &Transaction<'_>,
    partition: PartitionId,
    token: u64,
    cause: Cause,
    at: &[usize],
) -> Inside<()> {
    let mut keep = db.prepare_cached(
        "INSERT INTO retried (partition, position, outcome, code, message, records, pages, credits) \
         SELECT partition, position, outcome, code, message, records, pages, credits FROM cell \
         WHERE partition = ? AND position = ?",
    )?;
    let mut plan = db.prepare_cached(
        "UPDATE cell SET outcome = NULL, code = NULL, message = NULL, records = 0, pages = 0, credits = 0 \
         WHERE partition = ? AND position = ?",
    )?;
    for position in at {
        keep.execute(params![partition.0, position])?;
        plan.execute(params![partition.0, position])?;
    }
    db.execute(
        "UPDATE partition SET state = 'fetching', generation = generation + 1, token = ?, cause = ? WHERE id = ?",
        params![token, cause.as_str(), partition.0],
    )?;
    Ok(())
}

/// Ends the generation without a file: everything is as it was before [`plan_again`].
pub(super) fn put_back(db: &Transaction<'_>, partition: PartitionId, token: u64) -> Inside<()> {
    db.execute(
        "UPDATE cell SET (outcome, code, message, records, pages, credits) = \
         (SELECT outcome, code, message, records, pages, credits FROM retried \
          WHERE retried.partition = cell.partition AND retried.position = cell.position) \
         WHERE partition = ?1 AND position IN (SELECT position FROM retried WHERE partition = ?1)",
        [partition.0],
    )?;
    db.execute(
        "UPDATE partition SET state = 'committed', generation = generation - 1, token = ?, cause = NULL WHERE id = ?",
        params![token, partition.0],
    )?;
    forget_retried(db, partition)
}

/// Whether no file of the partition was ever published.
pub(super) fn first_file(db: &Transaction<'_>, partition: PartitionId) -> Inside<bool> {
    Ok(db.query_row("SELECT cause IS NULL FROM partition WHERE id = ?", [partition.0], |row| row.get(0))?)
}

/// Plans the cells again that the sealing settled: all, and then no decision stays, or those it was reopened for.
pub(super) fn plan_over(db: &Transaction<'_>, partition: PartitionId, token: u64, all: bool) -> Inside<()> {
    db.execute(
        "UPDATE cell SET outcome = NULL, code = NULL, message = NULL, records = 0, pages = 0, credits = 0 \
         WHERE partition = ?1 AND (?2 OR position IN (SELECT position FROM retried WHERE partition = ?1))",
        params![partition.0, all],
    )?;
    db.execute("UPDATE partition SET state = 'fetching', token = ? WHERE id = ?", params![token, partition.0])?;
    if all {
        db.execute("DELETE FROM rejected_record WHERE partition = ?", [partition.0])?;
        db.execute("UPDATE partition SET file = NULL, digest = NULL, rows = 0, bytes = 0 WHERE id = ?", [partition.0])?;
    }
    Ok(())
}

/// Whether what a person took as final in partition `?3` is all that its new generation has of that kind.
pub(super) const STAYS_ACCEPTED: &str = "NOT EXISTS (SELECT 1 FROM rejected_record WHERE partition = ?3) \
     AND EXISTS (SELECT 1 FROM cell WHERE partition = ?3 AND outcome IN ('rejected', 'unconfirmed')) \
     AND NOT EXISTS (SELECT 1 FROM cell JOIN retried USING (partition, position) WHERE partition = ?3 \
     AND cell.outcome IN ('rejected', 'unconfirmed') AND retried.outcome IS NOT cell.outcome)";

pub(super) fn forget_retried(db: &Transaction<'_>, partition: PartitionId) -> Inside<()> {
    db.execute("DELETE FROM retried WHERE partition = ?", [partition.0])?;
    Ok(())
}

pub(super) fn retried(db: &Transaction<'_>, partition: PartitionId) -> Inside<Vec<CellRow>> {
    let mut select = db.prepare_cached(
        "SELECT key, retried.outcome, retried.code, retried.message, retried.records, retried.pages, \
         retried.credits FROM retried JOIN cell USING (partition, position) WHERE retried.partition = ? \
         ORDER BY retried.position",
    )?;
    Ok(select.query_map([partition.0], cell_row)?.collect::<Result<_, _>>()?)
}

/// Takes in what was found of a job.
pub(super) fn salvage(db: &Transaction<'_>, job: &str, found: &Salvaged, now: Timestamp) -> Inside<()> {
    found_once(found)?;
    let id: i64 = db.query_row(
        "INSERT INTO job (name, token, claimed, fingerprint, schema) VALUES (?1, ?2, ?3, ?4, ?5) \
         ON CONFLICT (name) DO UPDATE SET token = max(token, ?2), fingerprint = coalesce(fingerprint, ?4), \
         schema = coalesce(schema, ?5) RETURNING id",
        params![job, found.token.max(1), now.to_string(), found.fingerprint, found.schema],
        |row| row.get(0),
    )?;
    let token: u64 = db.query_row("SELECT token FROM job WHERE id = ?", [id], |row| row.get(0))?;
    for one in &found.partitions {
        let known = "SELECT id, state = 'fetching' AND generation = 1 FROM partition WHERE job = ? AND key = ?";
        let place = params![id, one.partition.key];
        let before: Option<(i64, bool)> =
            db.query_row(known, place, |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        if before.is_some_and(|(_, open)| !open) {
            continue;
        }
        add(db, (job, id), token, &one.partition)?;
        let partition: i64 = db.query_row(known, place, |row| row.get(0))?;
        db.execute("UPDATE partition SET generation = ? WHERE id = ?", params![one.generation, partition])?;
        if let Some(published) = &one.published {
            commit_as_found(db, (PartitionId(partition), &one.partition.key), token, published)?;
        }
    }
    Ok(())
}

fn commit_as_found(db: &Transaction<'_>, (id, key): (PartitionId, &str), token: u64, found: &Published) -> Inside<()> {
    let Published { decision, cells, rejected, committed } = found;
    let (cells_at, records_at) = positions(&positions_of(db, id)?, key, cells, rejected)?;
    settle(db, id, cells.iter().zip(cells_at))?;
    note_rejected(db, id, rejected.iter().zip(records_at))?;
    db.execute(
        "UPDATE partition SET state = 'committed', token = ?, digest = ?, rows = ?, bytes = ?, file = ?, committed = ? \
         WHERE id = ?",
        params![token, decision.digest, decision.rows, decision.bytes, decision.file, committed.to_string(), id.0],
    )?;
    Ok(())
}
