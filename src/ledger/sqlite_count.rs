//! The statements that count a job and list what is rejected in it.
//!
//! Invariant: what a person took as final is counted apart, and is neither listed nor asked for again.

use rusqlite::{OptionalExtension, Transaction, params};

use crate::plan::CellKey;

use super::row::{PartitionId, Rejection, Totals};
use super::sqlite_guard::Inside;
use super::sqlite_rows::{outcome, rejected_row, state};

/// The rejected records of a partition that is fetched again are those of an answer that is being replaced.
const NOT_ASKED_ANEW: &str = "AND NOT (state = 'fetching' AND cause IS 'refetch')";

pub(super) fn totals(db: &Transaction<'_>, job: &str) -> Inside<Totals> {
    let mut totals = Totals::default();
    let id: Option<i64> = db.query_row("SELECT id FROM job WHERE name = ?", [job], |row| row.get(0)).optional()?;
    let mut select = db.prepare_cached(
        "SELECT state, generation > 1, count(*), sum(rows), sum(bytes) FROM partition WHERE job = ? GROUP BY 1, 2",
    )?;
    let mut rows = select.query([id])?;
    while let Some(row) = rows.next()? {
        totals.partition(state(row, 0)?, row.get(1)?, row.get(2)?, (row.get(3)?, row.get(4)?));
    }
    // Most cells have records, or wait: those are not sorted into groups.
    let (cells, settled, credits) = db
        .prepare_cached(
            "SELECT count(*), count(outcome), coalesce(sum(credits), 0) FROM cell \
             JOIN partition ON partition.id = partition WHERE partition.job = ?",
        )?
        .query_row([id], |row| Ok((row.get::<_, u64>(0)?, row.get::<_, u64>(1)?, row.get(2)?)))?;
    (totals.planned, totals.records, totals.credits) = (cells - settled, settled, credits);
    let mut select = db.prepare_cached(
        "SELECT outcome, '', '', count(*), accepted FROM cell JOIN partition ON partition.id = partition \
         WHERE partition.job = ? AND outcome <> 'records' GROUP BY outcome, accepted",
    )?;
    let mut rows = select.query([id])?;
    while let Some(row) = rows.next()? {
        let count: u64 = row.get(3)?;
        totals.records -= count;
        totals.cell(outcome(row, 0)?.as_ref(), row.get(4)?, count, 0);
    }
    totals.rejected_records = db.query_row(
        &format!(
            "SELECT count(*) FROM rejected_record WHERE partition IN \
             (SELECT id FROM partition WHERE job = ? AND NOT accepted {NOT_ASKED_ANEW})"
        ),
        [id],
        |row| row.get(0),
    )?;
    Ok(totals)
}

pub(super) fn rejections(db: &Transaction<'_>, job: &str, most: usize) -> Inside<Vec<Rejection>> {
    let mut cells = db.prepare_cached(
        "SELECT cell.key, message FROM cell JOIN partition ON partition.id = partition JOIN job ON job.id = cell.job \
         WHERE name = ? AND outcome = 'rejected' AND NOT accepted ORDER BY partition, position LIMIT ?",
    )?;
    let cells = cells
        .query_map(params![job, most], |row| Ok(Rejection { cell: CellKey(row.get(0)?), message: row.get(1)? }))?;
    let mut rejections: Vec<Rejection> = cells.collect::<Result<_, _>>()?;
    let mut records = db.prepare_cached(&format!(
        "SELECT cell.key, page, place, path, reason FROM rejected_record AS record \
         JOIN cell ON cell.partition = record.partition AND cell.position = record.position \
         JOIN partition ON partition.id = record.partition JOIN job ON job.id = cell.job \
         WHERE name = ? AND NOT accepted {NOT_ASKED_ANEW} ORDER BY record.partition, number LIMIT ?"
    ))?;
    let records = records.query_map(params![job, most - rejections.len()], rejected_row)?;
    for record in records {
        let record = record?;
        rejections.push(Rejection { message: record.to_string(), cell: record.cell });
    }
    Ok(rejections)
}

/// Takes what is rejected or not confirmed in committed partitions of the job with this number as final.
pub(super) fn accept(db: &Transaction<'_>, job: i64) -> Inside<u64> {
    let standing = "partition IN (SELECT id FROM partition WHERE job = ?1 AND state = 'committed' AND NOT accepted)";
    let count = |table: &str, which: &str| {
        db.query_row(&format!("SELECT count(*) FROM {table} WHERE {standing} {which}"), [job], |row| {
            row.get::<_, u64>(0)
        })
    };
    let accepted = count("cell", "AND outcome IN ('rejected', 'unconfirmed')")? + count("rejected_record", "")?;
    db.execute(
        "UPDATE partition SET accepted = 1 WHERE job = ?1 AND state = 'committed' AND \
         (EXISTS (SELECT 1 FROM cell WHERE partition = partition.id AND outcome IN ('rejected', 'unconfirmed')) \
          OR EXISTS (SELECT 1 FROM rejected_record WHERE partition = partition.id))",
        [job],
    )?;
    Ok(accepted)
}

pub(super) fn retryable(db: &Transaction<'_>, job: &str) -> Inside<Vec<PartitionId>> {
    let mut select = db.prepare_cached(
        "SELECT partition.id FROM partition JOIN job ON job.id = job WHERE name = ? AND state = 'committed' \
         AND NOT accepted AND EXISTS (SELECT 1 FROM cell WHERE partition = partition.id \
         AND outcome IN ('rejected', 'unconfirmed')) ORDER BY 1",
    )?;
    Ok(select.query_map([job], |row| row.get(0).map(PartitionId))?.collect::<Result<_, _>>()?)
}
