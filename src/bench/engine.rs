//! Plays one strategy through one scenario: jumps from one thing that happens to the next.
//!
//! Invariant: between two things nothing changes, so no time is lost by jumping and none is spent waiting.

use std::time::Duration;

use jiff::Timestamp;

use crate::provider::{Cause, ThrottleWindow};
use crate::quota::{Feedback, Ticket, WindowUse};

use super::clocks::{ClientClock, moment};
use super::incident::Mishap;
use super::line::{Call, Line};
use super::queue::{Happening, Queue};
use super::scenario::{Scenario, of_calls};
use super::server::{FarEnd, Hit, Journey, hash};
use super::strategy::{Answer, Client, Remains, Strategy, Turn};
use super::truth::WindowPlayed;
use crate::run::Histogram;

/// A client gives an answer up after this.
const PATIENCE: Duration = Duration::from_secs(60);
const BACKOFF: Duration = Duration::from_secs(1);
const LONGEST_BACKOFF: Duration = Duration::from_secs(60);

/// What came of a play.
#[derive(Debug, Clone)]
pub struct Played {
    /// Who played.
    pub strategy: Strategy,
    /// How long.
    pub length: Duration,
    /// How much of that had work.
    pub working: Duration,
    /// Calls that left.
    pub sent: u64,
    /// Calls the server accepted.
    pub accepted: u64,
    /// Calls the server refused, in order.
    pub refused: Vec<Refused>,
    /// One per limit of calls.
    pub windows: Vec<WindowPlayed>,
    /// From being ready to leave, until leave was given.
    pub waits: Histogram,
    /// From leaving until the answer, of accepted calls.
    pub latencies: Histogram,
    /// Time with work that was wasted: work waited, nothing was in flight, one more call was within every limit, and since the
    /// last one left the even spacing of the tightest limit had passed.
    pub idle: Duration,
    /// How full the client believes the windows to be at the end, if it knows.
    pub believed: Vec<WindowUse>,
}

/// One refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused {
    /// When, since the start.
    pub at: Duration,
    /// Which limit spoke.
    pub cause: Cause,
}

struct Play<'a> {
    scenario: &'a Scenario,
    now: Duration,
    queue: Queue,
    line: Line,
    clock: ClientClock,
    /// None while it is down.
    client: Option<Client>,
    life: u32,
    remains: Remains,
    last_left: Duration,
    far: FarEnd<'a>,
    played: Played,
}

/// Plays `strategy` through `scenario`.
pub fn play(scenario: &Scenario, strategy: Strategy) -> Played {
    let mut play = Play::new(scenario, strategy);
    loop {
        let wake = play.let_go();
        let next = play.queue.next_at().into_iter().chain(wake).min().unwrap_or(scenario.length);
        play.pass(next.min(scenario.length));
        if next >= scenario.length {
            return play.finish();
        }
        while let Some(what) = play.queue.due(play.now) {
            play.happens(what);
        }
    }
}

impl<'a> Play<'a> {
    fn new(scenario: &'a Scenario, strategy: Strategy) -> Self {
        let mut queue = Queue::default();
        for (number, incident) in scenario.incidents.iter().enumerate() {
            queue.plan(incident.at, Happening::Incident(number));
        }
        // Whoever waits for leave by itself holds a place among the requests in flight, as a semaphore has it.
        let limits = &scenario.limits;
        let cells = scenario.load.cells;
        let cells = if strategy.backs_off() { cells.min(limits.concurrency) } else { cells };
        let clock = ClientClock::new(scenario.start, scenario.drift_ppm);
        let mut play = Self {
            scenario,
            now: Duration::ZERO,
            queue,
            line: Line::new(cells),
            clock,
            client: None,
            life: 0,
            remains: Remains::default(),
            last_left: Duration::ZERO,
            far: FarEnd::new(scenario),
            played: Played {
                strategy,
                length: scenario.length,
                working: scenario.load.pattern.time_on(scenario.length),
                sent: 0,
                accepted: 0,
                refused: Vec::new(),
                windows: Vec::new(),
                waits: Histogram::default(),
                latencies: Histogram::default(),
                idle: Duration::ZERO,
                believed: Vec::new(),
            },
        };
        play.start();
        play
    }

    /// Sends what may be sent now. Answers when the client wants to be woken.
    fn let_go(&mut self) -> Option<Duration> {
        loop {
            let waiting = self.line.waiting();
            if waiting == 0 {
                return None;
            }
            let shown = self.clock.shows(self.now);
            match self.client.as_mut()?.turn(waiting, shown) {
                Turn::Go(ticket) => self.send(shown.elapsed, ticket),
                Turn::At(at) => return Some(self.clock.reaches(at).max(self.now + Duration::from_nanos(1))),
                Turn::OnAnswer => return None,
            }
        }
    }

    fn send(&mut self, left: Duration, ticket: Option<Ticket>) {
        let Some(ready) = self.line.leave() else { return };
        self.played.sent += 1;
        self.played.waits.record(self.now.saturating_sub(ready.since));
        self.last_left = self.now;
        let journey = self.far.receive(self.now);
        let (sent, refusals) = (self.now, ready.refusals);
        let date = self.scenario.start;
        let call = Call { life: self.life, sent, left, ticket, date, refusals, journey, ahead: None, hit: None };
        if journey.counted > journey.arrives {
            self.queue.plan(journey.arrives, Happening::Arrive(call));
        } else {
            self.queue.plan(journey.counted, Happening::Count(call));
        }
    }

