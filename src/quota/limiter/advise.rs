//! What answers say about the limits, believed where it is less than we count ourselves.

use std::time::Duration;

use crate::provider::Unit;
use crate::quota::Moment;
use crate::quota::Walls;
use crate::quota::journal::What;
use crate::quota::period::SHORT;
use crate::quota::{Advice, Left};

use super::Limiter;
use super::limiter::Place;

const DAY: Duration = Duration::from_secs(86_400);

impl Limiter {
    /// The answer to an attempt that has not been settled yet, and took `latency`, says this.
    pub fn advised(&mut self, advice: &Advice, latency: Duration, now: Moment) {
        if let Some(date) = advice.date {
            self.watch.heard(date, latency, now);
        }
        for policy in &advice.policies {
            let meant = self.windows().find(|(_, period)| *period == policy.period);
            if let Some((meant, _)) = meant {
                self.announced(meant, policy.max);
            }
        }
        for left in &advice.left {
            if let Some(meant) = self.meant(left) {
                self.tighten(meant, left, now);
            }
        }
    }

    /// Windows of calls and their lengths, the shortest first.
    fn windows(&self) -> impl Iterator<Item = (Place, Duration)> {
        let rolling = self.rolling.iter().enumerate().filter(|(_, held)| held.unit == Unit::Calls);
        let rolling = rolling.map(|(index, held)| (Place::Rolling(index), held.period));
        let days = self.days.iter().enumerate().filter(|(_, day)| day.unit == Unit::Calls);
        let mut windows: Vec<_> = rolling.chain(days.map(|(index, _)| (Place::Day(index), DAY))).collect();
        windows.sort_by_key(|(_, period)| *period);
        windows.into_iter()
    }

    /// Which window a number of calls left is about. Within seconds it is stale before it is read.
    fn meant(&self, left: &Left) -> Option<Place> {
        let mut windows = self.windows().filter(|(_, period)| *period > SHORT);
        let found = match (left.period, left.resets_in) {
            (Some(told), _) => windows.find(|(_, period)| *period == told),
            (None, Some(resets_in)) => windows.find(|(_, period)| *period >= resets_in),
            (None, None) => windows.next().filter(|_| windows.next().is_none()),
        };
        found.map(|(meant, _)| meant)
    }

    fn announced(&mut self, meant: Place, theirs: u32) {
        let (name, ours) = match meant {
            Place::Rolling(index) => (self.rolling[index].name.clone(), self.rolling[index].terms),
            Place::Day(index) => (self.days[index].name(), self.days[index].terms),
        };
        if theirs == ours || theirs == 0 {
            return;
        }
        self.notes.announced(&name, ours, theirs);
        let kept = theirs.min(ours);
        match meant {
            Place::Rolling(index) => self.rolling[index].allow(kept),
            Place::Day(index) => self.days[index].calendar.allow(kept),
        }
    }

    fn tighten(&mut self, meant: Place, left: &Left, now: Moment) {
        // Of the calls in flight, all but the one that brought this may be missing in it.
        let in_flight = self.unanswered().saturating_sub(1);
        let theirs = left.calls.saturating_sub(u32::try_from(in_flight).unwrap_or(u32::MAX));
        let (name, max, used, period) = match meant {
            Place::Rolling(index) => {
                let held = &self.rolling[index];
                (held.name.clone(), held.max, held.slots.used(now.elapsed), held.period)
            }
            Place::Day(index) => {
                let day = &self.days[index];
                (day.name(), day.calendar.max(), day.calendar.used(self.watch.walls(now), 0), Duration::ZERO)
            }
        };
        let more = max.saturating_sub(used).saturating_sub(theirs);
        if more == 0 {
            return;
        }
        // A few are a matter of rounding and of who counts first.
        if more > max / 20 + 2 {
            self.notes.foreign(&name, more);
        }
        let held_for = left.resets_in.unwrap_or(period).min(period);
        self.count_foreign(period, more, held_for, now);
        self.tell(now, What::Foreign { period, count: more, held_for });
    }

    /// Calls of somebody else count in one window, a rolling one of `period` for `held_for`; in every day if it is zero.
    pub(super) fn count_foreign(&mut self, period: Duration, count: u32, held_for: Duration, now: Moment) {
        for held in self.rolling.iter_mut().filter(|held| held.period == period && held.unit == Unit::Calls) {
            held.slots.hold(now.elapsed + held_for, count);
        }
        if period.is_zero() {
            let late = self.watch.walls(now).late;
            for day in self.days.iter_mut().filter(|day| day.unit == Unit::Calls) {
                day.calendar.count(Walls::sure(late), count);
            }
        }
    }
}
