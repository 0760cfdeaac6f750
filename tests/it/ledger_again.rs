//! Taking committed partitions back, taking rejections as final, beginning a job from what was found of it: the same in
//! every ledger.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use jiff::Timestamp;
use tidemill::ledger::{
    Cause, Ledger, LedgerError, Outcome, PartitionId, PartitionState, Published, Reopening, Salvage, Salvaged,
    SealedCell, Totals,
};
use tidemill::plan::CellKey;

use super::ledger::{NOW, decision, each, key, partition, rejected, reopening, settled};

fn refused() -> Outcome {
    Outcome::Rejected { code: "1203".into(), message: "no such app".into() }
}

fn unconfirmed() -> Outcome {
    Outcome::Empty { unconfirmed: true }
}

/// Seals, decides and commits; a partition with these ends of its cells in order.
fn finish(ledger: &mut dyn Ledger, id: PartitionId, token: u64, ends: &[(&str, Outcome)], records: usize) {
    let cells: Vec<SealedCell> = ends.iter().map(|(name, outcome)| settled(name, outcome.clone())).collect();
    let records: Vec<_> = (0..records).map(|_| rejected(ends[0].0)).collect();
    ledger.seal(id, token, &cells, &records).unwrap();
    assert!(ledger.decide(id, token, &decision("d")).unwrap());
    ledger.commit(id, token, NOW).unwrap();
}

/// Partitions p (a, b), q (c) and r (d), of which r is not committed.
fn begun(ledger: &mut dyn Ledger, b: Outcome) -> [PartitionId; 3] {
    ledger.claim("job", NOW).unwrap();
    let plan = [partition("p", &["a", "b"]), partition("q", &["c"]), partition("r", &["d"])];
    ledger.add("job", 1, &plan).unwrap();
    let rows = ledger.partitions("job").unwrap();
    let ids = [rows[0].id, rows[1].id, rows[2].id];
    finish(ledger, ids[0], 1, &[("a", Outcome::Records), ("b", b)], 0);
    finish(ledger, ids[1], 1, &[("c", Outcome::Records)], 0);
    ids
}

type State = (Vec<tidemill::ledger::PartitionRow>, Option<String>, Totals, Vec<PartitionId>);

fn state(ledger: &dyn Ledger) -> State {
    state_of(ledger, "job")
}

fn state_of(ledger: &dyn Ledger, job: &str) -> State {
    let schema = ledger.schema(job).unwrap();
    (ledger.partitions(job).unwrap(), schema, ledger.totals(job).unwrap(), ledger.retryable(job).unwrap())
}

#[test]
fn partitions_are_taken_back_all_or_none() {
    each(|ledger| {
        let [p, q, r] = begun(ledger, Outcome::Records);
        ledger.adopt("job", 1, "before").unwrap();
        let (a, c, d) = ([key("a"), key("b")], [key("c")], [key("d")]);
        let before = state(ledger);
        type Case<'a> = (&'a str, &'a [(PartitionId, &'a [CellKey])]);
        let refused: [Case<'_>; 5] = [
            ("one is not committed", &[(p, &a), (q, &c), (r, &d)]),
            ("one is not known", &[(p, &a), (PartitionId(99), &c)]),
            ("one is named twice", &[(p, &a), (p, &a)]),
            ("a cell is of another", &[(p, &a), (q, &a)]),
            ("no cell is named", &[(p, &a), (q, &[])]),
        ];
        for (what, partitions) in refused {
            let reopening = Reopening {
                fingerprint: Some("after".into()),
                schema: Some("after".into()),
                ..reopening(Cause::Refetch, partitions)
            };
            ledger.reopen("job", 1, &reopening).expect_err(what);
            assert_eq!(state(ledger), before, "{what}");
        }
        assert_eq!(ledger.claim("job", NOW).unwrap().known_fingerprint.as_deref(), Some("before"));
        let old = ledger.reopen("job", 1, &reopening(Cause::Refetch, &[(p, &a)]));
        assert!(matches!(old, Err(LedgerError::Fenced { token: 1, current: 2, .. })));
        let other = ledger.reopen("other", 1, &reopening(Cause::Refetch, &[]));
        assert!(matches!(other, Err(LedgerError::UnknownJob(_))));

        let both = Reopening {
            fingerprint: Some("after".into()),
            schema: Some("after".into()),
            ..reopening(Cause::Refetch, &[(p, &a), (q, &c)])
        };
        ledger.reopen("job", 2, &both).unwrap();
        let rows = ledger.partitions("job").unwrap();
        assert!(rows[..2].iter().all(|row| (row.state, row.generation) == (PartitionState::Fetching, 2)));
        assert!(rows[..2].iter().all(|row| row.cause == Some(Cause::Refetch) && row.digest.as_deref() == Some("d")));
        assert_eq!(ledger.schema("job").unwrap().as_deref(), Some("after"));
        let claim = ledger.claim("job", NOW).unwrap();
        assert_eq!((claim.known_fingerprint.as_deref(), claim.committed_cells), (Some("after"), 3));
    });
}

