//! The statements about runs: their reports, as many as are kept, and when the last one began.

use jiff::Timestamp;
use rusqlite::{OptionalExtension, Transaction, params};

use super::row::{RUNS_KEPT, RunRow};
use super::sqlite_guard::Inside;
use super::sqlite_rows::time;

/// Adds a run and lets go of those before the last [`RUNS_KEPT`].
pub(super) fn note_run(db: &Transaction<'_>, job: &str, run: &RunRow) -> Inside<()> {
    db.execute(
        "INSERT INTO run (job, report, started, ended) VALUES (?, ?, ?, ?)",
        params![job, run.report, run.started.to_string(), run.ended.to_string()],
    )?;
    db.execute(
        "DELETE FROM run WHERE job = ?1 AND id <= \
         (SELECT id FROM run WHERE job = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)",
        params![job, RUNS_KEPT],
    )?;
    Ok(())
}

/// The runs of a job, the last one first.
pub(super) fn runs(db: &Transaction<'_>, job: &str, most: usize) -> Inside<Vec<RunRow>> {
    let mut select =
        db.prepare_cached("SELECT report, started, ended FROM run WHERE job = ? ORDER BY id DESC LIMIT ?")?;
    let runs = select.query_map(params![job, i64::try_from(most).unwrap_or(i64::MAX)], |row| {
        Ok(RunRow { report: row.get(0)?, started: time(row, 1)?, ended: time(row, 2)? })
    })?;
    Ok(runs.collect::<Result<_, _>>()?)
}

/// Every job that was claimed, or of which a run was noted.
pub(super) fn jobs(db: &Transaction<'_>) -> Inside<Vec<String>> {
    let mut select = db.prepare_cached("SELECT name FROM job UNION SELECT job FROM run ORDER BY 1")?;
    Ok(select.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?)
}

/// When a job was claimed last.
pub(super) fn claimed(db: &Transaction<'_>, job: &str) -> Inside<Option<Timestamp>> {
    let mut select = db.prepare_cached("SELECT claimed FROM job WHERE name = ?")?;
    Ok(select.query_row([job], |row| time(row, 0)).optional()?)
}
