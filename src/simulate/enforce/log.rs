//! The exact log of a window: no half-open `(t - T, t]` is misjudged, and a call exactly `T` old has left it.

use std::collections::VecDeque;
use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, civil::Time};

use crate::provider::WindowKind;
use crate::quota::Moment;

/// Calls inside the window that ends now.
#[derive(Debug)]
pub(super) enum Log {
    Rolling { period: Duration, at: VecDeque<Duration> },
    Day { resets: Time, zone: TimeZone, from: Timestamp, until: Timestamp, calls: u64 },
}

impl Log {
    pub(super) fn new(kind: &WindowKind) -> Self {
        match kind {
            WindowKind::Rolling(period) => Self::Rolling { period: *period, at: VecDeque::new() },
            WindowKind::Day { resets, zone } => {
                Self::Day { resets: *resets, zone: zone.clone(), from: Timestamp::MIN, until: Timestamp::MIN, calls: 0 }
            }
        }
    }

    /// Drops what the window that ends now does not hold.
    pub(super) fn forget(&mut self, now: Moment) {
        match self {
            Self::Rolling { period, at } => {
                while at.front().is_some_and(|call| *call + *period <= now.elapsed) {
                    at.pop_front();
                }
            }
            Self::Day { resets, zone, from, until, calls } => {
                if now.wall < *from || now.wall >= *until {
                    (*from, *until) = day_around(now.wall, *resets, zone);
                    *calls = 0;
                }
            }
        }
    }

    pub(super) fn push(&mut self, now: Moment) {
        match self {
            Self::Rolling { at, .. } => at.push_back(now.elapsed),
            Self::Day { calls, .. } => *calls += 1,
        }
    }

    pub(super) fn calls(&self) -> u64 {
        match self {
            Self::Rolling { at, .. } => at.len() as u64,
            Self::Day { calls, .. } => *calls,
        }
    }

    /// How long until another call makes no more than `max`; `None` when it does so now.
    pub(super) fn wait(&self, max: u32, now: Moment) -> Option<Duration> {
        let over = self.calls().checked_sub(u64::from(max))?;
        Some(match self {
            Self::Rolling { period, at } => {
                // Where refusals count there may be more than `max`: so many have to leave first.
                let last = usize::try_from(over).ok().and_then(|over| at.get(over));
                last.map_or(*period, |call| (*call + *period).saturating_sub(now.elapsed))
            }
            Self::Day { until, .. } => Duration::try_from(until.duration_since(now.wall)).unwrap_or(Duration::ZERO),
        })
    }
}

/// The quota day that holds `wall`: from one reset to the next in `zone`. A reset that a change of the clocks skips
/// or repeats is read the way jiff's "compatible" rule does.
fn day_around(wall: Timestamp, resets: Time, zone: &TimeZone) -> (Timestamp, Timestamp) {
    let today = wall.to_zoned(zone.clone()).date();
    let reset = |offset: i64| {
        let date = today.checked_add(offset.days()).unwrap_or(today);
        zone.to_ambiguous_zoned(date.to_datetime(resets)).compatible().map_or(wall, |zoned| zoned.timestamp())
    };
    let (yesterday, this, tomorrow) = (reset(-1), reset(0), reset(1));
    if wall < this { (yesterday, this) } else { (this, tomorrow) }
}
