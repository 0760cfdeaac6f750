//! A job that asks something else: refused until a person says what to do with the old answers, which never mix with new.

use tidemill::ledger::{Cause, PartitionState};
use tidemill::run::Exit;

use super::again::changed;
use super::jobs::{APPS, history};
use super::kill::Mortal;
use super::parquet::files;
use super::scene::{Night, Scene, Twist};

fn old() -> String {
    history(&APPS[..2], "2026-01-01", "2026-01-02")
}

/// The same cells, asked for otherwise.
fn new() -> String {
    old().replace("date = ", "country = \"US\", date = ")
}

/// Done under the old question, and then the job file is changed.
async fn begin() -> Scene {
    let mut scene = Night { jobs: &[&old()], ..Night::default() }.begin();
    scene.run().await.assert(Exit::Done);
    scene.jobs = vec![new()];
    scene
}

async fn assert_refused(scene: &Scene, what: &str) {
    let before = scene.output();
    let refused = scene.run().await;
    refused.assert(Exit::Usage);
    assert_eq!(refused.requests, 0, "{what}");
    let said = refused.reason();
    assert!(said.contains("request body") && said.contains("--refetch") && said.contains("--keep"), "{what}: {said}");
    assert!(before == scene.output(), "{what}");
}

#[tokio::test(start_paused = true)]
async fn it_is_refused_and_then_fetched_again() {
    let mut scene = begin().await;
    assert_refused(&scene, "done").await;
    let before = scene.output();
    let ended = scene.refetch().await;
    ended.assert(Exit::Done);
    assert_eq!((ended.requests, changed(&before, &scene.output()).len()), (4, 2));
    scene.assert_exact();
    scene.assert_sound("asked anew");
    scene.assert_settled(Exit::Done).await;
}

#[tokio::test(start_paused = true)]
async fn half_fetched_cells_are_asked_anew() {
    let mut scene = Night { jobs: &[&format!("max_requests = 3\n{}", old())], ..Night::default() }.begin();
    scene.run().await.assert(Exit::Paused);
    assert!(!scene.output().is_empty(), "one day is done");
    scene.jobs = vec![new()];
    assert_refused(&scene, "half done").await;
    scene.refetch().await.assert(Exit::Done);
    scene.assert_exact();
    scene.assert_sound("half fetched");
}

#[tokio::test(start_paused = true)]
async fn killed_at_any_event_a_plain_run_goes_on_with_the_new_question() {
    let whole = begin().await.refetch().await.events.len();
    let (mut half_way, mut refused) = (0, 0);
    for after in 1..=whole {
        let what = format!("killed after event {after}");
        let mut scene = begin().await;
        let before = scene.output();
        scene.refetch = true;
        assert!(scene.run_twisted(Twist::Kill(after)).await.is_none());
        scene.refetch = false;
        scene.assert_sound(&what);
        scene.assert_old_or_new(&before, &what);
        if scene.rows_of(0).iter().all(|row| row.generation == 1) {
            refused += 1;
            assert_refused(&scene, &what).await;
            scene.refetch().await.assert(Exit::Done);
        } else {
            half_way += usize::from(scene.rows_of(0).iter().any(|row| row.cause == Some(Cause::Refetch)));
            scene.run().await.assert(Exit::Done);
        }
        scene.assert_exact();
        scene.assert_sound(&what);
        assert!(scene.duplicates() <= 4, "{what}: {}", scene.duplicates());
    }
    assert!(half_way > 5, "only {half_way} of {whole} half way, {refused} refused");
}

