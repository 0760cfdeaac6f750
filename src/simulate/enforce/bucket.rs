//! A bucket of calls that refills evenly: in any time `t` at most `burst + t * N / T` calls are let in.
//!
//! The level is exact: one call is as many parts as `T` has nanoseconds, and each nanosecond refills `N` of them. GCRA
//! that lets `burst` calls come early is the bucket of `burst + 1` calls: its excess is what the bucket lacks.

use std::time::Duration;

use crate::quota::Moment;

/// What is in the bucket.
#[derive(Debug)]
pub(super) struct Bucket {
    call: u128,
    refill: u128,
    capacity: u128,
    level: u128,
    at: Duration,
}

impl Bucket {
    /// A full bucket of `burst` calls that gains `max` per `period`.
    pub(super) fn new(burst: u64, max: u32, period: Duration) -> Self {
        let call = period.as_nanos();
        let capacity = call.saturating_mul(u128::from(burst));
        Self { call, refill: u128::from(max.max(1)), capacity, level: capacity, at: Duration::ZERO }
    }

    /// How long until a call fits; `None` when it fits now.
    pub(super) fn wait(&mut self, now: Moment) -> Option<Duration> {
        let passed = now.elapsed.saturating_sub(self.at).as_nanos();
        self.at = self.at.max(now.elapsed);
        self.level = self.level.saturating_add(passed.saturating_mul(self.refill)).min(self.capacity);
        let lacks = self.call.saturating_sub(self.level);
        (lacks > 0).then(|| Duration::from_nanos_u128(lacks.div_ceil(self.refill)))
    }

    /// Takes a call, or what is left, at the instant of the last [`wait`](Self::wait).
    pub(super) fn count(&mut self) {
        self.level = self.level.saturating_sub(self.call);
    }
}
