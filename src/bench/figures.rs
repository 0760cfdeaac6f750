//! A play in numbers.
//!
//! Invariant: whole steps only, so that the same play gives the same text on every machine.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use crate::provider::Cause;

use super::engine::Played;
use super::strategy::Strategy;
use super::truth::WindowPlayed;
use crate::run::Histogram;

/// One strategy in numbers.
#[derive(Debug, Clone, Serialize)]
pub struct Figures {
    /// Who played.
    pub strategy: Strategy,
    /// One per limit.
    pub windows: Vec<WindowFigures>,
    /// Calls that left.
    pub sent: u64,
    /// Calls the server accepted.
    pub accepted: u64,
    /// Calls the server refused.
    pub refused: u64,
    /// The same by the limit that spoke: `second`, `minute`, `day`, `concurrency`.
    pub refused_by: BTreeMap<String, u64>,
    /// Refusals per 10,000 calls that left.
    pub refused_per_10k: f64,
    /// Share of the time with work in which work waited, nothing was in flight, one more call was within every limit,
    /// and since the last one left the even spacing of the tightest limit had passed; in percent.
    pub idle_percent: f64,
    /// From being ready to leave, until leave was given.
    pub wait: Spread,
    /// From leaving until the answer, of accepted calls.
    pub latency: Spread,
    /// What deciding about one call costs, in nanoseconds, if it was measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overhead_ns: Option<u64>,
    /// Processor time of the whole process per call that left, in nanoseconds, if jobs ran; simulators included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub processor_ns: Option<u64>,
}

/// One limit in numbers.
#[derive(Debug, Clone, Serialize)]
pub struct WindowFigures {
    /// `second`, `minute`, `hour`, `day`, or its length.
    pub name: String,
    /// Calls per window.
    pub limit: u32,
    /// Calls it had room for while there was work: limit x time, at least one window; calendar days that ended whole.
    pub allowed: u64,
    /// Calls of ours that the server accepted.
    pub achieved: u64,
    /// Achieved of allowed, in percent.
    pub used_percent: f64,
    /// The largest number that the server accepted in any one window.
    pub most: u32,
}

/// The usual and the bad case, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Spread {
    /// Half of the calls take no longer.
    pub p50_ms: f64,
    /// Of a hundred calls one takes longer.
    pub p99_ms: f64,
}

impl Figures {
    /// The numbers of `played`. `overhead` is what deciding about one call costs, measured by whoever has a clock.
    pub fn of(played: &Played, overhead: Option<Duration>) -> Self {
        let refused = played.refused.len() as u64;
        let mut refused_by = BTreeMap::new();
        for refusal in &played.refused {
            *refused_by.entry(word(refusal.cause).to_owned()).or_default() += 1;
        }
        let working = played.working.as_secs_f64();
        Self {
            strategy: played.strategy,
            windows: played.windows.iter().map(WindowFigures::of).collect(),
            sent: played.sent,
            accepted: played.accepted,
            refused,
            refused_by,
            refused_per_10k: rounded(share(refused as f64, played.sent as f64) * 10_000.0, 100.0),
            idle_percent: rounded(share(played.idle.as_secs_f64(), working) * 100.0, 100.0),
            wait: Spread::of(&played.waits),
            latency: Spread::of(&played.latencies),
            overhead_ns: overhead.map(nanos),
            processor_ns: None,
        }
    }

    /// The numbers of jobs that ran. `each` is the processor time that one call has cost.
    pub fn of_jobs(played: &Played, each: Duration) -> Self {
        Self { processor_ns: Some(nanos(each)), ..Self::of(played, None) }
    }

    /// The limit that is used most: the one that holds the client back.
    pub fn binding(&self) -> Option<&WindowFigures> {
        self.windows.iter().max_by(|a, b| a.used_percent.total_cmp(&b.used_percent))
    }
}

impl WindowFigures {
    fn of(window: &WindowPlayed) -> Self {
        Self {
            name: window.name.clone(),
            limit: window.max,
            allowed: window.allowed.round() as u64,
            achieved: window.achieved,
            used_percent: rounded(share(window.achieved as f64, window.allowed) * 100.0, 100.0),
            most: window.most,
        }
    }
}

impl Spread {
    fn of(times: &Histogram) -> Self {
        let ms = |per_mille| rounded(times.at_most(per_mille).as_secs_f64() * 1000.0, 10.0);
        Self { p50_ms: ms(500), p99_ms: ms(990) }
    }
}

/// The limit that spoke, in the words of reports.
fn word(cause: Cause) -> &'static str {
    match cause {
        Cause::Minute => "minute",
        Cause::Day => "day",
        Cause::Concurrency => "concurrency",
        _ => "second",
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

fn share(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}

fn rounded(value: f64, steps: f64) -> f64 {
    (value * steps).round() / steps
}
