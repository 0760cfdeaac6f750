//! `--accept-failed`: what was rejected is taken as final, listed no more and asked for no more, until something else is.

use tidemill::run::Exit;

use super::jobs::{APPS, history};
use super::scene::{Night, Scene};

/// One cell of two days of two is rejected.
async fn rejected(archive: &str) -> Scene {
    let job = format!("{}{archive}", history(&APPS[..2], "2026-01-01", "2026-01-02"));
    let scene = Night { jobs: &[&job], faults: &[("foxdata", "100@1")], ..Night::default() }.begin();
    scene.run().await.assert(Exit::Rejected);
    scene
}

fn standing(scene: &Scene) -> (u64, u64) {
    let totals = scene.ledger().totals("history").unwrap();
    (totals.rejected, totals.accepted)
}

#[tokio::test(start_paused = true)]
async fn it_ends_as_done_from_then_on() {
    let mut scene = rejected("").await;
    assert_eq!(standing(&scene), (1, 0));
    let before = scene.output();
    let ended = scene.accept().await;
    ended.assert(Exit::Done);
    assert_eq!((ended.requests, ended.job(0).rejected.len(), standing(&scene)), (0, 0, (0, 1)));
    assert!(ended.job(0).warnings[0].contains("taken as final: 1 "), "{:?}", ended.job(0).warnings);
    let again = scene.run().await;
    again.assert(Exit::Done);
    let cells = again.job(0).cells;
    assert_eq!((cells.settled(), cells.planned, again.job(0).warnings.len()), (4, 4, 0));
    let retried = scene.retry().await;
    retried.assert(Exit::Done);
    assert_eq!(retried.requests, 0, "what is final is not asked for");
    let found = scene.verified(0);
    assert_eq!((found.cells.rejected, found.cells.records, found.cells.total, found.findings), (1, 3, 4, vec![]));
    assert!(before == scene.output());
    scene.accept().await.assert(Exit::Done);
    assert_eq!(standing(&scene), (0, 1), "twice is once");
}

#[tokio::test(start_paused = true)]
async fn what_is_rejected_later_stands_until_it_is_accepted_too() {
    let mut scene = rejected("").await;
    scene.accept().await.assert(Exit::Done);
    scene.jobs = vec![history(&APPS[..2], "2026-01-01", "2026-01-03")];
    scene.other_rows(1, &[("foxdata", "100@2")]);
    let ended = scene.run().await;
    ended.assert(Exit::Rejected);
    assert_eq!((ended.job(0).rejected.len(), standing(&scene)), (1, (1, 1)));
    let retried = scene.retry().await;
    retried.assert(Exit::Done);
    assert_eq!((retried.requests, standing(&scene)), (1, (0, 1)), "the newer one alone");
    scene.assert_sound("one accepted, one asked again");
}

/// A provider that refuses a cell every night does not undo what a person said once.
#[tokio::test(start_paused = true)]
async fn a_refetch_that_is_refused_the_same_cell_again_changes_nothing_about_it() {
    let mut scene = rejected("").await;
    scene.accept().await.assert(Exit::Done);
    scene.other_rows(2, &[("foxdata", "100@1")]);
    let ended = scene.refetch().await;
    ended.assert(Exit::Done);
    assert_eq!((ended.requests, ended.job(0).files.len(), standing(&scene)), (4, 2, (0, 1)));
    scene.assert_settled(Exit::Done).await;
    // Another one is rejected: its file is held, and of the other day's nothing changed.
    scene.other_rows(3, &[("foxdata", "100@2")]);
    scene.refetch().await.assert(Exit::Rejected);
    assert_eq!(standing(&scene), (0, 1));
    // It is answered at last.
    scene.other_rows(4, &[]);
    scene.refetch().await.assert(Exit::Done);
    assert_eq!(standing(&scene), (0, 0));
    scene.assert_exact();
    scene.assert_sound("answered");
}

#[tokio::test(start_paused = true)]
async fn pages_go_once_nobody_asks_again() {
    for fault in ["100@1", "60008@1"] {
        let job = format!("{}[archive]\nkeep = 0\n", history(&APPS[..2], "2026-01-01", "2026-01-01"));
        let mut scene = Night { jobs: &[&job], faults: &[("foxdata", fault)], ..Night::default() }.begin();
        let spool = |scene: &Scene| scene.folders().spool("history", &scene.rows_of(0)[0].hash);
        scene.run().await;
        assert!(spool(&scene).exists(), "{fault}: `--retry-failed` builds on them");
        scene.run().await;
        assert!(spool(&scene).exists(), "{fault}");
        scene.accept().await.assert(Exit::Done);
        assert!(!spool(&scene).exists(), "{fault}: nobody needs them any more");
        scene.assert_sound(fault);
        let retried = scene.retry().await;
        retried.assert(Exit::Done);
        assert_eq!(retried.requests, 0, "{fault}");
    }
}

#[tokio::test(start_paused = true)]
async fn records_that_fit_no_column_can_be_accepted() {
    let job =
        format!("{}[schema]\ncolumns = {{ categoryId = 'int8' }}\n", history(&APPS[..1], "2026-01-01", "2026-01-01"));
    let mut scene = Night { jobs: &[&job], ..Night::default() }.begin();
    let first = scene.run().await;
    first.assert(Exit::Rejected);
    assert!(first.job(0).rejected_records > 0);
    scene.accept().await.assert(Exit::Done);
    scene.assert_settled(Exit::Done).await;
    scene.assert_sound("accepted records");
}
