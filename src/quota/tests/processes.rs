//! Limits that outlive a process or are shared by two.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use jiff::SignedDuration;
use tokio::task::JoinSet;

use super::kit::{MAX_WAIT, MINUTE, attempt, job, limits, noon, rolling, shanghai};
use crate::provider::ThrottleWindow;
use crate::quota::{Clock, Feedback, Journal, Loss, Refusal, open};

#[tokio::test(start_paused = true)]
async fn a_kill_forgets_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let limits = limits(vec![rolling(600, MINUTE), shanghai(20)], 8);
    for run in 0..4 {
        let clock = Clock::starting_at(noon() + SignedDuration::from_mins(10 * run));
        let (journal, history) = Journal::open(dir.path(), "key", &clock, &limits.windows).unwrap();
        assert_eq!(history.sends().iter().map(|sends| sends.count).sum::<u32>(), 5 * u32::try_from(run).unwrap());
        let (quota, dispatcher) = open(&limits, MAX_WAIT, Some(journal), history, clock);
        let mut keeper = JoinSet::new();
        keeper.spawn(dispatcher.run());
        for _ in 0..4 {
            attempt(&quota, "a", Feedback::Accepted).await.unwrap();
        }
        // One is refunded, one never answered when the process dies.
        drop(quota.permit(&job("a")).await.unwrap());
        let mut last = quota.permit(&job("a")).await.unwrap().depart();
        last.lost(Loss::TimedOut);
        if run == 3 {
            assert!(matches!(quota.permit(&job("a")).await.unwrap_err(), Refusal::Parked { .. }));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn two_processes_share_a_day() {
    let dir = tempfile::tempdir().unwrap();
    let limits = limits(vec![rolling(6000, MINUTE), shanghai(100)], 8);
    let clock = Clock::starting_at(noon());
    let (mut keeper, mut tasks) = (JoinSet::new(), JoinSet::new());
    let sent = Arc::new(AtomicUsize::new(0));
    for _ in 0..2 {
        let (journal, history) = Journal::open(dir.path(), "key", &clock, &limits.windows).unwrap();
        let (quota, dispatcher) = open(&limits, MAX_WAIT, Some(journal), history, clock.clone());
        keeper.spawn(dispatcher.run());
        for _ in 0..4 {
            let (quota, sent) = (quota.clone(), Arc::clone(&sent));
            tasks.spawn(async move {
                while attempt(&quota, "a", Feedback::Accepted).await.is_ok() {
                    sent.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    }
    tasks.join_all().await;
    assert_eq!(sent.load(Ordering::Relaxed), 100);
}

#[tokio::test(start_paused = true)]
async fn a_spent_day_is_known_after_a_restart_and_to_others() {
    let dir = tempfile::tempdir().unwrap();
    let limits = limits(vec![shanghai(100)], 8);
    let clock = Clock::starting_at(noon());
    let day = Feedback::Throttled { window: ThrottleWindow::Day, retry_after: None };
    for feedback in [Some(day), None] {
        let (journal, history) = Journal::open(dir.path(), "key", &clock, &limits.windows).unwrap();
        let (quota, dispatcher) = open(&limits, MAX_WAIT, Some(journal), history, clock.clone());
        let mut keeper = JoinSet::new();
        keeper.spawn(dispatcher.run());
        if let Some(feedback) = feedback {
            attempt(&quota, "a", feedback).await.unwrap();
        }
        assert!(matches!(quota.permit(&job("a")).await.unwrap_err(), Refusal::Parked { .. }));
        drop(quota);
        keeper.join_all().await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_follows_a_torn_tail_is_read_again() {
    let dir = tempfile::tempdir().unwrap();
    let limits = limits(vec![shanghai(100)], 8);
    for known in 0..3 {
        let clock = Clock::starting_at(noon());
        let (journal, history) = Journal::open(dir.path(), "key", &clock, &limits.windows).unwrap();
        assert_eq!(history.sends().iter().map(|sends| sends.count).sum::<u32>(), known);
        let (quota, dispatcher) = open(&limits, MAX_WAIT, Some(journal), history, clock);
        let mut keeper = JoinSet::new();
        keeper.spawn(dispatcher.run());
        attempt(&quota, "a", Feedback::Accepted).await.unwrap();
        drop(quota);
        keeper.join_all().await;
        let path = dir.path().join("key.journal");
        let mut bytes = std::fs::read(&path).unwrap();
        bytes.extend([1, 0, 0, 0, 1, 0, 0]);
        std::fs::write(&path, bytes).unwrap();
    }
}
