//! Aligned windows: the count starts anew at each edge. An edge belongs to the window it begins.

use std::time::Duration;

use crate::quota::Moment;

use super::grid::Grid;

/// The calls of the aligned window that holds the last instant.
#[derive(Debug)]
pub(super) struct Fixed {
    grid: Grid,
    max: u64,
    window: i128,
    calls: u64,
}

impl Fixed {
    pub(super) fn new(grid: Grid, max: u32) -> Self {
        Self { grid, max: u64::from(max), window: 0, calls: 0 }
    }

    /// How long until a call fits; `None` when it fits now.
    pub(super) fn wait(&mut self, now: Moment) -> Option<Duration> {
        let place = self.grid.place(now.wall);
        if place.window != self.window {
            self.window = place.window;
            self.calls = 0;
        }
        (self.calls >= self.max).then(|| Duration::from_nanos(place.left))
    }

    /// Counts a call at the instant of the last [`wait`](Self::wait).
    pub(super) fn count(&mut self) {
        self.calls += 1;
    }
}
