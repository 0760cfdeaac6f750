//! One rolling window: its slots, its length on our clock, and how finely releases are kept.
//!
//! Invariant: a slot is held at least until the call cannot count any more, also when another process sent it.

use std::time::Duration;

use crate::provider::{Unit, Window};
use crate::quota::period::{BUCKET, FOREIGN_LATENCY, LONG, SHORT, drifted};

use super::Slots;
use super::latency::Latency;
use super::ratchet::Ratchet;

/// The spacing of a window of milliseconds never gets more headroom than this.
const WIDEST: Duration = Duration::from_millis(300);

/// What a timer cannot tell apart, and no network keeps apart.
const TICK: Duration = Duration::from_millis(1);

#[derive(Debug)]
pub(super) struct Held {
    pub(super) name: String,
    pub(super) period: Duration,
    pub(super) grain: Duration,
    pub(super) slots: Slots,
    pub(super) unit: Unit,
    /// Nothing is held: the provider refills evenly.
    bucket: bool,
    /// What `limits` says.
    pub(super) terms: u32,
    /// Of that, what the provider's own announcements leave.
    pub(super) max: u32,
    /// What refusals have taught.
    pub(super) ratchet: Ratchet,
}

impl Held {
    /// Nothing used.
    pub(super) fn new(window: &Window, period: Duration) -> Self {
        let Window { max, unit, bucket, .. } = *window;
        let grain = if period > LONG { BUCKET } else { Duration::ZERO };
        // Without spacing a bucket is not kept at all, and hours are not spaced.
        let bucket = bucket && period <= LONG && unit == Unit::Calls;
        Self {
            name: name(period, unit),
            period,
            grain,
            slots: Slots::new(max),
            unit,
            bucket,
            terms: max,
            max,
            ratchet: Ratchet::new(),
        }
    }

    /// What calls that cost `price` each count here.
    pub(super) fn weight(&self, count: u32, price: u32) -> u32 {
        self.unit.weight(count, price)
    }

    /// As [`Slots::next_free`].
    pub(super) fn next_free(&self, now: Duration, count: u32) -> Option<Duration> {
        if self.bucket { Some(now) } else { self.slots.next_free(now, count) }
    }

    /// Whether attempts are spaced for its sake.
    pub(super) fn is_paced(&self) -> bool {
        self.period <= LONG && self.unit == Unit::Calls
    }

    /// Spacing of attempts at the rate that is believed in.
    pub(super) fn gap(&self, latency: &Latency) -> Duration {
        self.ratchet.stretch((self.period + self.headroom(latency)) / self.max.max(1))
    }

    /// Seconds: the measured spread of arrivals, more after refusals. Longer: a few per cent and never more than is worth
    /// it, since all of it is lost.
    fn headroom(&self, latency: &Latency) -> Duration {
        if self.period > SHORT {
            return (self.period / 100).max((self.period / 50).min(Duration::from_millis(600)));
        }
        let measured = if self.bucket { Duration::from_millis(25) } else { latency.headroom() };
        self.ratchet.widen(measured).min(WIDEST.max(measured))
    }

    /// Refused: fewer from now on, of the share of the limit that was in use; and where jitter may be to blame, more headroom.
    pub(super) fn too_fast(&mut self, now: Duration, at_most: f64) {
        self.ratchet.throttled(now, at_most, !self.bucket && self.period <= SHORT);
        self.follow_ratchet();
    }

    /// How much lateness may be made up for at a spacing of `gap`: a quarter of the headroom, and where a timer's few
    /// milliseconds are much, a quarter of the gap. A bucket that holds one call takes half of it. Thousands a second leave
    /// in the order of a timer, some at once: one by one, each would cost what a whole tick costs.
    pub(super) fn slack(&self, gap: Duration, latency: &Latency) -> Duration {
        if self.bucket {
            return gap / 2;
        }
        (self.headroom(latency) / 4)
            .max(if self.period <= SHORT { gap / 4 } else { Duration::ZERO })
            .min((gap / 2).max(TICK))
    }

    /// A hold may be shortened by the least latency only if the provider counts at one fixed point of a request. Where
    /// it is worth much that is supposed; a minute can do without.
    pub(super) fn discount(&self, least: Duration) -> Duration {
        if self.period < BUCKET { least } else { Duration::ZERO }
    }

    /// When a call counts no more that the provider has counted by `counted_by`.
    pub(super) fn release_at(&self, counted_by: Duration) -> Duration {
        self.bucket_end(counted_by + drifted(self.period))
    }

    /// The same for one that was counted `ago` at the latest; `None` if it counts no more.
    pub(super) fn release_after(&self, ago: Duration, now: Duration) -> Option<Duration> {
        let left = drifted(self.period).saturating_sub(ago);
        (!left.is_zero()).then(|| self.bucket_end(now + left))
    }

    /// The same for one that left `ago` and whose answer is not known: it may have been counted a while later.
    pub(super) fn release_unanswered(&self, ago: Duration, now: Duration) -> Option<Duration> {
        let left = (drifted(self.period) + FOREIGN_LATENCY).saturating_sub(ago);
        (!left.is_zero()).then(|| self.bucket_end(now + left))
    }

    /// The provider announces so many.
    pub(super) fn allow(&mut self, max: u32) {
        self.max = max;
        self.slots.resize(self.believed().max(1));
    }

    /// How many calls are believed in.
    pub(super) fn believed(&self) -> u32 {
        self.ratchet.believed(self.max)
    }

    /// The provider allows fewer: the places follow what is believed. Those of seconds are too few for that; there the
    /// spacing alone follows.
    pub(super) fn follow_ratchet(&mut self) {
        if self.period > SHORT {
            self.slots.resize(self.ratchet.believed(self.max));
        }
    }

    /// Long windows keep whole minutes: one entry for many calls.
    fn bucket_end(&self, at: Duration) -> Duration {
        if self.grain.is_zero() {
            return at;
        }
        let grain = self.grain.as_secs().max(1);
        let whole = at.as_secs() + u64::from(at.subsec_nanos() > 0);
        Duration::from_secs(whole.div_ceil(grain) * grain)
    }
}

fn name(period: Duration, unit: Unit) -> String {
    let length = length(period);
    match unit {
        Unit::Calls => length,
        Unit::Credits => format!("{length}-credits"),
    }
}

fn length(period: Duration) -> String {
    match period.as_secs() {
        1 if period.subsec_nanos() == 0 => "second".to_owned(),
        60 => "minute".to_owned(),
        3600 => "hour".to_owned(),
        86_400 => "day".to_owned(),
        seconds if period.subsec_nanos() == 0 => {
            let units = [(86_400, "d"), (3600, "h"), (60, "m"), (1, "s")];
            let fits = units.into_iter().find(|(unit, _)| seconds.is_multiple_of(*unit));
            fits.map_or_else(|| format!("{seconds}s"), |(unit, letter)| format!("{}{letter}", seconds / unit))
        }
        _ => format!("{period:?}"),
    }
}
