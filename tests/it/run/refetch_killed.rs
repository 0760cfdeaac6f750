//! A refetch that dies anywhere: what stands is old or new at every moment, and the next run goes on.

use std::sync::atomic::Ordering;

use tidemill::ledger::PartitionState;
use tidemill::run::Exit;

use super::again::Files;
use super::jobs::{APPS, history};
use super::kill::Mortal;
use super::scene::{Night, Scene, Twist};

async fn second_day(faults: &[(&str, &str)]) -> (Scene, Files) {
    let job = history(&APPS[..2], "2026-01-01", "2026-01-02");
    let mut scene = Night { jobs: &[&job], ..Night::default() }.begin();
    scene.run().await.assert(Exit::Done);
    let old = scene.output();
    assert_eq!(old.len(), 2);
    scene.other_rows(2, faults);
    scene.refetch = true;
    (scene, old)
}

/// What is visible is as it was or as it will be; the next run ends what was begun and buys at most `again` pages twice.
async fn finish(mut scene: Scene, old: &Files, again: u64, what: &str) {
    scene.refetch = false;
    scene.assert_sound(what);
    scene.assert_old_or_new(old, what);
    assert_eq!(scene.output().keys().filter(|path| old.contains_key(*path)).count(), 2, "{what}: a file is gone");
    if scene.rows_of(0).iter().all(|row| row.generation == 1) {
        assert!(scene.output().iter().all(|(path, bytes)| old.get(path).is_none_or(|was| was == bytes)), "{what}");
        scene.refetch().await.assert(Exit::Done);
    } else {
        scene.run().await.assert(Exit::Done);
    }
    scene.assert_exact();
    scene.assert_sound(what);
    assert_eq!(scene.verified(0).leftovers, Vec::<String>::new(), "{what}");
    assert!(scene.duplicates() <= again, "{what}: {} pages bought again", scene.duplicates());
    assert_eq!(scene.too_fast(), 0, "{what}");
}

#[tokio::test(start_paused = true)]
async fn at_any_event() {
    let whole = second_day(&[]).await.0.run().await.events.len();
    assert!(whole > 12, "{whole} events");
    let mut half_way = 0;
    for after in 1..=whole {
        let (scene, old) = second_day(&[]).await;
        assert!(scene.run_twisted(Twist::Kill(after)).await.is_none());
        half_way += usize::from(scene.rows_of(0).iter().any(|row| row.state == PartitionState::Fetching));
        finish(scene, &old, 4, &format!("killed after event {after}")).await;
    }
    assert!(half_way > 5, "only {half_way} were killed while they asked");
}

#[tokio::test(start_paused = true)]
async fn at_any_call_of_the_ledger() {
    for dies_at in 1.. {
        // Calls come in pairs of files: each kind of them fails before and after it is done.
        let after = dies_at % 2 == 0;
        let (scene, old) = second_day(&[]).await;
        let (ledger, calls) = Mortal::new(scene.ledger(), dies_at, after);
        let ended = scene.run_with(Twist::None, Box::new(ledger)).await.unwrap();
        if calls.load(Ordering::Relaxed) < dies_at {
            ended.assert(Exit::Done);
            assert!(dies_at > 20, "only {dies_at} calls");
            break;
        }
        ended.assert(Exit::Failed);
        finish(scene, &old, 0, &format!("the ledger died at call {dies_at}, after it: {after}")).await;
    }
}

#[tokio::test(start_paused = true)]
async fn at_a_signal() {
    let whole = second_day(&[]).await.0.run().await.events.len();
    let mut interrupted = 0;
    for after in 1..=whole {
        let (scene, old) = second_day(&[]).await;
        let ended = scene.run_twisted(Twist::Signal(after, Exit::Terminated)).await.unwrap();
        interrupted += usize::from(ended.report.exit == Exit::Terminated);
        finish(scene, &old, 0, &format!("a signal at event {after}")).await;
    }
    assert!(interrupted > 5, "only {interrupted} of {whole}");
}

#[cfg(debug_assertions)]
#[tokio::test(start_paused = true)]
async fn at_any_step_of_the_disk() {
    for nth in (1..).step_by(3) {
        let (scene, old) = second_day(&[]).await;
        let (watch, steps) = scene.disk_dies_at(nth);
        let ended = scene.run().await;
        drop(watch);
        if *steps.lock().unwrap() < nth {
            ended.assert(Exit::Done);
            assert!(nth > 30, "only {nth} steps");
            break;
        }
        if *steps.lock().unwrap() <= nth + 1 && ended.report.exit == Exit::Done {
            // All was done: the last words of the journal say what its process held, and it holds nothing.
            break;
        }
        ended.assert(Exit::Failed);
        // What came in and found no place was paid for.
        finish(scene, &old, 4, &format!("the disk died at step {nth}")).await;
    }
}

/// Cells that had records and are empty now: with a person's word the file shrinks, or is no more.
#[tokio::test(start_paused = true)]
async fn while_it_replaces_something_by_nothing() {
    for dies_at in (1..).step_by(3) {
        let faults = [("foxdata", "60008@1,60008@3,60008@4")];
        let (mut scene, old) = second_day(&faults).await;
        scene.accept_empty = true;
        let (ledger, calls) = Mortal::new(scene.ledger(), dies_at, dies_at % 2 == 0);
        scene.run_with(Twist::None, Box::new(ledger)).await.unwrap();
        scene.refetch = false;
        let what = format!("the ledger died at call {dies_at}");
        scene.assert_sound(&what);
        scene.assert_old_or_new(&old, &what);
        if scene.rows_of(0).iter().all(|row| row.generation == 1) {
            // None of it was begun.
            assert!(scene.output() == old && dies_at < 20, "{what}");
            continue;
        }
        scene.run().await.assert(Exit::Done);
        scene.assert_sound(&what);
        assert_eq!(scene.duplicates(), 0, "{what}");
        let empty = scene.verified(0).cells;
        assert_eq!((empty.unconfirmed, empty.records), (3, 1), "{what}");
        assert_eq!(scene.output().len(), 1, "{what}");
        scene.assert_settled(Exit::Done).await;
        if calls.load(Ordering::Relaxed) < dies_at {
            break;
        }
    }
}