    /// Time passes until `next`.
    fn pass(&mut self, next: Duration) {
        let pattern = self.scenario.load.pattern;
        let working = pattern.time_on(next).saturating_sub(pattern.time_on(self.now));
        self.far.pass(working);
        if self.client.is_some() && self.line.has_work() && self.line.is_quiet() {
            let opens = self.far.opens(moment(self.scenario.start, self.now));
            let from = self.now.max(opens).max(self.last_left + self.far.spacing()).min(next);
            // What is left over when the work ends is not counted: nobody waits for it.
            self.played.idle += pattern.time_on(next).saturating_sub(pattern.time_on(from));
        }
        self.now = next;
    }

    fn happens(&mut self, what: Happening) {
        match what {
            Happening::Arrive(mut call) => {
                call.ahead = Some(self.far.arrive(self.now));
                self.queue.plan(call.journey.counted, Happening::Count(call));
            }
            Happening::Count(call) => self.count(call),
            Happening::Answer(call) => self.answer(&call),
            Happening::Again { life, refusals } if life == self.life => self.line.sat_out(self.now, refusals),
            Happening::Again { .. } => {}
            Happening::Incident(number) => self.incident(number),
            Happening::Restart => self.start(),
            Happening::Foreign { left, gap } => {
                self.far.count_foreign(self.now);
                if let Some(left) = left.checked_sub(1) {
                    self.queue.plan(self.now + gap, Happening::Foreign { left, gap });
                }
            }
            Happening::Work { life } if life == self.life => self.fill(),
            Happening::Work { .. } => {}
        }
    }

    /// The server decides about a request.
    fn count(&mut self, mut call: Call) {
        let Journey { done, back, .. } = call.journey;
        let decided = match self.far.count(self.now, done, call.ahead) {
            Ok(()) => {
                self.played.accepted += 1;
                done
            }
            Err(hit) => {
                self.played.refused.push(Refused { at: self.now, cause: hit.cause });
                call.hit = Some(hit);
                self.now
            }
        };
        let date = moment(self.scenario.start, decided).wall;
        call.date = Timestamp::from_second(date.as_second()).unwrap_or(date);
        let at = (decided + back).min(call.sent + PATIENCE);
        self.queue.plan(at, Happening::Answer(call));
    }

    /// The answer reaches the client, if it is still the one that asked.
    fn answer(&mut self, call: &Call) {
        if call.life != self.life {
            return;
        }
        let Some(client) = self.client.as_mut() else { return };
        let shown = self.clock.shows(self.now);
        self.line.came_back();
        let latency = self.now - call.sent;
        let answer = |feedback| Answer { ticket: call.ticket, sent: call.left, feedback, date: call.date };
        match call.hit {
            _ if latency >= PATIENCE => {
                client.gave_up(call.ticket, shown);
                self.line.again(self.now, call.refusals);
            }
            None => {
                self.played.latencies.record(latency);
                client.answered(answer(Feedback::Accepted), shown);
            }
            Some(Hit { cause, retry_after }) => {
                let feedback = Feedback::Throttled { window: window_of(cause), retry_after };
                client.answered(answer(feedback), shown);
                self.refused(call.refusals + 1, retry_after);
            }
        }
        self.fill();
    }

    fn refused(&mut self, refusals: u32, retry_after: Option<Duration>) {
        if self.played.strategy.backs_off() {
            let wait = retry_after.unwrap_or_else(|| self.backoff(refusals));
            self.line.sit_out();
            self.queue.plan(self.now + wait, Happening::Again { life: self.life, refusals });
        } else {
            self.line.again(self.now, refusals);
        }
    }

    fn backoff(&self, refusals: u32) -> Duration {
        let doubled = BACKOFF.saturating_mul(1_u32.checked_shl(refusals - 1).unwrap_or(u32::MAX)).min(LONGEST_BACKOFF);
        let nth = self.played.refused.len() as u64;
        let unit = fastrand::Rng::with_seed(hash(self.scenario.seed ^ u64::MAX, nth)).f64();
        doubled.mul_f64(0.5 + unit)
    }

    /// Cells ask if there is work; otherwise when there is.
    fn fill(&mut self) {
        match self.scenario.load.pattern.opens(self.now) {
            Ok(()) => self.line.fill(self.now),
            Err(again) => self.queue.plan(again, Happening::Work { life: self.life }),
        }
    }

    fn start(&mut self) {
        let limits = of_calls(&self.scenario.limits);
        let remains = std::mem::take(&mut self.remains);
        self.client = Some(Client::new(self.played.strategy, &limits, remains, self.clock.shows(self.now)));
        self.fill();
    }

    fn incident(&mut self, number: usize) {
        let Some(incident) = self.scenario.incidents.get(number) else { return };
        match &incident.what {
            Mishap::Kill { down } => {
                if let Some(client) = self.client.take() {
                    self.remains = client.remains();
                    self.life += 1;
                    self.line.clear();
                    self.queue.plan(self.now + *down, Happening::Restart);
                }
            }
            Mishap::Terms(limits) => self.far.change(limits),
            Mishap::Foreign { calls, gap } => {
                if let Some(left) = calls.checked_sub(1) {
                    self.queue.plan(self.now, Happening::Foreign { left, gap: *gap });
                }
            }
            Mishap::WallStep(by) => self.clock.set(*by),
        }
    }

    fn finish(mut self) -> Played {
        let shown = self.clock.shows(self.now);
        self.played.believed = self.client.as_ref().map(|client| client.believes(shown)).unwrap_or_default();
        self.played.windows = self.far.finish(self.now);
        self.played
    }
}

/// As the codes of providers say it.
fn window_of(cause: Cause) -> ThrottleWindow {
    match cause {
        Cause::Day => ThrottleWindow::Day,
        Cause::Minute => ThrottleWindow::Minute,
        Cause::Concurrency => ThrottleWindow::Concurrency,
        _ => ThrottleWindow::Second,
    }
}
