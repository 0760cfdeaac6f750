//! Spaces permits evenly: smoothness is what sliding counters, buckets and refusal-counting servers need beside the
//! hold.
//!
//! Invariant: burst 1. `per_minute(n)` would let 2n - 1 through in the first minute, because its burst is n. The pacer
//! is asked last: a governor has no refund. A permit that is a little late does not make the next one late: timers wake
//! late by milliseconds, and a spacing of a tenth of a second would lose a hundredth by it.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::FakeRelativeClock;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};

type Governor = RateLimiter<NotKeyed, InMemoryState, FakeRelativeClock, NoOpMiddleware<Nanos>>;

/// One governor on the clock we hand it: that of the times at which permits are due.
pub(super) struct Pacer {
    clock: FakeRelativeClock,
    shown: Duration,
    gap: Duration,
    /// When the last permit was due.
    last: Option<Duration>,
    governor: Option<Governor>,
}

impl Pacer {
    pub(super) fn new() -> Self {
        let clock = FakeRelativeClock::default();
        Self { clock, shown: Duration::ZERO, gap: Duration::ZERO, last: None, governor: None }
    }

    /// When the next permit is due at a spacing of `gap`.
    pub(super) fn next(&self, gap: Duration) -> Duration {
        self.last.map_or(Duration::ZERO, |last| last + gap)
    }

    /// Lets one permit through and says how late it is, or not; the only call that changes anything. Lateness up to
    /// `slack` is made up for with the next ones.
    pub(super) fn pass(&mut self, now: Duration, gap: Duration, slack: Duration) -> Option<Duration> {
        let next = self.next(gap);
        if now < next {
            return None;
        }
        // What is late by more was held up by something else, and that is not made up for.
        let due = if now - next <= slack { next } else { now };
        self.clock.advance(due.saturating_sub(self.shown));
        self.shown = self.shown.max(due);
        if gap != self.gap || self.governor.is_none() {
            // A governor's quota cannot change. A fresh one lets one through at once, and this one is due.
            self.gap = gap;
            self.governor = Quota::with_period(gap)
                .map(|quota| quota.allow_burst(NonZeroU32::MIN))
                .map(|quota| RateLimiter::direct_with_clock(quota, self.clock.clone()));
        }
        // No quota exists for a gap of zero: nothing to pace.
        self.governor.as_ref().is_none_or(|governor| governor.check().is_ok()).then(|| {
            self.last = Some(due);
            now - due
        })
    }

    /// Another process took the permit that was due then.
    pub(super) fn taken(&mut self, due: Duration) {
        if self.last.is_none_or(|last| last < due) {
            self.last = Some(due);
            self.governor = None;
        }
    }
}

impl std::fmt::Debug for Pacer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pacer").field("gap", &self.gap).field("last", &self.last).finish_non_exhaustive()
    }
}
