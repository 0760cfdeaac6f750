//! A committed partition taken back for some of its cells, in every ledger; and the versions of the file.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use rusqlite::Connection;
use tidemill::ledger::{
    Cause, CellRow, Ledger, LedgerError, Outcome, PartitionId, PartitionRow, PartitionState, SealedCell, SqliteLedger,
};
use tidemill::plan::{CellKey, Partition};

use super::ledger::{NOW, decision, each, key, partition, rejected, reopening, settled};

fn refused() -> Outcome {
    Outcome::Rejected { code: "1203".into(), message: "no such app".into() }
}

/// Cells a, b and c, of which b is rejected and c empty for now, committed under token 1.
fn committed(ledger: &mut dyn Ledger) -> (PartitionId, PartitionRow, Vec<CellRow>) {
    ledger.claim("job", NOW).unwrap();
    ledger.add("job", 1, &[partition("p", &["a", "b", "c"]), partition("q", &["d"])]).unwrap();
    let p = ledger.partitions("job").unwrap()[0].id;
    finish(ledger, p, 1, refused(), "old");
    (p, ledger.partitions("job").unwrap().remove(0), ledger.cells(p).unwrap())
}

fn reopen(ledger: &mut dyn Ledger, id: PartitionId, token: u64, cells: &[&str]) -> Result<(), LedgerError> {
    let cells: Vec<CellKey> = cells.iter().map(key).collect();
    ledger.reopen("job", token, &reopening(Cause::Retry, &[(id, cells.as_slice())]))
}

fn finish(ledger: &mut dyn Ledger, p: PartitionId, token: u64, b: Outcome, digest: &str) {
    let ends = [("a", Outcome::Records), ("b", b), ("c", Outcome::Empty { unconfirmed: true })];
    let cells: Vec<SealedCell> = ends.into_iter().map(|(name, outcome)| settled(name, outcome)).collect();
    ledger.seal(p, token, &cells, &[]).unwrap();
    assert!(ledger.decide(p, token, &decision(digest)).unwrap());
    ledger.commit(p, token, NOW).unwrap();
}

#[test]
fn a_reopened_partition_keeps_its_decision_until_the_next() {
    each(|ledger| {
        let (p, row, cells) = committed(ledger);
        assert_eq!(ledger.claim("job", NOW).unwrap().committed_cells, 3);
        reopen(ledger, p, 2, &["c", "b", "b"]).unwrap();
        let reopened = ledger.partitions("job").unwrap().remove(0);
        assert_eq!(
            reopened,
            PartitionRow {
                state: PartitionState::Fetching,
                generation: 2,
                token: 2,
                cause: Some(Cause::Retry),
                ..row.clone()
            }
        );
        let now = ledger.cells(p).unwrap();
        assert_eq!((&now[0], &now[1].outcome, &now[2].outcome), (&cells[0], &None, &None));
        assert_eq!((now[1].records, now[1].pages, now[1].credits), (0, 0, 0));
        assert_eq!(ledger.retried(p).unwrap(), cells[1..]);
        let totals = ledger.totals("job").unwrap();
        assert_eq!((totals.fetching, totals.reopened, totals.committed, totals.planned), (2, 1, 0, 3));
        assert_eq!((totals.rows, totals.rejected), (row.rows, 0), "its file stands");
        assert_eq!(ledger.claim("job", NOW).unwrap().committed_cells, 3, "and it is made of the job as it was");

        finish(ledger, p, 3, Outcome::Records, "new");
        let row = ledger.partitions("job").unwrap().remove(0);
        assert_eq!((row.state, row.generation, row.digest.as_deref()), (PartitionState::Committed, 2, Some("new")));
        assert_eq!(ledger.retried(p).unwrap(), []);
        assert_eq!(ledger.totals("job").unwrap().reopened, 0);
        reopen(ledger, p, 3, &["c"]).unwrap();
        assert_eq!(ledger.partitions("job").unwrap()[0].generation, 3);
    });
}

