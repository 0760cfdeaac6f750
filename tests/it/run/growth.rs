//! Axes grow: what is new is fetched and added, what was there keeps every byte.

use tidemill::run::Exit;

use super::jobs::{APPS, CODES, ranks, stocks};
use super::scene::Night;

/// Runs `before`, then `after`; the requests of the second run and the files it added.
async fn grow(before: &str, after: &str) -> (u64, usize) {
    let mut scene = Night { jobs: &[before], ..Night::default() }.begin();
    scene.run().await.assert(Exit::Done);
    let old = scene.output();
    scene.jobs = vec![after.to_owned()];
    let ended = scene.run().await;
    scene.assert_clean(&ended).await;
    let new = scene.output();
    assert!(old.iter().all(|(path, bytes)| new.get(path) == Some(bytes)), "an old file changed");
    (ended.requests, new.len() - old.len())
}

#[tokio::test(start_paused = true)]
async fn a_new_day_is_a_new_file() {
    let (old, new) = (ranks(&APPS, "2026-01-01", "2026-01-02"), ranks(&APPS, "2026-01-01", "2026-01-03"));
    assert_eq!(grow(&old, &new).await, (4 * 3, 1));
    let earlier = ranks(&APPS, "2025-12-31", "2026-01-02");
    assert_eq!(grow(&old, &earlier).await, (4 * 3, 1));
}

#[tokio::test(start_paused = true)]
async fn a_new_app_is_a_file_beside_the_old_one_in_each_folder() {
    let (old, new) = (ranks(&APPS[..3], "2026-01-01", "2026-01-02"), ranks(&APPS, "2026-01-01", "2026-01-02"));
    assert_eq!(grow(&old, &new).await, (2 * 3, 2));
}

#[tokio::test(start_paused = true)]
async fn new_symbols_fill_new_files() {
    assert_eq!(grow(&stocks(&CODES[..3]), &stocks(&CODES)).await, (3 * 3, 1));
    let mut turned = CODES;
    turned.reverse();
    assert_eq!(grow(&stocks(&CODES[..5]), &stocks(&turned)).await, (3, 1));
}

#[tokio::test(start_paused = true)]
async fn what_is_gone_from_an_axis_keeps_its_file() {
    let mut scene = Night { jobs: &[&ranks(&APPS, "2026-01-01", "2026-01-03")], ..Night::default() }.begin();
    scene.run().await.assert(Exit::Done);
    scene.jobs = vec![ranks(&APPS[..1], "2026-01-03", "2026-01-03")];
    scene.assert_settled(Exit::Done).await;
}
