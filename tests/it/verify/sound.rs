//! What is sound has no finding: after a clean run, a pause, rejected cells, and death at any event.

use tidemill::ledger::ModelLedger;
use tidemill::run::{CellTally, Exit};

use super::place::{Place, RANKS, at_most, files, finished, look, look_with, paused, spools};

#[test]
fn a_finished_job_is_accounted_for_to_the_row() {
    let root = finished();
    for read_data in [false, true] {
        let found = look(root.path(), read_data);
        assert_eq!(found.findings, []);
        assert_eq!(found.leftovers, [""; 0]);
        assert_eq!(found.cells, CellTally { total: 4, records: 4, ..CellTally::default() });
        assert_eq!((found.partitions, found.files), (2, 2));
        let bytes: u64 = files(root.path()).iter().map(|path| path.metadata().unwrap().len()).sum();
        assert_eq!(found.bytes, bytes);
        assert!(found.rows > 400, "{}", found.rows);
    }
}

#[test]
fn a_new_cell_is_left_and_no_hole() {
    let root = finished();
    let grown = RANKS.replace("to = \"2026-01-02\"", "to = \"2026-01-05\"");
    let found = look_with(root.path(), &grown, super::place::ledger(root.path()), false);
    assert_eq!(found.findings, []);
    assert_eq!((found.cells.total, found.cells.left, found.cells.not_planned), (10, 6, 6));
}

#[test]
fn a_job_that_never_ran_has_everything_left() {
    let root = tempfile::tempdir().unwrap();
    let found = look_with(root.path(), RANKS, ModelLedger::new(), true);
    assert_eq!(found.findings, []);
    assert_eq!((found.partitions, found.cells.left, found.cells.not_planned), (0, 4, 4));
}

#[test]
fn a_paused_job_is_sound_and_knows_what_is_left() {
    let root = paused();
    let segments: Vec<usize> = spools(root.path()).iter().map(|(_, segments)| segments.len()).collect();
    assert_eq!(segments, [2, 2], "pages of both partitions, from both runs");
    let found = look(root.path(), true);
    assert_eq!(found.findings, []);
    assert_eq!((found.partitions, found.cells.total, found.cells.not_planned), (2, 4, 0));
    assert_eq!(found.cells.left, 4, "no cell has its last page");
}

#[test]
fn rejected_cells_are_no_finding() {
    let place = Place::new("100@1").run_to(RANKS, Exit::Rejected);
    let found = look(place.root(), true);
    assert_eq!(found.findings, []);
    assert_eq!((found.cells.records, found.cells.rejected), (3, 1));
}

#[test]
fn rejected_records_are_accounted_for() {
    let tight = RANKS.replace("rank = \"int64\"", "rank = \"int8\"");
    let place = Place::new("").run_to(&tight, Exit::Rejected);
    let found = look_with(place.root(), &tight, super::place::ledger(place.root()), true);
    assert_eq!(found.findings, []);
    assert!(found.rows < look(finished().path(), false).rows, "some did not fit");
}

#[test]
fn death_at_any_time_leaves_no_finding() {
    let (whole, _) = Place::new("").run(RANKS, usize::MAX);
    assert!(whole > 30, "only {whole} events");
    let (mut unfinished, mut cells_left) = (0, 0);
    for after in (1..whole).step_by(3) {
        let place = Place::new("");
        assert_eq!(place.run(RANKS, after), (after, None));
        let found = look(place.root(), false);
        assert_eq!(found.findings, [], "killed after event {after}");
        assert_eq!(found.cells.total, 4);
        unfinished += u64::from(found.files < 2);
        cells_left += found.cells.left;
        let place = place.run_to(RANKS, Exit::Done);
        let found = look(place.root(), true);
        assert_eq!((found.findings.len(), found.cells.left, found.files), (0, 0, 2), "{:#?}", found.findings);
        assert_eq!(found.leftovers, [""; 0], "the next run sweeps");
    }
    assert!(unfinished > 5 && cells_left > 10, "the kills came too late to prove anything");
}

#[test]
fn a_pause_after_any_request_leaves_no_finding() {
    let mut partial = 0;
    for most in 1..=12 {
        let place = Place::new("");
        place.run(&at_most(most), usize::MAX);
        let found = look(place.root(), true);
        assert_eq!(found.findings, [], "paused after {most} requests");
        partial += u64::from(found.files == 0 && found.cells.records > 0);
    }
    assert!(partial > 0, "cells that ended in the spool alone are counted as ended");
}
