//! What refusals, prices, headers and clocks teach the limiter.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::hand::Hand;
use super::kit::{MINUTE, SECOND, noon, rolling, shanghai};
use crate::provider::{ThrottleWindow, Unit, Window};
use crate::quota::{Advice, Decision, Feedback, Left, Policy, WaitsFor};

fn throttled(window: ThrottleWindow) -> Feedback {
    Feedback::Throttled { window, retry_after: None }
}

fn credits(window: Window) -> Window {
    Window { unit: Unit::Credits, ..window }
}

#[test]
fn one_full_minute_is_a_guest_and_two_are_a_lower_limit() {
    let mut hand = Hand::new(vec![rolling(300, MINUTE)]);
    hand.until(3 * MINUTE);
    hand.call(throttled(ThrottleWindow::Minute), &Advice::default());
    assert_eq!(hand.snapshot().windows[0].ceiling, None, "once");
    let one = hand.accepted();
    hand.until(one + MINUTE);
    hand.call(throttled(ThrottleWindow::Minute), &Advice::default());
    let ceiling = hand.snapshot().windows[0].ceiling.unwrap();
    assert!((285..300).contains(&ceiling), "again: {ceiling}");
    let notes = hand.snapshot().notes.join("\n");
    assert!(notes.contains("the provider called its minute limit used up when at least"), "{notes}");
}

#[test]
fn a_probe_that_is_refused_waits_for_the_whole_window_and_lowers_nothing() {
    let mut hand = Hand::new(vec![rolling(300, MINUTE)]);
    hand.until(2 * MINUTE);
    let mut refused = Vec::new();
    for _ in 0..3 {
        refused.push(hand.call(throttled(ThrottleWindow::Minute), &Advice::default()));
    }
    assert!(refused[1] - refused[0] < 2 * SECOND, "the oldest of ours falls out soon: {refused:?}");
    assert!(refused[2] - refused[1] >= MINUTE, "{refused:?}");
    hand.accepted();
    assert_eq!(hand.snapshot().windows[0].ceiling, None);
}

#[test]
fn a_second_that_is_refused_is_slower_alone() {
    let mut hand = Hand::new(vec![rolling(10, SECOND), rolling(6000, MINUTE)]);
    hand.until(2 * MINUTE);
    hand.call(throttled(ThrottleWindow::Second), &Advice::default());
    let ceilings: Vec<_> = hand.snapshot().windows.iter().map(|window| window.ceiling).collect();
    assert_eq!(ceilings, [None, None], "once, it may be jitter");
    let before = hand.until(3 * MINUTE);
    (0..3).for_each(|_| {
        hand.call(throttled(ThrottleWindow::Second), &Advice::default());
    });
    let start = hand.elapsed;
    let after = hand.until(start + MINUTE);
    assert!(after * 100 < before * 90, "{after} after {before}");
    let notes = hand.snapshot().notes.join("\n");
    assert!(notes.contains("`limits` says 10: set `qps ="), "{notes}");
}

#[test]
fn credits_count_what_they_cost_and_the_dearest_is_supposed() {
    let mut hand = Hand::new(vec![credits(rolling(100, 10 * MINUTE)), credits(shanghai(1000))]);
    let mut sent = 0;
    // Nothing is known of the price at first: 1 is supposed, 30 is charged.
    while hand.limiter.check(hand.now()) == Decision::Go {
        let ticket = hand.limiter.take(hand.now()).unwrap();
        hand.elapsed += Duration::from_millis(10);
        hand.limiter.answered(ticket, hand.elapsed, Feedback::Accepted, hand.now());
        hand.limiter.cost(ticket, 30, hand.now());
        hand.limiter.freed(hand.now());
        sent += 1;
    }
    assert_eq!((sent, hand.used(0), hand.used(1)), (3, 90, 90));
    let Decision::Park { on, .. } = hand.limiter.check(hand.now()) else { panic!("parked") };
    assert_eq!(on, WaitsFor::Window("10m-credits".to_owned()));
}

