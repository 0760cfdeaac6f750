//! What the runs of a job took so far, and what that means for the cells that are left.
//!
//! Invariant: nothing learned is no error: a cell then counts as one call, which is the least it can be.

use std::time::Duration;

/// Sums over the runs of a job, all of one question.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Learned {
    /// Cells that came to their end.
    pub cells: u64,
    /// Pages kept.
    pub pages: u64,
    /// Attempts sent: pages, empty answers, polls, whatever was repeated.
    pub calls: u64,
    /// Credits charged, as far as the provider says.
    pub credits: u64,
    /// Time from send to answer, all attempts together.
    pub took: Duration,
}

impl Learned {
    /// This and more.
    #[must_use]
    pub fn and(self, more: Self) -> Self {
        Self {
            cells: self.cells.saturating_add(more.cells),
            pages: self.pages.saturating_add(more.pages),
            calls: self.calls.saturating_add(more.calls),
            credits: self.credits.saturating_add(more.credits),
            took: self.took.saturating_add(more.took),
        }
    }

    /// What was learned since.
    #[must_use]
    pub fn since(self, before: Self) -> Self {
        Self {
            cells: self.cells.saturating_sub(before.cells),
            pages: self.pages.saturating_sub(before.pages),
            calls: self.calls.saturating_sub(before.calls),
            credits: self.credits.saturating_sub(before.credits),
            took: self.took.saturating_sub(before.took),
        }
    }

    /// Whether it tells anything about further cells.
    pub fn is_known(&self) -> bool {
        self.cells > 0
    }

    /// Calls that so many further cells take; one each at the least.
    pub fn calls_for(&self, cells: u64) -> u64 {
        share(cells, self.calls, self.cells).max(cells)
    }

    /// Credits that so many further cells cost.
    pub fn credits_for(&self, cells: u64) -> u64 {
        share(cells, self.credits, self.cells)
    }

    /// Mean pages of a cell; `None` before the first.
    pub fn pages_per_cell(&self) -> Option<f64> {
        self.is_known().then(|| self.pages as f64 / self.cells as f64)
    }

    /// Mean time from send to answer; `None` before the first.
    pub fn latency(&self) -> Option<Duration> {
        let nanos = self.took.as_nanos().checked_div(u128::from(self.calls))?;
        u64::try_from(nanos).ok().map(Duration::from_nanos)
    }
}

/// `cells` times `sum` by `of`, rounded up; 0 when nothing is known.
fn share(cells: u64, sum: u64, of: u64) -> u64 {
    if of == 0 {
        return 0;
    }
    let share = (u128::from(cells) * u128::from(sum)).div_ceil(u128::from(of));
    u64::try_from(share).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mean_is_rounded_up() {
        let took = Duration::from_secs(130);
        let learned = Learned { cells: 200, pages: 600, calls: 650, credits: 6500, took };
        assert_eq!((learned.calls_for(1040), learned.credits_for(1040)), (3380, 33_800));
        assert_eq!((learned.calls_for(1), learned.credits_for(1)), (4, 33));
        assert_eq!((learned.pages_per_cell(), learned.latency()), (Some(3.0), Some(Duration::from_millis(200))));
        let nothing = Learned::default();
        assert_eq!((nothing.calls_for(7), nothing.credits_for(7)), (7, 0), "one call at the least");
        assert_eq!((nothing.pages_per_cell(), nothing.latency()), (None, None));
        let free = Learned { cells: 10, ..nothing };
        assert_eq!(free.calls_for(5), 5, "cells that were refused without a call say nothing about others");
        assert_eq!(learned.calls_for(u64::MAX), u64::MAX);
        assert_eq!(learned.and(free).since(free), learned);
    }
}
