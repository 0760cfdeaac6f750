//! Pages of a cell side by side, in whole runs against the simulator: the same bytes as page by page, sooner.

use tidemill::run::{EventKind, Exit};

use super::jobs::{CODES, stocks};
use super::scene::{Night, Scene, Twist};

/// It is latency that pages are waited for.
const WIDE: &str =
    "[provider.agushuju]\nlimits = { qps = 500, per_minute = 20000, per_day = 1000000, concurrency = 8 }\n";

/// 261 records a cell in 27 pages.
pub(crate) fn small_pages(parallel: &str) -> String {
    stocks(&CODES[..2]).replace("page_size = 100", &format!("page_size = 10\n{parallel}"))
}

fn scene(job: &str, seed: u64, faults: &[(&str, &str)]) -> Scene {
    Night { jobs: &[job], seed, faults, settings: WIDE, ..Night::default() }.begin()
}

#[tokio::test(start_paused = true)]
async fn the_file_is_the_same_and_comes_sooner() {
    for seed in 1..5 {
        let serial = scene(&small_pages(""), seed, &[]);
        let began = serial.clock.now().elapsed;
        serial.run().await.assert(Exit::Done);
        let took = serial.clock.now().elapsed - began;
        let parallel = scene(&small_pages("parallel_pages = 8"), seed, &[]);
        let began = parallel.clock.now().elapsed;
        let ended = parallel.run().await;
        let took = (parallel.clock.now().elapsed - began, took);
        assert!(took.0 * 2 < took.1, "{took:?}");
        assert_eq!(ended.requests, 2 * 27);
        parallel.assert_clean(&ended).await;
        let bytes = |scene: &Scene| scene.output().into_values().collect::<Vec<_>>();
        assert!(bytes(&serial) == bytes(&parallel), "seed {seed}");
    }
}

/// Faults of every kind on the way; limits that the simulator keeps as well.
#[tokio::test(start_paused = true)]
async fn faults_and_limits_are_met_as_ever() {
    for seed in 1..4 {
        let scene =
            scene(&small_pages("parallel_pages = 6"), seed, &[("agushuju", "reset=5%,429@9,html502=5%,slow=5%")]);
        let ended = scene.run().await;
        ended.assert(Exit::Done);
        scene.assert_exact();
        assert_eq!((scene.too_fast(), scene.duplicates()), (0, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn whatever_was_kept_at_a_kill_or_a_signal_is_not_bought_again() {
    let job = small_pages("parallel_pages = 6");
    let events = scene(&job, 1, &[]).run().await.events.len();
    for after in (3..events).step_by(7) {
        let scene = scene(&job, 1, &[]);
        assert!(scene.run_twisted(Twist::Kill(after)).await.is_none());
        scene.run().await.assert(Exit::Done);
        scene.assert_exact();
        assert!(scene.duplicates() <= 8, "after event {after}: {} of 8 in flight", scene.duplicates());
        scene.assert_settled(Exit::Done).await;
    }
    let scene = scene(&job, 1, &[]);
    scene.run_twisted(Twist::Signal(21, Exit::Terminated)).await.unwrap().assert(Exit::Terminated);
    let again = scene.run().await;
    again.assert(Exit::Done);
    assert_eq!((scene.duplicates(), scene.requests()), (0, 2 * 27));
    let pages = again.events.iter().filter(|event| matches!(event.kind, EventKind::CellEnded { .. })).count();
    assert_eq!(pages, 2);
    scene.assert_exact();
}