#[test]
fn what_answers_tell_of_the_count_only_tightens() {
    let minute = |calls| Advice {
        left: vec![Left { calls, resets_in: Some(30 * SECOND), period: Some(MINUTE) }],
        ..Advice::default()
    };
    let mut hand = Hand::new(vec![rolling(300, MINUTE)]);
    hand.call(Feedback::Accepted, &minute(400));
    assert_eq!(hand.used(0), 1, "more is not believed");
    hand.call(Feedback::Accepted, &minute(297));
    assert_eq!(hand.used(0), 3, "a call that is not ours");
    assert!(hand.snapshot().notes.is_empty(), "is nothing to speak of");
    hand.call(Feedback::Accepted, &minute(0));
    assert_eq!(hand.used(0), 300);
    assert!(
        hand.snapshot().notes[0].contains("at least 296 of its calls were not ours"),
        "{:?}",
        hand.snapshot().notes
    );
    let Decision::Wait { until: Some(until), on } = hand.limiter.check(hand.now()) else { panic!("waits") };
    assert_eq!(on, WaitsFor::Window("minute".to_owned()));
    // The first place that comes free is that of the call that was not ours.
    assert!((29 * SECOND..30 * SECOND).contains(&(until - hand.elapsed)), "{:?}", until - hand.elapsed);
}

#[test]
fn calls_in_flight_may_not_be_in_the_count() {
    let mut hand = Hand::new(vec![rolling(6000, MINUTE)]);
    hand.accepted();
    let in_flight: Vec<_> = (0..5)
        .map(|_| {
            hand.elapsed += SECOND;
            hand.limiter.take(hand.now()).unwrap()
        })
        .collect();
    // Twenty left, but four others of ours are on their way.
    let advice = Advice { left: vec![Left { calls: 20, resets_in: None, period: Some(MINUTE) }], ..Advice::default() };
    hand.limiter.advised(&advice, SECOND, hand.now());
    hand.limiter.answered(in_flight[0], hand.elapsed, Feedback::Accepted, hand.now());
    assert_eq!(6000 - hand.used(0), 16);
}

#[test]
fn a_limit_that_is_announced_is_kept_if_it_is_lower_and_told_of_if_it_is_higher() {
    for (announced, kept, told) in [(200, 200, "fewer than the 300"), (500, 300, "more may be used"), (300, 300, "")] {
        let mut hand = Hand::new(vec![rolling(300, MINUTE)]);
        let policies = vec![Policy { max: announced, period: MINUTE }];
        hand.call(Feedback::Accepted, &Advice { policies, ..Advice::default() });
        assert_eq!(hand.snapshot().windows[0].max, kept, "{announced}");
        let notes = hand.snapshot().notes.join("\n");
        assert!(if told.is_empty() { notes.is_empty() } else { notes.contains(told) }, "{announced}: {notes}");
    }
}

/// From noon on until after the second midnight of Shanghai, a clock that is set once: how many calls a right clock saw
/// on each day of the provider.
fn two_days(at: Duration, by: SignedDuration, date: bool) -> Vec<usize> {
    let mut hand = Hand::new(vec![rolling(10, MINUTE), shanghai(3000)]);
    hand.dated = date;
    let midnight: Timestamp = "2026-03-10T16:00:00Z".parse().unwrap();
    let mut days = vec![0; 3];
    while hand.elapsed < Duration::from_hours(30) {
        if hand.elapsed >= at && hand.wrong.is_zero() {
            hand.wrong = by;
        }
        let sent = hand.accepted();
        let sent = noon() + SignedDuration::try_from(sent).unwrap();
        let day = if sent < midnight { 0 } else { 1 + usize::from(sent >= midnight + SignedDuration::from_hours(24)) };
        days[day] += 1;
    }
    days
}

#[test]
fn a_clock_that_is_set_opens_no_second_day() {
    let hours = |hours| SignedDuration::from_hours(hours);
    for (at, by) in [
        (Duration::from_hours(1), hours(-1)),
        (Duration::from_hours(1), hours(1)),
        (Duration::from_hours(1), hours(24)),
        (Duration::from_hours(1), hours(-24)),
        (Duration::from_hours(6), hours(20)),
        (Duration::from_mins(239), hours(-1)),
        (Duration::from_mins(241), hours(-1)),
    ] {
        for date in [false, true] {
            let days = two_days(at, by, date);
            assert!(days.iter().all(|calls| *calls <= 3000), "{by} at {at:?}, date {date}: {days:?}");
        }
        // The provider's own clock says which of the two is right, so the next day begins when it does.
        if by.abs() < hours(2) {
            assert!(two_days(at, by, true)[1] >= 2700, "{by} at {at:?}: {:?}", two_days(at, by, true));
        }
    }
    assert_eq!(two_days(Duration::from_hours(100), hours(0), false)[1], 3000);
}
