//! The limits as a forecast sees them: those of up to an hour give the spacing of calls, longer ones are full or not.
//!
//! Invariant: what a window lets through in a stretch is what it would let through call by call, as long as calls keep
//! one spacing.

use std::collections::VecDeque;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;

use crate::provider::{self, Limits, Unit, WindowKind};

use super::forecast::{Bottleneck, Used};

/// A point of time in nanoseconds since 1970, or a length of it.
pub(super) type Nanos = i128;

/// Windows up to this are kept by spacing calls evenly.
const LONG: Duration = Duration::from_secs(3600);
/// Of these, up to this one the spacing has a headroom of milliseconds.
const SHORT: Duration = Duration::from_secs(5);
/// Nothing is sent so close to the change of a day.
const GUARD: Duration = Duration::from_secs(5);

/// What is to be spread over the limits.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mix {
    pub(super) calls: u64,
    pub(super) credits: u64,
    pub(super) cells: u64,
}

impl Mix {
    /// Calls that `count` of `unit` stand for; `None` when nobody knows.
    fn calls_of(self, count: u64, unit: Unit) -> Option<u64> {
        match unit {
            Unit::Calls => Some(count),
            Unit::Credits => {
                let calls = u128::from(count) * u128::from(self.calls);
                let calls = calls.checked_div(u128::from(self.credits))?;
                Some(u64::try_from(calls).unwrap_or(u64::MAX))
            }
        }
    }
}

/// How far calls stand apart, and because of what.
#[derive(Debug)]
pub(super) struct Pace {
    pub(super) gap: Nanos,
    pub(super) on: Option<Bottleneck>,
}

impl Pace {
    /// The widest spacing that a window asks for, or that answers of `latency` bring about with so many in flight.
    pub(super) fn of(limits: &Limits, mix: Mix, latency: Duration) -> Self {
        let rates = limits.windows.iter().enumerate().filter_map(|(index, window)| {
            let period = rate(window)?;
            // As for calls, but in the price of one: `max` credits are paid for by fewer calls.
            let (per, of) = match window.unit {
                Unit::Calls => (1, 1),
                Unit::Credits => (u128::from(mix.credits), u128::from(mix.calls)),
            };
            let whole = (period + headroom(period, window.bucket)).as_nanos();
            let gap = (whole * per).div_ceil((u128::from(window.max) * of).max(1));
            Some((gap, Bottleneck::Window(index)))
        });
        let at_once = u64::from(limits.concurrency).min(mix.cells).max(1);
        let slow = (latency.as_nanos().div_ceil(u128::from(at_once)), Bottleneck::Concurrency);
        let widest = rates.chain([slow]).filter(|(gap, _)| *gap > 0).max_by_key(|(gap, _)| *gap);
        match widest {
            Some((gap, on)) => Self { gap: Nanos::try_from(gap).unwrap_or(Nanos::MAX), on: Some(on) },
            None => Self { gap: 0, on: None },
        }
    }

    /// The windows of up to an hour that are full.
    pub(super) fn full<'a>(limits: &'a Limits, used: &'a [Used]) -> impl Iterator<Item = (usize, &'a Used)> {
        used.iter().filter_map(|used| {
            let window = limits.windows.get(used.window)?;
            (rate(window).is_some() && used.used >= u64::from(window.max)).then_some((used.window, used))
        })
    }

    /// Calls that leave before `length` has passed, the first at once.
    pub(super) fn calls_within(&self, length: Nanos) -> u64 {
        match (length - 1).checked_div(self.gap) {
            Some(gaps) => u64::try_from(gaps + 1).unwrap_or(u64::MAX),
            None => u64::MAX,
        }
    }
}

/// The period of a window that is kept by spacing.
fn rate(window: &provider::Window) -> Option<Duration> {
    match window.kind {
        WindowKind::Rolling(period) if period <= LONG => Some(period),
        WindowKind::Rolling(_) | WindowKind::Day { .. } => None,
    }
}

/// What spacing leaves free of a window, so that jitter on the way never compresses calls beyond it.
fn headroom(period: Duration, bucket: bool) -> Duration {
    match bucket {
        true => Duration::from_millis(25),
        false if period <= SHORT => Duration::from_millis(150),
        false => (period / 100).max(Duration::from_millis(600)),
    }
}

/// A window longer than an hour.
#[derive(Debug)]
pub(super) struct Window {
    /// What to call it; none if it only counts.
    pub(super) on: Option<Bottleneck>,
    max: u64,
    state: State,
}

#[derive(Debug)]
enum State {
    Day(Day),
    /// When calls stop counting, and how many; the earliest first.
    Rolling {
        period: Nanos,
        held: VecDeque<(Nanos, u64)>,
    },
}

/// A calendar day: calls may leave from `from` until before `to`.
#[derive(Debug)]
struct Day {
    resets: Time,
    zone: TimeZone,
    guard: Nanos,
    date: Date,
    from: Nanos,
    to: Nanos,
    used: u64,
}

