//! Whether a visible file is the one that was decided. Opens it for reading only.
//!
//! A file has at most one finding: whatever explains most. A file of another partition has another size, too.

use std::collections::BTreeMap;
use std::path::Path;

use crate::ledger::{Cause, CellRow, Outcome, PartitionRow, PartitionState};
use crate::sink::{self, Footer};

use super::finding::FindingKind;

/// What a file is measured by.
pub(super) struct Decided<'a> {
    /// The job it must name.
    pub(super) job: &'a str,
    /// The provider it must name.
    pub(super) provider: &'a str,
    /// Its partition.
    pub(super) row: &'a PartitionRow,
    /// The cells it must name.
    pub(super) cells: &'a [CellRow],
    /// Read every byte of it.
    pub(super) read_data: bool,
}

/// What is wrong with a file.
pub(super) type Fault = (FindingKind, String);

/// What became of the file of a partition.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Checked {
    /// It stands as decided.
    Whole,
    /// An earlier generation stands until the new one is renamed over it.
    Older,
    /// It is not there.
    Absent,
    /// It is not what was decided.
    Faulty(Fault),
}

/// Whether the decision of `row` is that of the generation before it: until the new one is decided.
pub(super) fn earlier_stands(row: &PartitionRow) -> bool {
    row.cause.is_some() && matches!(row.state, PartitionState::Fetching | PartitionState::Sealed)
}

/// Compares the file at `path` with what was decided.
pub(super) fn check_file(path: &Path, decided: &Decided<'_>) -> Checked {
    let len = match std::fs::metadata(path) {
        Ok(found) => found.len(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Checked::Absent,
        Err(error) => return Checked::Faulty((FindingKind::Unreadable, error.to_string())),
    };
    let footer = match sink::footer(path) {
        Ok(footer) => footer,
        Err(error) => {
            let due = decided.row.bytes;
            let message = format!("{}; it has {len} bytes, {due} were decided", causes(&error));
            return Checked::Faulty((FindingKind::Unreadable, message));
        }
    };
    let generation = named(&footer, "generation").parse::<u32>().ok();
    let replacing = decided.row.state == PartitionState::Publishing;
    if replacing && generation.is_some_and(|found| found < decided.row.generation) {
        return Checked::Older;
    }
    match identity(&footer, decided).or_else(|| content(path, len, &footer, decided)) {
        Some(fault) => Checked::Faulty(fault),
        None => Checked::Whole,
    }
}

fn named<'a>(footer: &'a Footer, what: &str) -> &'a str {
    footer.pairs.get(&format!("tidemill.{what}")).map_or("", String::as_str)
}

/// Whether the file is of another job, partition, generation or provider, or tells another story of its cells.
fn identity(footer: &Footer, decided: &Decided<'_>) -> Option<Fault> {
    let generation = (decided.row.generation - u32::from(earlier_stands(decided.row))).to_string();
    let due = [
        ("job", decided.job),
        ("partition", decided.row.key.as_str()),
        ("generation", generation.as_str()),
        ("provider", decided.provider),
    ];
    for (what, due) in due {
        let found = named(footer, what);
        if found.is_empty() {
            return Some((FindingKind::Footer, format!("its footer names no {what}, `{due}` is due")));
        }
        if found != due {
            return Some((FindingKind::Footer, format!("its footer names {what} `{found}`, `{due}` is due")));
        }
    }
    // Sealed anew, a replay has counted the records again, and the file that stands knows nothing of it.
    let recounted = earlier_stands(decided.row) && decided.row.cause == Some(Cause::Replay);
    cells(footer, decided.cells, recounted).map(|message| (FindingKind::Footer, message))
}

/// How the footer's cells differ from the ledger's.
fn cells(footer: &Footer, due: &[CellRow], recounted: bool) -> Option<String> {
    let Ok(found) = serde_json::from_str::<Vec<(String, String)>>(named(footer, "cells")) else {
        return Some("its footer has no list of cells".to_owned());
    };
    if found.len() != due.len() {
        return Some(format!("its footer names {} cells, {} are due", found.len(), due.len()));
    }
    let outcomes: BTreeMap<&str, &str> = found.iter().map(|(key, outcome)| (key.as_str(), outcome.as_str())).collect();
    due.iter().find_map(|cell| {
        let ended = cell.outcome.as_ref().map_or("planned", Outcome::name);
        match outcomes.get(&*cell.key.0) {
            None => Some(format!("its footer does not name cell {}", cell.key)),
            Some(found) if *found != ended && !recounted => {
                Some(format!("its footer says `{found}` of cell {}, the ledger says `{ended}`", cell.key))
            }
            Some(_) => None,
        }
    })
}

/// Whether length, rows and, if asked for, bytes are as decided.
fn content(path: &Path, len: u64, footer: &Footer, decided: &Decided<'_>) -> Option<Fault> {
    let row = decided.row;
    if len != row.bytes {
        return Some((FindingKind::Size, format!("it has {len} bytes, {} were decided", row.bytes)));
    }
    if footer.rows != row.rows {
        return Some((FindingKind::Rows, format!("it has {} rows, {} were decided", footer.rows, row.rows)));
    }
    if !decided.read_data {
        return None;
    }
    let due = row.digest.as_deref().unwrap_or_default();
    match sink::digest(path) {
        Ok(Some(found)) if found == due => {}
        Ok(found) => {
            let found = found.unwrap_or_else(|| "gone".to_owned());
            return Some((FindingKind::Digest, format!("its digest is {found}, {due} was decided")));
        }
        Err(error) => return Some((FindingKind::Unreadable, causes(&error))),
    }
    match sink::count_rows(path) {
        Ok(rows) if rows == row.rows => None,
        Ok(rows) => Some((FindingKind::Rows, format!("its row groups hold {rows} rows, {} were decided", row.rows))),
        Err(error) => Some((FindingKind::Unreadable, causes(&error))),
    }
}

/// What stands in the way, without the advice of the outermost error: `next` gives it.
fn causes(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => super::runner::chain(source),
        None => error.to_string(),
    }
}
