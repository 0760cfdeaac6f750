//! What one run may spend on a job, counted over all its cells.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use crate::job::Ceilings;
use crate::plan::Learned;

/// Spent so far against the job's ceilings.
#[derive(Debug, Default)]
pub struct Spending {
    ceilings: Ceilings,
    requests: AtomicU64,
    pages: AtomicU64,
    credits: AtomicU64,
    took_ms: AtomicU64,
    halted: AtomicBool,
}

impl Spending {
    /// Nothing spent yet.
    pub fn new(ceilings: Ceilings) -> Self {
        Self { ceilings, ..Self::default() }
    }

    /// Claims one attempt, `elapsed` after the run began; the reason if a ceiling forbids it.
    pub fn claim(&self, elapsed: Duration) -> Result<(), String> {
        if self.halted.load(Ordering::Relaxed) {
            return Err("pages can no longer be kept".to_owned());
        }
        if let Some(deadline) = self.ceilings.deadline
            && elapsed >= deadline
        {
            return Err(format!("the deadline of {} s is reached", deadline.as_secs()));
        }
        if let Some(max) = self.ceilings.max_credits
            && self.credits.load(Ordering::Relaxed) >= max
        {
            return Err(format!("`max_credits = {max}` is reached"));
        }
        let max = self.ceilings.max_requests.unwrap_or(u64::MAX);
        self.requests
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |spent| (spent < max).then_some(spent + 1))
            .map(|_| ())
            .map_err(|_| format!("`max_requests = {max}` is reached"))
    }

    /// Lets no further attempt leave: its page could not be kept.
    pub fn halt(&self) {
        self.halted.store(true, Ordering::Relaxed);
    }

    /// Adds a page and what its answer says it cost.
    pub fn charge(&self, credits: u64) {
        self.pages.fetch_add(1, Ordering::Relaxed);
        self.credits.fetch_add(credits, Ordering::Relaxed);
    }

    /// Adds the time from an attempt to its answer.
    pub fn waited(&self, latency: Duration) {
        self.took_ms.fetch_add(u64::try_from(latency.as_millis()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// All of it, and the `cells` it was spent on.
    pub fn spent(&self, cells: u64) -> Learned {
        Learned {
            cells,
            pages: self.pages.load(Ordering::Relaxed),
            calls: self.requests.load(Ordering::Relaxed),
            credits: self.credits.load(Ordering::Relaxed),
            took: Duration::from_millis(self.took_ms.load(Ordering::Relaxed)),
        }
    }
}
