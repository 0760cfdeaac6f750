//! Who gets the next permit.

use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::task::JoinSet;

use super::kit::{MAX_WAIT, MINUTE, SECOND, first, job, keep, limits, noon, rolling};
use crate::quota::{Clock, Feedback, History, Quota, open};

/// Starts a waiter that notes its name when it has its permit, and waits until it stands in the queue.
async fn wait_in_line(quota: &Quota, tasks: &mut JoinSet<()>, name: &'static str, order: &Arc<Mutex<Vec<String>>>) {
    let (quota, order) = (quota.clone(), Arc::clone(order));
    tasks.spawn(async move {
        let permit = quota.permit(&job(name)).await.unwrap();
        order.lock().unwrap().push(name.to_owned());
        permit.depart().answered(Feedback::Accepted);
    });
    tokio::task::yield_now().await;
}

#[tokio::test(start_paused = true)]
async fn jobs_take_turns() {
    let (mut keeper, mut tasks) = (JoinSet::new(), JoinSet::new());
    let quota = keep(&limits(vec![rolling(1, SECOND)], 8), &mut keeper);
    first(&quota).await;
    let order = Arc::new(Mutex::new(Vec::new()));
    for name in ["a", "a", "a", "a", "b", "b", "c"] {
        wait_in_line(&quota, &mut tasks, name, &order).await;
    }
    tasks.join_all().await;
    assert_eq!(order.lock().unwrap().concat(), "abcabaa");
}

#[tokio::test(start_paused = true)]
async fn first_come_first_served_with_one_wake_up_each() {
    let (mut keeper, mut tasks) = (JoinSet::new(), JoinSet::new());
    let quota = keep(&limits(vec![rolling(10, SECOND)], 8), &mut keeper);
    first(&quota).await;
    let (order, polls) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicUsize::new(0)));
    for number in 0..200 {
        let (quota, order, polls) = (quota.clone(), Arc::clone(&order), Arc::clone(&polls));
        tasks.spawn(async move {
            let name = job("a");
            let mut waiting = pin!(quota.permit(&name));
            let permit = std::future::poll_fn(|context| {
                polls.fetch_add(1, Ordering::Relaxed);
                waiting.as_mut().poll(context)
            });
            let permit = permit.await.unwrap();
            order.lock().unwrap().push(number);
            permit.depart().answered(Feedback::Accepted);
        });
    }
    tasks.join_all().await;
    assert!(order.lock().unwrap().is_sorted());
    assert_eq!(polls.load(Ordering::Relaxed), 400, "asked once and woken once each");
}

#[tokio::test(start_paused = true)]
async fn a_waiter_that_gives_up_costs_nothing() {
    let mut keeper = JoinSet::new();
    let quota = keep(&limits(vec![rolling(2, MINUTE)], 8), &mut keeper);
    first(&quota).await;
    for _ in 0..50 {
        // Given up while it waits for the pace.
        let gave_up = tokio::time::timeout(Duration::from_millis(100), quota.permit(&job("a"))).await;
        assert!(gave_up.is_err());
    }
    drop(quota.permit(&job("a")).await.unwrap());
    let _next = quota.permit(&job("a")).await.unwrap();
    let at = quota.clock().now().elapsed;
    assert!(at > MINUTE && at < 2 * MINUTE, "the second of the minute left at {at:?}");
}

#[tokio::test(start_paused = true)]
async fn the_dispatcher_ends_with_its_last_handle() {
    let (quota, dispatcher) =
        open(&limits(Vec::new(), 1), MAX_WAIT, None, History::default(), Clock::starting_at(noon()));
    let mut keeper = JoinSet::new();
    keeper.spawn(dispatcher.run());
    let departed = quota.permit(&job("a")).await.unwrap().depart();
    drop(quota);
    drop(departed);
    assert_eq!(keeper.join_all().await.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn who_has_gone_no_longer_waits() {
    let (mut keeper, mut tasks) = (JoinSet::new(), JoinSet::new());
    let quota = keep(&limits(vec![rolling(60, MINUTE)], 8), &mut keeper);
    first(&quota).await;
    let start = quota.clock().now().elapsed;
    for _ in 0..50 {
        let quota = quota.clone();
        tasks.spawn(async move { drop(quota.permit(&job("a")).await) });
    }
    tokio::task::yield_now().await;
    assert_eq!(quota.meter().read().await.unwrap().waiting, 50);
    tasks.shutdown().await;
    assert_eq!(quota.meter().read().await.unwrap().waiting, 0);
    // The permit that would have been theirs at 1.01 s was not taken, so the pace does not run from there.
    quota.clock().sleep_until(start + Duration::from_millis(1500)).await;
    let _permit = quota.permit(&job("b")).await.unwrap();
    assert_eq!(quota.clock().now().elapsed, start + Duration::from_millis(1500));
}
