//! What the limiter does when the provider refuses, and how it finds its way back.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::provider::{ThrottleWindow, Unit};
use crate::quota::Moment;
use crate::quota::journal::What;
use crate::quota::period::{BUCKET, LONG, SHORT};

use super::Limiter;
use super::brake::{AFTER_MINUTE, LEAST, Sign};
use super::limiter::Day;

/// A pause asked for by the provider is obeyed up to this.
const LONGEST_PAUSE: Duration = Duration::from_secs(24 * 3600);
/// Where a minute turned out smaller, a little less than what was accepted is believed in.
const SURE: f64 = 0.98;
/// Refused so soon after a day began, and with hardly a call in it: by the provider's clock it has not begun yet.
const YOUNG: SignedDuration = SignedDuration::from_mins(10);
/// A day counted fuller than this when the provider calls it used up was used by ourselves.
const OURS: f64 = 0.98;

impl Limiter {
    pub(super) fn throttled(&mut self, sent: Duration, on: ThrottleWindow, retry_after: Option<Duration>, now: Moment) {
        let asked = retry_after.map(|after| after.min(LONGEST_PAUSE));
        if on == ThrottleWindow::Day {
            self.spend_day(asked, now);
            return;
        }
        let mut pause = asked.unwrap_or_default();
        if pause > self.max_wait {
            // Too long for this process, so the next one must know of it.
            self.spend_until(self.late(now).wall_at(now.elapsed + pause), now);
        }
        let is_news = self.brake.is_news(sent, now.elapsed, self.latency.epoch());
        let alone = is_news && on == ThrottleWindow::Minute;
        if is_news {
            self.brake.reacted(now.elapsed);
            let least = match on {
                ThrottleWindow::Concurrency if self.flight.is_crowded(now.elapsed) => {
                    self.flight.lower();
                    LEAST
                }
                ThrottleWindow::Minute => self.minute_refused(now).max(LEAST),
                ThrottleWindow::Second | ThrottleWindow::Concurrency | ThrottleWindow::Day => {
                    self.too_fast(now);
                    LEAST
                }
            };
            pause = pause.max(least);
        }
        self.brake.hold_until(now.elapsed + pause, on);
        if alone {
            self.brake.go_alone(now.elapsed + pause, AFTER_MINUTE);
        }
        self.tell(now, What::Paused { on, pause, alone });
    }

    /// The window of seconds, or the shortest one, is smaller than it is said to be, or counts otherwise.
    fn too_fast(&mut self, now: Moment) {
        let Some(index) = self.seconds().or_else(|| self.shortest()) else { return };
        let current = self.gap().0;
        let held = &mut self.rolling[index];
        let own = held.gap(&self.latency);
        let in_use = if current.is_zero() { 1.0 } else { own.as_secs_f64() / current.as_secs_f64() };
        let at_most = held.ratchet.share() * in_use;
        held.too_fast(now.elapsed, at_most);
        self.tell_lesson(index, now);
    }

    fn shortest(&self) -> Option<usize> {
        let paced = self.rolling.iter().enumerate().filter(|(_, held)| held.is_paced());
        paced.min_by_key(|(_, held)| held.period).map(|(index, _)| index)
    }

    /// The minute is full at the provider, though not by our own count. Answers how long to pause.
    fn minute_refused(&mut self, now: Moment) -> Duration {
        let is_minute = |period: Duration| period > SHORT && period <= LONG;
        let minutes = self.rolling.iter().enumerate().filter(|(_, held)| is_minute(held.period));
        let minutes = minutes.filter(|(_, held)| held.unit == Unit::Calls);
        let Some(index) = minutes.min_by_key(|(_, held)| held.period).map(|(index, _)| index) else { return BUCKET };
        let held = &mut self.rolling[index];
        let counted = held.slots.used(now.elapsed).saturating_sub(self.own.used(now.elapsed));
        if counted < held.slots.max() {
            self.notes.foreign(&held.name, held.max.saturating_sub(counted));
        }
        let opens = held.slots.first_release(now.elapsed).map(|at| at.saturating_sub(now.elapsed));
        match self.brake.minute_refused(now.elapsed, held.period) {
            Sign::Once => opens.unwrap_or(held.period),
            Sign::StillFull => held.period,
            Sign::Again => {
                held.ratchet.lower_to(now.elapsed, SURE * f64::from(counted) / f64::from(held.max.max(1)));
                held.follow_ratchet();
                let pause = opens.unwrap_or(held.period);
                self.tell_lesson(index, now);
                pause
            }
        }
    }

    fn spend_day(&mut self, asked: Option<Duration>, now: Moment) {
        let late = self.late(now);
        let reopens = |day: &Day| {
            let young = late.wall.duration_since(day.calendar.began(late.wall)) < YOUNG;
            let unused = day.calendar.used(self.watch.walls(now), 0) <= (day.calendar.max() / 50).max(3);
            match young && unused {
                true => late.wall_at(now.elapsed + Duration::from_secs(60)),
                false => day.calendar.reopens_at(late.wall),
            }
        };
        let calendar = self.days.iter().map(reopens).max();
        let rolling = self.rolling.iter().find(|held| held.period > LONG);
        let rolling = rolling.map(|held| {
            let opens = held.slots.first_release(now.elapsed).unwrap_or(now.elapsed + held.period);
            late.wall_at(opens)
        });
        for day in &self.days {
            let (used, max) = (day.calendar.used(self.watch.walls(now), 0), day.calendar.max());
            if f64::from(used) < OURS * f64::from(max) && used > (max / 50).max(3) {
                self.notes.foreign(&day.name(), max - used);
            }
        }
        // Without a day window nothing is known about the reset: ask once an hour.
        let known = calendar.max(rolling).unwrap_or_else(|| late.wall_at(now.elapsed + LONG));
        let asked = asked.map(|after| late.wall_at(now.elapsed + after));
        self.spend_until(known.max(asked.unwrap_or(known)), now);
        // The next day begins with one attempt: whether it really has begun, only the provider knows.
        self.brake.go_alone(now.elapsed, 1);
    }

    fn spend_until(&mut self, until: Timestamp, now: Moment) {
        if self.spent_until.is_none_or(|known| known < until) {
            self.spent_until = Some(until);
            self.tell(now, What::Spent { until });
        }
    }

    /// An attempt was accepted: a moment to try a little more.
    pub(super) fn probe(&mut self, now: Moment) {
        for index in 0..self.rolling.len() {
            let held = &mut self.rolling[index];
            if held.ratchet.accepted(now.elapsed) {
                held.follow_ratchet();
                self.tell_lesson(index, now);
            }
        }
    }

    fn tell_lesson(&mut self, index: usize, now: Moment) {
        let held = &self.rolling[index];
        let (share, interval, growth) = held.ratchet.lesson();
        let period = held.period;
        self.tell(now, What::Learned { period, share, interval, growth });
    }
}
