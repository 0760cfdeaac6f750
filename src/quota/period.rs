//! Lengths of time that limiter and journal must agree on.

use std::time::Duration;

/// Windows up to this are a matter of milliseconds: their headroom is measured, and they need no journal.
pub(in crate::quota) const SHORT: Duration = Duration::from_secs(5);
/// Rolling windows above this are kept in buckets and not paced.
pub(in crate::quota) const LONG: Duration = Duration::from_secs(3600);
pub(in crate::quota) const BUCKET: Duration = Duration::from_secs(60);
/// How long after its send a call of another process, or from before a restart, is counted at the latest.
pub(in crate::quota) const FOREIGN_LATENCY: Duration = Duration::from_secs(5);

/// A window's length on our clock, which may run 200 ppm faster than the provider's.
pub(in crate::quota) fn drifted(period: Duration) -> Duration {
    period + period / 5000
}

/// What refusals have taught is believed for so long.
pub(in crate::quota) const LESSON: Duration = Duration::from_secs(7 * 86_400);
