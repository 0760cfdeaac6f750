//! What is done about an answer, and what a person can do about it, in plain words. Pure.

use std::time::Duration;

use crate::provider::{AfterRetries, ThrottleWindow, Verdict};

use super::delay::DelaySequence;

/// Waits that are told one by one; of more, the rest is told by its longest.
const TOLD: u32 = 4;

/// What this program does about an answer of this verdict, where waits above `max_wait` park the job.
pub fn deed(verdict: &Verdict, max_wait: Duration) -> String {
    match verdict {
        Verdict::Accept => "takes it as a page".to_owned(),
        Verdict::Empty { unconfirmed: false } => "takes the cell as done, without a record".to_owned(),
        Verdict::Empty { unconfirmed: true } => {
            "takes the cell as done without a record, and notes that this may mean \"not yet\"".to_owned()
        }
        Verdict::Pending { every, cap, deadline } => format!(
            "asks again after {}, each time after twice as long, up to {}{}; after {} in all it leaves the cell to the next run",
            length(*every),
            length(*cap),
            parks(*cap, max_wait),
            length(*deadline)
        ),
        Verdict::Retry { max_attempts, delay, cap, then } => {
            let then = match then {
                AfterRetries::Pending => "leaves the cell to the next run",
                AfterRetries::Stop => "sends nothing more to this provider (exit 4)",
            };
            let Some(waits) = max_attempts.checked_sub(1).filter(|waits| *waits > 0) else {
                return format!("does not send it again, and {then}");
            };
            let (told, longest) = waits_told(*delay, *cap, waits);
            format!(
                "sends it up to {max_attempts} times in all, after waits of up to {told}, longer where `Retry-After` says \
                 so{}; then it {then}",
                parks(longest, max_wait)
            )
        }
        Verdict::Throttle(window) => throttle(*window, max_wait),
        Verdict::Reauthorize { max_attempts } => format!(
            "signs anew and asks again at once; when {}, it sends nothing more to this provider (exit 4)",
            match max_attempts {
                1 => "the new signature is refused too".to_owned(),
                signings => format!("{signings} new signatures in a row are refused too"),
            }
        ),
        Verdict::Reject => {
            "refuses this cell for good and goes on with the others (exit 3); no attempt is repeated".to_owned()
        }
        Verdict::Stop => {
            "sends nothing more to this provider, keeps everything fetched, and ends with exit 4; other providers go on"
                .to_owned()
        }
    }
}

fn throttle(window: ThrottleWindow, max_wait: Duration) -> String {
    let does = match window {
        ThrottleWindow::Second => "pauses the whole credential for a second, sends slower, and asks again",
        ThrottleWindow::Minute => "pauses the whole credential until the minute has room again, and asks again",
        ThrottleWindow::Day => "sends nothing more on this credential until the day begins anew, then goes on",
        ThrottleWindow::Concurrency => {
            "pauses the whole credential for a second, keeps fewer requests in flight, and asks again"
        }
    };
    format!("{does}; `Retry-After` is obeyed, and a wait above {} parks the job (exit 75)", length(max_wait))
}

/// What a person can do, where the provider file has no hint.
pub fn remedy(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Accept => "nothing to do",
        Verdict::Empty { unconfirmed: false } => "nothing to do; a cell that should have records is asked for wrongly",
        Verdict::Empty { unconfirmed: true } => {
            "nothing to do; `tidemill run JOB --retry-failed` asks for the cell again"
        }
        Verdict::Pending { .. } => "nothing to do; run again later if cells are left",
        Verdict::Retry { .. } => "nothing to do; run again later if cells are left",
        Verdict::Throttle(_) => {
            "nothing to do; when it comes often, write the limits of your plan into tidemill.toml: `tidemill quota` shows \
             which are used"
        }
        Verdict::Reauthorize { .. } => "check the credential and this machine's clock",
        Verdict::Reject => "mend what the cell asks for, then `tidemill run JOB --retry-failed`",
        Verdict::Stop => "look at your account with the provider, then run again",
    }
}

/// What a wait of `longest` comes to, if it is too long to be slept.
fn parks(longest: Duration, max_wait: Duration) -> String {
    if longest > max_wait {
        format!(" (a wait above {} parks the cell, exit 75)", length(max_wait))
    } else {
        String::new()
    }
}

/// `1s, 2s and 4s`, of many `1s, 2s, 4s and so on up to 60s`, and the longest of them.
fn waits_told(first: Duration, cap: Duration, waits: u32) -> (String, Duration) {
    let mut delays = DelaySequence::new(first, cap);
    let mut told = Vec::new();
    let mut longest = first.min(cap);
    for nth in 0..waits {
        longest = delays.next_delay(1.0);
        if nth < TOLD {
            told.push(length(longest));
        }
    }
    let last = told.pop().unwrap_or_default();
    let text = match told.is_empty() {
        true => last,
        false if waits > TOLD => format!("{} and so on up to {}", told.join(", "), length(longest)),
        false => format!("{} and {last}", told.join(", ")),
    };
    (text, longest)
}

/// As files write it: `90s`, `15m`, `2h`.
fn length(time: Duration) -> String {
    let millis = time.as_millis();
    match (millis % 1000, millis / 1000) {
        (0, seconds) if seconds >= 3600 && seconds % 3600 == 0 => format!("{}h", seconds / 3600),
        (0, seconds) if seconds > 60 && seconds % 60 == 0 => format!("{}m", seconds / 60),
        (0, seconds) => format!("{seconds}s"),
        _ => format!("{millis}ms"),
    }
}