/// Between two steps of the ledger, of the first run and of the refetch: no file ever has answers to both questions.
#[tokio::test(start_paused = true)]
async fn what_was_sealed_under_the_old_question_is_fetched_again_too() {
    let (mut sealed, mut publishing) = (0, 0);
    for dies_at in 5.. {
        let mut scene = Night { jobs: &[&old()], ..Night::default() }.begin();
        let (ledger, _) = Mortal::new(scene.ledger(), dies_at, true);
        let first = scene.run_with(Twist::None, Box::new(ledger)).await.unwrap();
        let count = |state| scene.rows_of(0).iter().filter(|row| row.state == state).count();
        sealed += count(PartitionState::Sealed);
        publishing += count(PartitionState::Publishing);
        let stands = scene.rows_of(0).iter().any(|row| row.state != PartitionState::Fetching);
        scene.jobs = vec![new()];
        if stands {
            assert_refused(&scene, &format!("died at call {dies_at}")).await;
        }
        scene.refetch().await.assert(Exit::Done);
        scene.assert_exact();
        scene.assert_sound(&format!("died at call {dies_at}"));
        if first.report.exit == Exit::Done {
            break;
        }
    }
    assert!(sealed > 0 && publishing > 0, "{sealed} {publishing}");
}

/// Adopted now, the new question would pass for that of pages that were bought under the old one.
#[tokio::test(start_paused = true)]
async fn an_old_answer_that_is_damaged_comes_first() {
    for dies_at in 5..60 {
        let mut scene = Night { jobs: &[&old()], ..Night::default() }.begin();
        let (ledger, _) = Mortal::new(scene.ledger(), dies_at, true);
        scene.run_with(Twist::None, Box::new(ledger)).await.unwrap();
        let Some(row) = scene.rows_of(0).into_iter().find(|row| row.state == PartitionState::Sealed) else { continue };
        let path = files(&scene.folders().spool("history", &row.hash)).remove(0);
        let whole = std::fs::read(&path).unwrap();
        let mut bytes = whole.clone();
        bytes[70] ^= 1;
        std::fs::write(&path, bytes).unwrap();
        scene.jobs = vec![new()];
        let waits = scene.refetch().await;
        waits.assert(Exit::Failed);
        assert_eq!(waits.requests, 0);
        std::fs::write(&path, whole).unwrap();
        assert_refused(&scene, "mended").await;
        scene.refetch().await.assert(Exit::Done);
        scene.assert_exact();
        return;
    }
    panic!("no death left a partition sealed");
}

/// A retry that was begun under the old question has old pages in its new generation.
#[tokio::test(start_paused = true)]
async fn a_retry_half_way_is_given_up_for_it() {
    for change in [true, false] {
        let mut scene = Night { jobs: &[&old()], faults: &[("foxdata", "100@1,100@3")], ..Night::default() }.begin();
        scene.run().await.assert(Exit::Rejected);
        scene.jobs = vec![format!("max_requests = 1\n{}", old())];
        scene.retry().await.assert(Exit::Paused);
        assert!(scene.rows_of(0).iter().any(|row| row.cause == Some(Cause::Retry)));
        scene.jobs = vec![if change { new() } else { old() }];
        let ended = scene.refetch().await;
        ended.assert(Exit::Done);
        assert_eq!(ended.requests, 4);
        scene.assert_exact();
        scene.assert_sound("a retry half way");
    }
}

/// Asked otherwise once more, while the first change is half fetched.
#[tokio::test(start_paused = true)]
async fn a_second_change_in_the_middle_of_the_first() {
    let mut scene = begin().await;
    scene.jobs = vec![format!("max_requests = 3\n{}", new())];
    scene.refetch().await.assert(Exit::Paused);
    scene.jobs = vec![new().replace("US", "JP")];
    assert_refused(&scene, "changed twice").await;
    scene.refetch().await.assert(Exit::Done);
    scene.assert_exact();
    scene.assert_sound("changed twice");
    scene.assert_settled(Exit::Done).await;
}

#[tokio::test(start_paused = true)]
async fn a_change_of_how_pages_are_read_is_pointed_to_replay() {
    let mut scene = begin().await;
    scene.jobs = vec![old().replace("add =", "expect = { app_id = \"{app}\" }\nadd =")];
    let refused = scene.run().await;
    refused.assert(Exit::Usage);
    assert!(refused.reason().contains("tidemill replay"), "{}", refused.reason());
    scene.jobs = vec![new()];
    assert!(!scene.run().await.reason().contains("replay"));
}
