//! What to do after an answer that is no page. Pure: the clock and the dice are arguments.

use std::time::Duration;

use crate::provider::{AfterRetries, ThrottleWindow, Verdict};

use super::delay::DelaySequence;

/// Throttled answers to one request after which the cell is left pending: the quota pauses between them, so this is
/// only reached when the provider refuses for another reason than it says.
const MAX_THROTTLES: u32 = 20;

/// Signings of one request after which a person must look, even if other cells use the same credential with success.
const MAX_SIGNINGS: u32 = 6;

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Ask again after a wait, if the retry budget allows; the next attempt takes a permit of its own.
    Again {
        /// How long to wait first.
        after: Duration,
        /// Attempts that are left, that one included.
        left: u32,
    },
    /// Ask after a wait whether it is ready now: no retry, nothing has failed.
    Poll {
        /// How long to wait first.
        after: Duration,
    },
    /// Sign anew, then ask again at once.
    SignAgain {
        /// How many tokens in a row were refused before this one.
        earlier: u32,
    },
    /// The quota was told; it says when the next permit is due.
    Wait,
    /// Leave the cell for a later run.
    Pending,
    /// Refuse the cell for good.
    Reject,
    /// Nothing more may go to this provider.
    Stop,
}

/// Counts what one request has been through.
#[derive(Debug, Default)]
pub struct RetryState {
    faults: u32,
    throttles: u32,
    signings: u32,
    polls: u32,
    waited: Duration,
}

impl RetryState {
    /// Decides on a verdict that is neither a page nor empty. `random` is in 0..1; `refused` are the tokens of this
    /// credential that were refused in a row before the one at hand, whichever cells sent them: each cell trying its
    /// own luck would be one refusal per cell.
    pub fn decide(&mut self, verdict: &Verdict, retry_after: Option<Duration>, refused: u32, random: f64) -> Decision {
        match verdict {
            Verdict::Retry { max_attempts, delay, cap, then } => {
                self.faults += 1;
                if self.faults >= *max_attempts {
                    return match then {
                        AfterRetries::Pending => Decision::Pending,
                        AfterRetries::Stop => Decision::Stop,
                    };
                }
                let after = nth_delay(*delay, *cap, self.faults, random).max(retry_after.unwrap_or_default());
                Decision::Again { after, left: max_attempts.saturating_sub(self.faults) }
            }
            Verdict::Pending { every, cap, deadline } => {
                if self.waited >= *deadline {
                    return Decision::Pending;
                }
                self.polls += 1;
                // A poll is not a herd: the whole delay is waited, so that the provider is asked as seldom as said.
                let after = nth_delay(*every, *cap, self.polls, 1.0).max(retry_after.unwrap_or_default());
                self.waited += after;
                Decision::Poll { after }
            }
            Verdict::Throttle(
                ThrottleWindow::Second | ThrottleWindow::Minute | ThrottleWindow::Day | ThrottleWindow::Concurrency,
            ) => {
                self.throttles += 1;
                if self.throttles >= MAX_THROTTLES { Decision::Pending } else { Decision::Wait }
            }
            Verdict::Reauthorize { max_attempts } => {
                self.signings += 1;
                if refused >= *max_attempts || self.signings > MAX_SIGNINGS {
                    return Decision::Stop;
                }
                Decision::SignAgain { earlier: refused }
            }
            Verdict::Stop => Decision::Stop,
            // A page or an empty answer never comes here; if it did, refusing the cell loses nothing.
            Verdict::Reject | Verdict::Accept | Verdict::Empty { .. } => Decision::Reject,
        }
    }
}

/// The delay after the `n`th fault. Each verdict has its own first delay and cap, and one request may meet several, so
/// no sequence is kept.
fn nth_delay(first: Duration, cap: Duration, n: u32, random: f64) -> Duration {
    let mut delays = DelaySequence::new(first, cap);
    for _ in 1..n {
        delays.next_delay(0.0);
    }
    delays.next_delay(random)
}
