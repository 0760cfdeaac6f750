//! The statements that remember what the runs of a job took.
//!
//! Invariant: the sums are of one question. Each statement runs inside the caller's transaction, after its guard.

use std::time::Duration;

use rusqlite::{OptionalExtension, Transaction, params};

use crate::plan::Learned;

use super::sqlite_guard::Inside;

/// Adds to the sums of the job with this number.
pub(super) fn learn(db: &Transaction<'_>, job: i64, more: &Learned) -> Inside<()> {
    let took = u64::try_from(more.took.as_millis()).unwrap_or(u64::MAX);
    db.prepare_cached(
        "INSERT INTO learned (job, cells, pages, calls, credits, took_ms) VALUES (?, ?, ?, ?, ?, ?) \
         ON CONFLICT (job) DO UPDATE SET cells = cells + excluded.cells, pages = pages + excluded.pages, \
         calls = calls + excluded.calls, credits = credits + excluded.credits, took_ms = took_ms + excluded.took_ms",
    )?
    .execute(params![job, more.cells, more.pages, more.calls, more.credits, took])?;
    Ok(())
}

pub(super) fn learned(db: &Transaction<'_>, job: &str) -> Inside<Learned> {
    let mut select = db.prepare_cached(
        "SELECT cells, pages, calls, credits, took_ms FROM learned JOIN job ON job.id = job WHERE name = ?",
    )?;
    let found = select.query_row([job], |row| {
        let took = Duration::from_millis(row.get(4)?);
        Ok(Learned { cells: row.get(0)?, pages: row.get(1)?, calls: row.get(2)?, credits: row.get(3)?, took })
    });
    Ok(found.optional()?.unwrap_or_default())
}

/// Forgets the sums of the job with this number, unless it asks what it asked before, or nothing else is said.
pub(super) fn forget_learned(db: &Transaction<'_>, job: i64, fingerprint: Option<&str>) -> Inside<()> {
    db.execute(
        "DELETE FROM learned WHERE job = ?1 AND ?2 IS NOT NULL \
         AND (SELECT fingerprint FROM job WHERE id = ?1) IS NOT ?2",
        params![job, fingerprint],
    )?;
    Ok(())
}
