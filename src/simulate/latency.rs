//! How long the provider takes: a floor plus an exponential tail, hashed from seed and request number.

use std::time::Duration;

use super::mix::unit;

/// A model of processing and network time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Latency {
    /// No answer is quicker.
    pub floor: Duration,
    /// Mean of what comes on top.
    pub mean_extra: Duration,
}

impl Default for Latency {
    fn default() -> Self {
        Self { floor: Duration::from_millis(30), mean_extra: Duration::from_millis(30) }
    }
}

impl Latency {
    /// Always the same.
    pub fn fixed(floor: Duration) -> Self {
        Self { floor, mean_extra: Duration::ZERO }
    }

    /// The latency that goes with `hash`.
    pub(super) fn draw(&self, hash: u64) -> Duration {
        // 1 - unit is never 0; the tail is cut so that no answer outlasts a client's patience by itself.
        let tail = (-(1.0 - unit(hash)).ln()).min(20.0);
        self.floor + self.mean_extra.mul_f64(tail)
    }
}
