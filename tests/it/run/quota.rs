//! What the limits allow is used and never passed, over nights and months; what they end goes on by itself.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use tidemill::run::Exit;

use super::jobs::{APPS, CODES, PLAN, ranks, stocks};
use super::scene::Night;

/// Ten in the morning in Shanghai; its next midnight and five seconds.
const RESET: &str = "2026-03-02T16:00:05Z";

fn with_day(max: u32) -> String {
    PLAN.replacen("per_day = 20000", &format!("per_day = {max}"), 1)
}

#[tokio::test(start_paused = true)]
async fn a_minute_limit_is_waited_out() {
    let job = ranks(&APPS, "2026-01-01", "2026-01-02");
    let scene = Night { jobs: &[&job], faults: &[("foxdata", "60004@4")], ..Night::default() }.begin();
    let ended = scene.run().await;
    ended.assert(Exit::Done);
    assert_eq!(ended.job(0).throttled, 1);
    assert!(scene.clock.now().elapsed >= Duration::from_secs(60), "the window was not waited for");
    scene.assert_exact();
    assert_eq!(scene.duplicates(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_day_that_is_used_up_parks_until_the_reset() {
    let job = ranks(&APPS, "2026-01-01", "2026-01-03");
    let settings = with_day(20_000);
    // Somebody else uses the same key: the provider allows less than we know of.
    let actual = PLAN.replace("per_day = 20000", "per_day = 25");
    let scene = Night { jobs: &[&job], settings: &settings, actual: Some(&actual), ..Night::default() }.begin();
    let ended = scene.run().await;
    ended.assert(Exit::Paused);
    assert_eq!(ended.resume_at().to_string(), RESET);
    assert_eq!(scene.too_fast(), 1, "one refusal is enough to know");
    assert_eq!(scene.stats("foxdata").successes, 25);
    scene.assert_part();

    // Longer before it than a run waits.
    scene.wait_until("2026-03-02T15:55:00Z").await;
    let early = scene.run().await;
    early.assert(Exit::Paused);
    assert_eq!((early.requests, early.resume_at().to_string()), (0, RESET.to_owned()));

    scene.wait_until("2026-03-02T16:00:06Z").await;
    scene.run().await.assert(Exit::Done);
    scene.assert_exact();
    assert_eq!(scene.duplicates(), 0);
    scene.assert_settled(Exit::Done).await;
}

/// A provider that has no word for a used-up day, but says how long to wait.
#[tokio::test(start_paused = true)]
async fn a_long_retry_after_holds_for_the_next_run_too() {
    let job = stocks(&CODES);
    let actual = PLAN.replace("per_day = 20000", "per_day = 5");
    let scene = Night { jobs: &[&job], actual: Some(&actual), ..Night::default() }.begin();
    let ended = scene.run().await;
    ended.assert(Exit::Paused);
    assert_eq!((ended.requests, scene.too_fast()), (6, 1));
    let again = scene.run().await;
    again.assert(Exit::Paused);
    assert_eq!((again.requests, again.resume_at()), (0, ended.resume_at()));
    // Two seconds before: that is no time to give up.
    scene.clock.sleep_until(scene.clock.now().elapsed_at(ended.resume_at()) - Duration::from_secs(2)).await;
    assert_eq!(scene.run().await.requests, 5 + 1);
    scene.assert_part();
}

#[tokio::test(start_paused = true)]
async fn our_own_day_is_never_passed() {
    let job = ranks(&APPS, "2026-01-01", "2026-01-05");
    let settings = with_day(20_000).replace("per_day = 20000", "per_day = 25");
    let scene = Night { jobs: &[&job], settings: &settings, ..Night::default() }.begin();
    let mut nights = 0;
    loop {
        let ended = scene.run().await;
        nights += 1;
        if ended.report.exit == Exit::Done {
            break;
        }
        ended.assert(Exit::Paused);
        assert_eq!(ended.requests, 25, "a quota left unused on day {nights}");
        scene.assert_part();
        scene.wait_until(&ended.resume_at().to_string()).await;
    }
    // Four apps on five days in three pages.
    assert_eq!(nights, (4 * 5 * 3 + 24) / 25);
    scene.assert_exact();
    assert_eq!((scene.too_fast(), scene.duplicates()), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_month_of_nights() {
    let job = ranks(&APPS[..2], "2026-01-01", "yesterday");
    let settings = PLAN.replace("per_day = 20000", "per_day = 20");
    let night = Night { jobs: &[&job], settings: &settings, start: "2026-01-09T18:00:00Z", ..Night::default() };
    let scene = night.begin();
    let mut files: BTreeMap<PathBuf, Vec<u8>> = BTreeMap::new();
    let mut caught_up = None;
    for night in 0..30 {
        let ended = scene.run().await;
        match ended.report.exit {
            Exit::Done => {
                caught_up.get_or_insert(night);
                assert!(caught_up == Some(night) || ended.requests == 6, "one day is two cells of three pages");
            }
            _ => {
                ended.assert(Exit::Paused);
                assert_eq!((caught_up, ended.requests), (None, 20));
            }
        }
        let now = scene.output();
        assert!(files.iter().all(|(path, bytes)| now.get(path) == Some(bytes)), "an old file moved");
        files = now;
        if night < 29 {
            scene.clock.sleep_until(Duration::from_secs((night + 1) * 24 * 3600)).await;
        }
    }
    scene.assert_exact();
    // Nine days are there to begin with, six requests each; twenty a night, six of them for the new day.
    assert_eq!(caught_up, Some(3));
    assert_eq!(files.len(), 38);
    assert_eq!((scene.too_fast(), scene.duplicates()), (0, 0));
}
