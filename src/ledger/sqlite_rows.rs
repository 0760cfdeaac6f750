//! Turns rows of the database into what the ledger answers; a value that means nothing is an error, never a guess.

use jiff::Timestamp;
use rusqlite::Row;
use rusqlite::types::Type;

use crate::plan::CellKey;

use super::row::{Cause, CellRow, Outcome, PartitionId, PartitionRow, PartitionState, RejectedRecord};

/// The columns of a [`PartitionRow`], in the order [`partition_row`] reads them.
pub(super) const PARTITION: &str = "partition.id, key, folders, hash, state, generation, partition.token, file, digest, \
     rows, bytes, cells, cause, committed, accepted";

pub(super) fn partition_row(row: &Row<'_>) -> rusqlite::Result<PartitionRow> {
    Ok(PartitionRow {
        id: PartitionId(row.get(0)?),
        key: row.get(1)?,
        folders: folders(row, 2)?,
        hash: row.get(3)?,
        state: state(row, 4)?,
        generation: row.get(5)?,
        token: row.get(6)?,
        file: row.get(7)?,
        digest: row.get(8)?,
        rows: row.get(9)?,
        bytes: row.get(10)?,
        cells: row.get(11)?,
        cause: cause(row, 12)?,
        committed: maybe_time(row, 13)?,
        accepted: row.get(14)?,
    })
}

/// A record rejected: cell key, page, place, path, reason.
pub(super) fn rejected_row(row: &Row<'_>) -> rusqlite::Result<RejectedRecord> {
    Ok(RejectedRecord {
        cell: CellKey(row.get(0)?),
        page: row.get(1)?,
        index: row.get(2)?,
        path: row.get(3)?,
        reason: row.get(4)?,
    })
}

pub(super) fn cell_row(row: &Row<'_>) -> rusqlite::Result<CellRow> {
    Ok(CellRow {
        key: CellKey(row.get(0)?),
        outcome: outcome(row, 1)?,
        records: row.get(4)?,
        pages: row.get(5)?,
        credits: row.get(6)?,
    })
}

/// Reads `outcome, code, message` from column `at` on.
pub(super) fn outcome(row: &Row<'_>, at: usize) -> rusqlite::Result<Option<Outcome>> {
    Ok(Some(match row.get::<_, Option<String>>(at)?.as_deref() {
        None => return Ok(None),
        Some("records") => Outcome::Records,
        Some("empty") => Outcome::Empty { unconfirmed: false },
        Some("unconfirmed") => Outcome::Empty { unconfirmed: true },
        Some("rejected") => Outcome::Rejected { code: row.get(at + 1)?, message: row.get(at + 2)? },
        Some(other) => return Err(senseless(at, format!("outcome `{other}`"))),
    }))
}

pub(super) fn state(row: &Row<'_>, at: usize) -> rusqlite::Result<PartitionState> {
    let name: String = row.get(at)?;
    let known = PartitionState::ALL.into_iter().find(|state| state.as_str() == name);
    known.ok_or_else(|| senseless(at, format!("state `{name}`")))
}

pub(super) fn folders(row: &Row<'_>, at: usize) -> rusqlite::Result<Vec<(String, String)>> {
    serde_json::from_str(row.get_ref(at)?.as_str()?).map_err(|error| senseless(at, error.to_string()))
}

pub(super) fn time(row: &Row<'_>, at: usize) -> rusqlite::Result<Timestamp> {
    row.get_ref(at)?.as_str()?.parse().map_err(|error: jiff::Error| senseless(at, error.to_string()))
}

fn maybe_time(row: &Row<'_>, at: usize) -> rusqlite::Result<Option<Timestamp>> {
    match row.get_ref(at)? {
        rusqlite::types::ValueRef::Null => Ok(None),
        _ => time(row, at).map(Some),
    }
}

fn cause(row: &Row<'_>, at: usize) -> rusqlite::Result<Option<Cause>> {
    let Some(name) = row.get::<_, Option<String>>(at)? else { return Ok(None) };
    let known = Cause::ALL.into_iter().find(|cause| cause.as_str() == name);
    known.map(Some).ok_or_else(|| senseless(at, format!("cause `{name}`")))
}

fn senseless(at: usize, what: String) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(at, Type::Text, what.into())
}
