//! How many calls and credits are left of jobs that share a credential, and when the last answer is in. Pure.
//!
//! Calls are walked through the limits in stretches: from where all windows are open to where one is full or a day ends.
//! So the work grows with the days it takes, not with the calls. Invariant: no call is put earlier than the limits allow
//! ([`crate::quota`] spaces calls and stays away from the change of a day in the same way).

use std::collections::BTreeMap;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::job::Ceilings;
use crate::provider::Limits;

use super::Learned;
use super::forecast_window::{Mix, Nanos, Pace, Window};

/// Whatever takes longer has no finishing time.
const HORIZON: SignedDuration = SignedDuration::from_hours(100 * 366 * 24);
/// So close to the end of the calendar no day can be told from the next: its year 9999.
const LATEST: Nanos = 253_370_764_800_000_000_000;

/// What is left of one job.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Work {
    /// Cells to ask for.
    pub cells: u64,
    /// What cells took so far.
    pub learned: Learned,
    /// What one run may spend.
    pub ceilings: Ceilings,
}

/// How full a window is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Used {
    /// Index in [`Limits::windows`].
    pub window: usize,
    /// What counts in it now, in its unit.
    pub used: u64,
    /// When a calendar day ends, or when what counts in a rolling window begins to be free again.
    pub resets_at: Timestamp,
}

/// What the jobs of one credential come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Forecast {
    /// Calls of all jobs.
    pub calls: u64,
    /// Credits of all jobs, as far as they are known.
    pub credits: u64,
    /// When the last answer is in; `None` when that is more than a hundred years away.
    pub done: Option<Timestamp>,
    /// What most of the time is spent waiting for; `None` when nothing is waited for.
    pub bottleneck: Option<Bottleneck>,
    /// Days of the provider on which calls are made.
    pub days: u64,
    /// Most calls in one of them.
    pub per_day: u64,
}

/// What calls wait for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Bottleneck {
    /// A window: its index in [`Limits::windows`].
    Window(usize),
    /// As many requests in flight as allowed, each as slow as they were.
    Concurrency,
}

impl Work {
    /// Calls that are left; at the least, when nothing is learned.
    pub fn calls(&self) -> u64 {
        self.learned.calls_for(self.cells)
    }

    /// Credits that are left, as far as they are known.
    pub fn credits(&self) -> u64 {
        self.learned.credits_for(self.cells)
    }

    /// Runs that the ceilings of calls and credits split it into, 1 if they do not.
    pub fn runs(&self) -> u64 {
        let by = |all: u64, most: Option<u64>| most.map_or(1, |most| all.div_ceil(most.max(1)));
        by(self.calls(), self.ceilings.max_requests).max(by(self.credits(), self.ceilings.max_credits)).max(1)
    }

    /// Whether its deadline ends a run that begins at `now` before all of it is done.
    pub fn runs_late(&self, done: Option<Timestamp>, now: Timestamp) -> bool {
        let deadline = self.ceilings.deadline.and_then(|deadline| SignedDuration::try_from(deadline).ok());
        let late = |deadline| done.is_none_or(|done| done.duration_since(now) > deadline);
        self.cells > 0 && deadline.is_some_and(late)
    }
}

/// Forecasts `work`, all of it kept busy from `now` on. `used` says what already counts; a window it does not name is
/// empty. Days are those of the limits, or of `zone` where no limit has any.
pub fn forecast(work: &[Work], limits: &Limits, used: &[Used], zone: &TimeZone, now: Timestamp) -> Forecast {
    let sum = |of: fn(&Work) -> u64| work.iter().map(of).fold(0, u64::saturating_add);
    let mix = Mix { calls: sum(Work::calls), credits: sum(Work::credits), cells: sum(|work| work.cells) };
    let learned = work.iter().map(|work| work.learned).fold(Learned::default(), Learned::and);
    let latency = learned.latency().unwrap_or_default();
    let pace = Pace::of(limits, mix, latency);
    let mut windows = Window::long(limits, mix, used, now);
    if !windows.iter().any(|window| window.day().is_some()) {
        windows.push(Window::counting(zone.clone(), now));
    }
    let mut walk = Walk { at: now.as_nanosecond(), left: mix.calls, waits: BTreeMap::new(), days: BTreeMap::new() };
    for (index, used) in Pace::full(limits, used) {
        walk.wait(Some(Bottleneck::Window(index)), used.resets_at.as_nanosecond());
    }
    let horizon = now.saturating_add(HORIZON).unwrap_or(now).as_nanosecond().min(LATEST);
    let last = walk.finish(&pace, &mut windows, horizon);
    let done = last.and_then(|last| Timestamp::from_nanosecond(last + latency.as_nanos().cast_signed()).ok());
    Forecast {
        calls: mix.calls,
        credits: mix.credits,
        done,
        bottleneck: walk.waits.iter().max_by_key(|(_, wait)| **wait).map(|(on, _)| *on),
        days: walk.days.len() as u64,
        per_day: walk.days.values().copied().max().unwrap_or_default(),
    }
}

/// The way through the limits.
struct Walk {
    at: Nanos,
    left: u64,
    waits: BTreeMap<Bottleneck, Nanos>,
    days: BTreeMap<Date, u64>,
}

impl Walk {
    /// When the last call leaves; `None` when that is beyond `horizon`. Each turn makes a call or comes to a later time.
    fn finish(&mut self, pace: &Pace, windows: &mut [Window], horizon: Nanos) -> Option<Nanos> {
        let mut last = self.at;
        while self.left > 0 {
            if self.at > horizon {
                return None;
            }
            windows.iter_mut().for_each(|window| window.roll(self.at));
            let shut = windows.iter().filter(|window| window.free(self.at) == 0);
            if let Some((opens, on)) = shut.map(|window| (window.opens(self.at), window.on)).max_by_key(|shut| shut.0) {
                self.wait(on, opens);
                continue;
            }
            let free = windows.iter().map(|window| window.free(self.at)).min().unwrap_or(u64::MAX);
            let closes = windows.iter().filter_map(Window::closes).min().unwrap_or(Nanos::MAX);
            let count = self.left.min(free).min(pace.calls_within(closes - self.at));
            windows.iter_mut().for_each(|window| window.take(self.at, count));
            if let Some(day) = windows.iter().find_map(Window::day) {
                *self.days.entry(day).or_default() += count;
            }
            self.left -= count;
            last = self.at + pace.gap * (Nanos::from(count) - 1);
            let next = if self.left > 0 { last + pace.gap } else { last };
            self.wait(pace.on, next);
        }
        Some(last)
    }

    fn wait(&mut self, on: Option<Bottleneck>, until: Nanos) {
        let wait = until - self.at;
        if wait > 0 {
            if let Some(on) = on {
                *self.waits.entry(on).or_default() += wait;
            }
            self.at = until;
        }
    }
}
