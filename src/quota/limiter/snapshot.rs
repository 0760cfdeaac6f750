//! How full the limits are, for people.

use jiff::Timestamp;

use crate::quota::Moment;

use super::limiter::Place;
use super::{Decision, Limiter, WaitsFor};

/// How full the limits are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// Every window, in the order of the limits.
    pub windows: Vec<WindowUse>,
    /// Requests sent and not done with, of all processes of this host.
    pub in_flight: u32,
    /// How many of those are allowed at present.
    pub concurrency: u32,
    /// Callers of [`crate::quota::Quota::permit`] that wait.
    pub waiting: usize,
    /// When the next call may leave; `None` if that hangs on an answer, or never.
    pub next_permit_at: Option<Timestamp>,
    /// What stands in its way.
    pub waits_for: Option<String>,
    /// The same, unless nothing will ever leave again.
    pub waits_on: Option<WaitsFor>,
    /// What was found out about the limits that a person should know, one sentence each.
    pub notes: Vec<String>,
}

/// How full one window is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WindowUse {
    /// `second`, `minute`, `hour`, `day`, or its length.
    pub name: String,
    /// Calls, or credits, allowed.
    pub max: u32,
    /// Calls, or credits, that count now.
    pub used: u32,
    /// When the day ends, or when the first call of a rolling window stops counting.
    pub resets_at: Option<Timestamp>,
    /// What is believed in instead of `max` after refusals.
    pub ceiling: Option<u32>,
}

#[cfg(test)]
impl Snapshot {
    /// Nobody asks and nobody waits.
    pub(crate) fn idle(windows: Vec<WindowUse>) -> Self {
        Self {
            windows,
            in_flight: 0,
            concurrency: 1,
            waiting: 0,
            next_permit_at: None,
            waits_for: None,
            waits_on: None,
            notes: Vec::new(),
        }
    }
}

impl Limiter {
    /// For people: how full everything is.
    pub fn snapshot(&self, now: Moment, waiting: usize) -> Snapshot {
        let windows = self.order.iter().map(|place| self.window_use(*place, now)).collect();
        let (next_permit_at, waits_on, stopped) = match self.check(now) {
            Decision::Go => (Some(now.wall), None, None),
            Decision::Wait { until, on } => (until.map(|until| now.wall_at(until)), Some(on), None),
            Decision::Park { resume_at, on } => (Some(resume_at), Some(on), None),
            Decision::Stopped { reason } => (None, None, Some(reason)),
        };
        Snapshot {
            windows,
            in_flight: self.flight.used(now.elapsed),
            concurrency: self.flight.max(),
            waiting,
            next_permit_at,
            waits_for: waits_on.as_ref().map(WaitsFor::to_string).or(stopped),
            waits_on,
            notes: self.notes.told(&self.rolling),
        }
    }

    fn window_use(&self, place: Place, now: Moment) -> WindowUse {
        match place {
            Place::Rolling(index) => {
                let held = &self.rolling[index];
                WindowUse {
                    name: held.name.clone(),
                    max: held.max,
                    used: held.slots.used(now.elapsed),
                    resets_at: held.slots.first_release(now.elapsed).map(|at| now.wall_at(at)),
                    ceiling: (held.ratchet.share() < 1.0).then(|| held.believed()),
                }
            }
            Place::Day(index) => {
                let (day, walls) = (&self.days[index], self.watch.walls(now));
                let carry = day.weight(self.carry(&day.calendar, now), self.price.of_one());
                WindowUse {
                    name: day.name(),
                    max: day.calendar.max(),
                    used: day.calendar.used(walls, carry),
                    resets_at: Some(day.calendar.resets_at(walls.late)),
                    ceiling: None,
                }
            }
        }
    }
}
