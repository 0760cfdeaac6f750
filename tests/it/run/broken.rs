//! What a run must not call done, and what it must not spend: a spool that takes no page, a backlog, a file that is gone.

use std::fs;

use tidemill::run::{EventKind, Exit};

use super::jobs::{APPS, ranks};
use super::scene::{Night, Twist};

/// The disk takes the first pages and then no more: nothing new leaves, so only what was in flight is lost.
#[cfg(debug_assertions)]
#[tokio::test(start_paused = true)]
async fn a_spool_that_breaks_stops_what_has_not_left() {
    use tidemill::disk::{Watch, What};

    let job = ranks(&APPS, "2026-01-01", "2026-01-06");
    for pages in [0, 3] {
        let scene = Night { jobs: &[&job], ..Night::default() }.begin();
        let mut taken = 0;
        let watch = Watch::below(&scene.folders().state.join("spool"), move |op| {
            let page = op.path.extension().is_some_and(|ending| ending == "pgs");
            if page && matches!(op.what, What::Append { .. }) {
                taken += 1;
            }
            if taken > pages { Err(std::io::Error::from_raw_os_error(28)) } else { Ok(()) }
        });
        let ended = scene.run().await;
        ended.assert(Exit::Failed);
        let kept: u64 = ended.report.jobs[0].pages;
        assert!(ended.requests - kept <= 4, "{} sent, {kept} kept, 4 at once", ended.requests);
        assert!(ended.reason().contains("free space"), "{}", ended.reason());
        drop(watch);
        scene.run().await.assert(Exit::Done);
        scene.assert_exact();
        assert!(scene.duplicates() <= 4);
    }
}

#[cfg(debug_assertions)]
#[tokio::test(start_paused = true)]
async fn a_spool_that_cannot_be_written_costs_no_request() {
    use tidemill::disk::Watch;

    let job = ranks(&APPS[..1], "2026-01-01", "2026-01-02");
    let scene = Night { jobs: &[&job], ..Night::default() }.begin();
    let watch = Watch::below(&scene.folders().state.join("spool"), |_| Err(std::io::Error::from_raw_os_error(30)));
    let ended = scene.run().await;
    ended.assert(Exit::Failed);
    assert_eq!(ended.requests, 0, "{}", ended.reason());
    drop(watch);
    scene.run().await.assert(Exit::Done);
    scene.assert_exact();
}

/// A signal while the last pages come in: what is not published yet is left to the next run, which asks for nothing.
#[tokio::test(start_paused = true)]
async fn who_is_asked_to_end_does_not_publish_a_backlog() {
    let job = ranks(&APPS[..1], "2026-01-01", "2026-01-04");
    let whole = Night { jobs: &[&job], ..Night::default() }.begin().run().await.events;
    let last_page = whole.iter().rposition(|event| matches!(event.kind, EventKind::CellEnded { .. })).unwrap();
    let scene = Night { jobs: &[&job], ..Night::default() }.begin();
    // Not the very last event: what happens at one instant may be told in another order the next time.
    let ended = scene.run_twisted(Twist::Signal(last_page - 2, Exit::Terminated)).await.unwrap();
    ended.assert(Exit::Terminated);
    let published = scene.output().len();
    assert!(published < 4, "{published}");
    let again = scene.run().await;
    again.assert(Exit::Done);
    assert_eq!(scene.duplicates(), 0);
    scene.assert_exact();
}

#[tokio::test(start_paused = true)]
async fn a_published_file_that_is_gone_is_not_done() {
    let job = ranks(&APPS[..1], "2026-01-01", "2026-01-03");
    let scene = Night { jobs: &[&job], ..Night::default() }.begin();
    scene.run().await.assert(Exit::Done);
    let whole = scene.output();
    let paths: Vec<_> = whole.keys().collect();
    fs::remove_file(paths[0]).unwrap();
    fs::write(paths[1], b"PAR1").unwrap();
    let ended = scene.run().await;
    ended.assert(Exit::Failed);
    assert_eq!(ended.requests, 0);
    assert!(ended.reason().contains("2 published files are gone or altered"), "{}", ended.reason());
    assert!(ended.reason().contains("tidemill replay"), "{}", ended.reason());
    for (path, bytes) in &whole {
        fs::write(path, bytes).unwrap();
    }
    scene.assert_settled(Exit::Done).await;
}
