//! A provider in trouble is asked again seldom, and a run that gets nowhere still ends.

use std::collections::HashSet;
use std::time::Duration;

use jiff::Timestamp;
use tidemill::fetch::Notice;
use tidemill::run::{Event, EventKind, Exit};

use super::jobs::{APPS, PLAN, chat, ranks};
use super::scene::{Ended, Night};

/// So many at once, and a rate at which nobody waits for a permit: a retry leaves when the budget lets it.
fn wide(concurrency: u32) -> String {
    PLAN.replace(
        "qps = 10, per_minute = 300, concurrency = 4",
        &format!("qps = 1000, per_minute = 60000, concurrency = {concurrency}"),
    )
}

/// When attempts were answered, and whether each was the first of its cell, which in these scenes has one page.
fn attempts(events: &[Event]) -> Vec<(Timestamp, bool)> {
    let mut asked = HashSet::new();
    let attempt = |event: &Event| match &event.kind {
        EventKind::Fetching { cell, notice: Notice::Attempt { .. } } => Some((event.at, cell.clone())),
        _ => None,
    };
    events.iter().filter_map(attempt).map(|(at, cell)| (at, asked.insert(cell))).collect()
}

fn held_back(ended: &Ended) -> usize {
    let held = |event: &&Event| match &event.kind {
        EventKind::Fetching { notice: Notice::Delay { reason, .. }, .. } => reason.contains("repeated later"),
        _ => false,
    };
    ended.events.iter().filter(held).count()
}

/// In any two minutes, but for a second that answers take: retries are a tenth of the first attempts and ten.
fn assert_spared(ended: &Ended) {
    let attempts = attempts(&ended.events);
    for (end, _) in &attempts {
        let within = |seconds: i64, first: bool| {
            let recent = |at: &Timestamp| at <= end && end.duration_since(*at).as_secs() < seconds;
            attempts.iter().filter(|(at, is_first)| recent(at) && *is_first == first).count()
        };
        // What paid for a retry at the begin of the two minutes may have left two minutes before that.
        let (firsts, retries) = (within(240, true), within(119, false));
        assert!(retries <= firsts / 10 + 10, "{end}: {firsts} and {retries}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_is_down_ends_the_run_as_ever() {
    for concurrency in [1, 4, 64] {
        let settings = wide(concurrency);
        let job = chat(300);
        let faults = [("sensenova", "5000=100%")];
        let scene = Night { jobs: &[&job], settings: &settings, faults: &faults, ..Night::default() }.begin();
        let ended = scene.run().await;
        ended.assert(Exit::Paused);
        assert!(ended.reason().contains("5 cells in a row"), "{}", ended.reason());
        assert_eq!(ended.job(0).cells.rejected, 0);
        assert_spared(&ended);
        let took = scene.clock.now().elapsed;
        // Without turns the many would share the ten retries of two minutes until all have used up their attempts.
        assert!(took < Duration::from_secs(7 * 60), "{concurrency} at once: {took:?}");
    }
}

/// Somebody told the run never to give up: for ten minutes it gets nothing, and is no burden.
#[tokio::test(start_paused = true)]
async fn ten_minutes_without_an_answer() {
    let patient =
        "[[provider.sensenova.rules_first]]\ncode = 5000\nverdict = \"retry\"\nmax_attempts = 100\ncap = \"30s\"\n";
    let job = format!("deadline = \"10m\"\n{}", chat(300));
    let settings = format!("{}{patient}", wide(64));
    let faults = [("sensenova", "5000=100%")];
    let scene = Night { jobs: &[&job], settings: &settings, faults: &faults, ..Night::default() }.begin();
    let ended = scene.run().await;
    ended.assert(Exit::Paused);
    assert!(ended.reason().contains("deadline"), "{}", ended.reason());
    assert_eq!(ended.job(0).cells.settled(), 0, "nothing is dropped");
    assert_spared(&ended);
    let late = attempts(&ended.events).iter().filter(|(at, _)| *at > "2026-03-02T02:08:00Z".parse().unwrap()).count();
    assert!((5..=20).contains(&late), "{late} attempts in the last two minutes");
}

#[tokio::test(start_paused = true)]
async fn two_failures_in_a_hundred_hold_nobody_back() {
    let job = chat(600);
    let scene = Night { jobs: &[&job], faults: &[("sensenova", "5000=2%")], ..Night::default() }.begin();
    let ended = scene.run().await;
    ended.assert(Exit::Done);
    assert_eq!(held_back(&ended), 0);
    assert!(ended.job(0).refused > 3, "nothing failed");
    // Three hundred a minute are allowed, and the last cells may wait for a retry.
    let took = scene.clock.now().elapsed;
    assert!(took < Duration::from_secs(140), "{took:?}");
}

/// Polls, throttles and signings are no retries: they neither pay nor are held back.
#[tokio::test(start_paused = true)]
async fn what_has_not_failed_is_not_counted() {
    let (chat, ranks) = (chat(40), ranks(&APPS, "2026-01-01", "2026-01-03"));
    let table = [
        (&chat, "sensenova", "1302x15@3"),
        (&chat, "sensenova", "1303x15@3"),
        (&chat, "sensenova", "1003@40"),
        (&ranks, "foxdata", "60008@next:2"),
    ];
    for (job, provider, script) in table {
        let scene = Night { jobs: &[job], faults: &[(provider, script)], ..Night::default() }.begin();
        let ended = scene.run().await;
        ended.assert(Exit::Done);
        assert!(ended.job(0).refused > 0, "{script} never happened");
        assert_eq!(held_back(&ended), 0, "{script}");
    }
}
