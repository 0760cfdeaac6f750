//! All windows of one credential and its requests in flight, decided at one instant: all or none.
//!
//! Invariant: pure. Time comes in as a [`Moment`], nothing waits, and a call is in every window from before it leaves
//! until no window can count it any more.

use std::time::Duration;

use jiff::Timestamp;

use crate::provider::{Limits, ThrottleWindow, WindowKind};

use super::brake::Brake;
use super::flight::Flight;
use super::held::{Held, LONG, SHORT, drifted};
use super::latency::Latency;
use super::pacer::Pacer;
use super::record::{History, Record};
use super::{Calendar, Decision, Feedback, Loss, Moment, Sends, Snapshot, WaitsFor, WindowUse};

/// How long a server may go on with a request we gave up.
const ZOMBIE: Duration = Duration::from_secs(60);
/// A pause asked for by the provider is obeyed up to this.
const LONGEST_PAUSE: Duration = Duration::from_secs(24 * 3600);

/// One attempt, counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ticket {
    /// The wall time it is counted at; never goes back.
    pub(super) stamp: Timestamp,
}

/// Keeps one credential's limits.
#[derive(Debug)]
pub struct Limiter {
    rolling: Vec<Held>,
    days: Vec<Calendar>,
    flight: Flight,
    unanswered: u32,
    pacer: Pacer,
    latency: Latency,
    brake: Brake,
    spent_until: Option<Timestamp>,
    stopped: Option<String>,
    last_stamp: Timestamp,
    /// Calls in flight that a change of day made count anew; not yet in the journal.
    carried: u32,
    max_wait: Duration,
}

impl Limiter {
    /// The limits with what `history` has already used of them.
    pub fn new(limits: &Limits, max_wait: Duration, history: &History, now: Moment) -> Self {
        let mut rolling = Vec::new();
        let mut days = Vec::new();
        for window in &limits.windows {
            match &window.kind {
                WindowKind::Rolling(period) => rolling.push(Held::new(window.max, *period)),
                WindowKind::Day { resets, zone } => days.push(Calendar::new(window.max, *resets, zone.clone())),
            }
        }
        let mut limiter = Self {
            rolling,
            days,
            flight: Flight::new(limits.concurrency),
            unanswered: 0,
            pacer: Pacer::new(),
            latency: Latency::default(),
            brake: Brake::new(),
            spent_until: history.spent_until,
            stopped: None,
            last_stamp: now.wall,
            carried: 0,
            max_wait,
        };
        history.sends.iter().for_each(|sends| limiter.foreign(*sends, now));
        limiter
    }

    /// Whether an attempt may leave now; changes nothing.
    pub fn check(&self, now: Moment) -> Decision {
        if let Some(reason) = &self.stopped {
            return Decision::Stopped { reason: reason.clone() };
        }
        let mut latest: Option<(Duration, WaitsFor)> = None;
        let mut for_answer = None;
        for (until, on) in self.obstacles(now) {
            match until {
                None => for_answer = Some(on),
                Some(until) if latest.as_ref().is_none_or(|(other, _)| until > *other) => latest = Some((until, on)),
                Some(_) => {}
            }
        }
        match (latest, for_answer) {
            // Even spacing is no obstacle but the way the limit is kept, however few calls it allows.
            (Some((until, on)), _) if on != WaitsFor::Pace && until.saturating_sub(now.elapsed) > self.max_wait => {
                Decision::Park { resume_at: now.wall_at(until), on }
            }
            (_, Some(on)) => Decision::Wait { until: None, on },
            (Some((until, on)), None) => Decision::Wait { until: Some(until), on },
            (None, None) => Decision::Go,
        }
    }

    /// Takes one place in every window, or none in any.
    pub fn take(&mut self, now: Moment) -> Result<Ticket, Decision> {
        match self.check(now) {
            Decision::Go => {}
            other @ (Decision::Wait { .. } | Decision::Park { .. } | Decision::Stopped { .. }) => return Err(other),
        }
        let gap = self.gap();
        if !self.pacer.pass(now.elapsed, gap) {
            return Err(Decision::Wait { until: Some(now.elapsed + gap), on: WaitsFor::Pace });
        }
        self.last_stamp = self.last_stamp.max(now.wall);
        let stamp = Timestamp::from_millisecond(self.last_stamp.as_millisecond()).unwrap_or(self.last_stamp);
        for day in &mut self.days {
            let carry = self.flight.carry(day, now.wall, now);
            self.carried = self.carried.max(day.take(now.wall, carry));
        }
        self.rolling.iter_mut().for_each(|held| held.slots.take(now.elapsed));
        self.flight.take(now.elapsed);
        self.unanswered += 1;
        Ok(Ticket { stamp })
    }