#[test]
fn a_generation_given_up_leaves_no_trace() {
    each(|ledger| {
        let (p, row, cells) = committed(ledger);
        reopen(ledger, p, 1, &["b"]).unwrap();
        ledger.claim("job", NOW).unwrap();
        ledger.restore(p, 2).unwrap();
        assert_eq!(ledger.partitions("job").unwrap()[0], PartitionRow { token: 2, ..row });
        assert_eq!(ledger.cells(p).unwrap(), cells);
        assert_eq!(ledger.retried(p).unwrap(), []);
    });
}

#[test]
fn what_cannot_be_reopened_or_given_up_is_refused_and_stays() {
    each(|ledger| {
        let (p, _, _) = committed(ledger);
        let q = ledger.partitions("job").unwrap()[1].id;
        let all = |ledger: &dyn Ledger| (ledger.partitions("job").unwrap(), ledger.cells(p).unwrap());
        let before = all(ledger);
        let state = |result: Result<(), LedgerError>| assert!(matches!(result, Err(LedgerError::State { .. })));
        let member = |result: Result<(), LedgerError>| assert!(matches!(result, Err(LedgerError::Membership { .. })));
        state(reopen(ledger, q, 1, &["d"]));
        state(ledger.restore(q, 1));
        state(ledger.restore(p, 1));
        member(reopen(ledger, p, 1, &[]));
        member(reopen(ledger, p, 1, &["b", "d"]));
        let nowhere = PartitionId(99);
        assert!(matches!(reopen(ledger, nowhere, 1, &["b"]), Err(LedgerError::UnknownPartition(_))));
        assert!(matches!(ledger.retried(nowhere), Err(LedgerError::UnknownPartition(_))));
        assert_eq!(all(ledger), before);

        reopen(ledger, p, 1, &["b"]).unwrap();
        state(reopen(ledger, p, 1, &["c"]));
        ledger.claim("job", NOW).unwrap();
        let before = all(ledger);
        assert!(matches!(ledger.restore(p, 1), Err(LedgerError::Fenced { token: 1, current: 2, .. })));
        assert_eq!(all(ledger), before);
        finish(ledger, p, 2, refused(), "new");
        assert!(matches!(reopen(ledger, p, 1, &["b"]), Err(LedgerError::Fenced { token: 1, current: 2, .. })));
        state(ledger.restore(p, 2));
    });
}

#[test]
fn a_sealed_partition_whose_pages_are_lost_is_planned_again() {
    each(|ledger| {
        ledger.claim("job", NOW).unwrap();
        ledger.add("job", 1, &[partition("p", &["a", "b", "c"])]).unwrap();
        let p = ledger.partitions("job").unwrap()[0].id;
        let planned = (ledger.partitions("job").unwrap(), ledger.cells(p).unwrap(), ledger.totals("job").unwrap());
        let state = |result: Result<(), LedgerError>| assert!(matches!(result, Err(LedgerError::State { .. })));
        state(ledger.unseal(p, 1));
        // Never published: nothing of the sealing stays, decided or not.
        for decided in [false, true] {
            let ends = [("a", Outcome::Records), ("b", refused()), ("c", Outcome::Records)];
            let cells: Vec<SealedCell> = ends.into_iter().map(|(name, outcome)| settled(name, outcome)).collect();
            ledger.seal(p, 1, &cells, &[rejected("a")]).unwrap();
            assert!(!decided || ledger.decide(p, 1, &decision("d")).unwrap());
            ledger.unseal(p, 1).unwrap();
            let now = (ledger.partitions("job").unwrap(), ledger.cells(p).unwrap(), ledger.totals("job").unwrap());
            assert_eq!((&now, ledger.rejected(p).unwrap()), (&planned, vec![]), "decided {decided}");
        }
        finish(ledger, p, 1, refused(), "old");
        state(ledger.unseal(p, 1));
        // Reopened: the decision that stands is kept, and only what it was reopened for is planned again.
        reopen(ledger, p, 1, &["b"]).unwrap();
        let reopened = (ledger.partitions("job").unwrap(), ledger.cells(p).unwrap(), ledger.retried(p).unwrap());
        let ends = [("a", Outcome::Records), ("b", Outcome::Records), ("c", Outcome::Empty { unconfirmed: true })];
        let cells: Vec<SealedCell> = ends.into_iter().map(|(name, outcome)| settled(name, outcome)).collect();
        ledger.seal(p, 1, &cells, &[]).unwrap();
        ledger.unseal(p, 1).unwrap();
        let now = (ledger.partitions("job").unwrap(), ledger.cells(p).unwrap(), ledger.retried(p).unwrap());
        assert_eq!(now, reopened);
        ledger.seal(p, 1, &cells, &[]).unwrap();
        assert!(ledger.decide(p, 1, &decision("new")).unwrap());
        state(ledger.unseal(p, 1));
        ledger.commit(p, 1, NOW).unwrap();
        assert!(matches!(ledger.unseal(PartitionId(99), 1), Err(LedgerError::UnknownPartition(_))));
    });
}

