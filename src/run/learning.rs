//! What the cells of a job take is told to the ledger, once a minute and at the end, so that forecasts can be made of it.
//!
//! A run that is killed forgets at most a minute of it, cells and calls alike: the means stay what they are.

use std::time::Duration;

use crate::fetch::{CellEnd, Spending};
use crate::plan::Learned;

use super::error::RunError;
use super::job::JobRun;

/// Writing it down costs a transaction.
const EVERY: Duration = Duration::from_secs(60);

/// What one run has learned, and how much of it the ledger knows.
#[derive(Debug, Default)]
pub(super) struct Learning {
    cells: u64,
    told: Learned,
    last: Duration,
}

impl Learning {
    pub(super) fn cell_ended(&mut self, end: &CellEnd) {
        self.cells += u64::from(matches!(end, CellEnd::Settled(_)));
    }

    /// Whether it was told long enough ago.
    pub(super) fn is_due(&self, now: Duration) -> bool {
        now.saturating_sub(self.last) >= EVERY
    }
}

impl JobRun {
    /// Tells the ledger what was learned since the last time, if anything.
    pub(super) async fn learn(&self, learning: &mut Learning, spending: &Spending) -> Result<(), RunError> {
        let all = spending.spent(learning.cells);
        let more = all.since(learning.told);
        (learning.told, learning.last) = (all, self.clock.now().elapsed);
        if more == Learned::default() {
            return Ok(());
        }
        let (name, token) = (self.job.name.as_str().to_owned(), self.token);
        self.store.call(move |ledger| ledger.learn(&name, token, &more)).await
    }
}
