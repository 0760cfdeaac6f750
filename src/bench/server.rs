//! The far end: a request travels, is counted at one point of its work, and its answer travels back.
//!
//! Invariant: whether a request is accepted is decided once, at the point where it is counted, by the enforcer alone.

use std::time::Duration;

use jiff::Timestamp;

use crate::provider::{Cause, Limits};
use crate::quota::Moment;
use crate::simulate::Enforcer;

use super::clocks::moment;
use super::scenario::{Scenario, of_calls};
use super::truth::{Truth, WindowPlayed};

/// The limit that a request met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Hit {
    pub(super) cause: Cause,
    /// What the answer says about coming back.
    pub(super) retry_after: Option<Duration>,
}

/// When the parts of a request happen.
#[derive(Debug, Clone, Copy)]
pub(super) struct Journey {
    pub(super) arrives: Duration,
    pub(super) counted: Duration,
    /// The server is done with it, if it accepts it.
    pub(super) done: Duration,
    /// From there back to the client.
    pub(super) back: Duration,
}

pub(super) struct FarEnd<'a> {
    scenario: &'a Scenario,
    start: Timestamp,
    enforcer: Enforcer,
    truth: Vec<Truth>,
    travelled: u64,
}

impl<'a> FarEnd<'a> {
    pub(super) fn new(scenario: &'a Scenario) -> Self {
        let limits = of_calls(&scenario.server.limits);
        Self {
            scenario,
            start: scenario.start,
            enforcer: Enforcer::new(&limits, &scenario.server.rules),
            truth: limits.windows.iter().map(|window| Truth::new(window, scenario.start, scenario.length)).collect(),
            travelled: 0,
        }
    }

    /// A request leaves at `sent`.
    pub(super) fn receive(&mut self, sent: Duration) -> Journey {
        self.travelled += 1;
        let hash = hash(self.scenario.seed, self.travelled);
        let legs = self.scenario.server.latency.legs(hash);
        let begun = sent + legs.there;
        let done = begun + legs.work;
        let counted = begun + self.scenario.server.count_at.done(legs.work);
        Journey { arrives: begun, counted, done, back: legs.back }
    }

    /// A request of ours is in the server's hands and is counted later. Answers how many are there before it.
    pub(super) fn arrive(&mut self, now: Duration) -> usize {
        self.enforcer.arrive(moment(self.start, now))
    }

    /// Counts a request of ours that is done with at `done`, or says which limit it hits; `ahead` is the answer of
    /// [`Self::arrive`], if it is counted later than it arrived.
    pub(super) fn count(&mut self, now: Duration, done: Duration, ahead: Option<usize>) -> Result<(), Hit> {
        let at = moment(self.start, now);
        let admitted = match ahead {
            Some(ahead) => {
                self.enforcer.take_turn();
                self.enforcer.admit_behind(at, ahead)
            }
            None => self.enforcer.admit(at),
        };
        match admitted {
            Ok(()) => {
                self.enforcer.occupy(done);
                self.truth.iter_mut().for_each(|truth| truth.accept(at, true));
                Ok(())
            }
            Err(refusal) => {
                let seconds = refusal.opens_in.as_secs() + u64::from(refusal.opens_in.subsec_nanos() > 0);
                let retry_after = self.scenario.server.retry_after.then(|| Duration::from_secs(seconds.max(1)));
                Err(Hit { cause: refusal.cause, retry_after })
            }
        }
    }

    /// Another user of the key calls.
    pub(super) fn count_foreign(&mut self, now: Duration) {
        let at = moment(self.start, now);
        if self.enforcer.admit(at).is_ok() {
            self.truth.iter_mut().for_each(|truth| truth.accept(at, false));
        }
    }

    /// Other limits from now on; windows are told apart by their place in the list.
    pub(super) fn change(&mut self, limits: &Limits) {
        let limits = of_calls(limits);
        self.enforcer = Enforcer::new(&limits, &self.scenario.server.rules);
        for (truth, window) in self.truth.iter_mut().zip(&limits.windows) {
            truth.change(window.max);
        }
    }

    /// `working` more time with work has passed.
    pub(super) fn pass(&mut self, working: Duration) {
        self.truth.iter_mut().for_each(|truth| truth.pass(working));
    }

    /// From when on one more call would be within every limit.
    pub(super) fn opens(&self, now: Moment) -> Duration {
        self.truth.iter().map(|truth| truth.opens(now)).max().unwrap_or_default()
    }

    /// The even spacing of the tightest limit.
    pub(super) fn spacing(&self) -> Duration {
        self.truth.iter().map(Truth::spacing).max().unwrap_or_default()
    }

    /// What was counted until `now`.
    pub(super) fn finish(self, now: Duration) -> Vec<WindowPlayed> {
        let now = moment(self.start, now);
        self.truth.into_iter().map(|truth| truth.finish(now)).collect()
    }
}

/// The same request of every strategy meets the same weather.
pub(super) fn hash(seed: u64, nth: u64) -> u64 {
    fastrand::Rng::with_seed(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(nth)).u64(..)
}
