//! What runs take is remembered: over pauses, retries and kills, and only of the question that is asked now.

use std::time::Duration;

use tidemill::plan::Learned;
use tidemill::run::Exit;

use super::jobs::{APPS, PLAN, ranks};
use super::scene::{Night, Scene, Twist};

fn learned(scene: &Scene) -> Learned {
    scene.ledger().learned("ranks").unwrap()
}

#[tokio::test(start_paused = true)]
async fn each_run_adds_what_it_took() {
    let job = ranks(&APPS, "2026-01-01", "2026-01-05");
    let settings = PLAN.replacen("per_day = 20000", "per_day = 25", 1);
    let faults = [("foxdata", "510@4")];
    let scene = Night { jobs: &[&job], settings: &settings, faults: &faults, ..Night::default() }.begin();
    scene.run().await.assert(Exit::Paused);
    let first = learned(&scene);
    assert_eq!((first.calls, first.pages, first.credits), (25, 24, 24 * 11));
    assert!((6..=8).contains(&first.cells), "{first:?}");
    assert!(first.latency().is_some_and(|latency| latency > Duration::from_millis(10)), "{first:?}");
    while scene.run().await.report.exit == Exit::Paused {
        scene.clock.sleep_until(scene.clock.now().elapsed + Duration::from_secs(6 * 3600)).await;
    }
    let all = learned(&scene);
    assert_eq!((all.cells, all.pages, all.calls, all.credits), (20, 60, 61, 660));
    scene.run().await.assert(Exit::Done);
    assert_eq!(learned(&scene), all, "a run that asks for nothing learns nothing");
}

#[tokio::test(start_paused = true)]
async fn another_question_begins_anew() {
    let job = ranks(&APPS[..2], "2026-01-01", "2026-01-02");
    let mut scene = Night { jobs: &[&job], ..Night::default() }.begin();
    scene.run().await.assert(Exit::Done);
    assert_eq!(learned(&scene).cells, 4);
    scene.refetch = true;
    scene.run().await.assert(Exit::Done);
    assert_eq!(learned(&scene).cells, 8, "the same question once more");
    scene.jobs = vec![job.replace("\"US\"", "\"CN\"")];
    scene.run().await.assert(Exit::Done);
    assert_eq!(learned(&scene).cells, 4);
    scene.refetch = false;
    scene.jobs = vec![job.replace("\"US\"", "\"CN\"").replace("2026-01-02", "2026-01-03")];
    scene.run().await.assert(Exit::Done);
    assert_eq!(learned(&scene).cells, 6, "more cells of it");
}

/// Wherever it is killed: what it knows of cells and calls belongs together, and a minute of it at most is gone.
#[tokio::test(start_paused = true)]
async fn a_killed_run_forgets_a_minute() {
    let job = ranks(&APPS, "2026-01-01", "2026-01-20");
    let settings = PLAN.replacen("per_minute = 300", "per_minute = 60", 1);
    let scene = Night { jobs: &[&job], settings: &settings, ..Night::default() }.begin();
    assert!(scene.run_twisted(Twist::Kill(400)).await.is_none());
    let (known, sent) = (learned(&scene), scene.requests());
    assert!(known.calls >= 60 && sent - known.calls <= 70, "{known:?} of {sent}");
    assert!(known.pages.abs_diff(3 * known.cells) <= 3 * 8, "{known:?}");
}
