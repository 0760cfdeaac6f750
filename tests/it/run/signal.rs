//! A signal at any moment: what is under way is kept, the run says so, and the next one buys nothing twice.

use std::time::Duration;

use tidemill::run::Exit;

use super::jobs::{APPS, CODES, chat, ranks, stocks};
use super::scene::{GRACE, Night, Twist};

#[tokio::test(start_paused = true)]
async fn at_every_event() {
    let jobs = [stocks(&CODES[..1]), ranks(&APPS[..2], "2026-01-01", "2026-01-01"), chat(2)];
    let jobs: Vec<&str> = jobs.iter().map(String::as_str).collect();
    let night = || Night { jobs: &jobs, ..Night::default() };
    let whole = night().begin().run().await.events.len();
    let mut interrupted = 0;
    for after in 1..=whole {
        let scene = night().begin();
        let ended = scene.run_twisted(Twist::Signal(after, Exit::Terminated)).await.unwrap();
        if ended.report.exit == Exit::Terminated {
            interrupted += 1;
            assert_eq!(ended.report.exit_code, 143);
        } else {
            ended.assert(Exit::Done);
        }
        scene.assert_part();
        scene.run().await.assert(Exit::Done);
        scene.assert_exact();
        assert_eq!((scene.duplicates(), scene.too_fast()), (0, 0), "a signal at event {after}");
    }
    assert!(interrupted * 3 > whole * 2, "only {interrupted} of {whole} runs were interrupted");
}

#[tokio::test(start_paused = true)]
async fn a_long_wait_ends_at_once() {
    let job = ranks(&APPS, "2026-01-01", "2026-01-02");
    let scene = Night { jobs: &[&job], faults: &[("foxdata", "60004@4")], ..Night::default() }.begin();
    // The plan, three pages of two events each, and the refusal: everybody waits for the minute.
    let whole = scene.run_twisted(Twist::Signal(8, Exit::Interrupted)).await.unwrap();
    whole.assert(Exit::Interrupted);
    assert_eq!(whole.report.exit_code, 130);
    assert!(scene.clock.now().elapsed.as_secs() < 10);
    scene.run().await.assert(Exit::Done);
    scene.assert_exact();
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_never_comes_is_waited_for_as_long_as_the_grace_and_no_longer() {
    let job = ranks(&APPS, "2026-01-01", "2026-01-02");
    let mut waited = 0;
    for after in 1..=14 {
        let scene = Night { jobs: &[&job], faults: &[("foxdata", "hang@4")], ..Night::default() }.begin();
        let ended = scene.run_twisted(Twist::Signal(after, Exit::Terminated)).await.unwrap();
        ended.assert(Exit::Terminated);
        let elapsed = scene.clock.now().elapsed;
        assert!(elapsed < GRACE + Duration::from_secs(5), "a signal at event {after}: {elapsed:?}");
        waited += u32::from(elapsed >= GRACE);
        assert_eq!(ended.report.jobs[0].requests, ended.requests, "an attempt without an answer counts as well");
        scene.assert_part();
        scene.run().await.assert(Exit::Done);
        scene.assert_exact();
        assert!(scene.duplicates() <= 1, "a signal at event {after}: {}", scene.duplicates());
    }
    assert!(waited > 0, "no signal came while a request hung");
}
