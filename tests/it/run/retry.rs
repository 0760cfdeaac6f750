//! `--retry-failed`: what was rejected is asked again, alone; the file is replaced once the answer adds to it.

use std::sync::atomic::Ordering;

use tidemill::ledger::{PartitionRow, PartitionState};
use tidemill::plan::CellKey;
use tidemill::run::Exit;

use super::again::{asked, changed, rejected};
use super::jobs::{APPS, CODES, chat, ranks, stocks};
use super::kill::Mortal;
use super::scene::{Night, Scene, Twist};

/// Twenty prompts, ten a file.
fn twenty() -> String {
    chat(20)
}

#[tokio::test(start_paused = true)]
async fn only_what_was_rejected_is_asked_again() {
    let cases = [
        (twenty(), "sensenova", "1301x2@3", 2, 1),
        (stocks(&CODES), "agushuju", "404@1", 3, 1),
        (ranks(&APPS, "2026-01-01", "2026-01-03"), "foxdata", "100@1", 3, 1),
    ];
    for (job, provider, fault, requests, files) in cases {
        let mut scene = Night { jobs: &[&job], faults: &[(provider, fault)], ..Night::default() }.begin();
        let first = scene.run().await;
        first.assert(Exit::Rejected);
        let cells = rejected(&first);
        scene.assert_exact_but(|cell| cells.iter().any(|rejected| rejected == cell));
        scene.assert_settled(Exit::Rejected).await;
        let before = scene.output();

        let second = scene.retry().await;
        second.assert(Exit::Done);
        assert_eq!((second.requests, scene.duplicates()), (requests, 0), "{provider}");
        let (mut again, mut was) = (asked(&second), cells.clone());
        again.sort();
        again.dedup();
        was.sort();
        assert_eq!(again, was, "{provider}");
        let counts = second.job(0).cells;
        assert_eq!((counts.records, counts.settled()), (cells.len() as u64, counts.planned), "{provider}");
        scene.assert_exact();
        let replaced = changed(&before, &scene.output());
        assert_eq!((replaced.len(), second.job(0).files.len()), (files, files), "{provider}: other files untouched");
        assert_eq!(scene.output().len(), before.len(), "{provider}: under the same name");
        assert!(scene.rows_of(0).iter().all(|row| row.state == PartitionState::Committed));
        assert_eq!(scene.rows_of(0).iter().filter(|row| row.generation == 2).count(), files);
        let found = scene.verified(0);
        assert_eq!((found.findings, found.leftovers, found.cells.rejected), (vec![], vec![], 0));
        scene.assert_settled(Exit::Done).await;
        let third = scene.retry().await;
        third.assert(Exit::Done);
        assert_eq!(third.requests, 0, "nothing rejected stands any more");
    }
}

#[tokio::test(start_paused = true)]
async fn a_file_that_did_not_exist_appears() {
    let job = chat(3);
    let mut scene = Night { jobs: &[&job], faults: &[("sensenova", "1301x3@1")], ..Night::default() }.begin();
    scene.run().await.assert(Exit::Rejected);
    assert!(scene.output().is_empty());
    scene.assert_sound("all rejected");
    scene.retry().await.assert(Exit::Done);
    scene.assert_exact();
    scene.assert_sound("all there");
}

#[tokio::test(start_paused = true)]
async fn what_is_rejected_again_changes_nothing() {
    let job = twenty();
    // The first eight are rejected in both runs.
    let mut scene = Night { jobs: &[&job], faults: &[("sensenova", "1301x8@1,1301x8@21")], ..Night::default() }.begin();
    let first = scene.run().await;
    first.assert(Exit::Rejected);
    let (before, rows) = (scene.output(), scene.rows_of(0));
    let second = scene.retry().await;
    second.assert(Exit::Rejected);
    assert_eq!((second.requests, second.job(0).cells.rejected, second.job(0).files.len()), (8, 8, 0));
    assert!(before == scene.output(), "nothing was encoded anew");
    let generations =
        |rows: &[PartitionRow]| rows.iter().map(|row| (row.generation, row.digest.clone())).collect::<Vec<_>>();
    assert_eq!(generations(&rows), generations(&scene.rows_of(0)));
    scene.assert_sound("given up");
    scene.assert_settled(Exit::Rejected).await;
    let third = scene.retry().await;
    third.assert(Exit::Done);
    assert_eq!((third.requests, scene.duplicates()), (8, 0));
    scene.assert_exact();
    scene.assert_settled(Exit::Done).await;
}

