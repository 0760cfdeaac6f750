//! What many waiters see of one refusal.

use std::future::Future;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::task::JoinSet;

use super::kit::{MINUTE, SECOND, attempt, first, job, keep, limits, noon, rolling, shanghai};
use crate::provider::{ThrottleWindow, Window};
use crate::quota::{Feedback, Permit, Quota, Refusal};

#[tokio::test(start_paused = true)]
async fn nothing_leaves_after_a_stop() {
    let (mut keeper, mut tasks) = (JoinSet::new(), JoinSet::new());
    let quota = keep(&limits(vec![rolling(1, MINUTE)], 8), &mut keeper);
    first(&quota).await;
    let stopped = Refusal::Stopped { reason: "1101".to_owned() };
    for _ in 0..5 {
        let (quota, stopped) = (quota.clone(), stopped.clone());
        tasks.spawn(async move { assert_eq!(quota.permit(&job("a")).await.unwrap_err(), stopped) });
    }
    tokio::task::yield_now().await;
    let before = quota.clock().now().elapsed;
    quota.stop("1101".to_owned());
    quota.stop("later".to_owned());
    assert_eq!(quota.permit(&job("a")).await.unwrap_err(), stopped);
    assert_eq!(tasks.join_all().await.len(), 5);
    assert_eq!(quota.clock().now().elapsed, before);
}