/// A file of version 1, as it was made, becomes one of today with all that is in it.
#[test]
fn a_ledger_of_version_1_is_brought_to_this_one() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger.db");
    let db = Connection::open(&path).unwrap();
    db.execute_batch(include_str!("../../src/ledger/sqlite.sql")).unwrap();
    db.execute_batch(
        "PRAGMA application_id = 0x54696465; PRAGMA user_version = 1;
         INSERT INTO job VALUES (1, 'job', 4, '1970-01-01T00:00:00Z', 'f', NULL);
         INSERT INTO partition VALUES (1, 1, 'p', '[]', 'h', 1, 'committed', 1, 4, 'f', 'd', 0, 0);
         INSERT INTO cell VALUES (1, 0, 1, zeroblob(16), '{\"app\":\"a\"}', 'rejected', '1', 'no', 0, 0, 0);
         INSERT INTO run VALUES ('job', '{}', '1970-01-01T00:00:00Z', '1970-01-01T00:00:01Z');",
    )
    .unwrap();
    drop(db);
    let mut ledger = SqliteLedger::open(&path).unwrap();
    let id = ledger.partitions("job").unwrap()[0].id;
    let cells = ledger.cells(id).unwrap();
    assert_eq!(ledger.runs("job", 9).unwrap().len(), 1);
    reopen(&mut ledger, id, 4, &["a"]).unwrap();
    drop(ledger);
    let mut ledger = SqliteLedger::open(&path).unwrap();
    assert_eq!(ledger.retried(id).unwrap(), cells);
    ledger.restore(id, 4).unwrap();
    assert_eq!(ledger.cells(id).unwrap(), cells);
    let version: i64 =
        Connection::open(&path).unwrap().pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
    assert_eq!(version, 6);
}

#[test]
fn a_hundred_thousand_cells_are_counted_fast() {
    let dir = tempfile::tempdir().unwrap();
    let mut ledger = SqliteLedger::open(&dir.path().join("ledger.db")).unwrap();
    ledger.claim("job", NOW).unwrap();
    let names: Vec<String> = (0..100_000).map(|n| format!("application-{n:08}")).collect();
    let plan: Vec<Partition> = (names.chunks(1000).enumerate())
        .map(|(number, names)| partition(&format!("#{number}"), &names.iter().map(String::as_str).collect::<Vec<_>>()))
        .collect();
    let clock = tidemill::quota::Clock::system();
    let mut laps = vec![];
    let mut lap = |name: &str| laps.push(format!("{name} {:?}", clock.now().elapsed));
    ledger.add("job", 1, &plan).unwrap();
    lap("added");
    assert_eq!(ledger.known("job").unwrap().iter().map(|known| known.cells.len()).sum::<usize>(), 100_000);
    lap("known");
    assert_eq!(ledger.totals("job").unwrap().planned, 100_000);
    lap("counted");
    ledger.add("job", 1, &plan).unwrap();
    lap("added again");
    let cells: Vec<_> = names[..1000].iter().map(|name| settled(name, Outcome::Records)).collect();
    ledger.seal(PartitionId(1), 1, &cells, &[]).unwrap();
    lap("sealed 1000");
    drop(ledger);
    let mut ledger = SqliteLedger::open(&dir.path().join("ledger.db")).unwrap();
    ledger.claim("job", NOW).unwrap();
    lap("opened and claimed");
    // About a second unoptimized on an idle machine; quadratic work would take minutes.
    assert!(clock.now().elapsed.as_secs() < 30, "{laps:?}");
}
