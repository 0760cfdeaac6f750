//! Keeps the provider's limits as exact logs, at the instant processing starts.
//!
//! Invariant: in no half-open window `(t - T, t]` are more than `max` calls counted, and a call exactly `T` after
//! the oldest one is let in. All windows are decided at once: a refused call counts in none of them, unless asked.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, civil::Time};

use crate::provider::{Cause, Limits, WindowKind};
use crate::quota::Moment;

use super::record::WindowStat;

/// The keeper of one credential's limits.
#[derive(Debug)]
pub(super) struct Enforcer {
    windows: Vec<Kept>,
    concurrency: u32,
    count_refusals: bool,
    busy: BinaryHeap<Reverse<Duration>>,
    most_busy: u64,
    busy_refused: u64,
}

/// A refusal: which limit, and how long until it opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) cause: Cause,
    pub(super) opens_in: Duration,
}

#[derive(Debug)]
struct Kept {
    max: u32,
    cause: Cause,
    counted: Log,
    offered: Log,
    stat: WindowStat,
}

/// Calls inside the window that ends now.
#[derive(Debug)]
enum Log {
    Rolling { period: Duration, at: VecDeque<Duration> },
    Day { resets: Time, zone: TimeZone, from: Timestamp, until: Timestamp, calls: u64 },
}

impl Enforcer {
    pub(super) fn new(limits: &Limits, count_refusals: bool) -> Self {
        let mut windows: Vec<Kept> = limits.windows.iter().map(|window| Kept::new(window.max, &window.kind)).collect();
        // The shortest window speaks first, so that a client in a hurry hears "per second".
        windows.sort_by_key(|kept| kept.cause);
        Self {
            windows,
            concurrency: limits.concurrency,
            count_refusals,
            busy: BinaryHeap::new(),
            most_busy: 0,
            busy_refused: 0,
        }
    }

    /// Requests being processed.
    pub(super) fn in_flight(&mut self, now: Moment) -> usize {
        while self.busy.peek().is_some_and(|Reverse(end)| *end <= now.elapsed) {
            self.busy.pop();
        }
        self.busy.len()
    }

    /// Counts a request that starts to be processed now, or says which limit it breaks.
    pub(super) fn admit(&mut self, now: Moment) -> Result<(), Refusal> {
        let in_flight = self.in_flight(now) as u64;
        self.most_busy = self.most_busy.max(in_flight + 1);
        let mut refusal = None;
        for kept in &mut self.windows {
            kept.offered.forget(now);
            kept.offered.push(now);
            kept.stat.most_offered = kept.stat.most_offered.max(kept.offered.calls());
            kept.counted.forget(now);
            if refusal.is_none() && kept.counted.calls() >= u64::from(kept.max) {
                kept.stat.refused += 1;
                refusal = Some(Refusal { cause: kept.cause, opens_in: kept.counted.opens_in(now) });
            }
        }
        if refusal.is_none() && in_flight >= u64::from(self.concurrency) {
            self.busy_refused += 1;
            let opens_in = self.busy.peek().map_or(Duration::ZERO, |Reverse(end)| end.saturating_sub(now.elapsed));
            refusal = Some(Refusal { cause: Cause::Concurrency, opens_in });
        }
        if refusal.is_none() || self.count_refusals {
            for kept in &mut self.windows {
                kept.counted.push(now);
                kept.stat.most_counted = kept.stat.most_counted.max(kept.counted.calls());
            }
        }
        refusal.map_or(Ok(()), Err)
    }

    /// An admitted request is being processed until `end`.
    pub(super) fn occupy(&mut self, end: Duration) {
        self.busy.push(Reverse(end));
    }

    /// What was seen, one line per window, concurrency last.
    pub(super) fn stats(&self) -> Vec<WindowStat> {
        let mut stats: Vec<WindowStat> = self.windows.iter().map(|kept| kept.stat.clone()).collect();
        stats.push(WindowStat {
            label: "at once".to_owned(),
            max: u64::from(self.concurrency),
            most_offered: self.most_busy,
            most_counted: self.most_busy.min(u64::from(self.concurrency)),
            refused: self.busy_refused,
        });
        stats
    }
}

impl Kept {
    fn new(max: u32, kind: &WindowKind) -> Self {
        let (cause, label) = match kind {
            WindowKind::Rolling(period) => (cause_of(*period), format!("any {period:?}")),
            WindowKind::Day { .. } => (Cause::Day, "calendar day".to_owned()),
        };
        let stat = WindowStat { label, max: u64::from(max), most_offered: 0, most_counted: 0, refused: 0 };
        Self { max, cause, counted: Log::new(kind), offered: Log::new(kind), stat }
    }
}

/// Codes exist for second, minute and day only; an hour answers as a minute does.
fn cause_of(period: Duration) -> Cause {
    match period.as_secs() {
        0..=10 => Cause::Second,
        11..=3600 => Cause::Minute,
        3601.. => Cause::Day,
    }
}

impl Log {
    fn new(kind: &WindowKind) -> Self {
        match kind {
            WindowKind::Rolling(period) => Self::Rolling { period: *period, at: VecDeque::new() },
            WindowKind::Day { resets, zone } => {
                Self::Day { resets: *resets, zone: zone.clone(), from: Timestamp::MIN, until: Timestamp::MIN, calls: 0 }
            }
        }
    }

    /// Drops what the window that ends now does not hold.
    fn forget(&mut self, now: Moment) {
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

    fn push(&mut self, now: Moment) {
        match self {
            Self::Rolling { at, .. } => at.push_back(now.elapsed),
            Self::Day { calls, .. } => *calls += 1,
        }
    }

    fn calls(&self) -> u64 {
        match self {
            Self::Rolling { at, .. } => at.len() as u64,
            Self::Day { calls, .. } => *calls,
        }
    }

    fn opens_in(&self, now: Moment) -> Duration {
        match self {
            Self::Rolling { period, at } => {
                at.front().map_or(Duration::ZERO, |call| (*call + *period).saturating_sub(now.elapsed))
            }
            Self::Day { until, .. } => Duration::try_from(until.duration_since(now.wall)).unwrap_or(Duration::ZERO),
        }
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
