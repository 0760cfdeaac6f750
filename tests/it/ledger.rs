//! One suite for every ledger.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;

use jiff::Timestamp;
use serde_json::{Map, Value};
use tidemill::ledger::{
    Cause, Decision, Doing, JobLock, Ledger, LedgerError, LockError, ModelLedger, Outcome, PartitionId, PartitionState,
    RUNS_KEPT, RejectedRecord, Reopening, RunRow, SealedCell, SqliteLedger, Totals,
};
use tidemill::plan::{Cell, CellKey, Learned, Partition};

pub(crate) const NOW: Timestamp = Timestamp::UNIX_EPOCH;

pub(crate) fn key(name: impl std::fmt::Display) -> CellKey {
    CellKey(format!("{{\"app\":\"{name}\"}}").into())
}

pub(crate) fn partition(name: &str, cells: &[&str]) -> Partition {
    let cell = |name: &&str| Cell::new(Map::from_iter([("app".to_owned(), Value::from(*name))]));
    let cells = cells.iter().map(cell).collect();
    Partition { key: name.to_owned(), folders: vec![("day".into(), name.to_owned())], cells }
}

pub(crate) fn settled(name: &str, outcome: Outcome) -> SealedCell {
    SealedCell { key: key(name), outcome, records: 7, pages: 2, credits: 3 }
}

pub(crate) fn decision(digest: &str) -> Decision {
    Decision { digest: digest.to_owned(), rows: 7, bytes: 1000, file: format!("out/{digest}.parquet") }
}

pub(crate) fn reopening(cause: Cause, partitions: &[(PartitionId, &[CellKey])]) -> Reopening {
    let partitions = partitions.iter().map(|(id, cells)| (*id, cells.to_vec())).collect();
    Reopening { cause, partitions, fingerprint: None, schema: None }
}

pub(crate) fn rejected(cell: &str) -> RejectedRecord {
    RejectedRecord { cell: key(cell), page: 1, index: 4, path: "/close".into(), reason: "1.5 is no int64".into() }
}

pub(crate) fn each(test: impl Fn(&mut dyn Ledger)) {
    test(&mut ModelLedger::new());
    let dir = tempfile::tempdir().unwrap();
    test(&mut SqliteLedger::open(&dir.path().join("state/ledger.db")).unwrap());
}

#[test]
fn a_partition_goes_its_way() {
    each(|ledger| {
        let claim = ledger.claim("job", NOW).unwrap();
        assert_eq!((claim.token, claim.known_fingerprint, claim.committed_cells), (1, None, 0));
        ledger.adopt("job", 1, "f1").unwrap();
        let plan = [partition("p", &["a", "b"]), partition("q", &["c"])];
        ledger.add("job", 1, &plan).unwrap();
        ledger.add("job", 1, &plan).unwrap();
        let rows = ledger.partitions("job").unwrap();
        assert_eq!(rows.len(), 2);
        let row = &rows[0];
        assert_eq!((row.key.as_str(), row.cells, row.generation, row.token), ("p", 2, 1, 1));
        assert_eq!((row.state, &row.folders), (PartitionState::Fetching, &plan[0].folders));
        assert_eq!(row.hash, plan[0].hash("job"));
        let known = ledger.known("job").unwrap();
        assert_eq!(known[0].cells, [key("a"), key("b")]);
        assert_eq!(known[1].key.as_str(), "q");

        let p = row.id;
        let refused = Outcome::Rejected { code: "1203".into(), message: "no such app".into() };
        let cells = [settled("b", refused.clone()), settled("a", Outcome::Records)];
        assert!(!ledger.decide(p, 1, &decision("d")).unwrap(), "not sealed yet");
        ledger.seal(p, 1, &cells, &[rejected("a"), rejected("b")]).unwrap();
        ledger.seal(p, 1, &cells, &[rejected("b")]).unwrap();
        assert_eq!(ledger.rejected(p).unwrap(), [rejected("b")]);
        let found = ledger.cells(p).unwrap();
        assert_eq!(found.iter().map(|cell| &cell.key).collect::<Vec<_>>(), [&key("a"), &key("b")], "plan order");
        assert_eq!(found[1].outcome, Some(refused));
        assert_eq!((found[0].records, found[0].pages, found[0].credits), (7, 2, 3));

        assert!(ledger.decide(p, 1, &decision("d")).unwrap());
        assert!(!ledger.decide(p, 1, &decision("e")).unwrap(), "decided once");
        ledger.commit(p, 1, NOW).unwrap();
        let row = ledger.partitions("job").unwrap().remove(0);
        assert_eq!((row.state, row.rows, row.bytes), (PartitionState::Committed, 7, 1000));
        assert_eq!((row.digest.as_deref(), row.file.as_deref()), (Some("d"), Some("out/d.parquet")));
        let listed = ledger.rejections("job", 9).unwrap();
        let listed: Vec<_> = listed.iter().map(|one| (&one.cell, one.message.as_str())).collect();
        assert_eq!(listed[0], (&key("b"), "no such app"));
        assert_eq!((listed.len(), listed[1].0), (2, &key("b")), "records after cells");
        assert_eq!(ledger.rejections("job", 1).unwrap().len(), 1);
        let totals = ledger.totals("job").unwrap();
        let cells = Totals {
            planned: 1,
            records: 1,
            rejected: 1,
            rejected_records: 1,
            rows: 7,
            bytes: 1000,
            credits: 6,
            ..Totals::default()
        };
        assert_eq!(totals, Totals { fetching: 1, committed: 1, ..cells });
        let claim = ledger.claim("job", NOW).unwrap();
        assert_eq!((claim.token, claim.known_fingerprint.as_deref(), claim.committed_cells), (2, Some("f1"), 2));
    });
}