#[tokio::test(start_paused = true)]
async fn what_is_rejected_again_does_not_hold_the_others() {
    let job = twenty();
    let mut scene = Night { jobs: &[&job], faults: &[("sensenova", "1301x4@2,1301x2@21")], ..Night::default() }.begin();
    scene.run().await.assert(Exit::Rejected);
    let second = scene.retry().await;
    second.assert(Exit::Rejected);
    let left = rejected(&second);
    assert_eq!((second.requests, left.len(), second.job(0).cells.records), (4, 2, 2));
    scene.assert_exact_but(|cell| left.iter().any(|rejected| rejected == cell));
    scene.assert_sound("two of four");
    let third = scene.retry().await;
    third.assert(Exit::Done);
    assert_eq!((third.requests, scene.duplicates(), scene.rows_of(0)[0].generation), (2, 0, 3));
    scene.assert_exact();
    scene.assert_settled(Exit::Done).await;
}

#[tokio::test(start_paused = true)]
async fn an_empty_that_was_not_confirmed_is_asked_again() {
    let job = ranks(&APPS[..2], "2026-01-01", "2026-01-01");
    for fault in ["60008@1", "60008@1,60008@5"] {
        let mut scene = Night { jobs: &[&job], faults: &[("foxdata", fault)], ..Night::default() }.begin();
        let first = scene.run().await;
        first.assert(Exit::Done);
        assert_eq!(first.job(0).cells.unconfirmed, 1, "{fault}");
        scene.assert_sound(fault);
        let before = scene.output();
        let mut runs = 0;
        while scene.verified(0).cells.unconfirmed > 0 && runs < 3 {
            assert!(before == scene.output(), "{fault}: not before it is answered");
            scene.retry().await.assert(Exit::Done);
            scene.assert_sound(fault);
            runs += 1;
        }
        assert_eq!((runs, scene.duplicates()), (fault.split(',').count(), 0), "{fault}");
        scene.assert_exact();
        scene.assert_settled(Exit::Done).await;
    }
}

/// Two partitions of two cells of three pages, one cell of each rejected on its first page.
fn nightly(job: &str) -> Scene {
    Night { jobs: &[job], faults: &[("foxdata", "100@1,100@4")], ..Night::default() }.begin()
}

#[tokio::test(start_paused = true)]
async fn killed_at_any_event_it_is_finished_by_a_plain_run() {
    let job = ranks(&APPS[..2], "2026-01-01", "2026-01-02");
    let whole = {
        let mut scene = nightly(&job);
        scene.run().await.assert(Exit::Rejected);
        scene.retry().await.events.len()
    };
    assert!(whole > 15, "{whole} events");
    let mut half_way = 0;
    for after in 1..=whole {
        let what = format!("killed after event {after}");
        let mut scene = nightly(&job);
        scene.run().await.assert(Exit::Rejected);
        let old = scene.output();
        scene.retry_failed = true;
        assert!(scene.run_twisted(Twist::Kill(after)).await.is_none());
        scene.retry_failed = false;
        scene.assert_part();
        scene.assert_sound(&what);
        scene.assert_old_or_new(&old, &what);
        half_way += usize::from(scene.rows_of(0).iter().any(|row| row.state == PartitionState::Fetching));
        scene.run().await.assert(Exit::Done);
        scene.assert_exact();
        assert!(scene.duplicates() <= 2, "{what}: {} pages bought again", scene.duplicates());
        scene.assert_sound(&what);
    }
    assert!(half_way > 5, "only {half_way} were killed while they asked");
}

