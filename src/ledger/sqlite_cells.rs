//! The statements that write the cells of a partition: planned and settled.
//!
//! Invariant: each runs inside the caller's transaction, after its guard.

use std::collections::HashMap;

use rusqlite::{ErrorCode, OptionalExtension, Transaction, params};

use crate::plan::{CellKey, Partition};

use super::error::LedgerError;
use super::row::{Outcome, PartitionId, RejectedRecord, SealedCell};
use super::sqlite_guard::{Fault, Inside};

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

/// Neighbours that ended alike, as most do, are written together: it takes half as long.
pub(super) fn settle<'a>(
    db: &Transaction<'_>,
    partition: PartitionId,
    cells: impl Iterator<Item = (&'a SealedCell, usize)>,
) -> Inside<()> {
    let mut update = db.prepare_cached(
        "UPDATE cell SET outcome = ?, code = ?, message = ?, records = ?, pages = ?, credits = ? \
         WHERE partition = ? AND position BETWEEN ? AND ?",
    )?;
    let mut cells = cells.peekable();
    while let Some((cell, position)) = cells.next() {
        let mut last = position;
        while cells.next_if(|(next, at)| *at == last + 1 && ended_alike(cell, next)).is_some() {
            last += 1;
        }
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
            position,
            last
        ])?;
    }
    Ok(())
}

fn ended_alike(one: &SealedCell, other: &SealedCell) -> bool {
    let SealedCell { key: _, outcome, records, pages, credits } = one;
    (outcome, records, pages, credits) == (&other.outcome, &other.records, &other.pages, &other.credits)
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