#[test]
fn partitions_of_another_job_are_not_taken_back() {
    each(|ledger| {
        let [p, ..] = begun(ledger, Outcome::Records);
        ledger.claim("other", NOW).unwrap();
        let before = state(ledger);
        let foreign = ledger.reopen("other", 1, &reopening(Cause::Replay, &[(p, &[])]));
        assert!(matches!(foreign, Err(LedgerError::UnknownPartition(id)) if id == p));
        assert_eq!(state(ledger), before);
    });
}

#[test]
fn every_cause_is_remembered_until_the_end_of_its_generation() {
    for cause in Cause::ALL {
        each(|ledger| {
            let [p, ..] = begun(ledger, refused());
            let again: &[CellKey] = if cause == Cause::Replay { &[] } else { &[key("b")] };
            for given_up in [true, false] {
                ledger.reopen("job", 1, &reopening(cause, &[(p, again)])).unwrap();
                assert_eq!(ledger.partitions("job").unwrap()[0].cause, Some(cause));
                assert_eq!(ledger.retried(p).unwrap().len(), again.len());
                assert!(ledger.retryable("job").unwrap().is_empty(), "it is asked for already");
                match given_up {
                    true => ledger.restore(p, 1).unwrap(),
                    false => finish(ledger, p, 1, &[("a", Outcome::Records), ("b", refused())], 0),
                }
                let row = ledger.partitions("job").unwrap().remove(0);
                assert_eq!((row.cause, row.generation), (None, if given_up { 1 } else { 2 }), "{cause:?}");
                assert_eq!(ledger.retryable("job").unwrap(), [p]);
            }
        });
    }
}

#[test]
fn an_answer_counts_from_its_seal_on() {
    each(|ledger| {
        ledger.claim("job", NOW).unwrap();
        ledger.add("job", 1, &[partition("p", &["a", "b"]), partition("q", &["c"])]).unwrap();
        assert_eq!(ledger.claim("job", NOW).unwrap().committed_cells, 0);
        let p = ledger.partitions("job").unwrap()[0].id;
        ledger.seal(p, 2, &[settled("a", Outcome::Records), settled("b", Outcome::Records)], &[]).unwrap();
        assert_eq!(ledger.claim("job", NOW).unwrap().committed_cells, 2, "it will be published");
    });
}

fn listed(ledger: &dyn Ledger) -> (u64, u64, u64, usize, usize) {
    let totals = ledger.totals("job").unwrap();
    let (cells, records) = (totals.rejected, totals.rejected_records);
    let listed = ledger.rejections("job", 9).unwrap().len();
    (cells, records, totals.accepted, listed, ledger.retryable("job").unwrap().len())
}

#[test]
fn what_is_accepted_is_counted_apart_and_not_asked_again() {
    each(|ledger| {
        let [_, q, r] = begun(ledger, refused());
        ledger.reopen("job", 1, &reopening(Cause::Replay, &[(q, &[])])).unwrap();
        finish(ledger, q, 1, &[("c", unconfirmed())], 2);
        assert_eq!(listed(ledger), (1, 2, 0, 3, 2));
        // What is not committed is not what a person has seen.
        ledger.seal(r, 1, &[settled("d", refused())], &[]).unwrap();
        ledger.claim("job", NOW).unwrap();
        assert!(matches!(ledger.accept("job", 1), Err(LedgerError::Fenced { .. })));
        assert!(matches!(ledger.accept("other", 1), Err(LedgerError::UnknownJob(_))));
        assert_eq!(ledger.accept("job", 2).unwrap(), 4, "a cell, another that was not confirmed, two records");
        assert_eq!(listed(ledger), (1, 0, 1, 1, 0));
        assert_eq!(ledger.accept("job", 2).unwrap(), 0);
        assert!(ledger.decide(r, 2, &decision("d")).unwrap());
        ledger.commit(r, 2, NOW).unwrap();
        assert_eq!(listed(ledger), (1, 0, 1, 1, 1), "it is new");
        assert_eq!(ledger.accept("job", 2).unwrap(), 1);
        assert_eq!(listed(ledger), (0, 0, 2, 0, 0));
    });
}

/// How b ended when it was accepted, how it ends in the next generation, with how many rejected records; whether a
/// person's word still holds.
#[test]
fn a_persons_word_holds_for_what_it_was_said_of() {
    let records = || Outcome::Records;
    let table = [
        (refused(), refused(), 0, true),
        (refused(), records(), 0, false),
        (refused(), unconfirmed(), 0, false),
        (refused(), refused(), 1, false),
        (unconfirmed(), unconfirmed(), 0, true),
        (unconfirmed(), refused(), 0, false),
        (unconfirmed(), Outcome::Empty { unconfirmed: false }, 0, false),
    ];
    for (was, now, noted, holds) in table {
        for given_up in [false, true] {
            each(|ledger| {
                let [p, ..] = begun(ledger, was.clone());
                assert_eq!(ledger.accept("job", 1).unwrap(), 1);
                ledger.reopen("job", 1, &reopening(Cause::Refetch, &[(p, &[key("a"), key("b")])])).unwrap();
                match given_up {
                    true => ledger.restore(p, 1).unwrap(),
                    false => finish(ledger, p, 1, &[("a", records()), ("b", now.clone())], noted),
                }
                let accepted = ledger.partitions("job").unwrap()[0].accepted;
                assert_eq!(accepted, holds || given_up, "{was:?}, then {now:?} with {noted}, given up: {given_up}");
            });
        }
    }
    // Another cell of it is rejected.
    each(|ledger| {
        let [p, ..] = begun(ledger, refused());
        ledger.accept("job", 1).unwrap();
        ledger.reopen("job", 1, &reopening(Cause::Refetch, &[(p, &[key("a"), key("b")])])).unwrap();
        finish(ledger, p, 1, &[("a", refused()), ("b", refused())], 0);
        assert_eq!(listed(ledger), (2, 0, 0, 2, 1));
    });
}