    /// The attempt never left: everything is as if it had not been taken, but for the pace.
    pub fn refund(&mut self, _ticket: Ticket) {
        self.rolling.iter_mut().for_each(|held| held.slots.refund());
        self.days.iter_mut().for_each(Calendar::refund);
        self.flight.free();
        self.unanswered = self.unanswered.saturating_sub(1);
    }

    /// The answer is in; `sent` is when the attempt left. The request still counts as in flight until [`Self::freed`].
    pub fn answered(&mut self, sent: Duration, feedback: Feedback, now: Moment) {
        self.roll_days(now);
        let mut discount = Duration::ZERO;
        match feedback {
            Feedback::Accepted => {
                self.latency.record(now.elapsed.saturating_sub(sent));
                discount = self.latency.discount();
                self.brake.accepted(now.elapsed);
                self.flight.accepted();
                self.brake.passed(sent);
            }
            Feedback::Failed => self.brake.passed(sent),
            Feedback::Throttled { window, retry_after } => self.throttled(sent, window, retry_after, now),
        }
        self.release(now.elapsed, discount);
    }

    /// There will be no answer.
    pub fn lost(&mut self, loss: Loss, now: Moment) {
        match loss {
            Loss::TimedOut => {
                self.flight.release(now.elapsed + ZOMBIE);
                self.release(now.elapsed + ZOMBIE, Duration::ZERO);
            }
            Loss::Reset => {
                self.flight.release(now.elapsed + self.latency.aftermath());
                self.release(now.elapsed, Duration::ZERO);
            }
        }
    }

    /// An answered attempt is done with: its page is safe.
    pub fn freed(&mut self) {
        self.flight.free();
    }

    /// Calls that this limiter did not decide: another process's, or from before a restart.
    pub fn foreign(&mut self, sends: Sends, now: Moment) {
        for held in &mut self.rolling {
            if let Some(at) = held.foreign_release(sends.at, now) {
                held.slots.hold(at, sends.count);
            }
        }
        for day in &mut self.days {
            let carry = self.flight.carry(day, sends.at, now);
            self.carried = self.carried.max(day.count(sends.at, sends.count, carry));
        }
        self.last_stamp = self.last_stamp.max(sends.at);
    }

    /// What another process wrote.
    pub(super) fn learn(&mut self, record: Record, now: Moment) {
        match record {
            Record::Header => {}
            Record::Sent { at, count } => self.foreign(Sends { at, count }, now),
            Record::Refunded { at, count } => {
                for held in &mut self.rolling {
                    if let Some(release) = held.foreign_release(at, now) {
                        let tolerance = held.grain + Duration::from_millis(50);
                        held.slots.unhold(release, tolerance, count);
                    }
                }
                self.days.iter_mut().for_each(|day| day.uncount(at, count));
            }
            Record::Spent { until } => self.spent_until = self.spent_until.max(Some(until)),
        }
    }

    /// What the journal must be told beside the tickets: calls that count in a second day.
    pub(super) fn take_carried(&mut self) -> Option<Record> {
        let count = std::mem::take(&mut self.carried);
        (count > 0).then_some(Record::Sent { at: self.last_stamp, count })
    }

    /// Nothing may leave any more. The first reason stays.
    pub fn stop(&mut self, reason: String) {
        self.stopped.get_or_insert(reason);
    }

    /// Until when the provider says the day is used up.
    pub fn spent_until(&self) -> Option<Timestamp> {
        self.spent_until
    }

    /// For people: how full everything is.
    pub fn snapshot(&self, now: Moment, waiting: usize) -> Snapshot {
        let in_flight = self.flight.used(now.elapsed);
        let mut windows: Vec<WindowUse> = self
            .rolling
            .iter()
            .map(|held| WindowUse {
                name: held.name.clone(),
                max: held.slots.max(),
                used: held.slots.used(now.elapsed),
                resets_at: held.slots.first_release(now.elapsed).map(|at| now.wall_at(at)),
            })
            .collect();
        windows.extend(self.days.iter().map(|day| WindowUse {
            name: "day".to_owned(),
            max: day.max(),
            used: day.used(now.wall, self.flight.carry(day, now.wall, now)),
            resets_at: Some(day.resets_at(now.wall)),
        }));
        let (next_permit_at, waits_for) = match self.check(now) {
            Decision::Go => (Some(now.wall), None),
            Decision::Wait { until, on } => (until.map(|until| now.wall_at(until)), Some(on.to_string())),
            Decision::Park { resume_at, on } => (Some(resume_at), Some(on.to_string())),
            Decision::Stopped { reason } => (None, Some(reason)),
        };
        Snapshot { windows, in_flight, concurrency: self.flight.max(), waiting, next_permit_at, waits_for }
    }

