//! A day quota that begins at a wall-clock time in the provider's zone.
//!
//! Invariant: the day never goes backwards, so a clock set back opens no second quota; and a call that is in flight
//! when the day changes, or sent when it is not sure which day it is, counts in both, because we cannot know in which the
//! provider counts it.

use std::cell::Cell;

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};

use super::Walls;

/// Nothing is sent so close to a boundary: the provider's clock is not ours.
const GUARD: SignedDuration = SignedDuration::from_secs(5);

/// At most `max` calls per calendar day.
#[derive(Debug, Clone)]
pub struct Calendar {
    max: u32,
    resets: Time,
    zone: TimeZone,
    /// The latest day seen, named by the date on which it begins.
    day: Option<Date>,
    used: u32,
    /// Of those so many may count in the day that follows.
    next: u32,
    /// The day last asked about: the zone's rules are looked up once a day, not once a call.
    span: Cell<Option<Span>>,
}

/// One day: from `start` until before `end`.
#[derive(Debug, Clone, Copy)]
struct Span {
    date: Date,
    start: Timestamp,
    end: Timestamp,
}

impl Calendar {
    /// Nothing used.
    pub fn new(max: u32, resets: Time, zone: TimeZone) -> Self {
        Self { max, resets, zone, day: None, used: 0, next: 0, span: Cell::new(None) }
    }

    /// Calls per day.
    pub fn max(&self) -> u32 {
        self.max
    }

    /// The provider announces so many.
    pub fn allow(&mut self, max: u32) {
        self.max = max;
    }

    /// The day `wall` belongs to, named by the date on which it begins.
    pub fn day_of(&self, wall: Timestamp) -> Date {
        self.span(wall).date
    }

    /// When the day `wall` belongs to began.
    pub fn began(&self, wall: Timestamp) -> Timestamp {
        self.span(wall).start
    }

    fn span(&self, wall: Timestamp) -> Span {
        if let Some(span) = self.span.get().filter(|span| span.start <= wall && wall < span.end) {
            return span;
        }
        let civil = wall.to_zoned(self.zone.clone()).date();
        let date = if wall < self.start(civil) {
            civil.yesterday().unwrap_or(Date::MIN)
        } else if wall >= self.start(next(civil)) {
            next(civil)
        } else {
            civil
        };
        let span = Span { date, start: self.start(date), end: self.start(next(date)) };
        self.span.set(Some(span));
        span
    }

    /// The instant `day` begins; in a gap of the zone the first one after it.
    pub fn start(&self, day: Date) -> Timestamp {
        let begins = self.zone.to_ambiguous_zoned(day.to_datetime(self.resets)).compatible();
        begins.map_or(Timestamp::MAX, |zoned| zoned.timestamp())
    }

    /// Calls that count now; `carry` of them from the day before, if the day has changed unseen.
    pub fn used(&self, walls: Walls, carry: u32) -> u32 {
        match self.day {
            Some(day) if day >= self.day_of(walls.late) => self.used,
            Some(_) => carry.max(self.next),
            None => 0,
        }
    }

    /// When the current day ends.
    pub fn resets_at(&self, wall: Timestamp) -> Timestamp {
        let today = self.span(wall);
        match self.day.filter(|day| *day > today.date) {
            Some(day) => self.start(next(day)),
            None => today.end,
        }
    }

    /// When the day that follows may be used.
    pub fn reopens_at(&self, wall: Timestamp) -> Timestamp {
        after(self.resets_at(wall))
    }

    /// When calls that count `count` may leave as far as this day is concerned, `walls.late` if now. More than a day has
    /// at all may leave when nothing is used.
    pub fn next_free(&self, walls: Walls, carry: u32, count: u32) -> Timestamp {
        let wanted = count.min(self.max);
        if self.used(walls, carry).saturating_add(wanted) > self.max {
            return self.reopens_at(walls.late);
        }
        let Span { start, end, date } = self.span(walls.late);
        if walls.late < after(start) {
            after(start)
        } else if walls.late >= end.checked_sub(GUARD).unwrap_or(end) {
            after(end)
        } else if self.day_of(walls.early) > date && self.next.saturating_add(wanted) > self.max {
            after(self.start(next(next(date))))
        } else {
            walls.late
        }
    }

    /// Counts calls sent now. Answers like [`Calendar::roll`].
    pub fn take(&mut self, walls: Walls, carry: u32, count: u32) -> u32 {
        let carried = self.roll(walls.late, carry);
        self.used = self.used.saturating_add(count);
        if self.day.is_some_and(|day| self.day_of(walls.early) > day) {
            self.next = self.next.saturating_add(count);
        }
        carried
    }

    /// Counts calls another process sent, or this credential before a restart. Nothing is carried over: whoever sent them
    /// tells of that.
    pub fn count(&mut self, walls: Walls, count: u32) {
        self.roll(walls.late, 0);
        let day = self.day;
        if day == Some(self.day_of(walls.late)) {
            self.used = self.used.saturating_add(count);
        }
        if day.is_some_and(|day| self.day_of(walls.early) > day) {
            self.next = self.next.saturating_add(count);
        }
    }

    /// So many are used of the day of `at`, whatever was counted.
    pub fn set(&mut self, at: Timestamp, used: u32) {
        self.roll(at, 0);
        if self.day == Some(self.day_of(at)) {
            self.used = used;
        }
    }

    /// Takes back calls counted here that never left. In flight at a change of day, they were carried over: they are taken
    /// from the day they stand in now.
    pub fn refund(&mut self, count: u32) {
        self.used = self.used.saturating_sub(count);
    }

    /// Takes back calls another process counted at `at`. Only it knows what it carried into a later day.
    pub fn uncount(&mut self, at: Timestamp, count: u32) {
        if self.day == Some(self.day_of(at)) {
            self.used = self.used.saturating_sub(count);
        }
    }

    /// Begins the day of `wall` if it is a new one. Answers how many calls were carried over: they too must be remembered.
    pub fn roll(&mut self, wall: Timestamp, carry: u32) -> u32 {
        let day = self.day_of(wall);
        let known = *self.day.get_or_insert(day);
        if day <= known {
            return 0;
        }
        self.day = Some(day);
        let carried = carry.max(std::mem::take(&mut self.next));
        self.used = carried;
        carried
    }
}

fn next(day: Date) -> Date {
    day.checked_add(1.day()).unwrap_or(Date::MAX)
}

fn after(boundary: Timestamp) -> Timestamp {
    boundary.checked_add(GUARD).unwrap_or(Timestamp::MAX)
}
