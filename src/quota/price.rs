//! What a call is supposed to cost before its answer says so.
//!
//! Invariant: the dearest of the last calls is supposed, so that a window of credits is rather too full than over.

use std::collections::VecDeque;

/// So many answers are remembered.
const RECENT: usize = 64;

#[derive(Debug, Clone, Default)]
pub(super) struct Price {
    recent: VecDeque<u32>,
}

impl Price {
    /// Credits one call may cost; 1 while nothing is known.
    pub(super) fn of_one(&self) -> u32 {
        self.recent.iter().copied().max().unwrap_or(1)
    }

    pub(super) fn record(&mut self, credits: u32) {
        if self.recent.len() == RECENT {
            self.recent.pop_front();
        }
        self.recent.push_back(credits);
    }
}
