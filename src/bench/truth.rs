//! The server's own count: what it accepted in every window, whatever it or the client believes about its limits.
//!
//! Invariant: exact and without opinion. It refuses nothing and only the calls that were accepted are in it.

use std::collections::VecDeque;
use std::time::Duration;

use jiff::Timestamp;

use crate::provider::{Window, WindowKind};
use crate::quota::{Calendar, Moment, Walls};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);
/// Steps of the curve of a long window.
const PARTS: u32 = 300;

/// What one limit saw.
#[derive(Debug, Clone, PartialEq)]
pub struct WindowPlayed {
    /// `second`, `minute`, `hour`, `day`, or its length.
    pub name: String,
    /// Calls allowed at the end.
    pub max: u32,
    /// Its length; a calendar day is taken as 24 hours.
    pub period: Duration,
    /// Calls the limit had room for while there was work: limit x time, at least one window. A calendar day that has
    /// ended is allowed whole; of one that has not, its part that has passed, or what was used if that is more.
    pub allowed: f64,
    /// Calls of the client that were accepted.
    pub achieved: u64,
    /// The largest number that was accepted in any one window, other users of the key included.
    pub most: u32,
    /// Calls that count in the window that ends with the play.
    pub at_end: u32,
    /// When the first calendar day ends, since the start; nothing for a window that no calendar has.
    pub resets: Option<Duration>,
    /// How long one entry of `curve` is: the window itself, or of one above an hour a part.
    pub step: Duration,
    /// Calls of the client that were accepted, step by step.
    pub curve: Vec<u32>,
}

#[derive(Debug)]
pub(super) struct Truth {
    seen: WindowPlayed,
    span: Span,
    start: Timestamp,
}

#[derive(Debug)]
enum Span {
    Rolling(VecDeque<Duration>),
    Day(Calendar),
}

impl Truth {
    pub(super) fn new(window: &Window, start: Timestamp, length: Duration) -> Self {
        let (period, span) = match &window.kind {
            WindowKind::Rolling(period) => (*period, Span::Rolling(VecDeque::new())),
            WindowKind::Day { resets, zone } => {
                (HOUR * 24, Span::Day(Calendar::new(window.max, *resets, zone.clone())))
            }
        };
        let resets = match &span {
            Span::Rolling(_) => None,
            Span::Day(calendar) => Duration::try_from(calendar.resets_at(start).duration_since(start)).ok(),
        };
        let seen = WindowPlayed {
            name: name(period),
            max: window.max,
            period,
            allowed: 0.0,
            achieved: 0,
            most: 0,
            at_end: 0,
            resets,
            step: if period > HOUR { (length / PARTS).clamp(SECOND, HOUR) } else { period },
            curve: Vec::new(),
        };
        Self { seen, span, start }
    }

    /// A call was accepted at `now`.
    pub(super) fn accept(&mut self, now: Moment, is_ours: bool) {
        let count = match &mut self.span {
            Span::Rolling(times) => {
                forget(times, self.seen.period, now.elapsed);
                times.push_back(now.elapsed);
                u32::try_from(times.len()).unwrap_or(u32::MAX)
            }
            Span::Day(calendar) => {
                calendar.take(Walls::sure(now.wall), 0, 1);
                calendar.used(Walls::sure(now.wall), 0)
            }
        };
        self.seen.most = self.seen.most.max(count);
        if is_ours {
            self.seen.achieved += 1;
            let index =
                usize::try_from(now.elapsed.as_nanos() / self.seen.step.as_nanos().max(1)).unwrap_or(usize::MAX);
            if self.seen.curve.len() <= index {
                self.seen.curve.resize(index + 1, 0);
            }
            if let Some(step) = self.seen.curve.get_mut(index) {
                *step += 1;
            }
        }
    }

    /// Since when, or from when on, one more call would be within the limit.
    pub(super) fn opens(&self, now: Moment) -> Duration {
        let max = self.seen.max as usize;
        match &self.span {
            Span::Rolling(times) => {
                // The call before which `max - 1` others came must have left the window.
                let nth = times.len().checked_sub(max).and_then(|index| times.get(index));
                nth.map_or(Duration::ZERO, |at| *at + self.seen.period)
            }
            Span::Day(calendar) if calendar.used(Walls::sure(now.wall), 0) >= self.seen.max => {
                now.elapsed_at(calendar.resets_at(now.wall))
            }
            Span::Day(_) => Duration::ZERO,
        }
    }

    /// The spacing at which the limit is used evenly and in full; none for a day, whose calls nobody spreads.
    pub(super) fn spacing(&self) -> Duration {
        if self.seen.period > HOUR { Duration::ZERO } else { self.seen.period / self.seen.max.max(1) }
    }

    /// `working` more time with work has passed under the present limit.
    pub(super) fn pass(&mut self, working: Duration) {
        self.seen.allowed += f64::from(self.seen.max) * working.as_secs_f64() / self.seen.period.as_secs_f64();
    }

    /// The server allows another number from now on.
    pub(super) fn change(&mut self, max: u32) {
        self.seen.max = max;
    }

    /// What is there to be read at `now`, the end.
    pub(super) fn finish(mut self, now: Moment) -> WindowPlayed {
        let max = f64::from(self.seen.max);
        match &mut self.span {
            Span::Rolling(times) => {
                forget(times, self.seen.period, now.elapsed);
                self.seen.at_end = u32::try_from(times.len()).unwrap_or(u32::MAX);
            }
            Span::Day(calendar) => {
                self.seen.at_end = calendar.used(Walls::sure(now.wall), 0);
                let (first, last) = (calendar.day_of(self.start), calendar.day_of(now.wall));
                let ended = last.since(first).map_or(0, |days| days.get_days());
                let into = now.wall.duration_since(calendar.began(now.wall)).as_secs_f64();
                let begun = (max * into / self.seen.period.as_secs_f64()).max(f64::from(self.seen.at_end));
                self.seen.allowed = max * f64::from(ended) + begun;
            }
        }
        self.seen.allowed = self.seen.allowed.max(max);
        self.seen
    }
}

fn forget(times: &mut VecDeque<Duration>, period: Duration, now: Duration) {
    while times.front().is_some_and(|at| *at + period <= now) {
        times.pop_front();
    }
}

/// As the limiter names its windows.
pub(super) fn name(period: Duration) -> String {
    match period.as_secs() {
        1 if period.subsec_nanos() == 0 => "second".to_owned(),
        60 => "minute".to_owned(),
        3600 => "hour".to_owned(),
        86_400 => "day".to_owned(),
        _ => format!("{period:?}"),
    }
}