#[tokio::test(start_paused = true)]
async fn a_spent_day_parks_until_the_providers_midnight() {
    let resume_at = "2026-03-10T16:00:05Z".parse().unwrap();
    let day = Feedback::Throttled { window: ThrottleWindow::Day, retry_after: None };
    // Told so by the provider, or counted by ourselves.
    for (max, feedback) in [(100, day), (1, Feedback::Accepted)] {
        let mut keeper = JoinSet::new();
        let quota = keep(&limits(vec![shanghai(max)], 8), &mut keeper);
        attempt(&quota, "a", feedback).await.unwrap();
        let refusal = quota.permit(&job("a")).await.unwrap_err();
        assert!(
            matches!(&refusal, Refusal::Parked { resume_at: at, window, .. } if *at == resume_at && window == "day"),
            "{refusal:?}"
        );
        let wait = Duration::try_from(resume_at.duration_since(noon())).unwrap();
        quota.clock().sleep_until(wait).await;
        attempt(&quota, "a", Feedback::Accepted).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_minute_throttle_pauses_every_job() {
    let (mut keeper, mut tasks) = (JoinSet::new(), JoinSet::new());
    let quota = keep(&limits(vec![rolling(600, MINUTE)], 8), &mut keeper);
    first(&quota).await;
    let retry_after = Some(Duration::from_secs(40));
    attempt(&quota, "a", Feedback::Throttled { window: ThrottleWindow::Minute, retry_after }).await.unwrap();
    for name in ["a", "b", "c"] {
        let quota = quota.clone();
        tasks.spawn(async move {
            attempt(&quota, name, Feedback::Accepted).await.unwrap();
            let at = quota.clock().now().elapsed;
            assert!(at >= Duration::from_secs(60) && at < Duration::from_secs(62), "{name} left at {at:?}");
        });
    }
    assert_eq!(tasks.join_all().await.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_permit_granted_but_unread_is_void_after_a_stop() {
    let mut keeper = JoinSet::new();
    let quota = keep(&limits(Vec::new(), 8), &mut keeper);
    first(&quota).await;
    let name = job("a");
    let mut waiting = std::pin::pin!(quota.permit(&name));
    assert!(std::future::poll_fn(|context| std::task::Poll::Ready(waiting.as_mut().poll(context))).await.is_pending());
    // The dispatcher has answered by now; the waiter has not looked.
    assert_eq!(quota.meter().read().await.unwrap().in_flight, 1);
    quota.stop("1101".to_owned());
    assert!(matches!(waiting.await.unwrap_err(), Refusal::Stopped { .. }));
    assert_eq!(quota.meter().read().await.unwrap().in_flight, 0);
}

/// A provider that refuses what leaves while it is shut.
struct Gate {
    quota: Quota,
    /// From when until when, and with which window.
    shut: (Duration, Duration, ThrottleWindow),
    /// When attempts left, and whether they were refused.
    log: Mutex<Vec<(Duration, bool)>>,
}

impl Gate {
    /// Attempts, until `end` or the first refusal of a permit.
    async fn work(&self, end: Duration) {
        while let Ok(permit) = self.quota.permit(&job("a")).await {
            let sent = self.quota.clock().now().elapsed;
            if sent >= end {
                return;
            }
            self.serve(permit, sent).await;
        }
    }

    /// A page takes 400 ms, a refusal 50.
    async fn serve(&self, permit: Permit, sent: Duration) {
        let mut departed = permit.depart();
        let (from, to, window) = self.shut;
        let refused = sent >= from && sent < to;
        let latency = Duration::from_millis(if refused { 50 } else { 400 });
        self.quota.clock().sleep_until(sent + latency).await;
        self.log.lock().unwrap().push((sent, refused));
        departed.answered(match refused {
            true => Feedback::Throttled { window, retry_after: None },
            false => Feedback::Accepted,
        });
    }
}

/// Forty workers against a gate; the refused attempts and all that left, in order.
async fn forty(
    windows: Vec<Window>,
    shut: (Duration, Duration, ThrottleWindow),
    end: Duration,
) -> Vec<(Duration, bool)> {
    let (mut keeper, mut tasks) = (JoinSet::new(), JoinSet::new());
    let quota = keep(&limits(windows, 16), &mut keeper);
    let gate = Arc::new(Gate { quota, shut, log: Mutex::default() });
    for _ in 0..40 {
        let gate = Arc::clone(&gate);
        tasks.spawn(async move { gate.work(end).await });
    }
    tasks.join_all().await;
    let mut log = std::mem::take(&mut *gate.log.lock().unwrap());
    log.sort_unstable();
    log
}

#[tokio::test(start_paused = true)]
async fn after_a_refused_minute_one_attempt_goes_alone_and_the_others_are_paced() {
    // Somebody else uses the key: shut after ten seconds, for two minutes.
    let (from, to) = (10 * SECOND, 130 * SECOND);
    let log = forty(vec![rolling(300, MINUTE)], (from, to, ThrottleWindow::Minute), 240 * SECOND).await;
    let refused: Vec<Duration> = log.iter().filter(|(_, refused)| *refused).map(|(sent, _)| *sent).collect();
    // Those in flight when the first refusal came, then one attempt a minute.
    let burst = refused.iter().filter(|sent| **sent < from + SECOND).count();
    assert!(burst <= 3, "{refused:?}");
    let probes: Vec<Duration> = refused[burst..].to_vec();
    assert_eq!(probes.len(), 2, "{refused:?}");
    assert!(probes.windows(2).all(|pair| pair[1] - pair[0] >= MINUTE), "{probes:?}");
    // The one that passes is answered before the next leaves, and what follows is paced, never in a burst.
    let open: Vec<Duration> = log.iter().filter(|(sent, _)| *sent >= to).map(|(sent, _)| *sent).collect();
    assert!(open[1] - open[0] >= Duration::from_millis(400), "{:?}", &open[..3]);
    assert!(open.windows(2).all(|pair| pair[1] - pair[0] >= Duration::from_millis(202)));
    assert!(open.len() > 200, "{}", open.len());
}

#[tokio::test(start_paused = true)]
async fn an_answer_to_what_left_before_the_refusal_ends_no_caution() {
    let shut = (10 * SECOND, 20 * SECOND, ThrottleWindow::Minute);
    let log = forty(vec![rolling(300, MINUTE)], shut, 120 * SECOND).await;
    let refused: Vec<Duration> = log.iter().filter(|(_, refused)| *refused).map(|(sent, _)| *sent).collect();
    assert_eq!(refused.len(), 1, "{refused:?}");
    assert!(log.iter().any(|(sent, _)| *sent < refused[0] && *sent + Duration::from_millis(350) > refused[0]));
    let later: Vec<Duration> = log.iter().filter(|(sent, _)| *sent > refused[0]).map(|(sent, _)| *sent).collect();
    assert!(later[1] - later[0] >= Duration::from_millis(400), "{:?}", &later[..3]);
}

#[tokio::test(start_paused = true)]
async fn a_day_that_is_spent_already_costs_one_refusal() {
    let shut = (Duration::ZERO, 100 * MINUTE, ThrottleWindow::Day);
    let log = forty(vec![rolling(300, MINUTE), shanghai(1000)], shut, 10 * MINUTE).await;
    assert_eq!(log, [(Duration::ZERO, true)]);
}

#[tokio::test(start_paused = true)]
async fn a_day_that_somebody_else_spends_costs_those_in_flight() {
    let shut = (30 * SECOND, 100 * MINUTE, ThrottleWindow::Day);
    let log = forty(vec![rolling(300, MINUTE), shanghai(1000)], shut, 10 * MINUTE).await;
    let refused: Vec<Duration> = log.iter().filter(|(_, refused)| *refused).map(|(sent, _)| *sent).collect();
    assert!(!refused.is_empty() && refused.len() <= 3, "{refused:?}");
    assert!(refused.iter().all(|sent| *sent < 31 * SECOND), "{refused:?}");
}

#[tokio::test(start_paused = true)]
async fn a_new_day_begins_with_one_attempt() {
    let mut keeper = JoinSet::new();
    let quota = keep(&limits(vec![shanghai(1000)], 8), &mut keeper);
    first(&quota).await;
    let day = Feedback::Throttled { window: ThrottleWindow::Day, retry_after: None };
    attempt(&quota, "a", day).await.unwrap();
    let Refusal::Parked { resume_at, .. } = quota.permit(&job("a")).await.unwrap_err() else { panic!("parked") };
    quota.clock().sleep_until(quota.clock().now().elapsed_at(resume_at)).await;
    let alone = quota.permit(&job("a")).await.unwrap().depart();
    let name = job("a");
    assert!(tokio::time::timeout(10 * SECOND, quota.permit(&name)).await.is_err(), "a second left too");
    let mut alone = alone;
    alone.answered(Feedback::Accepted);
    let _second = quota.permit(&name).await.unwrap();
    let _third = quota.permit(&name).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_credential_refused_at_once_costs_one_attempt() {
    let (mut keeper, mut tasks) = (JoinSet::new(), JoinSet::new());
    let quota = keep(&limits(vec![rolling(300, MINUTE)], 16), &mut keeper);
    let sent = Arc::new(Mutex::new(0));
    for _ in 0..40 {
        let (quota, sent) = (quota.clone(), Arc::clone(&sent));
        tasks.spawn(async move {
            while let Ok(permit) = quota.permit(&job("a")).await {
                let mut departed = permit.depart();
                *sent.lock().unwrap() += 1;
                quota.clock().sleep_until(quota.clock().now().elapsed + SECOND).await;
                quota.stop("1101".to_owned());
                departed.answered(Feedback::Failed);
            }
        });
    }
    tasks.join_all().await;
    assert_eq!(*sent.lock().unwrap(), 1);
}
