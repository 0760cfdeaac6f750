//! Following pages that are not ready, never ready, or not known any more.

use tidemill::run::Exit;

use super::jobs::{APPS, ranks};
use super::scene::{Night, Twist};

#[tokio::test(start_paused = true)]
async fn a_page_that_is_not_ready_is_polled() {
    let job = ranks(&APPS, "2026-01-01", "2026-01-02");
    let scene = Night { jobs: &[&job], faults: &[("foxdata", "60008@next:3")], ..Night::default() }.begin();
    let ended = scene.run().await;
    // Eight cells of three pages; each following page is refused three times.
    assert_eq!(ended.requests, 8 * 3 + 8 * 2 * 3);
    scene.assert_clean(&ended).await;
}

#[tokio::test(start_paused = true)]
async fn a_page_that_is_never_ready_leaves_its_cell_for_the_next_run() {
    let job = ranks(&APPS[..2], "2026-01-01", "2026-01-01");
    let scene = Night { jobs: &[&job], faults: &[("foxdata", "60008@next:30")], ..Night::default() }.begin();
    let ended = scene.run().await;
    ended.assert(Exit::Failed);
    assert_eq!(ended.job(0).cells.pending, 2);
    assert!(ended.reason().contains("60008"), "{}", ended.reason());
    assert!(scene.clock.now().elapsed.as_secs() >= 15 * 60, "polled to the deadline");
    assert!(scene.output().is_empty());
    for _ in 0..5 {
        if scene.run().await.report.exit == Exit::Done {
            break;
        }
    }
    scene.assert_exact();
    assert_eq!(scene.duplicates(), 0, "what was there is not bought again");
}

#[tokio::test(start_paused = true)]
async fn no_data_on_a_first_page_is_an_empty_that_says_it_may_be_early() {
    let job = ranks(&APPS, "2026-01-01", "2026-01-02");
    let scene = Night { jobs: &[&job], faults: &[("foxdata", "60008@1")], ..Night::default() }.begin();
    let ended = scene.run().await;
    ended.assert(Exit::Done);
    let cells = ended.job(0).cells;
    assert_eq!((cells.records, cells.empty, cells.unconfirmed), (7, 1, 1));
    let first = scene.planned(0)[0].0.clone();
    scene.assert_exact_but(|cell| cell == first);
    scene.assert_settled(Exit::Done).await;
}

#[tokio::test(start_paused = true)]
async fn a_cursor_that_died_begins_its_cell_anew() {
    let job = ranks(&APPS[..1], "2026-01-01", "2026-01-01");
    // The second request is the first of the second run: the page after the one that was kept.
    let scene = Night { jobs: &[&job], faults: &[("foxdata", "forget@2")], ..Night::default() }.begin();
    // Planned, the limits and how full they are, attempt.
    scene.run_twisted(Twist::Signal(4, Exit::Terminated)).await.unwrap().assert(Exit::Terminated);
    assert_eq!(scene.requests(), 1);
    let ended = scene.run().await;
    ended.assert(Exit::Done);
    assert_eq!(ended.requests, 1 + 3);
    assert_eq!(ended.job(0).warnings.len(), 1, "{:?}", ended.job(0).warnings);
    scene.assert_exact();
    assert_eq!(scene.duplicates(), 1, "the first page of the cell");
    scene.assert_settled(Exit::Done).await;
}

#[tokio::test(start_paused = true)]
async fn a_cursor_that_lives_is_used() {
    let job = ranks(&APPS[..1], "2026-01-01", "2026-01-01");
    let scene = Night { jobs: &[&job], ..Night::default() }.begin();
    scene.run_twisted(Twist::Signal(4, Exit::Terminated)).await.unwrap().assert(Exit::Terminated);
    let ended = scene.run().await;
    assert_eq!(ended.requests, 2);
    scene.assert_clean(&ended).await;
}
