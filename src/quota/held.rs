//! One rolling window: its slots, its length on our clock, and how finely releases are kept.
//!
//! Invariant: a slot is held at least until the call cannot count any more, also when another process sent it.

use std::time::Duration;

use jiff::Timestamp;

use super::{Moment, Slots};

/// Windows up to this are a matter of milliseconds: their headroom is measured, and they need no journal.
pub(super) const SHORT: Duration = Duration::from_secs(5);
/// Rolling windows above this are kept in buckets and not paced.
pub(super) const LONG: Duration = Duration::from_secs(3600);
pub(super) const BUCKET: Duration = Duration::from_secs(60);
/// How long after its send a call of another process, or from before a restart, is counted at the latest.
pub(super) const FOREIGN_LATENCY: Duration = Duration::from_secs(5);

/// A window's length on our clock, which may run 200 ppm faster than the provider's.
pub(super) fn drifted(period: Duration) -> Duration {
    period + period / 5000
}

#[derive(Debug)]
pub(super) struct Held {
    pub(super) name: String,
    pub(super) period: Duration,
    pub(super) grain: Duration,
    pub(super) slots: Slots,
}

impl Held {
    /// Nothing used.
    pub(super) fn new(max: u32, period: Duration) -> Self {
        let grain = if period > LONG { BUCKET } else { Duration::ZERO };
        Self { name: name(period), period, grain, slots: Slots::new(max) }
    }

    /// From when on a call that was counted by `at` is held for the period.
    pub(super) fn bucket_end(&self, at: Duration) -> Duration {
        if self.grain.is_zero() {
            return at;
        }
        let grain = self.grain.as_secs().max(1);
        Duration::from_secs((at.as_secs() / grain + 1) * grain)
    }

    /// When a call sent at `sent` elsewhere no longer counts; `None` if it already does not.
    pub(super) fn foreign_release(&self, sent: Timestamp, now: Moment) -> Option<Duration> {
        let hold = drifted(self.period) + FOREIGN_LATENCY;
        let age = now.wall.duration_since(sent);
        // From the future: the clock was set back, so the call is of unknown age and held in full.
        let left = hold.saturating_sub(Duration::try_from(age).unwrap_or_default());
        (!left.is_zero()).then(|| self.bucket_end(now.elapsed + left))
    }
}

fn name(period: Duration) -> String {
    match period.as_secs() {
        1 if period.subsec_nanos() == 0 => "second".to_owned(),
        60 => "minute".to_owned(),
        3600 => "hour".to_owned(),
        86_400 => "day".to_owned(),
        _ => format!("{period:?}"),
    }
}
