//! What time of day it may be: the machine's clock, and what it showed before somebody set it.
//!
//! Invariant: the true time lies between the two that are answered, unless the clock was wrong from the start. A clock
//! that is set opens no second day, and closes none: calls in between count in both days.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::Moment;

/// Two clocks that differ by less tell the same time: what is sent so close to a change of day is not sent at all.
const SAME: SignedDuration = SignedDuration::from_secs(5);
/// A provider's clock that differs by more says nothing about ours.
const CREDIBLE: SignedDuration = SignedDuration::from_hours(1);

/// The times of day it may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Walls {
    /// The earliest.
    pub late: Timestamp,
    /// The latest.
    pub early: Timestamp,
}

impl Walls {
    /// There is no doubt.
    pub fn sure(wall: Timestamp) -> Self {
        Self { late: wall, early: wall }
    }

    fn with(self, other: Timestamp) -> Self {
        Self { late: self.late.min(other), early: self.early.max(other) }
    }
}

/// Watches the machine's clock.
#[derive(Debug, Clone)]
pub(super) struct Watch {
    /// A moment at which it was right.
    right: Moment,
    /// The provider says so too: the machine's clock is wrong by now.
    vouched: bool,
    /// How far the provider's clock is ahead of both, if that matters.
    ahead: SignedDuration,
    /// When the provider's clock was last told. Two clocks drift apart by up to 200 ppm.
    told: Option<Duration>,
}

impl Watch {
    pub(super) fn new(right: Moment) -> Self {
        Self { right, vouched: false, ahead: SignedDuration::ZERO, told: None }
    }

    /// What the clock would show had nobody set it.
    fn expected(&self, now: Moment) -> Timestamp {
        let passed = SignedDuration::try_from(now.elapsed.saturating_sub(self.right.elapsed)).unwrap_or_default();
        self.right.wall.checked_add(passed).unwrap_or(Timestamp::MAX)
    }

    /// A clock that goes as it should is right.
    pub(super) fn look(&mut self, now: Moment) {
        if is_same(self.expected(now), now.wall) {
            (self.right, self.vouched) = (now, false);
        }
    }

    /// What time it may be.
    pub(super) fn walls(&self, now: Moment) -> Walls {
        let expected = self.expected(now);
        let walls = Walls::sure(now.wall);
        let walls = match (is_same(expected, now.wall), self.vouched) {
            (true, _) => walls,
            (false, true) => Walls::sure(expected),
            (false, false) => walls.with(expected),
        };
        let theirs = |wall: Timestamp| wall.checked_add(self.ahead).unwrap_or(wall);
        let walls = if self.ahead.is_zero() { walls } else { walls.with(theirs(now.wall)) };
        let since = self.told.map_or(Duration::ZERO, |told| now.elapsed.saturating_sub(told));
        let apart = SignedDuration::try_from(since / 5000).unwrap_or_default();
        Walls {
            late: walls.late.checked_sub(apart).unwrap_or(walls.late),
            early: walls.early.checked_add(apart).unwrap_or(walls.early),
        }
    }

    /// The provider's clock, told in an answer that took `latency`.
    pub(super) fn heard(&mut self, date: Timestamp, latency: Duration, now: Moment) {
        // Whole seconds, rounded down, written at some time during the answer.
        let half = SignedDuration::try_from(latency / 2).unwrap_or_default() + SignedDuration::from_millis(500);
        let theirs = date.checked_add(half).unwrap_or(date);
        let ahead = theirs.duration_since(now.wall);
        self.told = Some(now.elapsed);
        if ahead.abs() <= SAME {
            // A second is what a date leaves open.
            let ahead = if ahead.abs() > SignedDuration::from_millis(1500) { ahead } else { SignedDuration::ZERO };
            *self = Self { ahead, told: self.told, ..Self::new(now) };
        } else if is_same(self.expected(now), theirs) {
            (self.vouched, self.ahead) = (true, SignedDuration::ZERO);
        } else if ahead.abs() <= CREDIBLE {
            self.ahead = ahead;
        }
    }
}

fn is_same(one: Timestamp, other: Timestamp) -> bool {
    one.duration_since(other).abs() <= SAME
}
