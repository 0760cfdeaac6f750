//! What every transaction begins with: may this token write, and where does the partition stand.

use std::path::Path;

use rusqlite::{OptionalExtension, Transaction};

use super::error::LedgerError;
use super::open::explain;
use super::row::{PartitionId, PartitionState};
use super::sqlite_rows::state;

/// Errors inside a transaction: SQLite's are explained once, outside.
pub(super) type Inside<T> = Result<T, Fault>;

pub(super) enum Fault {
    Sqlite(rusqlite::Error),
    Ledger(LedgerError),
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<LedgerError> for Fault {
    fn from(error: LedgerError) -> Self {
        Self::Ledger(error)
    }
}

pub(super) fn outside<T>(path: &Path, action: &'static str, result: Inside<T>) -> Result<T, LedgerError> {
    result.map_err(|fault| match fault {
        Fault::Sqlite(error) => explain(path, action, error),
        Fault::Ledger(error) => error,
    })
}

/// The job's number, if the token may write.
pub(super) fn guard(db: &Transaction<'_>, job: &str, token: u64) -> Inside<i64> {
    let found = db
        .prepare_cached("SELECT id, token FROM job WHERE name = ?")?
        .query_row([job], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    let (id, current) = found.ok_or_else(|| LedgerError::UnknownJob(job.to_owned()))?;
    if token < current {
        return Err(LedgerError::Fenced { job: job.to_owned(), token, current }.into());
    }
    Ok(id)
}

/// A partition about to be changed.
pub(super) struct Target {
    pub(super) job: String,
    pub(super) key: String,
    pub(super) state: PartitionState,
}

impl Target {
    pub(super) fn read(db: &Transaction<'_>, id: PartitionId) -> Inside<Self> {
        let found = db
            .prepare_cached("SELECT name, key, state FROM partition JOIN job ON job.id = job WHERE partition.id = ?")?
            .query_row([id.0], |row| Ok(Self { job: row.get(0)?, key: row.get(1)?, state: state(row, 2)? }))
            .optional()?;
        found.ok_or_else(|| LedgerError::UnknownPartition(id).into())
    }

    pub(super) fn guarded(db: &Transaction<'_>, id: PartitionId, token: u64) -> Inside<Self> {
        let target = Self::read(db, id)?;
        guard(db, &target.job, token)?;
        Ok(target)
    }

    pub(super) fn out_of_order(self) -> LedgerError {
        LedgerError::State { partition: self.key, state: self.state }
    }
}