/// Neighbours that ended alike may be written together: whatever comes between them, and in whatever order they are named.
#[test]
fn each_cell_is_settled_as_it_ended() {
    let names = ["a", "b", "c", "d", "e", "f"];
    let records = |name: &str, records| SealedCell { records, ..settled(name, Outcome::Records) };
    let refused = || Outcome::Rejected { code: "1".into(), message: "no".into() };
    let other = Outcome::Rejected { code: "1".into(), message: "not yet".into() };
    let in_order = [
        records("a", 1),
        records("b", 9),
        SealedCell { credits: 4, ..records("c", 9) },
        SealedCell { credits: 4, pages: 5, ..records("d", 9) },
        settled("e", refused()),
        settled("f", other),
    ];
    let alike = names.map(|name| records(name, 1));
    let two_kinds = names.map(|name| if name < "c" { settled(name, refused()) } else { records(name, 2) });
    let reversed = |cells: &[SealedCell]| cells.iter().rev().cloned().collect::<Vec<_>>();
    for cells in [&in_order, &alike, &two_kinds] {
        for named in [cells.to_vec(), reversed(cells)] {
            each(|ledger| {
                ledger.claim("job", NOW).unwrap();
                ledger
                    .add("job", 1, &[partition("o", &["x"]), partition("p", &names), partition("q", &["y"])])
                    .unwrap();
                let rows = ledger.partitions("job").unwrap();
                ledger.seal(rows[1].id, 1, &named, &[]).unwrap();
                let found = ledger.cells(rows[1].id).unwrap();
                for (cell, row) in cells.iter().zip(&found) {
                    assert_eq!((&cell.key, Some(&cell.outcome)), (&row.key, row.outcome.as_ref()));
                    assert_eq!((cell.records, cell.pages, cell.credits), (row.records, row.pages, row.credits));
                }
                for beside in [&rows[0], &rows[2]] {
                    assert_eq!(ledger.cells(beside.id).unwrap()[0].outcome, None, "another partition");
                }
                let totals = ledger.totals("job").unwrap();
                let count = |wanted: &str| cells.iter().filter(|cell| cell.outcome.name() == wanted).count() as u64;
                assert_eq!((totals.planned, totals.records, totals.rejected), (2, count("records"), count("rejected")));
                assert_eq!(totals.credits, cells.iter().map(|cell| cell.credits).sum::<u64>());
            });
        }
    }
}

#[test]
fn a_claim_counts_what_was_asked_as_the_job_was() {
    each(|ledger| {
        ledger.claim("job", NOW).unwrap();
        ledger.add("job", 1, &[partition("p", &["a", "b"]), partition("q", &["c"])]).unwrap();
        assert_eq!(ledger.claim("job", NOW).unwrap().committed_cells, 0, "what is fetched can be forgotten");
        let p = ledger.partitions("job").unwrap()[0].id;
        let cells = [settled("a", Outcome::Records), settled("b", Outcome::Records)];
        ledger.seal(p, 2, &cells, &[]).unwrap();
        assert_eq!(ledger.claim("job", NOW).unwrap().committed_cells, 2, "what is sealed will be published");
        ledger.decide(p, 3, &decision("d")).unwrap();
        assert_eq!(ledger.claim("job", NOW).unwrap().committed_cells, 2);
    });
}

