//! What the limiter does with what the provider says about the limits.

use std::time::Duration;

use jiff::civil::time;
use tidemill::provider::ThrottleWindow;
use tidemill::quota::{Decision, Feedback, History, Limiter, Loss, WaitsFor};

use super::{MINUTE, at, day, limiter, limits, ms, noon, rolling};

#[test]
fn the_first_attempt_goes_alone() {
    let mut limiter = limiter(&limits(Vec::new(), 8));
    let now = at(noon(), Duration::ZERO);
    let first = limiter.take(now).unwrap();
    assert_eq!(limiter.check(now), Decision::Wait { until: None, on: WaitsFor::FirstAnswer });
    limiter.answered(first, now.elapsed, Feedback::Failed, now);
    assert_eq!(limiter.check(now), Decision::Go);
}

#[test]
fn a_request_given_up_keeps_its_place_while_the_server_may_work_on_it() {
    for (loss, free) in [(Loss::TimedOut, ms(60_000)), (Loss::Reset, ms(1000))] {
        let mut limiter = limiter(&limits(Vec::new(), 1));
        let ticket = limiter.take(at(noon(), Duration::ZERO)).unwrap();
        limiter.lost(ticket, loss, at(noon(), Duration::ZERO));
        let wait = Decision::Wait { until: Some(free), on: WaitsFor::Concurrency };
        assert_eq!(limiter.check(at(noon(), ms(1))), wait);
        assert_eq!(limiter.check(at(noon(), free)), Decision::Go);
    }
}

#[test]
fn throttle_verdicts() {
    use ThrottleWindow::{Concurrency, Day, Minute, Second};
    let limits = limits(vec![rolling(10, ms(1000)), rolling(300, MINUTE), day(1000, time(0, 0, 0, 0), "UTC")], 8);
    let pause = |window, until| Decision::Wait { until: Some(until), on: WaitsFor::Pause(window) };
    let park = |resume_at: &str, on| Decision::Park { resume_at: resume_at.parse().unwrap(), on };
    let cases = [
        (Second, None, pause(Second, ms(1100))),
        (Second, Some(ms(30_000)), pause(Second, ms(30_100))),
        (Second, Some(ms(400_000)), park("2026-03-10T12:06:40.1Z", WaitsFor::Pause(Second))),
        (Minute, None, pause(Minute, ms(60_100))),
        (Minute, Some(ms(90_000)), pause(Minute, ms(90_100))),
        (Concurrency, None, pause(Concurrency, ms(1100))),
        (Day, None, park("2026-03-11T00:00:05Z", WaitsFor::SpentDay)),
    ];
    for (window, retry_after, expected) in cases {
        let mut limiter = limiter(&limits);
        let ticket = limiter.take(at(noon(), Duration::ZERO)).unwrap();
        limiter.answered(ticket, Duration::ZERO, Feedback::Throttled { window, retry_after }, at(noon(), ms(100)));
        assert_eq!(limiter.check(at(noon(), ms(100))), expected, "{window:?} {retry_after:?}");
    }
}

#[test]
fn what_the_provider_forbids_for_longer_than_a_run_waits_is_remembered() {
    let limits = limits(vec![rolling(300, MINUTE)], 8);
    for (retry_after, known) in [(ms(90_000), None), (ms(400_000), Some("2026-03-10T12:06:40.1Z"))] {
        let mut limiter = limiter(&limits);
        let ticket = limiter.take(at(noon(), Duration::ZERO)).unwrap();
        let throttled = Feedback::Throttled { window: ThrottleWindow::Minute, retry_after: Some(retry_after) };
        limiter.answered(ticket, Duration::ZERO, throttled, at(noon(), ms(100)));
        assert_eq!(limiter.spent_until(), known.map(|until| until.parse().unwrap()), "{retry_after:?}");
    }
}

#[test]
fn a_day_that_opens_soon_is_waited_for() {
    let limits = limits(vec![day(1000, time(0, 0, 0, 0), "UTC")], 8);
    let soon = at(noon(), ms(3000));
    for (spent_until, expected) in [
        (soon.wall, Decision::Wait { until: Some(soon.elapsed), on: WaitsFor::SpentDay }),
        (noon() + MINUTE * 60, Decision::Park { resume_at: noon() + MINUTE * 60, on: WaitsFor::SpentDay }),
    ] {
        let history = History::spent(spent_until);
        let limiter = Limiter::new(&limits, MINUTE * 5, &history, at(noon(), Duration::ZERO));
        assert_eq!(limiter.check(at(noon(), Duration::ZERO)), expected);
        assert_eq!(limiter.check(at(noon(), MINUTE * 60)), Decision::Go);
    }
}

#[test]
fn one_burst_of_throttles_costs_one_reaction() {
    let mut limiter = limiter(&limits(vec![rolling(1, ms(1))], 64));
    let throttled = Feedback::Throttled { window: ThrottleWindow::Concurrency, retry_after: None };
    let ticket = limiter.take(at(noon(), Duration::ZERO)).unwrap();
    limiter.answered(ticket, Duration::ZERO, Feedback::Accepted, at(noon(), ms(1)));
    limiter.freed(at(noon(), ms(1)));
    for n in 0..50 {
        limiter.take(at(noon(), ms(1000 + n * 160))).unwrap();
        let _slot_frees = limiter.snapshot(at(noon(), ms(1000)), 0);
        if n < 49 {
            limiter.answered(ticket, ms(1000 + n * 160), Feedback::Failed, at(noon(), ms(1001 + n * 160)));
        }
    }
    // Fifty in flight of 64: the cap falls to 44, and the next refusals of the same moment change nothing.
    limiter.answered(ticket, ms(8840), throttled, at(noon(), ms(9000)));
    limiter.answered(ticket, ms(8840), throttled, at(noon(), ms(9001)));
    assert_eq!(limiter.snapshot(at(noon(), ms(9001)), 0).concurrency, 44);
}
