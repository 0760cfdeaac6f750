//! What other processes did, and this credential before this process began: the same effects as our own doings, late.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::provider::Unit;
use crate::quota::Moment;
use crate::quota::Walls;
use crate::quota::journal::Told;
use crate::quota::journal::{How, What};
use crate::quota::period::LESSON;

use super::Limiter;
use super::brake::AFTER_MINUTE;
use super::limiter::ZOMBIE;
use super::ratchet::Ratchet;

/// A call of a dead process that left so long before the end of a day may be counted in the next one.
const LEFT_OPEN: SignedDuration = SignedDuration::from_secs(120);

impl Limiter {
    /// Takes over what another process, or an earlier one, wrote.
    pub(in crate::quota) fn learn(&mut self, told: &Told, now: Moment) {
        let Told { record, ago, .. } = *told;
        let user = record.user;
        match record.what {
            What::Header | What::Name { .. } => {}
            What::Joined { .. } => self.crowd.joined(user),
            What::Sent { count, price, late, .. } => {
                self.crowd.sent(user, count, price, record.at.wall, ago, now);
                self.pacer.taken(now.elapsed.saturating_sub(ago + late));
                self.flight.take(now.elapsed, count);
                for held in &mut self.rolling {
                    let weight = held.weight(count, price);
                    held.slots.take(now.elapsed, weight);
                }
                self.count_days(told, count, price, now);
            }
            What::Unsent { count, price, .. } => {
                let count = self.crowd.unsent(user, count);
                self.flight.free(count);
                for held in &mut self.rolling {
                    let weight = held.weight(count, price);
                    held.slots.refund(weight);
                }
                for day in &mut self.days {
                    let weight = day.weight(count, price);
                    day.calendar.uncount(record.at.wall, weight);
                }
            }
            What::Carried { count, price, .. } => self.count_days(told, count, price, now),
            What::Past { count, credits, .. } => self.learn_past(told, count, credits, now),
            What::Answered { how, latency, discount } => self.learn_answer(told, how, latency, discount, now),
            What::Lost { timed_out } => self.learn_loss(told, timed_out, now),
            What::Freed { count } => {
                let count = self.crowd.freed(user, count);
                self.flight.free(count);
            }
            What::Cost { more, less, .. } => self.correct(more, less, record.at.wall, ago, now),
            What::Paused { on, pause, alone } => {
                let left = pause.saturating_sub(ago);
                if !left.is_zero() {
                    self.brake.hold_until(now.elapsed + left, on);
                }
                if alone {
                    self.brake.go_alone(now.elapsed + left, AFTER_MINUTE);
                }
                self.brake.reacted(now.elapsed.saturating_sub(ago));
            }
            What::Spent { until } => {
                self.spent_until = self.spent_until.max(Some(until));
                self.brake.go_alone(now.elapsed, 1);
            }
            What::Learned { period, share, interval, growth } if ago < LESSON => {
                let held = self.rolling.iter_mut().filter(|held| held.period == period && held.unit == Unit::Calls);
                for held in held {
                    held.ratchet = Ratchet::learned(share, interval, growth, now.elapsed);
                    held.follow_ratchet();
                }
            }
            What::Learned { .. } => {}
            What::Foreign { period, count, held_for } => {
                let left = held_for.saturating_sub(ago);
                let is_today = period.is_zero() && self.is_today(record.at.wall, now);
                if is_today || !left.is_zero() {
                    self.count_foreign(period, count, left, now);
                }
            }
            What::Set { period, unit, used } => self.learn_set(told, period, unit, used, now),
            What::Gone => self.learn_gone(user, ago, now),
        }
    }

    fn is_today(&self, at: Timestamp, now: Moment) -> bool {
        let late = self.watch.walls(now).late;
        self.days.iter().any(|day| day.calendar.day_of(at) == day.calendar.day_of(late))
    }

    /// The times it may have been when a record was written.
    fn walls_of(&self, told: &Told, now: Moment) -> Walls {
        let wall = told.record.at.wall;
        let off = now.wall.duration_since(wall).abs();
        // Just now: in doubt as we are. Else its writer knew best.
        if off < SignedDuration::from_secs(5) { self.watch.walls(now) } else { Walls::sure(wall) }
    }

    fn count_days(&mut self, told: &Told, count: u32, price: u32, now: Moment) {
        let walls = self.walls_of(told, now);
        for day in &mut self.days {
            let weight = day.weight(count, price);
            day.calendar.count(walls, weight);
        }
    }