#[test]
fn steps_out_of_order_are_errors() {
    each(|ledger| {
        ledger.claim("job", NOW).unwrap();
        ledger.add("job", 1, &[partition("p", &["a", "b"])]).unwrap();
        let p = ledger.partitions("job").unwrap()[0].id;
        let (a, b) = (settled("a", Outcome::Records), settled("b", Outcome::Empty { unconfirmed: true }));
        let state = |result: Result<(), LedgerError>| matches!(result, Err(LedgerError::State { .. }));
        let member = |result: Result<(), LedgerError>| matches!(result, Err(LedgerError::Membership { .. }));
        assert!(state(ledger.commit(p, 1, NOW)));
        assert!(member(ledger.seal(p, 1, std::slice::from_ref(&a), &[])), "b is open");
        assert!(member(ledger.seal(p, 1, &[a.clone(), a.clone()], &[])), "a twice");
        let foreign = settled("z", Outcome::Records);
        assert!(member(ledger.seal(p, 1, &[a.clone(), b.clone(), foreign], &[])));
        assert!(member(ledger.seal(p, 1, &[a.clone(), b.clone()], &[rejected("z")])));
        assert_eq!(ledger.totals("job").unwrap().planned, 2, "nothing of a failed sealing stays");
        assert!(member(ledger.add("job", 1, &[partition("new", &["n"]), partition("p", &["a"])])));
        assert!(member(ledger.add("job", 1, &[partition("q", &["a"])])), "a cell has one partition");
        assert!(member(ledger.add("job", 1, &[partition("q", &["x", "x"])])));
        assert_eq!(ledger.partitions("job").unwrap().len(), 1, "nothing of a failed plan stays");
        ledger.seal(p, 1, &[a.clone(), b.clone()], &[]).unwrap();
        assert!(state(ledger.commit(p, 1, NOW)));
        assert!(ledger.decide(p, 1, &decision("d")).unwrap());
        ledger.seal(p, 1, &[a.clone(), b.clone()], &[]).unwrap();
        assert!(ledger.decide(p, 1, &decision("e")).unwrap(), "sealed anew, decided anew");
        ledger.commit(p, 1, NOW).unwrap();
        assert!(state(ledger.commit(p, 1, NOW)));
        assert!(state(ledger.seal(p, 1, &[a, b], &[])));
        let nowhere = PartitionId(99);
        assert!(matches!(ledger.commit(nowhere, 1, NOW), Err(LedgerError::UnknownPartition(_))));
        assert!(matches!(ledger.cells(nowhere), Err(LedgerError::UnknownPartition(_))));
        assert!(matches!(ledger.adopt("other", 1, "f"), Err(LedgerError::UnknownJob(_))));
    });
}

#[test]
fn an_old_token_writes_nothing() {
    type Write = fn(&mut dyn Ledger, PartitionId) -> Result<(), LedgerError>;
    let writes: [(&str, PartitionState, Write); 8] = [
        ("adopt", PartitionState::Fetching, |ledger, _| ledger.adopt("job", 1, "old")),
        ("add", PartitionState::Fetching, |ledger, _| ledger.add("job", 1, &[partition("q", &["z"])])),
        ("schema", PartitionState::Fetching, |ledger, _| ledger.record_schema("job", 1, "old")),
        ("learn", PartitionState::Fetching, |ledger, _| ledger.learn("job", 1, &Learned::default())),
        ("seal", PartitionState::Fetching, |ledger, p| ledger.seal(p, 1, &[settled("a", Outcome::Records)], &[])),
        ("decide", PartitionState::Sealed, |ledger, p| ledger.decide(p, 1, &decision("d")).map(drop)),
        ("unseal", PartitionState::Sealed, |ledger, p| ledger.unseal(p, 1)),
        ("commit", PartitionState::Publishing, |ledger, p| ledger.commit(p, 1, NOW)),
    ];
    for (name, stands, write) in writes {
        each(|ledger| {
            ledger.claim("job", NOW).unwrap();
            ledger.add("job", 1, &[partition("p", &["a"])]).unwrap();
            let p = ledger.partitions("job").unwrap()[0].id;
            if stands != PartitionState::Fetching {
                ledger.seal(p, 1, &[settled("a", Outcome::Records)], &[]).unwrap();
            }
            if stands == PartitionState::Publishing {
                assert!(ledger.decide(p, 1, &decision("d")).unwrap());
            }
            ledger.claim("job", NOW).unwrap();
            let before = ledger.partitions("job").unwrap();
            let error = write(ledger, p).expect_err(name);
            assert!(matches!(error, LedgerError::Fenced { token: 1, current: 2, .. }), "{name}: {error}");
            assert_eq!(ledger.partitions("job").unwrap(), before, "{name}");
            assert_eq!(ledger.schema("job").unwrap(), None, "{name}");
        });
    }
}

