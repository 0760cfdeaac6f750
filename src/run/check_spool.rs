//! Whether the pages of a partition that are still needed are all there and hang together.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use crate::ledger::{Cause, CellRow, Outcome, PartitionRow, PartitionState};
use crate::plan::CellId;
use crate::spool::{CellProgress, Head, SpoolError, SpoolView, Survey, Tail, has_generation};

use super::damage::price;
use super::finding::FindingKind;

/// What the spool of a partition says.
#[derive(Debug, Default)]
pub(super) struct Pages {
    /// How the cells that ended did.
    pub(super) ended: HashMap<CellId, Outcome>,
    /// The largest token it was written under.
    pub(super) newest_token: Option<u64>,
    /// What is wrong with it.
    pub(super) faults: Vec<(FindingKind, String)>,
}

/// Looks through the spool folder of a partition whose members are `cells`.
pub(super) fn check_spool(folder: &Path, job: &str, row: &PartitionRow, cells: &[CellRow]) -> Pages {
    let mut pages = Pages::default();
    // A later generation that has not begun lives on the pages of the one before.
    let begun = row.generation == 1
        || match has_generation(folder, row.generation) {
            Ok(begun) => begun || row.state != PartitionState::Fetching,
            Err(error) => {
                pages.faults.push(explain(&error));
                return pages;
            }
        };
    let head = Head {
        job: job.to_owned(),
        partition: row.key.clone(),
        generation: row.generation - u32::from(!begun),
        token: row.token,
        replaces: None,
    };
    let tail = match row.state {
        PartitionState::Fetching if begun => Tail::MayBeTorn,
        _ => Tail::Whole,
    };
    let view = match SpoolView::open(folder, head.clone(), tail) {
        Ok(view) => view,
        Err(error) => {
            let (kind, mut message) = explain(&error);
            if let SpoolError::Damaged { .. } = error
                && let Ok(survey) = Survey::of(folder, Head { token: u64::MAX, ..head.clone() })
            {
                let price = price(&survey, row, head.generation, cells);
                message.push_str(&format!("; {price} must be fetched again"));
            }
            pages.faults.push((kind, message));
            return pages;
        }
    };
    pages.newest_token = view.newest_token();
    let members: HashMap<CellId, &CellRow> = cells.iter().map(|cell| (cell.key.id(), cell)).collect();
    let strangers = view.cells().filter(|(id, _)| !members.contains_key(id)).count();
    if strangers > 0 {
        let message = format!("it holds pages of {strangers} cells that are not in this partition");
        pages.faults.push((FindingKind::Foreign, message));
    }
    // In a later generation the ledger knows the end of every cell that is not asked for again.
    let sealed =
        |cell: &CellRow| row.state != PartitionState::Fetching || (row.generation > 1 && cell.outcome.is_some());
    // A replay counts the records of each page again; what it finds is the ledger's once it is sealed.
    let recounted = begun && row.state == PartitionState::Fetching && row.cause == Some(Cause::Replay);
    for cell in cells {
        let id = cell.key.id();
        let progress = view.progress(&id);
        if let Some(fault) = progress.and_then(|progress| chain(&view, &id, progress, cell)) {
            pages.faults.push(fault);
        }
        if sealed(cell)
            && let Some(message) = sealed_otherwise(cell, progress, recounted)
        {
            pages.faults.push((FindingKind::Lost, message));
        }
        if begun && let Some(end) = progress.and_then(|progress| progress.end.clone()) {
            pages.ended.insert(id, end);
        }
    }
    pages
}

fn explain(error: &SpoolError) -> (FindingKind, String) {
    let kind = match error {
        SpoolError::Foreign { .. } => FindingKind::Foreign,
        SpoolError::Io { .. }
        | SpoolError::Damaged { .. }
        | SpoolError::Newer { .. }
        | SpoolError::Fenced { .. }
        | SpoolError::Poisoned { .. }
        | SpoolError::Refused { .. }
        | SpoolError::Unfit { .. }
        | SpoolError::NotOpen(_)
        | SpoolError::Ended => FindingKind::Damaged,
    };
    (kind, super::runner::chain(error))
}

/// Reads every page of a cell: whether each can be unpacked, none is missing, and each leads to the next.
fn chain(view: &SpoolView, id: &CellId, progress: &CellProgress, cell: &CellRow) -> Option<(FindingKind, String)> {
    let broken = |message: String| Some((FindingKind::Chain, message));
    let refs = view.pages(id);
    let mut asked = HashSet::new();
    for (index, at) in (0_u32..).zip(refs) {
        let page = match view.read(at) {
            Ok(page) => page,
            Err(error) => return Some(explain(&error)),
        };
        // Pages that are asked for side by side come in any order, and what they say may make their cell begin anew.
        let is_open = page.head.parallel && progress.end.is_none();
        if at.page != index && !is_open {
            return broken(format!("page {index} of cell {} is not there, page {} is", cell.key, at.page));
        }
        if page.head.next.is_none() && (index as usize) + 1 < refs.len() && !is_open {
            return broken(format!("page {index} of cell {} says it is the last, but more follow", cell.key));
        }
        if !asked.insert(page.head.request) {
            return broken(format!("page {index} of cell {} answers a request that an earlier page answers", cell.key));
        }
    }
    // The scan compares an end with its pages; a cell that ended as records without one, or the other way, it lets pass.
    match (&progress.end, progress.records) {
        (Some(Outcome::Records), 0) => broken(format!("cell {} ended as records and has none", cell.key)),
        (Some(Outcome::Empty { .. }), 1..) => {
            broken(format!("cell {} ended as empty and has {} records", cell.key, progress.records))
        }
        (Some(_) | None, _) => None,
    }
}

/// How a cell differs from what was sealed.
fn sealed_otherwise(cell: &CellRow, found: Option<&CellProgress>, recounted: bool) -> Option<String> {
    let Some(found) = found else {
        return Some(format!("cell {} was sealed with {} pages, none is there", cell.key, cell.pages));
    };
    if recounted && found.pages == cell.pages && found.end.is_some() {
        return None;
    }
    if (found.pages, found.records) != (cell.pages, cell.records) {
        return Some(format!(
            "cell {} was sealed with {} records on {} pages, {} on {} are there",
            cell.key, cell.records, cell.pages, found.records, found.pages
        ));
    }
    (found.end != cell.outcome).then(|| format!("cell {} was sealed with another end than its pages have", cell.key))
}
