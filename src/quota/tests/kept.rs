//! What a journal keeps when it is made shorter, and what is believed after a restart.

use std::time::Duration;

use jiff::SignedDuration;
use proptest::prelude::*;

use super::hand::Hand;
use super::kit::{MINUTE, SECOND, limits, noon, rolling, shanghai};
use crate::provider::{ThrottleWindow, Unit, Window};
use crate::quota::journal::{How, Record, Stamp, Told, What, still_counting};
use crate::quota::{Clock, Feedback, History, Journal, Limiter, Moment, open};

const DAY: Duration = Duration::from_secs(86_400);

fn now() -> Moment {
    Moment { elapsed: Duration::ZERO, wall: noon() }
}

pub(super) fn told(ago: Duration, user: u16, what: What) -> Told {
    let wall = noon() - SignedDuration::try_from(ago).unwrap();
    Told { record: Record { user, at: Stamp { wall, host: 10 * DAY - ago }, what }, ago, by_host: true }
}

/// A call of `job` that left `ago` and was answered, or not.
fn call(ago: Duration, job: u32, price: u32, answered: bool) -> Vec<Told> {
    let latency = Duration::from_millis(300);
    let mut all = vec![told(ago, 1, What::Sent { job, count: 1, price, late: Duration::ZERO })];
    if answered {
        let ago = ago.saturating_sub(latency);
        all.push(told(ago, 1, What::Answered { how: How::Accepted, latency, discount: Duration::ZERO }));
        all.push(told(ago, 1, What::Cost { job, more: 2, less: 0 }));
        all.push(told(ago, 1, What::Freed { count: 1 }));
    } else {
        all.push(told(ago, 1, What::Unsent { job, count: 1, price }));
    }
    all
}

fn windows() -> Vec<Window> {
    let credits = |window| Window { unit: Unit::Credits, ..window };
    let (hour, day) = (rolling(100_000, 60 * MINUTE), rolling(100_000, DAY));
    vec![
        rolling(1000, SECOND),
        rolling(1000, MINUTE),
        hour,
        day,
        credits(rolling(100_000, DAY)),
        shanghai(100_000),
        credits(shanghai(100_000)),
    ]
}

fn used(told: Vec<Told>) -> Vec<u32> {
    let history = History { told, ..History::default() };
    let limiter = Limiter::new(&limits(windows(), 8), MINUTE, &history, now());
    limiter.snapshot(now(), 0).windows.into_iter().map(|window| window.used).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(256) })]

    #[test]
    fn a_shorter_journal_counts_the_same(
        mut calls in proptest::collection::vec((1_u64..3 * 86_400, 1_u32..3, 1_u32..5, prop::bool::weighted(0.9)), 0..120),
        spent in 0_u64..7200,
    ) {
        calls.sort_unstable_by_key(|call| std::cmp::Reverse(call.0));
        let at_the_edge = calls.iter().any(|call| call.0.abs_diff(86_400) < 120);
        let mut all = vec![told(4 * DAY, 1, What::Joined { boot: 0 })];
        for (ago, job, price, answered) in calls {
            all.extend(call(Duration::from_secs(ago), job, price, answered));
        }
        all.push(told(Duration::ZERO, 1, What::Spent { until: noon() + SignedDuration::from_secs(i64::try_from(spent).unwrap()) }));
        let kept = still_counting(&all, noon(), &windows());
        prop_assert!(kept.len() <= all.len());
        let reread = kept.into_iter().map(|record| {
            let ago = Duration::try_from(noon().duration_since(record.at.wall)).unwrap();
            Told { record, ago, by_host: true }
        });
        let (shorter, whole) = (used(reread.collect()), used(all));
        // Summed up by the minute, a call may be held a little longer, and never less.
        prop_assert!(shorter.iter().zip(&whole).all(|(shorter, whole)| shorter >= whole), "{shorter:?} {whole:?}");
        if !at_the_edge {
            prop_assert_eq!(shorter, whole);
        }
    }
}

#[test]
fn a_call_is_held_to_the_last_moment_it_may_count() {
    // A day and 200 ppm after its answer: 86,417.28 s; what is left of it is rounded up, never down.
    let rolling_day = |ago| {
        let joined = told(2 * DAY, 1, What::Joined { boot: 0 });
        used(std::iter::once(joined).chain(call(Duration::from_secs(ago), 1, 1, true)).collect())[3]
    };
    assert_eq!([86_417, 86_418].map(rolling_day), [1, 0]);
}