#[test]
fn what_runs_took_adds_up_until_the_question_changes() {
    let more = Learned { cells: 2, pages: 6, calls: 7, credits: 60, took: std::time::Duration::from_millis(900) };
    each(|ledger| {
        assert_eq!(ledger.learned("job").unwrap(), Learned::default(), "an unknown job");
        ledger.claim("job", NOW).unwrap();
        ledger.claim("other", NOW).unwrap();
        ledger.adopt("job", 1, "f1").unwrap();
        assert_eq!(ledger.learned("job").unwrap(), Learned::default());
        ledger.learn("job", 1, &more).unwrap();
        ledger.learn("job", 1, &more).unwrap();
        ledger.adopt("job", 1, "f1").unwrap();
        assert_eq!(ledger.learned("job").unwrap(), more.and(more));
        assert_eq!(ledger.learned("other").unwrap(), Learned::default());
        let nothing = reopening(Cause::Refetch, &[]);
        ledger.reopen("job", 1, &nothing).unwrap();
        ledger.reopen("job", 1, &Reopening { fingerprint: Some("f1".into()), ..nothing.clone() }).unwrap();
        assert_eq!(ledger.learned("job").unwrap(), more.and(more), "it asks what it asked");
        ledger.reopen("job", 1, &Reopening { fingerprint: Some("f2".into()), ..nothing }).unwrap();
        assert_eq!(ledger.learned("job").unwrap(), Learned::default());
        ledger.learn("job", 1, &more).unwrap();
        ledger.adopt("job", 1, "f3").unwrap();
        assert_eq!(ledger.learned("job").unwrap(), Learned::default());
    });
}

#[test]
fn everything_is_there_after_opening_again() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger.db");
    let run = RunRow { report: "{}".into(), started: NOW, ended: "2026-11-03T04:05:06.789Z".parse().unwrap() };
    let mut ledger = SqliteLedger::open(&path).unwrap();
    ledger.claim("job", NOW).unwrap();
    ledger.add("job", 1, &[partition("p", &["a"])]).unwrap();
    ledger.record_schema("job", 1, "schema").unwrap();
    let learned = Learned { cells: 1, ..Learned::default() };
    ledger.learn("job", 1, &learned).unwrap();
    ledger.note_run("job", &run).unwrap();
    let p = ledger.partitions("job").unwrap()[0].id;
    ledger.seal(p, 1, &[settled("a", Outcome::Empty { unconfirmed: true })], &[rejected("a")]).unwrap();
    let mut second = SqliteLedger::open(&path).unwrap();
    assert_eq!(second.claim("job", NOW).unwrap().token, 2, "two processes may have it open");
    assert!(matches!(ledger.commit(p, 1, NOW), Err(LedgerError::Fenced { .. })));
    drop((ledger, second));
    let ledger = SqliteLedger::open(&path).unwrap();
    assert_eq!(ledger.partitions("job").unwrap()[0].state, PartitionState::Sealed);
    assert_eq!(ledger.cells(p).unwrap()[0].outcome, Some(Outcome::Empty { unconfirmed: true }));
    assert_eq!(ledger.rejected(p).unwrap(), [rejected("a")]);
    assert_eq!(ledger.schema("job").unwrap().as_deref(), Some("schema"));
    assert_eq!(ledger.learned("job").unwrap(), learned);
    assert_eq!(ledger.runs("job", 9).unwrap(), [run]);
    assert_eq!(ledger.runs("other", 9).unwrap(), []);
    assert_eq!(ledger.jobs().unwrap(), ["job"]);
    assert_eq!(ledger.totals("other").unwrap(), Totals::default());
}

