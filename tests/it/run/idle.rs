//! A run that finds nothing to do.

use std::sync::atomic::Ordering;

use tidemill::run::Exit;

use super::jobs::{APPS, ranks};
use super::kill::Mortal;
use super::scene::{Night, Twist};

/// One statement each for all cells and all files: hundred thousands of them must not be hundred thousands of questions.
#[tokio::test(start_paused = true)]
async fn what_it_asks_the_ledger_does_not_grow_with_cells_or_files() {
    let mut asked = Vec::new();
    for last in ["2026-01-01", "2026-01-07"] {
        let scene = Night { jobs: &[&ranks(&APPS, "2026-01-01", last)], ..Night::default() }.begin();
        scene.run().await.assert(Exit::Done);
        let (ledger, calls) = Mortal::new(scene.ledger(), usize::MAX / 2, false);
        let ended = scene.run_with(Twist::None, Box::new(ledger)).await.unwrap();
        assert_eq!((ended.report.exit, ended.requests), (Exit::Done, 0));
        asked.push(calls.load(Ordering::Relaxed));
    }
    // Was it ever known, what is it made of, claim, adopt, its cells, its files, what may be swept, its counts, its columns.
    assert_eq!(asked, [9, 9]);
}
