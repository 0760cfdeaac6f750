//! Every verdict in plain words.

use std::time::Duration;

use tidemill::fetch::{deed, remedy};
use tidemill::provider::{AfterRetries, ThrottleWindow, Verdict};

fn retry(max_attempts: u32, delay: u64, cap: u64, then: AfterRetries) -> Verdict {
    let [delay, cap] = [delay, cap].map(Duration::from_secs);
    Verdict::Retry { max_attempts, delay, cap, then }
}

fn pending(cap: u64) -> Verdict {
    let [cap, deadline] = [cap, 900].map(Duration::from_secs);
    Verdict::Pending { every: Duration::from_millis(1500), cap, deadline }
}

#[test]
fn every_verdict_says_what_is_done_and_what_can_be_done() {
    let verdicts = [
        Verdict::Accept,
        Verdict::Empty { unconfirmed: false },
        Verdict::Empty { unconfirmed: true },
        pending(60),
        pending(600),
        retry(1, 1, 60, AfterRetries::Pending),
        retry(2, 1, 60, AfterRetries::Stop),
        retry(5, 1, 5, AfterRetries::Pending),
        // The cap is above what may be slept, but not reached.
        retry(8, 1, 600, AfterRetries::Pending),
        retry(12, 1, 600, AfterRetries::Pending),
        Verdict::Throttle(ThrottleWindow::Second),
        Verdict::Throttle(ThrottleWindow::Minute),
        Verdict::Throttle(ThrottleWindow::Day),
        Verdict::Throttle(ThrottleWindow::Concurrency),
        Verdict::Reauthorize { max_attempts: 1 },
        Verdict::Reauthorize { max_attempts: 2 },
        Verdict::Reject,
        Verdict::Stop,
    ];
    let told = verdicts.map(|verdict| {
        format!("{verdict:?}\n  tidemill {}\n  you: {}\n", deed(&verdict, Duration::from_secs(300)), remedy(&verdict))
    });
    insta::assert_snapshot!("every_verdict", told.concat());
}
