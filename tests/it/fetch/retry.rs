//! Delays and counts: what one request goes through until it is given up.

use std::time::Duration;

use proptest::prelude::*;
use tidemill::fetch::{Decision, DelaySequence, RetryState};
use tidemill::provider::{AfterRetries, ThrottleWindow, Verdict};

const fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn retry(max_attempts: u32, cap: u64, then: AfterRetries) -> Verdict {
    Verdict::Retry { max_attempts, delay: s(1), cap: s(cap), then }
}

/// The decisions on the same verdict, again and again, with the dice at their highest; no token is accepted between.
fn decisions(verdict: &Verdict, retry_after: Option<Duration>, count: usize) -> Vec<String> {
    let mut state = RetryState::default();
    (0..count).map(|before| word(&state.decide(verdict, retry_after, before as u32, 1.0))).collect()
}

fn word(decision: &Decision) -> String {
    match decision {
        Decision::Again { after, .. } | Decision::Poll { after } => format!("{after:?}"),
        Decision::SignAgain { earlier } => format!("sign {earlier}"),
        Decision::Wait => "wait".into(),
        Decision::Pending => "pending".into(),
        Decision::Reject => "reject".into(),
        Decision::Stop => "stop".into(),
    }
}

#[test]
fn decisions_in_a_row() {
    use AfterRetries::{Pending, Stop};
    let poll = Verdict::Pending { every: s(5), cap: s(60), deadline: s(200) };
    let table: [(Verdict, Option<u64>, &str); 13] = [
        (retry(5, 60, Pending), None, "1s 2s 4s 8s pending"),
        (retry(9, 10, Pending), None, "1s 2s 4s 8s 10s 10s 10s 10s pending"),
        (retry(1, 60, Pending), None, "pending"),
        (retry(2, 60, Stop), None, "1s stop"),
        // `Retry-After` is the least: a longer delay of our own stays.
        (retry(5, 60, Pending), Some(3), "3s 3s 4s 8s pending"),
        (retry(3, 60, Pending), Some(7200), "7200s 7200s pending"),
        (poll.clone(), None, "5s 10s 20s 40s 60s 60s 60s pending"),
        (poll, Some(100), "100s 100s pending"),
        (Verdict::Reauthorize { max_attempts: 1 }, None, "sign 0 stop"),
        (Verdict::Reauthorize { max_attempts: 2 }, None, "sign 0 sign 1 stop"),
        (Verdict::Stop, Some(1), "stop"),
        (Verdict::Reject, Some(1), "reject"),
        (Verdict::Accept, None, "reject"),
    ];
    for (verdict, retry_after, expected) in table {
        let count = expected.split(' ').filter(|word| *word != "sign").count();
        assert_eq!(decisions(&verdict, retry_after.map(s), count).join(" "), expected, "{verdict:?}");
    }
}

#[test]
fn throttles_wait_for_the_quota_but_not_for_ever() {
    for window in [ThrottleWindow::Second, ThrottleWindow::Minute, ThrottleWindow::Day, ThrottleWindow::Concurrency] {
        let mut expected = vec!["wait"; 19];
        expected.push("pending");
        assert_eq!(decisions(&Verdict::Throttle(window), Some(s(1)), 20), expected);
    }
}

/// One request may meet several faults: attempts count together, each delay follows its own rule.
#[test]
fn each_verdict_keeps_its_own_delay_and_cap() {
    let quick = Verdict::Retry { max_attempts: 9, delay: s(1), cap: s(4), then: AfterRetries::Pending };
    let slow = Verdict::Retry { max_attempts: 5, delay: s(10), cap: s(600), then: AfterRetries::Stop };
    let poll = Verdict::Pending { every: s(5), cap: s(60), deadline: s(900) };
    let again = Verdict::Reauthorize { max_attempts: 1 };
    let mut state = RetryState::default();
    let mut told = Vec::new();
    for (verdict, refused) in [(&quick, 0), (&poll, 0), (&slow, 0), (&again, 0), (&poll, 1), (&quick, 1), (&again, 1)] {
        told.push(word(&state.decide(verdict, None, refused, 1.0)));
    }
    assert_eq!(told, ["1s", "5s", "20s", "sign 0", "10s", "4s", "stop"]);
    assert_eq!(word(&state.decide(&slow, None, 1, 1.0)), "80s");
    assert_eq!(state.decide(&slow, None, 1, 1.0), Decision::Stop, "the fifth attempt in all");
}

/// Other cells use the credential with success: this one is signed anew more often, but not for ever.
#[test]
fn a_credential_that_works_for_others_is_no_reason_to_stop_at_once() {
    let mut state = RetryState::default();
    let told: Vec<String> =
        (0..7).map(|_| word(&state.decide(&Verdict::Reauthorize { max_attempts: 1 }, None, 0, 1.0))).collect();
    assert_eq!(told, ["sign 0", "sign 0", "sign 0", "sign 0", "sign 0", "sign 0", "stop"]);
}

proptest! {
    /// Full jitter: anywhere from nothing to the sequence's value, in proportion to the dice.
    #[test]
    fn jitter_stays_within_its_bounds(
        first in 1_u64..5000, factor in 1_u64..1000, random in 0.0..1.0_f64, steps in 1_usize..40,
    ) {
        let (first, cap) = (Duration::from_millis(first), Duration::from_millis(first * factor));
        let (mut jittered, mut whole) = (DelaySequence::new(first, cap), DelaySequence::new(first, cap));
        let mut before = Duration::ZERO;
        for step in 0..steps {
            let most = whole.next_delay(1.0);
            let expected = first.saturating_mul(1 << step.min(20)).min(cap);
            prop_assert!(most.abs_diff(expected) < Duration::from_millis(1), "{:?} {:?}", most, expected);
            prop_assert!(most >= before && most <= cap);
            before = most;
            let delay = jittered.next_delay(random);
            prop_assert!(delay <= most);
            prop_assert!(delay.abs_diff(most.mul_f64(random)) < Duration::from_micros(1));
        }
    }

    /// However the dice fall, a provider's `Retry-After` is kept.
    #[test]
    fn retry_after_is_the_least(random in 0.0..1.0_f64, seconds in 0_u64..1000) {
        let decision = RetryState::default().decide(&retry(2, 60, AfterRetries::Pending), Some(s(seconds)), 0, random);
        let Decision::Again { after, .. } = decision else { panic!("{decision:?}") };
        prop_assert!(after >= s(seconds) && after <= s(seconds.max(1)));
    }
}

#[test]
fn dice_out_of_range_are_cut() {
    let mut delays = DelaySequence::new(s(1), s(60));
    assert_eq!(delays.next_delay(-1.0), Duration::ZERO);
    assert_eq!(delays.next_delay(7.0), s(2));
}
