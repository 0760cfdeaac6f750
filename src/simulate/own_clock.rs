//! The provider's own clock: ahead by a constant, and faster or slower than ours.

use std::time::Duration;

use jiff::SignedDuration;

use crate::quota::Moment;

/// What the provider's clock shows `now`. It is `skew` ahead, and runs `drift_ppm` millionths faster from the instant
/// that our clock was made.
pub(super) fn shown(now: Moment, skew: SignedDuration, drift_ppm: i32) -> Moment {
    let ahead = drifted(now.elapsed, drift_ppm);
    let elapsed = if ahead.is_negative() {
        now.elapsed.saturating_sub(ahead.unsigned_abs())
    } else {
        now.elapsed.saturating_add(ahead.unsigned_abs())
    };
    let wall = now.wall.checked_add(skew).and_then(|wall| wall.checked_add(ahead)).unwrap_or(now.wall);
    Moment { elapsed, wall }
}

/// How far a clock is ahead after `elapsed`, in whole nanoseconds.
fn drifted(elapsed: Duration, drift_ppm: i32) -> SignedDuration {
    let elapsed = i128::try_from(elapsed.as_nanos()).unwrap_or(i128::MAX);
    let nanos = elapsed.saturating_mul(i128::from(drift_ppm)).div_euclid(1_000_000);
    SignedDuration::from_nanos(i64::try_from(nanos).unwrap_or_default())
}
