//! What one process makes of what another has under way.

use std::time::Duration;

use tokio::task::JoinSet;

use super::kept::told;
use super::kit::{MINUTE, SECOND, attempt, job, limits, noon, rolling};
use crate::quota::journal::What;
use crate::quota::{Clock, Decision, Feedback, History, Journal, Limiter, Moment, Quota, WaitsFor, open};

fn at(elapsed: Duration) -> Moment {
    Moment { elapsed, wall: noon() + elapsed }
}

/// Three calls of another process left just now, two may be in flight.
fn three_of_another() -> Limiter {
    let sent = What::Sent { job: 1, count: 3, price: 1, late: Duration::ZERO };
    let told = vec![told(Duration::ZERO, 7, What::Joined { boot: 0 }), told(Duration::ZERO, 7, sent)];
    let history = History { told, ..History::default() };
    Limiter::new(&limits(vec![rolling(300, MINUTE)], 3), MINUTE, &history, at(Duration::ZERO))
}

#[test]
fn its_calls_are_in_flight_until_it_is_done_with_them() {
    let mut limiter = three_of_another();
    let later = at(10 * SECOND);
    assert_eq!(limiter.snapshot(later, 0).in_flight, 3);
    limiter.learn(&told(Duration::ZERO, 7, What::Freed { count: 1 }), later);
    assert_eq!(limiter.snapshot(later, 0).in_flight, 2);
    // None of them is answered yet, and this process has not sent its first.
    assert_eq!(limiter.check(later), Decision::Wait { until: None, on: WaitsFor::FirstAnswer });
}

#[test]
fn what_it_leaves_when_it_dies_counts_for_as_long_as_it_may() {
    let mut limiter = three_of_another();
    limiter.learn(&told(Duration::ZERO, 7, What::Gone), at(2 * SECOND));
    let used = |limiter: &Limiter, seconds| limiter.snapshot(at(seconds * SECOND), 0).windows[0].used;
    // The window, and five seconds in which the provider may have counted them.
    assert_eq!([2, 30, 64].map(|seconds| used(&limiter, seconds)), [3, 3, 3]);
    assert_eq!(used(&limiter, 66), 0);
    // Nobody works on them any more.
    let in_flight = |seconds| limiter.snapshot(at(seconds * SECOND), 0).in_flight;
    assert_eq!([2, 4].map(in_flight), [3, 0]);
}

fn process(dir: &std::path::Path, clock: &Clock, tasks: &mut JoinSet<()>) -> Quota {
    let limits = limits(vec![rolling(6000, MINUTE)], 1);
    let (journal, history) = Journal::open(dir, "key", clock, &limits.windows).unwrap();
    let (quota, dispatcher) = open(&limits, MINUTE, Some(journal), history, clock.clone());
    tasks.spawn(dispatcher.run());
    quota
}

#[tokio::test(start_paused = true)]
async fn a_place_that_comes_free_in_one_is_taken_in_the_other_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Clock::starting_at(noon());
    let mut keeper = JoinSet::new();
    let (one, other) = (process(dir.path(), &clock, &mut keeper), process(dir.path(), &clock, &mut keeper));
    attempt(&one, "a", Feedback::Accepted).await.unwrap();
    attempt(&other, "b", Feedback::Accepted).await.unwrap();
    let mut last = one.permit(&job("a")).await.unwrap().depart();
    let name = job("b");
    let mut waiting = std::pin::pin!(other.permit(&name));
    assert!(tokio::time::timeout(5 * SECOND, &mut waiting).await.is_err(), "one in flight is all there may be");
    last.answered(Feedback::Accepted);
    drop(last);
    let freed = clock.now().elapsed;
    let _permit = waiting.await.unwrap();
    let waited = clock.now().elapsed - freed;
    assert!(waited <= Duration::from_millis(50), "{waited:?}");
}
