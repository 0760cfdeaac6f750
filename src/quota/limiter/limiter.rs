//! All windows of one credential and its requests in flight, decided at one instant: all or none.
//!
//! Invariant: pure. Time comes in as a [`Moment`], nothing waits, and a call is in every window from before it leaves
//! until no window can count it any more. What others must know of it is put into `news` for the journal.

use std::time::Duration;

use jiff::Timestamp;

use crate::provider::{Limits, Unit, Window, WindowKind};
use crate::quota::journal::{How, Note, What};
use crate::quota::period::SHORT;
use crate::quota::walls::Watch;
use crate::quota::{Calendar, Feedback, History, Loss, Moment};

use super::brake::Brake;
use super::crowd::Crowd;
use super::flight::Flight;
use super::held::Held;
use super::latency::Latency;
use super::notes::Notes;
use super::pacer::Pacer;
use super::price::Price;
use super::{Decision, Slots, WaitsFor};

/// How long a server may go on with a request we gave up.
pub(super) const ZOMBIE: Duration = Duration::from_secs(60);

/// One attempt, counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ticket {
    /// When it was counted.
    pub(in crate::quota) at: Moment,
    /// How long after it was due.
    pub(in crate::quota) late: Duration,
    /// Credits it was supposed to cost.
    pub(in crate::quota) price: u32,
    /// The number of the job it is for.
    pub(in crate::quota) job: u32,
}

/// Where a window is kept.
#[derive(Debug, Clone, Copy)]
pub(super) enum Place {
    Rolling(usize),
    Day(usize),
}

/// A day and what is counted in it.
#[derive(Debug)]
pub(super) struct Day {
    pub(super) calendar: Calendar,
    pub(super) unit: Unit,
    /// What `limits` says.
    pub(super) terms: u32,
}

impl Day {
    /// What calls that cost `price` each count here.
    pub(super) fn weight(&self, count: u32, price: u32) -> u32 {
        self.unit.weight(count, price)
    }

    pub(super) fn name(&self) -> String {
        match self.unit {
            Unit::Calls => "day".to_owned(),
            Unit::Credits => "day-credits".to_owned(),
        }
    }
}

/// Keeps one credential's limits.
#[derive(Debug)]
pub struct Limiter {
    pub(super) rolling: Vec<Held>,
    pub(super) days: Vec<Day>,
    /// Where each window of the limits is kept.
    pub(super) order: Vec<Place>,
    /// Requests in flight, of all processes.
    pub(super) flight: Flight,
    /// Of those, this process's own.
    pub(super) own: Slots,
    pub(super) unanswered: usize,
    pub(super) crowd: Crowd,
    pub(super) pacer: Pacer,
    pub(super) latency: Latency,
    pub(super) brake: Brake,
    pub(super) watch: Watch,
    pub(super) price: Price,
    pub(super) spent_until: Option<Timestamp>,
    pub(super) stopped: Option<String>,
    pub(super) notes: Notes,
    /// Not yet in the journal; `None` when nobody else wants to know.
    pub(super) news: Option<Vec<Note>>,
    pub(super) max_wait: Duration,
}

impl Limiter {
    /// The limits with what `history` has already used of them.
    pub fn new(limits: &Limits, max_wait: Duration, history: &History, now: Moment) -> Self {
        let (mut rolling, mut days, mut order) = (Vec::new(), Vec::new(), Vec::new());
        for window in &limits.windows {
            let Window { max, kind, unit, .. } = window;
            match kind {
                WindowKind::Rolling(period) => {
                    order.push(Place::Rolling(rolling.len()));
                    rolling.push(Held::new(window, *period));
                }
                WindowKind::Day { resets, zone } => {
                    order.push(Place::Day(days.len()));
                    days.push(Day { calendar: Calendar::new(*max, *resets, zone.clone()), unit: *unit, terms: *max });
                }
            }
        }
        let mut limiter = Self {
            rolling,
            days,
            order,
            flight: Flight::new(limits.concurrency),
            own: Slots::new(u32::MAX),
            unanswered: 0,
            crowd: Crowd::default(),
            pacer: Pacer::new(),
            latency: Latency::default(),
            brake: Brake::new(),
            watch: Watch::new(history.right(now)),
            price: Price::default(),
            spent_until: None,
            stopped: None,
            notes: Notes::default(),
            news: None,
            max_wait,
        };
        history.told.iter().for_each(|told| limiter.learn(told, now));
        limiter
    }

