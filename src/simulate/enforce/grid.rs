//! Where an instant lies among windows that follow each other without a gap, aligned to the clock.

use std::time::Duration;

use jiff::Timestamp;

/// Windows of one length.
#[derive(Debug, Clone, Copy)]
pub(super) struct Grid {
    period: u64,
    phase: i128,
}

/// An instant within its window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    /// Which window, counted from the Unix epoch.
    pub(super) window: i128,
    /// Nanoseconds of it that have passed.
    pub(super) into: u64,
    /// Nanoseconds until the next one begins.
    pub(super) left: u64,
}

impl Grid {
    /// Windows of `period` that begin `phase` after its multiples since the Unix epoch.
    pub(super) fn new(period: Duration, phase: Duration) -> Self {
        Self { period: nanos(period).max(1), phase: i128::from(nanos(phase)) }
    }

    /// Length of a window in nanoseconds.
    pub(super) fn period(&self) -> u64 {
        self.period
    }

    pub(super) fn place(&self, wall: Timestamp) -> Place {
        let since = wall.as_nanosecond() - self.phase;
        // The remainder is below the period, which is an u64.
        let into = u64::try_from(since.rem_euclid(i128::from(self.period))).unwrap_or_default();
        Place { window: since.div_euclid(i128::from(self.period)), into, left: self.period - into }
    }
}

/// Whole nanoseconds; five hundred years are enough.
pub(super) fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
