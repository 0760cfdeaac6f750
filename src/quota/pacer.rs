//! Spaces permits evenly: smoothness is what sliding counters, buckets and refusal-counting servers need beside the
//! hold.
//!
//! Invariant: burst 1. `per_minute(n)` would let 2n - 1 through in the first minute, because its burst is n. The pacer
//! is asked last: a governor has no refund.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::FakeRelativeClock;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};

type Governor = RateLimiter<NotKeyed, InMemoryState, FakeRelativeClock, NoOpMiddleware<Nanos>>;

/// One governor on the clock we hand it.
pub(super) struct Pacer {
    clock: FakeRelativeClock,
    shown: Duration,
    gap: Duration,
    last: Option<Duration>,
    governor: Option<Governor>,
}

impl Pacer {
    pub(super) fn new() -> Self {
        Self {
            clock: FakeRelativeClock::default(),
            shown: Duration::ZERO,
            gap: Duration::ZERO,
            last: None,
            governor: None,
        }
    }

    /// When the next permit is due at a spacing of `gap`.
    pub(super) fn next(&self, gap: Duration) -> Duration {
        self.last.map_or(Duration::ZERO, |last| last + gap)
    }

    /// Lets one permit through, or not; the only call that changes anything.
    pub(super) fn pass(&mut self, now: Duration, gap: Duration) -> bool {
        if now < self.next(gap) {
            return false;
        }
        self.clock.advance(now.saturating_sub(self.shown));
        self.shown = self.shown.max(now);
        if gap != self.gap || self.governor.is_none() {
            // A governor's quota cannot change. A fresh one lets one through at once, and this one is due.
            self.gap = gap;
            self.governor = Quota::with_period(gap)
                .map(|quota| quota.allow_burst(NonZeroU32::MIN))
                .map(|quota| RateLimiter::direct_with_clock(quota, self.clock.clone()));
        }
        // No quota exists for a gap of zero: nothing to pace.
        let passed = self.governor.as_ref().is_none_or(|governor| governor.check().is_ok());
        if passed {
            self.last = Some(now);
        }
        passed
    }
}

impl std::fmt::Debug for Pacer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pacer").field("gap", &self.gap).field("last", &self.last).finish_non_exhaustive()
    }
}