#[tokio::test(start_paused = true)]
async fn between_any_two_steps_of_the_ledger() {
    let job = ranks(&APPS[..2], "2026-01-01", "2026-01-01");
    for after in [false, true] {
        for dies_at in 1.. {
            let mut scene = Night { jobs: &[&job], faults: &[("foxdata", "100@1")], ..Night::default() }.begin();
            scene.run().await.assert(Exit::Rejected);
            let old = scene.output();
            scene.retry_failed = true;
            let (ledger, calls) = Mortal::new(scene.ledger(), dies_at, after);
            let ended = scene.run_with(Twist::None, Box::new(ledger)).await.unwrap();
            scene.retry_failed = false;
            if calls.load(Ordering::Relaxed) < dies_at {
                ended.assert(Exit::Done);
                assert!(dies_at > 15, "only {dies_at} calls");
                break;
            }
            let what = format!("the ledger died at call {dies_at}, after it: {after}");
            ended.assert(Exit::Failed);
            scene.assert_sound(&what);
            scene.assert_old_or_new(&old, &what);
            // Died before it was reopened, it still has to be.
            match scene.rows_of(0)[0].generation {
                1 => scene.retry().await.assert(Exit::Done),
                _ => scene.run().await.assert(Exit::Done),
            }
            scene.assert_exact();
            assert_eq!(scene.duplicates(), 0, "{what}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn interrupted_at_any_event_the_file_stands() {
    let job = ranks(&APPS[..2], "2026-01-01", "2026-01-02");
    let mut interrupted = 0;
    for after in 1..16 {
        let mut scene = nightly(&job);
        scene.run().await.assert(Exit::Rejected);
        let old = scene.output();
        scene.retry_failed = true;
        let ended = scene.run_twisted(Twist::Signal(after, Exit::Terminated)).await.unwrap();
        scene.retry_failed = false;
        let what = format!("a signal at event {after}");
        scene.assert_sound(&what);
        scene.assert_old_or_new(&old, &what);
        if ended.report.exit == Exit::Terminated {
            interrupted += 1;
            let left = |row: &PartitionRow| row.state != PartitionState::Committed;
            assert!(scene.rows_of(0).iter().any(left), "{what}");
        }
        scene.run().await.assert(Exit::Done);
        scene.assert_exact();
        assert_eq!(scene.duplicates(), 0, "{what}");
    }
    assert!(interrupted > 8, "only {interrupted}");
}

#[tokio::test(start_paused = true)]
async fn without_its_pages_a_partition_is_left_as_it_is() {
    let job = twenty();
    let mut scene = Night { jobs: &[&job], faults: &[("sensenova", "1301@3")], ..Night::default() }.begin();
    scene.run().await.assert(Exit::Rejected);
    let before = scene.output();
    for damage in ["flip", "gone"] {
        let spool = scene.folders().spool("chat", &scene.rows_of(0)[0].hash);
        match damage {
            "flip" => {
                let path = std::fs::read_dir(&spool).unwrap().next().unwrap().unwrap().path();
                let mut bytes = std::fs::read(&path).unwrap();
                bytes[60] ^= 1;
                std::fs::write(&path, bytes).unwrap();
                assert_eq!(scene.verified(0).findings.len(), 1, "the damage is found");
            }
            _ => std::fs::remove_dir_all(&spool).unwrap(),
        }
        let ended = scene.retry().await;
        ended.assert(Exit::Rejected);
        assert_eq!(ended.requests, 0, "{damage}");
        assert!(ended.job(0).warnings[0].contains("cannot be asked for again"), "{:?}", ended.job(0).warnings);
        assert!(before == scene.output(), "{damage}");
        assert_eq!(scene.rows_of(0)[0].generation, 1);
        scene.run().await.assert(Exit::Rejected);
    }
}

#[tokio::test(start_paused = true)]
async fn pages_that_nobody_needs_are_swept() {
    let job = twenty();
    let mut scene = Night { jobs: &[&job], faults: &[("sensenova", "1301@3")], ..Night::default() }.begin();
    scene.run().await.assert(Exit::Rejected);
    let spool = scene.folders().spool("chat", &scene.rows_of(0)[0].hash);
    // As if the generation had been given up and the run killed before it could remove its pages.
    let stale = spool.join("g2-e1-0.pgs");
    std::fs::copy(spool.join("g1-e1-0.pgs"), &stale).unwrap();
    assert_eq!(scene.verified(0).leftovers, [stale.display().to_string()]);
    scene.retry().await.assert(Exit::Done);
    scene.assert_exact();
    let again: Vec<CellKey> =
        scene.ledger().retried(scene.rows_of(0)[0].id).unwrap().into_iter().map(|cell| cell.key).collect();
    assert_eq!(again, []);
}