#[test]
fn a_day_of_calls_is_a_line_a_minute() {
    let mut all = vec![told(2 * DAY, 1, What::Joined { boot: 0 })];
    for second in (0..86_400).rev() {
        all.extend(call(Duration::from_secs(second), 7, 1, true));
    }
    let kept = still_counting(&all, noon(), &[rolling(1000, MINUTE), rolling(100_000, DAY)]);
    assert!(kept.len() < 1440 + 4 * 180, "{} of {}", kept.len(), all.len());
}

#[test]
fn a_price_beyond_all_bounds_is_summed_up_as_full() {
    let all: Vec<Told> = [600, 601].map(|ago| call(Duration::from_secs(ago), 1, u32::MAX, true)).concat();
    let kept = still_counting(&all, noon(), &[Window { unit: Unit::Credits, ..rolling(9, DAY) }]);
    assert!(matches!(kept[0].what, What::Past { credits: u32::MAX, .. }), "{kept:?}");
}

#[test]
fn lessons_are_believed_for_a_week() {
    for (ago, believed) in [(6 * DAY, true), (8 * DAY, false)] {
        let what = What::Learned { period: SECOND, share: 800_000, interval: MINUTE, growth: 0 };
        let history = History { told: vec![told(ago, 1, what)], ..History::default() };
        let hand = Hand::after(vec![rolling(10, SECOND)], &history);
        assert_eq!(hand.snapshot().windows[0].ceiling, believed.then_some(8), "{ago:?}");
    }
}

/// A journal in the hands of a process that does `work` with it.
async fn process(dir: &std::path::Path, clock: &Clock, feedback: &[Feedback]) {
    let windows = vec![rolling(10, SECOND), rolling(300, MINUTE)];
    let (journal, history) = Journal::open(dir, "key", clock, &windows).unwrap();
    let (quota, dispatcher) = open(&limits(windows, 8), 5 * MINUTE, Some(journal), history, clock.clone());
    let mut keeper = tokio::task::JoinSet::new();
    keeper.spawn(dispatcher.run());
    for feedback in feedback {
        quota.permit(&super::kit::job("nightly")).await.unwrap().depart().answered(*feedback);
    }
    drop(quota);
    keeper.join_all().await;
}

#[tokio::test(start_paused = true)]
async fn a_learned_rate_and_a_pause_outlive_the_process() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Clock::starting_at(noon());
    let throttled = Feedback::Throttled { window: ThrottleWindow::Second, retry_after: Some(40 * SECOND) };
    let again = Feedback::Throttled { window: ThrottleWindow::Second, retry_after: None };
    process(dir.path(), &clock, &[Feedback::Accepted, again, throttled]).await;
    let history = Journal::read(dir.path(), "key", &clock).unwrap();
    let windows = vec![rolling(10, SECOND), rolling(300, MINUTE)];
    let limiter = Limiter::new(&limits(windows.clone(), 8), 5 * MINUTE, &history, clock.now());
    let snapshot = limiter.snapshot(clock.now(), 0);
    assert_eq!(snapshot.windows[0].ceiling, Some(6), "85 % of what the minute left of it, rounded up");
    assert!(snapshot.next_permit_at.unwrap().duration_since(noon()) >= SignedDuration::from_secs(40));
    assert_eq!(history.used_by(&windows[1], clock.now()), [("nightly".to_owned(), 3)]);
}

#[tokio::test(start_paused = true)]
async fn what_a_person_says_is_used_replaces_what_was_counted() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Clock::starting_at(noon());
    let windows = vec![rolling(300, MINUTE), shanghai(1000)];
    let (mut journal, _) = Journal::open(dir.path(), "key", &clock, &windows).unwrap();
    journal.set_used(clock.now(), &windows[1], 990).unwrap();
    journal.set_used(clock.now(), &windows[0], 5).unwrap();
    journal.leave(clock.now()).unwrap();
    for used in [[5, 990], [6, 991]] {
        let (journal, history) = Journal::open(dir.path(), "key", &clock, &windows).unwrap();
        let limiter = Limiter::new(&limits(windows.clone(), 8), MINUTE, &history, clock.now());
        let found: Vec<u32> = limiter.snapshot(clock.now(), 0).windows.iter().map(|window| window.used).collect();
        assert_eq!(found, used);
        let (quota, dispatcher) = open(&limits(windows.clone(), 8), MINUTE, Some(journal), history, clock.clone());
        let mut keeper = tokio::task::JoinSet::new();
        keeper.spawn(dispatcher.run());
        super::kit::attempt(&quota, "nightly", Feedback::Accepted).await.unwrap();
        drop(quota);
        keeper.join_all().await;
    }
    let history = Journal::read(dir.path(), "key", &clock).unwrap();
    let by = history.used_by(&windows[1], clock.now());
    assert_eq!(by, [("(not ours)".to_owned(), 990), ("nightly".to_owned(), 2)]);
}