#[test]
fn records_of_an_answer_that_is_being_replaced_are_not_listed() {
    for cause in Cause::ALL {
        each(|ledger| {
            let [_, q, _] = begun(ledger, Outcome::Records);
            ledger.reopen("job", 1, &reopening(Cause::Replay, &[(q, &[])])).unwrap();
            finish(ledger, q, 1, &[("c", Outcome::Records)], 2);
            ledger.reopen("job", 1, &reopening(cause, &[(q, &[key("c")])])).unwrap();
            let stand = if cause == Cause::Refetch { 0 } else { 2 };
            assert_eq!((listed(ledger).1, listed(ledger).3), (stand, stand as usize), "{cause:?}");
            ledger.restore(q, 1).unwrap();
            assert_eq!((listed(ledger).1, listed(ledger).3), (2, 2), "{cause:?}");
        });
    }
}

fn found(name: &str, cell: &str, generation: u32, published: bool) -> Salvage {
    let published = published.then(|| Published {
        decision: decision(name),
        cells: vec![settled(cell, refused())],
        rejected: vec![rejected(cell)],
        committed: Timestamp::MAX,
    });
    Salvage { partition: partition(name, &[cell]), generation, published }
}

#[test]
fn a_job_that_was_lost_begins_with_what_was_found() {
    each(|ledger| {
        let [p, ..] = begun(ledger, refused());
        let partitions = vec![found("x", "a", 3, true), found("y", "b", 2, false), found("z", "c", 1, false)];
        let (fingerprint, schema) = (Some("f".to_owned()), Some("s".to_owned()));
        let lost = Salvaged { token: 7, fingerprint, schema, partitions };
        ledger.salvage("lost", &lost, NOW).unwrap();
        assert_eq!(ledger.token("lost").unwrap(), Some(7));
        let rows = ledger.partitions("lost").unwrap();
        let stands: Vec<_> = rows.iter().map(|row| (row.state, row.generation, row.cause)).collect();
        let fetching = PartitionState::Fetching;
        let due = [(PartitionState::Committed, 3, None), (fetching, 2, None), (fetching, 1, None)];
        assert_eq!(stands, due);
        let given_up = ledger.restore(rows[1].id, 7);
        assert!(matches!(given_up, Err(LedgerError::State { .. })), "there is nothing to go back to: {given_up:?}");
        assert_eq!((rows[0].digest.as_deref(), rows[0].committed, rows[0].rows), (Some("x"), Some(Timestamp::MAX), 7));
        assert_eq!(ledger.rejections("lost", 9).unwrap().len(), 2);
        assert_eq!(ledger.schema("lost").unwrap().as_deref(), Some("s"));
        let claim = ledger.claim("lost", NOW).unwrap();
        assert_eq!((claim.token, claim.known_fingerprint.as_deref(), claim.committed_cells), (8, Some("f"), 2));
        let before = state_of(ledger, "lost");
        ledger.salvage("lost", &lost, NOW).unwrap();
        assert_eq!(state_of(ledger, "lost"), before, "what is known stays as it is");
        assert_eq!(ledger.partitions("job").unwrap()[0].id, p, "the other job is as it was");
    });
}

#[test]
fn of_what_contradicts_itself_nothing_is_taken() {
    let sealed_otherwise = Salvage { published: found("y", "z", 1, true).published, ..found("y", "b", 1, true) };
    let table = [
        ("a partition twice", vec![found("x", "a", 1, true), found("x", "a", 1, true)]),
        ("a cell twice", vec![found("x", "a", 1, true), found("y", "a", 1, false)]),
        ("a file of other cells", vec![found("x", "a", 1, true), sealed_otherwise]),
    ];
    for (what, partitions) in table {
        each(|ledger| {
            begun(ledger, refused());
            let before = state(ledger);
            let lost = Salvaged { token: 1, partitions: partitions.clone(), ..Salvaged::default() };
            let error = ledger.salvage("lost", &lost, NOW).expect_err(what);
            assert!(matches!(error, LedgerError::Membership { .. }), "{what}: {error}");
            assert_eq!((ledger.token("lost").unwrap(), ledger.partitions("lost").unwrap().len()), (None, 0), "{what}");
            assert_eq!(state(ledger), before, "{what}");
        });
    }
}
