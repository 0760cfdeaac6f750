//! Times, counted in steps of one in sixty-four: percentiles of millions of calls without keeping them.
//!
//! Invariant: whole numbers only, so that a report is the same on every machine; a percentile is at most 1.6 % too high.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Steps per doubling.
const STEPS: u64 = 64;

/// How often each time was met.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Written", into = "Written")]
pub struct Histogram {
    counts: Vec<u64>,
    total: u64,
}

/// As it stands in a report: what a person looks for first, and the steps that were met.
#[derive(Serialize, Deserialize)]
struct Written {
    p50_ms: f64,
    p90_ms: f64,
    p99_ms: f64,
    longest_ms: f64,
    /// The longest time of each step, in microseconds, and how many times were met in it.
    steps: Vec<(u64, u64)>,
}

impl From<Histogram> for Written {
    fn from(histogram: Histogram) -> Self {
        let ms = |per_mille| histogram.at_most(per_mille).as_micros() as f64 / 1000.0;
        let met = histogram.counts.iter().enumerate().filter(|(_, count)| **count > 0);
        Self {
            p50_ms: ms(500),
            p90_ms: ms(900),
            p99_ms: ms(990),
            longest_ms: ms(1000),
            steps: met.map(|(index, count)| (highest(index), *count)).collect(),
        }
    }
}

impl From<Written> for Histogram {
    fn from(written: Written) -> Self {
        let mut histogram = Self::default();
        written.steps.into_iter().for_each(|(micros, count)| histogram.add(index_of(micros), count));
        histogram
    }
}

impl Histogram {
    /// Counts one.
    pub fn record(&mut self, time: Duration) {
        self.add(index_of(u64::try_from(time.as_micros()).unwrap_or(u64::MAX)), 1);
    }

    fn add(&mut self, index: usize, more: u64) {
        if self.counts.len() <= index {
            self.counts.resize(index + 1, 0);
        }
        if let Some(count) = self.counts.get_mut(index) {
            *count += more;
        }
        self.total += more;
    }

    /// How many were counted.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// The time that so many of a thousand do not exceed; nothing when nothing was counted.
    pub fn at_most(&self, per_mille: u64) -> Duration {
        let rank = (self.total * per_mille).div_ceil(1000).max(1);
        let mut seen = 0;
        for (index, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= rank {
                return Duration::from_micros(highest(index));
            }
        }
        Duration::ZERO
    }

    /// The share of times up to `time`, between 0 and 1.
    pub fn share_up_to(&self, time: Duration) -> f64 {
        let last = index_of(u64::try_from(time.as_micros()).unwrap_or(u64::MAX));
        let seen: u64 = self.counts.iter().take(last + 1).sum();
        if self.total == 0 { 0.0 } else { seen as f64 / self.total as f64 }
    }
}

/// The first sixty-four microseconds have a step each; from there on every doubling has sixty-four.
fn index_of(micros: u64) -> usize {
    if micros < STEPS {
        return usize::try_from(micros).unwrap_or(usize::MAX);
    }
    let doubling = u64::from(micros.ilog2()) - 6;
    usize::try_from((doubling << 6) + (micros >> doubling)).unwrap_or(usize::MAX)
}

/// The longest time that is counted at `index`.
fn highest(index: usize) -> u64 {
    let index = index as u64;
    if index < 2 * STEPS {
        return index;
    }
    let doubling = (index >> 6) - 1;
    let step = (index & (STEPS - 1)) | STEPS;
    ((step + 1) << doubling) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_time_is_at_most_its_step_and_close_to_it() {
        for micros in (0..5000).chain([65_535, 65_536, 1_000_000, 86_400_000_000]) {
            let high = highest(index_of(micros));
            assert!(high >= micros, "{micros}");
            assert!(high - micros <= micros / 64, "{micros} became {high}");
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        let mut histogram = Histogram::default();
        for micros in [3, 3, 70, 1_000_000, 86_400_000_000] {
            histogram.record(Duration::from_micros(micros));
        }
        let text = serde_json::to_string(&histogram).unwrap();
        assert_eq!(serde_json::from_str::<Histogram>(&text).unwrap(), histogram, "{text}");
    }

    #[test]
    fn percentiles() {
        let mut histogram = Histogram::default();
        assert_eq!(histogram.at_most(500), Duration::ZERO);
        (1..=100).for_each(|micros| histogram.record(Duration::from_micros(micros)));
        assert_eq!(histogram.at_most(500), Duration::from_micros(50));
        assert_eq!(histogram.at_most(990), Duration::from_micros(99));
        assert_eq!(histogram.at_most(0), Duration::from_micros(1));
        assert_eq!(histogram.share_up_to(Duration::from_micros(25)), 0.25);
    }
}
