//! The statements that write the cells of a partition: planned, settled, planned again, put back.
//!
//! Invariant: each runs inside the caller's transaction, after its guard.

use std::collections::HashMap;

use rusqlite::{ErrorCode, OptionalExtension, Transaction, params};

use crate::plan::{CellKey, Partition};

use super::error::LedgerError;
use super::row::{CellRow, Outcome, PartitionId, RejectedRecord, SealedCell};
use super::sqlite_guard::{Fault, Inside};
use super::sqlite_rows::cell_row;

pub(super) fn add(db: &Transaction<'_>, (job, id): (&str, i64), token: u64, partition: &Partition) -> Inside<()> {
    let wrong = |what: &str| LedgerError::Membership { partition: partition.key.clone(), what: what.to_owned() };
    let known: Option<i64> = db
        .prepare_cached("SELECT id FROM partition WHERE job = ? AND key = ?")?
        .query_row(params![id, partition.key], |row| row.get(0))
        .optional()?;
    if let Some(known) = known {
        let same = members(db, known)?.iter().eq(partition.cells.iter().map(|cell| &cell.key));
        return if same { Ok(()) } else { Err(wrong("it is known with others").into()) };
    }
    let folders = serde_json::to_string(&partition.folders)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))?;
    db.prepare_cached(
        "INSERT INTO partition (job, key, folders, hash, cells, state, generation, token, rows, bytes) \
         VALUES (?, ?, ?, ?, ?, 'fetching', 1, ?, 0, 0)",
    )?
    .execute(params![id, partition.key, folders, partition.hash(job), partition.cells.len(), token])?;
    let row = db.last_insert_rowid();
    let mut insert = db.prepare_cached(
        "INSERT INTO cell (partition, position, job, id, key, records, pages, credits) VALUES (?, ?, ?, ?, ?, 0, 0, 0)",
    )?;
    for (position, cell) in partition.cells.iter().enumerate() {
        let inserted = insert.execute(params![row, position, id, cell.key.id().0, cell.key.0]);
        inserted.map_err(|error| match error.sqlite_error_code() {
            Some(ErrorCode::ConstraintViolation) => Fault::from(wrong("a cell is planned twice")),
            Some(_) | None => Fault::from(error),
        })?;
    }
    Ok(())
}

fn members(db: &Transaction<'_>, partition: i64) -> Inside<Vec<CellKey>> {
    let mut select = db.prepare_cached("SELECT key FROM cell WHERE partition = ? ORDER BY position")?;
    Ok(select.query_map([partition], |row| row.get(0).map(CellKey))?.collect::<Result<_, _>>()?)
}

pub(super) fn settle<'a>(
    db: &Transaction<'_>,
    partition: PartitionId,
    cells: impl Iterator<Item = (&'a SealedCell, usize)>,
) -> Inside<()> {
    let mut update = db.prepare_cached(
        "UPDATE cell SET outcome = ?, code = ?, message = ?, records = ?, pages = ?, credits = ? \
         WHERE partition = ? AND position = ?",
    )?;
    for (cell, position) in cells {
        let (outcome, code, message) = match &cell.outcome {
            Outcome::Records => ("records", None, None),
            Outcome::Empty { unconfirmed: false } => ("empty", None, None),
            Outcome::Empty { unconfirmed: true } => ("unconfirmed", None, None),
            Outcome::Rejected { code, message } => ("rejected", Some(code), Some(message)),
        };
        update.execute(params![
            outcome,
            code,
            message,
            cell.records,
            cell.pages,
            cell.credits,
            partition.0,
            position
        ])?;
    }
    Ok(())
}

pub(super) fn note_rejected<'a>(
    db: &Transaction<'_>,
    partition: PartitionId,
    records: impl Iterator<Item = (&'a RejectedRecord, usize)>,
) -> Inside<()> {
    db.execute("DELETE FROM rejected_record WHERE partition = ?", [partition.0])?;
    let mut insert = db.prepare_cached(
        "INSERT INTO rejected_record (partition, number, position, page, place, path, reason) \
         VALUES (?, ?, ?, ?, ?, ?, ?)",
    )?;
    for (number, (record, position)) in records.enumerate() {
        insert.execute(params![
            partition.0,
            number,
            position,
            record.page,
            record.index,
            record.path,
            record.reason
        ])?;
    }
    Ok(())
}

/// The place of each member in plan order.
pub(super) fn positions_of(db: &Transaction<'_>, partition: PartitionId) -> Inside<HashMap<CellKey, usize>> {
    Ok(members(db, partition.0)?.into_iter().enumerate().map(|(position, key)| (key, position)).collect())
}

/// Begins the next generation: the cells at these positions are planned again, and as they stood they are kept.
pub(super) fn plan_again(db: &Transaction<'_>, partition: PartitionId, token: u64, at: &[usize]) -> Inside<()> {
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
        "UPDATE partition SET state = 'fetching', generation = generation + 1, token = ? WHERE id = ?",
        params![token, partition.0],
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
        "UPDATE partition SET state = 'committed', generation = generation - 1, token = ? WHERE id = ?",
        params![token, partition.0],
    )?;
    forget_retried(db, partition)
}

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
