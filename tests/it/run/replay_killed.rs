//! A replay that dies anywhere is finished by the next one, or by a run, and then every file is read the new way.

use std::sync::atomic::Ordering;

use tidemill::run::Exit;

use super::again::Files;
use super::jobs::{CODES, quotes};
use super::kill::Mortal;
use super::replay::{PURCHASES, assert_as_fetched, declared, infos};
use super::scene::{Night, Scene};

/// A job that is done, and how it is read from now on.
fn jobs() -> [(String, String); 2] {
    // One of the cells has an object without a purchase: it had records, and is empty.
    [(infos(""), infos(PURCHASES)), (quotes(&CODES[..3]), declared("trade_date = 'date', volume = 'decimal(20,0)'"))]
}

async fn begin((before, after): &(String, String)) -> (Scene, Files) {
    let mut scene = Night { jobs: &[before], seed: 2, ..Night::default() }.begin();
    scene.run().await.assert(Exit::Done);
    let old = scene.output();
    scene.jobs = vec![after.clone()];
    (scene, old)
}

/// Old or new is what stands, and one more of whatever comes next makes all of it new.
async fn finish(scene: Scene, old: &Files, what: &str, by_a_run: bool) {
    scene.assert_sound(what);
    scene.assert_old_or_new(old, what);
    let before = scene.requests();
    let begun = scene.rows_of(0).iter().any(|row| row.generation > 1);
    if by_a_run && begun {
        scene.run().await.assert(Exit::Done);
    } else {
        scene.replay().await.assert(Exit::Done);
    }
    assert_eq!(scene.requests(), before, "{what}: something was asked");
    assert_as_fetched(&scene, what).await;
    scene.assert_sound(what);
    assert_eq!(scene.verified(0).leftovers, Vec::<String>::new(), "{what}");
    scene.assert_settled(Exit::Done).await;
}

#[tokio::test(start_paused = true)]
async fn at_any_call_of_the_ledger() {
    for dies_at in 1.. {
        // Before it and after it, for a type and for a record path, finished by a replay and by a run.
        for number in 0..2 {
            let (scene, old) = begin(&jobs()[number]).await;
            let after = (dies_at + number) % 2 == 0;
            let (ledger, calls) = Mortal::new(scene.ledger(), dies_at, after);
            let ended = scene.replay_with(Box::new(ledger)).await;
            if calls.load(Ordering::Relaxed) < dies_at {
                ended.assert(Exit::Done);
                assert!(dies_at > 20, "only {dies_at} calls");
                return;
            }
            ended.assert(Exit::Failed);
            let what = format!("job {number}: the ledger died at call {dies_at}, after it: {after}");
            finish(scene, &old, &what, dies_at % 4 < 2).await;
        }
    }
}

#[cfg(debug_assertions)]
#[tokio::test(start_paused = true)]
async fn at_any_step_of_the_disk() {
    for nth in (1..).step_by(2) {
        let (scene, old) = begin(&jobs()[nth / 2 % 2]).await;
        let (watch, steps) = scene.disk_dies_at(nth);
        let ended = scene.replay().await;
        drop(watch);
        if *steps.lock().unwrap() < nth {
            ended.assert(Exit::Done);
            assert!(nth > 20, "only {nth} steps");
            break;
        }
        ended.assert(Exit::Failed);
        finish(scene, &old, &format!("the disk died at step {nth}"), nth % 8 < 4).await;
    }
}

/// The person thinks better of it: the job file is as it was, and the files become so again.
#[tokio::test(start_paused = true)]
async fn what_was_half_done_can_be_undone() {
    let job = &jobs()[0];
    let mut undone = 0;
    for dies_at in (12..).step_by(2) {
        let (mut scene, old) = begin(job).await;
        let (ledger, calls) = Mortal::new(scene.ledger(), dies_at, true);
        scene.replay_with(Box::new(ledger)).await;
        let half = scene.rows_of(0).iter().any(|row| row.cause.is_some());
        scene.jobs = vec![job.0.clone()];
        if half {
            undone += 1;
            // A run would put files of two readings side by side.
            let refused = scene.run().await;
            refused.assert(Exit::Usage);
            assert!(refused.reason().contains("replay"), "{}", refused.reason());
        }
        finish(scene, &old, &format!("undone after call {dies_at}"), false).await;
        if calls.load(Ordering::Relaxed) < dies_at {
            break;
        }
    }
    assert!(undone > 5, "only {undone}");
}
