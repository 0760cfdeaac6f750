//! The clock of the client's machine against true time: it drifts, and somebody sets its wall time.
//!
//! Invariant: true time runs in the engine and at the server; whatever the client is told or says about time is its
//! own.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::quota::Moment;

const MILLION: i128 = 1_000_000;

/// What the client's machine shows.
#[derive(Debug, Clone)]
pub(super) struct ClientClock {
    start: Timestamp,
    drift_ppm: i32,
    step: SignedDuration,
}

impl ClientClock {
    pub(super) fn new(start: Timestamp, drift_ppm: i32) -> Self {
        Self { start, drift_ppm, step: SignedDuration::ZERO }
    }

    /// Somebody sets the wall clock.
    pub(super) fn set(&mut self, by: SignedDuration) {
        self.step = self.step.saturating_add(by);
    }

    /// What it shows at true time `now`.
    pub(super) fn shows(&self, now: Duration) -> Moment {
        let elapsed = scaled(now, MILLION + i128::from(self.drift_ppm), MILLION);
        let wall = moment(self.start, elapsed).wall;
        Moment { elapsed, wall: wall.checked_add(self.step).unwrap_or(Timestamp::MAX) }
    }

    /// The first true time at which it shows `elapsed` or later.
    pub(super) fn reaches(&self, elapsed: Duration) -> Duration {
        let rate = MILLION + i128::from(self.drift_ppm);
        let mut at = scaled(elapsed, MILLION, rate.max(1));
        while self.shows(at).elapsed < elapsed {
            at += Duration::from_nanos(1);
        }
        at
    }
}

/// A clock that is right.
pub(super) fn moment(start: Timestamp, elapsed: Duration) -> Moment {
    let ahead = SignedDuration::try_from(elapsed).unwrap_or(SignedDuration::MAX);
    Moment { elapsed, wall: start.checked_add(ahead).unwrap_or(Timestamp::MAX) }
}

fn scaled(time: Duration, by: i128, of: i128) -> Duration {
    let nanos = i128::try_from(time.as_nanos()).unwrap_or(i128::MAX).saturating_mul(by) / of;
    Duration::from_nanos(u64::try_from(nanos.max(0)).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wake_up_is_never_early_and_at_most_a_blink_late() {
        for drift_ppm in [-200, -1, 0, 7, 200, 50_000] {
            let clock = ClientClock::new(Timestamp::UNIX_EPOCH, drift_ppm);
            for nanos in [0, 1, 999, 1_000_000_007, 86_400_000_000_001] {
                let elapsed = Duration::from_nanos(nanos);
                let at = clock.reaches(elapsed);
                assert!(clock.shows(at).elapsed >= elapsed, "{drift_ppm} ppm, {nanos} ns");
                assert!(clock.shows(at).elapsed - elapsed <= Duration::from_nanos(2), "{drift_ppm} ppm, {nanos} ns");
            }
        }
    }

    #[test]
    fn a_set_clock_changes_the_wall_alone() {
        let mut clock = ClientClock::new(Timestamp::UNIX_EPOCH, 100);
        clock.set(SignedDuration::from_hours(-1));
        let shown = clock.shows(Duration::from_secs(10_000));
        assert_eq!(shown.elapsed, Duration::from_secs(10_001), "100 ppm fast");
        assert_eq!(shown.wall.as_second(), 10_001 - 3600);
    }
}