fn opened_after(damage: impl Fn(&Path)) -> LedgerError {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger.db");
    let mut ledger = SqliteLedger::open(&path).unwrap();
    ledger.claim("job", NOW).unwrap();
    let cells: Vec<String> = (0..500).map(|n| n.to_string()).collect();
    ledger.add("job", 1, &[partition("p", &cells.iter().map(String::as_str).collect::<Vec<_>>())]).unwrap();
    drop(ledger);
    damage(&path);
    let before = std::fs::read(&path).unwrap();
    let error = SqliteLedger::open(&path).map(drop).unwrap_err();
    assert_eq!(std::fs::read(&path).unwrap(), before, "left untouched");
    error
}

#[test]
fn a_file_that_is_not_ours_or_not_whole_is_left_alone() {
    let error =
        opened_after(|path| std::fs::write(path, "this is no database, however long it may be ".repeat(9)).unwrap());
    assert!(matches!(error, LedgerError::Damaged { .. }), "{error}");
    let error = opened_after(|path| {
        let mut bytes = std::fs::read(path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle..middle + 4096].fill(0x5a);
        std::fs::write(path, bytes).unwrap();
    });
    assert!(matches!(error, LedgerError::Damaged { .. }), "{error}");
    let pragma = |sql: &'static str| {
        move |path: &Path| {
            rusqlite::Connection::open(path).unwrap().execute_batch(sql).unwrap();
        }
    };
    let error = opened_after(pragma("PRAGMA user_version = 7"));
    assert!(matches!(error, LedgerError::Newer { found: 7, known: 6, .. }), "{error}");
    let error = opened_after(pragma("PRAGMA application_id = 1"));
    assert!(matches!(error, LedgerError::Foreign { .. }), "{error}");
}

/// However often somebody looks.
#[test]
fn who_looks_keeps_no_run_away() {
    let dir = tempfile::tempdir().unwrap();
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(std::sync::atomic::Ordering::Relaxed) {
                JobLock::holder(dir.path(), "job").unwrap();
            }
        });
        let refused = (0..2000).filter(|_| JobLock::acquire(dir.path(), "job").is_err()).count();
        done.store(true, std::sync::atomic::Ordering::Relaxed);
        assert_eq!(refused, 0);
    });
}

/// The last one comes first, and the oldest go.
#[test]
fn so_many_runs_are_kept() {
    each(|ledger| {
        let run = |number: usize| RunRow { report: number.to_string(), started: NOW, ended: NOW };
        (1..=RUNS_KEPT + 3).for_each(|number| ledger.note_run("job", &run(number)).unwrap());
        ledger.note_run("never claimed", &run(1)).unwrap();
        let runs = ledger.runs("job", usize::MAX).unwrap();
        assert_eq!((runs.len(), &runs[0], &runs[RUNS_KEPT - 1]), (RUNS_KEPT, &run(RUNS_KEPT + 3), &run(4)));
        assert_eq!(ledger.runs("job", 2).unwrap(), [run(RUNS_KEPT + 3), run(RUNS_KEPT + 2)]);
        ledger.claim("claimed", NOW).unwrap();
        assert_eq!(ledger.jobs().unwrap(), ["claimed", "job", "never claimed"]);
    });
}

#[test]
fn one_holder_per_job() {
    let dir = tempfile::tempdir().unwrap();
    let lock = JobLock::acquire(dir.path(), "job").unwrap();
    let held = JobLock::acquire(dir.path(), "job").unwrap_err();
    assert!(
        matches!(held, LockError::Held { pid: Some(pid), doing: Doing::Run, .. } if pid == std::process::id()),
        "{held}"
    );
    let other = JobLock::acquire(dir.path(), "other").unwrap();
    let holder = || JobLock::holder(dir.path(), "job").unwrap();
    assert_eq!(holder().and_then(|holder| holder.pid), Some(std::process::id()));
    drop(lock);
    assert_eq!(holder().map(|holder| holder.pid), None);
    assert_eq!(JobLock::holder(dir.path(), "unknown").unwrap().map(|holder| holder.pid), None);
    assert!(!dir.path().join("locks/unknown.running").exists(), "whoever looks leaves nothing");
    for doing in [Doing::Run, Doing::Replay, Doing::Verify] {
        let _lock = JobLock::acquire_for(doing, dir.path(), "job").unwrap();
        assert_eq!(holder().map(|holder| holder.doing), Some(doing));
    }
    let lock = JobLock::acquire(dir.path(), "job").unwrap();
    fs::write(dir.path().join("locks/job.lock"), "7\n").unwrap();
    let older = holder().map(|holder| (holder.pid, holder.doing));
    assert_eq!(older, Some((Some(7), Doing::Run)), "an older version writes no more");
    drop(lock);
    drop(other);
}