    fn learn_past(&mut self, told: &Told, count: u32, credits: u32, now: Moment) {
        let weight = |unit| match unit {
            Unit::Calls => count,
            Unit::Credits => credits,
        };
        for held in &mut self.rolling {
            if let Some(at) = held.release_unanswered(told.ago, now.elapsed) {
                held.slots.hold(at, weight(held.unit));
            }
        }
        for day in &mut self.days {
            day.calendar.count(Walls::sure(told.record.at.wall), weight(day.unit));
        }
    }

    fn learn_answer(&mut self, told: &Told, how: How, latency: Duration, discount: Duration, now: Moment) {
        let ago = told.ago;
        if how == How::Accepted {
            self.latency.record(latency);
        }
        // What was sent before this process began proves nothing to it.
        if how != How::Throttled
            && let Some(sent) = now.elapsed.checked_sub(ago + latency)
        {
            self.brake.passed(sent);
        }
        let Some(open) = self.crowd.settled(told.record.user) else { return };
        for held in &mut self.rolling {
            let weight = held.weight(1, open.price);
            held.slots.refund(weight);
            if let Some(at) = held.release_after(ago + held.discount(discount), now.elapsed) {
                held.slots.hold(at, weight);
            }
        }
    }

    fn learn_loss(&mut self, told: &Told, timed_out: bool, now: Moment) {
        let user = told.record.user;
        let (still_counted, still_worked_on) =
            if timed_out { (ZOMBIE, ZOMBIE) } else { (Duration::ZERO, self.latency.aftermath()) };
        let until = |after: Duration| now.elapsed + after.saturating_sub(told.ago);
        self.flight.release(until(still_worked_on), self.crowd.freed(user, 1));
        let Some(open) = self.crowd.settled(user) else { return };
        for held in &mut self.rolling {
            let weight = held.weight(1, open.price);
            held.slots.release(held.release_at(until(still_counted)), weight);
        }
    }

    /// Credits: an answer has cost more or less than was supposed.
    pub(super) fn correct(&mut self, more: u32, less: u32, at: Timestamp, ago: Duration, now: Moment) {
        for held in self.rolling.iter_mut().filter(|held| held.unit == Unit::Credits) {
            let Some(release) = held.release_after(ago, now.elapsed) else { continue };
            held.slots.hold(release, more);
            // Its own release lies a moment away: that of the answer.
            let tolerance = held.grain + Duration::from_secs(1);
            held.slots.unhold(release, tolerance, less);
        }
        for day in self.days.iter_mut().filter(|day| day.unit == Unit::Credits) {
            day.calendar.count(Walls::sure(at), more);
            day.calendar.uncount(at, less);
        }
    }

    fn learn_set(&mut self, told: &Told, period: Duration, unit: Unit, used: u32, now: Moment) {
        if period.is_zero() {
            for day in self.days.iter_mut().filter(|day| day.unit == unit) {
                day.calendar.set(told.record.at.wall, used);
            }
            // Whoever says what is used knows better than a refusal of before.
            self.spent_until = None;
            return;
        }
        for held in self.rolling.iter_mut().filter(|held| held.period == period && held.unit == unit) {
            held.slots.clear();
            if let Some(at) = held.release_after(told.ago, now.elapsed) {
                held.slots.hold(at, used);
            }
        }
    }

    /// A process has died. What it had under way may be counted by the provider a while later, also in a later day.
    fn learn_gone(&mut self, user: u16, ago: Duration, now: Moment) {
        let (unanswered, in_flight) = self.crowd.gone(user);
        self.flight.release(now.elapsed + self.latency.aftermath().saturating_sub(ago), in_flight);
        for open in unanswered {
            let age = open.age(now.elapsed);
            for held in &mut self.rolling {
                let weight = held.weight(1, open.price);
                held.slots.refund(weight);
                if let Some(at) = held.release_unanswered(age, now.elapsed) {
                    held.slots.hold(at, weight);
                }
            }
            for day in &mut self.days {
                let ended = day.calendar.resets_at(open.sent);
                let left_open = ended.duration_since(open.sent) < LEFT_OPEN;
                if left_open && now.wall >= ended {
                    let weight = day.weight(1, open.price);
                    day.calendar.count(Walls::sure(ended), weight);
                }
            }
        }
    }
}