    /// From now on what others must know is remembered until it is taken.
    pub(in crate::quota) fn tell_others(&mut self) {
        self.news.get_or_insert_default();
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

    /// How many more may be in flight.
    pub(in crate::quota) fn room(&self, now: Duration) -> usize {
        self.flight.max().saturating_sub(self.flight.used(now)) as usize
    }

    /// Takes one place in every window, or none in any.
    pub fn take(&mut self, now: Moment) -> Result<Ticket, Decision> {
        match self.check(now) {
            Decision::Go => {}
            other @ (Decision::Wait { .. } | Decision::Park { .. } | Decision::Stopped { .. }) => return Err(other),
        }
        let (gap, slack) = self.gap();
        let Some(late) = self.pacer.pass(now.elapsed, gap, slack) else {
            return Err(Decision::Wait { until: Some(now.elapsed + gap), on: WaitsFor::Pace });
        };
        self.watch.look(now);
        self.roll_days(now);
        let (price, walls) = (self.price.of_one(), self.watch.walls(now));
        for day in &mut self.days {
            let weight = day.weight(1, price);
            day.calendar.take(walls, 0, weight);
        }
        for held in &mut self.rolling {
            let weight = held.weight(1, price);
            held.slots.take(now.elapsed, weight);
        }
        self.flight.take(now.elapsed, 1);
        self.own.take(now.elapsed, 1);
        self.unanswered += 1;
        Ok(Ticket { at: now, late, price, job: 0 })
    }

    /// The attempt never left: everything is as if it had not been taken, but for the pace.
    pub fn refund(&mut self, ticket: Ticket) {
        for held in &mut self.rolling {
            let weight = held.weight(1, ticket.price);
            held.slots.refund(weight);
        }
        for day in &mut self.days {
            let weight = day.weight(1, ticket.price);
            day.calendar.refund(weight);
        }
        self.flight.free(1);
        self.own.refund(1);
        self.unanswered = self.unanswered.saturating_sub(1);
        self.tell(ticket.at, What::Unsent { job: ticket.job, count: 1, price: ticket.price });
    }

    /// The answer is in; `sent` is when the attempt left. The request still counts as in flight until [`Self::freed`].
    pub fn answered(&mut self, ticket: Ticket, sent: Duration, feedback: Feedback, now: Moment) {
        self.roll_days(now);
        let latency = now.elapsed.saturating_sub(sent);
        let mut discount = Duration::ZERO;
        match feedback {
            Feedback::Accepted => {
                self.latency.record(latency);
                discount = self.latency.discount();
                self.flight.accepted();
                self.brake.passed(sent);
                self.probe(now);
            }
            Feedback::Failed => self.brake.passed(sent),
            Feedback::Throttled { window, retry_after } => self.throttled(sent, window, retry_after, now),
        }
        let how = match feedback {
            Feedback::Accepted => How::Accepted,
            Feedback::Failed => How::Failed,
            Feedback::Throttled { .. } => How::Throttled,
        };
        self.tell(now, What::Answered { how, latency, discount });
        self.unanswered = self.unanswered.saturating_sub(1);
        self.release(ticket.price, now.elapsed, discount);
    }

    /// The answer to an attempt counted at `ticket` says what it has cost.
    pub fn cost(&mut self, ticket: Ticket, credits: u32, now: Moment) {
        self.price.record(credits);
        let (more, less) = (credits.saturating_sub(ticket.price), ticket.price.saturating_sub(credits));
        if more + less > 0
            && (self.rolling.iter().any(|held| held.unit == Unit::Credits)
                || self.days.iter().any(|day| day.unit == Unit::Credits))
        {
            self.correct(more, less, ticket.at.wall, Duration::ZERO, now);
            self.tell(now, What::Cost { job: ticket.job, more, less });
        }
    }

    /// There will be no answer.
    pub fn lost(&mut self, ticket: Ticket, loss: Loss, now: Moment) {
        self.roll_days(now);
        let (counted_by, done) = match loss {
            Loss::TimedOut => (now.elapsed + ZOMBIE, now.elapsed + ZOMBIE),
            Loss::Reset => (now.elapsed, now.elapsed + self.latency.aftermath()),
        };
        self.flight.release(done, 1);
        self.own.release(done, 1);
        self.unanswered = self.unanswered.saturating_sub(1);
        self.release(ticket.price, counted_by, Duration::ZERO);
        self.tell(now, What::Lost { timed_out: loss == Loss::TimedOut });
    }

    /// An answered attempt is done with: its page is safe.
    pub fn freed(&mut self, now: Moment) {
        self.flight.free(1);
        self.own.refund(1);
        self.tell(now, What::Freed { count: 1 });
    }

    /// Nothing may leave any more. The first reason stays.
    pub fn stop(&mut self, reason: String) {
        self.stopped.get_or_insert(reason);
    }

    /// Until when the provider says the day is used up.
    pub fn spent_until(&self) -> Option<Timestamp> {
        self.spent_until
    }

    /// Everything in the way: until when, `None` for "until an answer is in".
    fn obstacles(&self, now: Moment) -> Vec<(Option<Duration>, WaitsFor)> {
        let mut found = Vec::new();
        let mut add = |until: Option<Duration>, on: WaitsFor| {
            if until.is_none_or(|until| until > now.elapsed) {
                found.push((until, on));
            }
        };
        add(Some(self.pacer.next(self.gap().0)), WaitsFor::Pace);
        if self.brake.is_alone() && self.unanswered() > 0 {
            add(None, WaitsFor::FirstAnswer);
        }
        add(self.flight.next_free(now.elapsed), WaitsFor::Concurrency);
        if let Some(pause) = self.brake.pause() {
            add(Some(pause.until), WaitsFor::Pause(pause.on));
        }
        let price = self.price.of_one();
        for held in &self.rolling {
            let until = held.next_free(now.elapsed, held.weight(1, price));
            if until != Some(now.elapsed) {
                add(until, WaitsFor::Window(held.name.clone()));
            }
        }
        let (walls, late) = (self.watch.walls(now), self.late(now));
        if let Some(until) = self.spent_until.filter(|until| late.wall < *until) {
            add(Some(late.elapsed_at(until)), WaitsFor::SpentDay);
        }
        for day in &self.days {
            let carry = day.weight(self.carry(&day.calendar, now), price);
            let until = day.calendar.next_free(walls, carry, day.weight(1, price));
            if until != walls.late {
                let full = day.calendar.used(walls, carry) >= day.calendar.max();
                let on = if full { WaitsFor::Window(day.name()) } else { WaitsFor::Boundary(day.name()) };
                add(Some(late.elapsed_at(until)), on);
            }
        }
        found
    }

    /// Now, by the earliest of the times it may be: a day is not opened by whoever sets the clock.
    pub(super) fn late(&self, now: Moment) -> Moment {
        Moment { wall: self.watch.walls(now).late, ..now }
    }

    /// Spacing of permits, the widest that any paced window asks for; and how much lateness may be made up for.
    pub(super) fn gap(&self) -> (Duration, Duration) {
        let paced = self.rolling.iter().filter(|held| held.is_paced());
        let widest = paced.map(|held| (held.gap(&self.latency), held)).max_by_key(|(gap, _)| *gap);
        widest.map_or_else(Default::default, |(gap, held)| (gap, held.slack(gap, &self.latency)))
    }

    /// Of our own requests in flight, how many were so when the day of `now` began.
    pub(super) fn carry(&self, day: &Calendar, now: Moment) -> u32 {
        let ago = now.wall.duration_since(day.began(now.wall));
        self.own.used(now.elapsed.saturating_sub(Duration::try_from(ago).unwrap_or_default()))
    }

    /// Before anything else happens: what was under way at midnight may count in either day.
    pub(super) fn roll_days(&mut self, now: Moment) {
        let (late, price) = (self.watch.walls(now).late, self.price.of_one());
        let mut carried = 0;
        for index in 0..self.days.len() {
            let count = self.carry(&self.days[index].calendar, now);
            let day = &mut self.days[index];
            let weight = day.weight(count, price);
            if day.calendar.roll(late, weight) > 0 {
                carried = carried.max(count);
            }
        }
        if carried > 0 {
            self.tell(now, What::Carried { job: 0, count: carried, price });
        }
    }

    /// The provider has counted it by `counted_by`, or `discount` earlier.
    fn release(&mut self, price: u32, counted_by: Duration, discount: Duration) {
        for held in &mut self.rolling {
            let (weight, since) = (held.weight(1, price), counted_by.saturating_sub(held.discount(discount)));
            held.slots.release(held.release_at(since), weight);
        }
    }

    /// Attempts of all processes without an answer.
    pub(super) fn unanswered(&self) -> usize {
        self.unanswered + self.crowd.unanswered()
    }

    /// Other processes that have had something under way for so long that they may have died.
    pub(in crate::quota) fn suspects(&self, now: Moment, patience: Duration) -> Vec<u16> {
        self.crowd.suspects(now.elapsed, patience)
    }

    pub(super) fn tell(&mut self, at: Moment, what: What) {
        if let Some(news) = &mut self.news {
            news.push(Note { at, what });
        }
    }

    /// What the journal must be told beside the tickets.
    pub(in crate::quota) fn take_news(&mut self) -> Vec<Note> {
        self.news.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// The shortest window that is spaced, if it is one of seconds.
    pub(super) fn seconds(&self) -> Option<usize> {
        let paced = self.rolling.iter().enumerate().filter(|(_, held)| held.is_paced() && held.period <= SHORT);
        paced.min_by_key(|(_, held)| held.period).map(|(index, _)| index)
    }
}