    /// Everything in the way: until when, `None` for "until an answer is in".
    fn obstacles(&self, now: Moment) -> Vec<(Option<Duration>, WaitsFor)> {
        let mut found = Vec::new();
        let mut add = |until: Option<Duration>, on: WaitsFor| {
            if until.is_none_or(|until| until > now.elapsed) {
                found.push((until, on));
            }
        };
        let pace = self.pacer.next(self.gap());
        add(Some(pace), WaitsFor::Pace);
        if self.brake.is_alone() && self.unanswered > 0 {
            add(None, WaitsFor::FirstAnswer);
        }
        add(self.flight.next_free(now.elapsed), WaitsFor::Concurrency);
        if let Some(pause) = self.brake.pause() {
            add(Some(pause.until), WaitsFor::Pause(pause.on));
        }
        for held in &self.rolling {
            let until = held.slots.next_free(now.elapsed);
            if until != Some(now.elapsed) {
                add(until, WaitsFor::Window(held.name.clone()));
            }
        }
        if let Some(until) = self.spent_until.filter(|until| now.wall < *until) {
            add(Some(now.elapsed_at(until)), WaitsFor::SpentDay);
        }
        for day in &self.days {
            let carry = self.flight.carry(day, now.wall, now);
            let until = day.next_free(now.wall, carry);
            if until > now.wall {
                let full = day.used(now.wall, carry) >= day.max();
                let name = "day".to_owned();
                add(Some(now.elapsed_at(until)), if full { WaitsFor::Window(name) } else { WaitsFor::Boundary(name) });
            }
        }
        found
    }

    /// Spacing of permits: the widest that any paced window asks for.
    fn gap(&self) -> Duration {
        let gap = |held: &Held| {
            let headroom = if held.period <= SHORT {
                self.latency.headroom()
            } else {
                (held.period / 100).max(Duration::from_millis(600))
            };
            (held.period + headroom) / held.slots.max().max(1)
        };
        let paced = self.rolling.iter().filter(|held| held.period <= LONG);
        self.brake.stretch(paced.map(gap).max().unwrap_or_default())
    }

    /// Before an attempt is settled: what was under way at midnight may count in either day.
    fn roll_days(&mut self, now: Moment) {
        for day in &mut self.days {
            let carry = self.flight.carry(day, now.wall, now);
            self.carried = self.carried.max(day.roll(now.wall, carry));
        }
    }

    /// Only a window of seconds is worth the `discount`: it supposes that the provider counts at one fixed point of a
    /// request, while the plain hold is proven wherever it counts.
    fn release(&mut self, answered: Duration, discount: Duration) {
        self.unanswered = self.unanswered.saturating_sub(1);
        for held in &mut self.rolling {
            let counted_by = if held.period <= SHORT { answered.saturating_sub(discount) } else { answered };
            let at = held.bucket_end(counted_by) + drifted(held.period);
            held.slots.release(at);
        }
    }

    fn throttled(&mut self, sent: Duration, on: ThrottleWindow, retry_after: Option<Duration>, now: Moment) {
        let asked = retry_after.map(|after| after.min(LONGEST_PAUSE));
        if on == ThrottleWindow::Day {
            self.spend_day(asked, now);
            return;
        }
        let mut pause = asked.unwrap_or_default();
        if pause > self.max_wait {
            // Too long for this process, so the next one must know of it.
            self.spent_until = self.spent_until.max(Some(now.wall_at(now.elapsed + pause)));
        }
        if self.brake.is_news(sent, now.elapsed, self.latency.epoch()) {
            let least = if on == ThrottleWindow::Concurrency && self.flight.is_crowded(now.elapsed) {
                self.flight.lower();
                self.brake.react_to_crowd(now.elapsed)
            } else {
                let minute = self.rolling.iter().find(|held| held.period > SHORT && held.period <= LONG);
                self.brake.react(on, now.elapsed, minute)
            };
            pause = pause.max(least);
        }
        self.brake.hold_until(now.elapsed + pause, on);
    }

    fn spend_day(&mut self, asked: Option<Duration>, now: Moment) {
        let calendar = self.days.iter().map(|day| day.reopens_at(now.wall)).max();
        let rolling = self.rolling.iter().find(|held| held.period > LONG);
        let rolling = rolling.map(|held| {
            let opens = held.slots.first_release(now.elapsed).unwrap_or(now.elapsed + held.period);
            now.wall_at(opens)
        });
        // Without a day window nothing is known about the reset: ask once an hour.
        let known = calendar.max(rolling).unwrap_or_else(|| now.wall_at(now.elapsed + LONG));
        let asked = asked.map(|after| now.wall_at(now.elapsed + after));
        self.spent_until = self.spent_until.max(Some(known)).max(asked);
        self.brake.day_is_spent(now.elapsed);
    }
}
