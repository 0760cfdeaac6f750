//! The sliding-window counter of many gateways: two aligned counts, the older one weighted by what is left of it.
//!
//! The estimate `before * (1 - f) + calls` is compared as whole numbers, multiplied by the length of the window.

use std::time::Duration;

use crate::quota::Moment;

use super::grid::{Grid, Place};

/// The calls of this aligned window and of the one before.
#[derive(Debug)]
pub(super) struct Counter {
    grid: Grid,
    max: u64,
    window: i128,
    before: u64,
    calls: u64,
}

impl Counter {
    pub(super) fn new(grid: Grid, max: u32) -> Self {
        Self { grid, max: u64::from(max), window: 0, before: 0, calls: 0 }
    }

    /// How long until a call fits; `None` when it fits now.
    pub(super) fn wait(&mut self, now: Moment) -> Option<Duration> {
        let place = self.grid.place(now.wall);
        self.turn_to(place);
        let opens = match self.max.checked_sub(self.calls + 1) {
            Some(room) => self.opens(self.before, room),
            // This window is full by itself: the next one opens when it counts little enough as the one before.
            None => self.grid.period().saturating_add(self.opens(self.calls, self.max.saturating_sub(1))),
        };
        (opens > place.into).then(|| Duration::from_nanos(opens - place.into))
    }

    /// Counts a call at the instant of the last [`wait`](Self::wait).
    pub(super) fn count(&mut self) {
        self.calls += 1;
    }

    fn turn_to(&mut self, place: Place) {
        if place.window != self.window {
            self.before = if place.window == self.window + 1 { self.calls } else { 0 };
            self.window = place.window;
            self.calls = 0;
        }
    }

    /// How many nanoseconds of a window must have passed until `before` calls of the one before weigh at most `room`.
    fn opens(&self, before: u64, room: u64) -> u64 {
        if before <= room {
            return 0;
        }
        let period = self.grid.period();
        // before * (period - into) <= room * period, solved for the first whole `into`.
        let share = u128::from(room) * u128::from(period) / u128::from(before);
        period - u64::try_from(share).unwrap_or(period)
    }
}
