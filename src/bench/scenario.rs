//! What is played: the limits a client is told, the server as it really is, and the work there is.

use std::time::Duration;

use jiff::Timestamp;

use crate::provider::{Limits, Unit};
use crate::simulate::{CountAt, Latency, Rules};

use super::incident::Incident;

/// One play, but for who plays it.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// What the client is told. Only windows of calls are played.
    pub limits: Limits,
    /// What it meets.
    pub server: Server,
    /// The work there is.
    pub load: Load,
    /// What happens beside.
    pub incidents: Vec<Incident>,
    /// How much faster than the server's the client's clock runs, in parts per million.
    pub drift_ppm: i32,
    /// Wall time at the start, on both sides.
    pub start: Timestamp,
    /// How long it is played.
    pub length: Duration,
    /// Another seed gives other latencies and other jitter.
    pub seed: u64,
}

/// The far end.
#[derive(Debug, Clone)]
pub struct Server {
    /// What it really allows.
    pub limits: Limits,
    /// How it keeps that.
    pub rules: Rules,
    /// At which point of its work on a request it counts.
    pub count_at: CountAt,
    /// The line and the work.
    pub latency: Latency,
    /// A refusal says when to come back (`Retry-After`, in whole seconds).
    pub retry_after: bool,
}

/// The work there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Load {
    /// When there is any.
    pub pattern: Pattern,
    /// Cells under way at once: each asks for its next page when the page before is in.
    pub cells: u32,
}

/// When there is work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pattern {
    /// Always.
    Endless,
    /// For so long, then none for so long, as cron starts jobs.
    OnOff {
        /// Time with work; the play begins with it.
        on: Duration,
        /// Time without.
        off: Duration,
    },
}

impl Scenario {
    /// The limits as the client is told, against a server that keeps exactly those.
    pub fn new(limits: Limits, rules: Rules, latency: Latency, length: Duration, seed: u64) -> Self {
        let cells = limits.concurrency;
        let server = Server { limits: limits.clone(), rules, count_at: CountAt::Start, latency, retry_after: false };
        Self {
            limits,
            server,
            load: Load { pattern: Pattern::Endless, cells },
            incidents: Vec::new(),
            drift_ppm: 0,
            start: Timestamp::UNIX_EPOCH,
            length,
            seed,
        }
    }

    /// Whether `limits` have a window that can be played: one of calls.
    pub fn has_windows(limits: &Limits) -> bool {
        !of_calls(limits).windows.is_empty()
    }
}

impl Pattern {
    /// Whether there is work at `now`; if not, when there is again.
    pub(super) fn opens(self, now: Duration) -> Result<(), Duration> {
        let Self::OnOff { on, off } = self else { return Ok(()) };
        let into = into(now, on + off);
        if into < on { Ok(()) } else { Err(now + (on + off - into)) }
    }

    /// How much of the time until `until` has work.
    pub(super) fn time_on(self, until: Duration) -> Duration {
        let Self::OnOff { on, off } = self else { return until };
        let into = into(until, on + off);
        let rounds = until.saturating_sub(into).as_secs_f64() / (on + off).as_secs_f64().max(f64::MIN_POSITIVE);
        on.mul_f64(rounds.round()) + into.min(on)
    }
}

/// How far into a round of `length` the time `now` is.
fn into(now: Duration, length: Duration) -> Duration {
    let rest = now.as_nanos() % length.as_nanos().max(1);
    Duration::from_nanos(u64::try_from(rest).unwrap_or(u64::MAX))
}

/// Costs are known to no play: windows of credits are left out.
pub(super) fn of_calls(limits: &Limits) -> Limits {
    let windows = limits.windows.iter().filter(|window| window.unit == Unit::Calls).cloned().collect();
    Limits { windows, ..limits.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_comes_and_goes() {
        let seconds = Duration::from_secs;
        let pattern = Pattern::OnOff { on: seconds(120), off: seconds(90) };
        assert_eq!(pattern.opens(seconds(0)), Ok(()));
        assert_eq!(pattern.opens(seconds(119)), Ok(()));
        assert_eq!(pattern.opens(seconds(120)), Err(seconds(210)));
        assert_eq!(pattern.opens(seconds(210)), Ok(()));
        for (until, on) in [(0, 0), (60, 60), (150, 120), (210, 120), (240, 150), (2100, 1200)] {
            assert_eq!(pattern.time_on(seconds(until)), seconds(on), "until {until} s");
        }
        assert_eq!(Pattern::Endless.time_on(seconds(7)), seconds(7));
    }
}
