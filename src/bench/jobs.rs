//! Jobs that ran, in the numbers of a play: from their attempts, and from what the server counted.
//!
//! Invariant: what was accepted and refused is the server's word alone; times are those of the run's own clock.

use std::time::Duration;

use jiff::Timestamp;

use crate::provider::{Cause, Limits};
use crate::quota::Moment;

use super::clocks::moment;
use super::engine::{Played, Refused};
use super::scenario::of_calls;
use super::strategy::Strategy;
use super::truth::Truth;
use crate::run::Histogram;

/// What the jobs of one provider did, as it is told.
#[derive(Debug)]
pub struct JobTally {
    start: Timestamp,
    drift_ppm: i32,
    truth: Vec<Truth>,
    calls: Vec<Call>,
    accepted: Vec<Moment>,
    refused: Vec<Refused>,
    waits: Histogram,
    latencies: Histogram,
}

/// A call by the run's clock.
#[derive(Debug, Clone, Copy)]
struct Call {
    ready: Duration,
    left: Duration,
    back: Duration,
}

impl JobTally {
    /// Nothing yet. The run began at `start`, when its clock showed nothing, and may last `length`; the clock that
    /// accepted calls are told by runs `drift_ppm` millionths faster.
    pub fn new(limits: &Limits, start: Timestamp, length: Duration, drift_ppm: i32) -> Self {
        let limits = of_calls(limits);
        Self {
            start,
            drift_ppm,
            truth: limits.windows.iter().map(|window| Truth::new(window, start, length)).collect(),
            calls: Vec::new(),
            accepted: Vec::new(),
            refused: Vec::new(),
            waits: Histogram::default(),
            latencies: Histogram::default(),
        }
    }

    /// An attempt is back, or given up: it waited so long for leave, and took so long from there. An answer that no
    /// limit refused has a latency worth telling.
    pub fn attempt(&mut self, back: Duration, waited: Duration, latency: Duration, is_answer: bool) {
        let left = back.saturating_sub(latency);
        self.calls.push(Call { ready: left.saturating_sub(waited), left, back });
        self.waits.record(waited);
        if is_answer {
            self.latencies.record(latency);
        }
    }

    /// The server let a call in. To be told in the order of `at`.
    pub fn accepted(&mut self, at: Moment) {
        self.accepted.push(at);
    }

    /// A limit of the server refused a call.
    pub fn refused(&mut self, at: Duration, cause: Cause) {
        self.refused.push(Refused { at, cause });
    }

    /// What came of it; there was work until the run's clock showed `end`.
    pub fn finish(mut self, end: Duration) -> Played {
        self.calls.sort_by_key(|call| (call.left, call.ready));
        let idle = self.idle();
        let last = self.accepted.last().map_or(Duration::ZERO, |at| at.elapsed);
        let working = self.by_server(end);
        let now = moment(self.start, working.max(last));
        self.truth.iter_mut().for_each(|truth| truth.pass(working));
        Played {
            strategy: Strategy::Tidemill,
            length: end,
            working: end,
            sent: self.calls.len() as u64,
            accepted: self.accepted.len() as u64,
            refused: self.refused,
            windows: self.truth.into_iter().map(|truth| truth.finish(now)).collect(),
            waits: self.waits,
            latencies: self.latencies,
            idle,
            believed: Vec::new(),
        }
    }

    /// Time in which a call waited, nothing was in flight, one more was within every limit, and since the last one left
    /// the even spacing of the tightest limit had passed. Tells the windows what was accepted on the way.
    fn idle(&mut self) -> Duration {
        let spacing = self.truth.iter().map(Truth::spacing).max().unwrap_or_default();
        let mut accepted = std::mem::take(&mut self.accepted).into_iter().peekable();
        let mut told = Vec::with_capacity(accepted.len());
        let (mut idle, mut quiet_from, mut next) = (Duration::ZERO, Duration::ZERO, Duration::ZERO);
        for call in &self.calls {
            if call.left > quiet_from {
                let quiet = moment(self.start, self.by_server(quiet_from));
                // With nothing in flight all that left before was counted before.
                while let Some(at) = accepted.next_if(|at| at.elapsed <= quiet.elapsed) {
                    self.truth.iter_mut().for_each(|truth| truth.accept(at, true));
                    told.push(at);
                }
                let opens = self.truth.iter().map(|truth| truth.opens(quiet)).max().unwrap_or_default();
                let from = quiet.elapsed.max(opens).max(next).max(self.by_server(call.ready));
                idle += self.by_server(call.left).saturating_sub(from);
            }
            quiet_from = quiet_from.max(call.back);
            next = self.by_server(call.left) + spacing;
        }
        for at in accepted {
            self.truth.iter_mut().for_each(|truth| truth.accept(at, true));
            told.push(at);
        }
        self.accepted = told;
        idle
    }

    fn by_server(&self, elapsed: Duration) -> Duration {
        elapsed.mul_f64(1.0 + f64::from(self.drift_ppm) / 1_000_000.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::Window;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    /// Calls as (ready, left, back), in milliseconds; all are accepted as they leave.
    fn played(calls: &[(u64, u64, u64)]) -> Played {
        let windows = vec![Window::rolling(2, Duration::from_secs(1))];
        let limits = Limits { windows, concurrency: 4, guessed: Vec::new() };
        let mut tally = JobTally::new(&limits, Timestamp::UNIX_EPOCH, ms(10_000), 0);
        for (ready, left, back) in calls {
            tally.attempt(ms(*back), ms(left - ready), ms(back - left), true);
            tally.accepted(moment(Timestamp::UNIX_EPOCH, ms(*left)));
        }
        tally.finish(ms(4000))
    }

    #[test]
    fn idle_is_what_nothing_but_the_client_held_up() {
        for (calls, idle, why) in [
            (&[(0, 0, 100), (100, 500, 600)][..], 0, "the spacing"),
            (&[(0, 0, 100), (100, 700, 800)], 200, "later than the spacing"),
            (&[(0, 0, 100), (650, 700, 800)], 50, "nothing waited before"),
            (&[(0, 0, 900), (100, 700, 950)], 0, "in flight"),
            (&[(0, 0, 10), (0, 100, 110), (110, 1200, 1210)], 200, "full until the first has left the window"),
        ] {
            assert_eq!(played(calls).idle, ms(idle), "{why}");
        }
    }

    #[test]
    fn windows_hold_what_was_accepted() {
        let played = played(&[(0, 0, 100), (0, 10, 120), (100, 1000, 1100)]);
        let window = played.windows.first().map(|window| (window.allowed, window.achieved, window.most));
        assert_eq!((window, played.sent, played.accepted), (Some((8.0, 3, 2)), 3, 3));
        assert_eq!(played.waits.total(), 3);
    }
}