impl Window {
    /// The windows longer than an hour, as full as `used` says.
    pub(super) fn long(limits: &Limits, mix: Mix, used: &[Used], now: Timestamp) -> Vec<Self> {
        let long = limits.windows.iter().enumerate().filter(|(_, window)| rate(window).is_none());
        let long = long.filter_map(|(index, window)| {
            // A call that costs more than all of it still goes out: its price is known afterwards.
            let max = mix.calls_of(u64::from(window.max), window.unit)?.max(1);
            let used = used.iter().find(|used| used.window == index);
            let calls = used.and_then(|used| mix.calls_of(used.used, window.unit)).unwrap_or_default();
            let state = match &window.kind {
                WindowKind::Rolling(period) => State::Rolling {
                    period: nanos(*period),
                    held: used.map(|used| (used.resets_at.as_nanosecond(), calls)).into_iter().collect(),
                },
                WindowKind::Day { resets, zone } => {
                    State::Day(Day::of(*resets, zone.clone(), nanos(GUARD), now).with(calls))
                }
            };
            Some(Self { on: Some(Bottleneck::Window(index)), max, state })
        });
        long.collect()
    }

    /// One that is never full and counts the calls of each day in `zone`.
    pub(super) fn counting(zone: TimeZone, now: Timestamp) -> Self {
        Self { on: None, max: u64::MAX, state: State::Day(Day::of(Time::midnight(), zone, 0, now)) }
    }

    /// The day it stands in, if it counts days.
    pub(super) fn day(&self) -> Option<Date> {
        match &self.state {
            State::Day(day) => Some(day.date),
            State::Rolling { .. } => None,
        }
    }

    /// Comes to `at`: earlier days and calls count no longer.
    pub(super) fn roll(&mut self, at: Nanos) {
        match &mut self.state {
            State::Day(day) => {
                while at >= day.to {
                    *day = day.next();
                }
            }
            State::Rolling { held, .. } => {
                while held.front().is_some_and(|(free, _)| *free <= at) {
                    held.pop_front();
                }
            }
        }
    }

    /// Calls it lets through at `at`.
    pub(super) fn free(&self, at: Nanos) -> u64 {
        let used = match &self.state {
            State::Day(day) if at < day.from => return 0,
            State::Day(day) => day.used,
            State::Rolling { held, .. } => held.iter().map(|(_, count)| *count).fold(0, u64::saturating_add),
        };
        self.max.saturating_sub(used)
    }

    /// When to look again, while it is shut at `at`: later than `at`, and no later than it opens.
    pub(super) fn opens(&self, at: Nanos) -> Nanos {
        match &self.state {
            State::Day(day) if at < day.from => day.from,
            State::Day(day) => day.to,
            State::Rolling { held, period } => held.front().map_or(at + period, |(free, _)| *free),
        }
    }

    /// When it shuts although it is not full.
    pub(super) fn closes(&self) -> Option<Nanos> {
        match &self.state {
            State::Day(day) => Some(day.to),
            State::Rolling { .. } => None,
        }
    }

    /// Counts calls that leave one after the other from `at` on.
    pub(super) fn take(&mut self, at: Nanos, count: u64) {
        match &mut self.state {
            State::Day(day) => day.used = day.used.saturating_add(count),
            State::Rolling { period, held } => held.push_back((at + *period, count)),
        }
    }
}

impl Day {
    /// The day of `now`.
    fn of(resets: Time, zone: TimeZone, guard: Nanos, now: Timestamp) -> Self {
        let civil = now.to_zoned(zone.clone()).date();
        let day = Self { resets, zone, guard, date: civil, from: 0, to: 0, used: 0 };
        // It may have begun the day before, or, in a zone that jumps at midnight, begin with the next.
        let mut day = day.on(civil.yesterday().unwrap_or(civil));
        while now.as_nanosecond() >= day.to + guard {
            day = day.next();
        }
        day
    }

    fn with(self, used: u64) -> Self {
        Self { used, ..self }
    }

    fn next(&self) -> Self {
        self.on(self.date.tomorrow().unwrap_or(Date::MAX))
    }

    fn on(&self, date: Date) -> Self {
        let (from, to) = (self.start(date) + self.guard, self.start(date.tomorrow().unwrap_or(Date::MAX)) - self.guard);
        Self { zone: self.zone.clone(), date, from, to, used: 0, ..*self }
    }

    /// The instant `date` begins; in a gap of the zone the first one after it.
    fn start(&self, date: Date) -> Nanos {
        let begins = self.zone.to_ambiguous_zoned(date.to_datetime(self.resets)).compatible();
        begins.map_or(Timestamp::MAX, |zoned| zoned.timestamp()).as_nanosecond()
    }
}

fn nanos(duration: Duration) -> Nanos {
    duration.as_nanos().cast_signed()
}
