//! The way of one request through the provider: it departs, arrives, is counted and decided, and its answer returns.
//!
//! Invariant: everything is decided at the one instant at which the request is counted, and requests are decided in the
//! order of those instants. Whoever carries requests waits between the steps; nothing here does.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};

use crate::provider::Cause;
use crate::quota::Moment;

use super::auth;
use super::fault::What;
use super::latency::Legs;
use super::mix::mix;
use super::own_clock;
use super::record::Entry;
use super::reply::Outcome;
use super::simulator::{Simulator, refused};

/// A request that hangs is given up by the provider's own gateway after so long.
const GATEWAY_TIMEOUT: Duration = Duration::from_secs(60);
/// A client without a timeout would wait so long for a hanging answer.
const HANG: Duration = Duration::from_secs(600);
/// What `slow` adds.
const SLOW: Duration = Duration::from_secs(3);

/// A request under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trip {
    /// How long its parts take.
    pub legs: Legs,
    /// It is counted so long after its arrival.
    pub counted_after: Duration,
    /// Others that were there when it arrived; `None` as long as that is the instant at which it is counted.
    ahead: Option<usize>,
}

/// What the provider does to the connection instead of answering properly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WireFault {
    /// The connection ends without an answer; the request was processed.
    #[error("the connection was reset before the answer")]
    Reset,
    /// The connection ends in the middle of the body.
    #[error("the connection was closed in the middle of the body")]
    CutBody,
    /// No answer comes for ten minutes, then the connection ends.
    #[error("no answer came")]
    Hang,
}

/// An answer.
#[derive(Debug)]
pub struct Reply {
    /// Status, headers (`Date` by the provider's own clock) and body.
    pub response: Response<Bytes>,
    /// It is back so long after the request was counted.
    pub latency: Duration,
    /// It does not arrive whole.
    pub fault: Option<WireFault>,
}

impl Simulator {
    /// A request leaves the client `now`. It arrives after `legs.there` and is decided `counted_after` later.
    pub fn depart(&mut self, now: Moment) -> Trip {
        self.departed += 1;
        if self.fatal_from.is_some_and(|from| from < now.elapsed) {
            self.stats.after_fatal += 1;
        }
        let legs = self.options.latency.legs(mix(mix(self.options.seed, 0x6c61), self.departed));
        Trip { legs, counted_after: self.options.count_at.done(legs.work), ahead: None }
    }

    /// The request arrives `now` and occupies a place. Needed only where it is not decided at the same instant; then
    /// [`decide`](Self::decide) must follow.
    pub fn arrive(&mut self, now: Moment, trip: &mut Trip) {
        let own = self.by_own_clock(now);
        if trip.ahead.is_none() {
            trip.ahead = Some(self.enforcer.arrive(own));
        }
    }

    /// Counts and answers a request `now`. Requests must come in the order of `now`.
    pub fn decide(&mut self, now: Moment, trip: Trip, request: &Request<Bytes>) -> Reply {
        self.stats.requests += 1;
        let own = self.by_own_clock(now);
        let in_flight = trip.ahead.unwrap_or_else(|| self.enforcer.in_flight(own));
        if trip.ahead.is_some() {
            self.enforcer.take_turn();
        }
        let seen = self.see(request);
        let faults = self.faults(&seen);
        let allowed = auth::check(&self.provider, &self.secrets, &seen.asked, own.wall);
        let admitted = allowed.map(|()| self.enforcer.admit_behind(own, in_flight));
        let is_admitted = matches!(admitted, Ok(Ok(())));
        let limited = admitted.as_ref().ok().and_then(|admitted| admitted.as_ref().err()).map(|refusal| refusal.cause);
        let counted = is_admitted || (admitted.is_ok() && self.options.rules.count_refusals);

        let outcome = match (faults.iter().find(|what| **what != What::Slow), admitted) {
            (Some(What::Code(code)), _) => Outcome::Code(code.clone()),
            (Some(What::Html(status)), _) => Outcome::Html(*status),
            (Some(What::Expire), _) => refused(Cause::AuthExpired),
            (_, Err(failure)) => refused(failure.cause()),
            (_, Ok(Err(refusal))) => {
                Outcome::Refused { cause: refusal.cause, detail: None, opens_in: Some(refusal.opens_in) }
            }
            (Some(What::Forget), Ok(Ok(()))) if self.is_following(&seen) => {
                self.cursors.forget(&seen.asked.method, &seen.path, &seen.parameters);
                refused(Cause::Cursor)
            }
            (_, Ok(Ok(()))) => self.play(&seen),
        };

        let fault = faults.iter().find_map(wire_fault);
        let work = if is_admitted { trip.legs.work } else { self.options.latency.refusal() };
        let slow = if faults.contains(&What::Slow) { SLOW } else { Duration::ZERO };
        let left = work.saturating_sub(trip.counted_after) + slow;
        let (left, latency) = if fault == Some(WireFault::Hang) { (HANG, HANG) } else { (left, left + trip.legs.back) };
        if is_admitted {
            let end = now.elapsed + left.min(GATEWAY_TIMEOUT);
            self.enforcer.occupy(self.by_own_clock(Moment { elapsed: end, ..now }).elapsed);
        }
        let answer = self.write(&outcome);
        self.tally(now.elapsed + latency, &seen, &outcome, &answer, fault);
        if self.options.log {
            self.log.push(Entry {
                at: own,
                method: seen.asked.method.clone(),
                path: seen.path.clone(),
                code: answer.code.clone(),
                http: answer.status,
                counted,
                refused: limited,
                in_flight,
            });
        }
        Reply { response: self.respond(answer, own.wall), latency, fault }
    }

    /// Decides a request without a way there: it leaves, arrives and is counted `now`.
    pub fn answer(&mut self, now: Moment, request: &Request<Bytes>) -> Reply {
        let trip = self.depart(now);
        self.decide(now, trip, request)
    }

    fn by_own_clock(&self, now: Moment) -> Moment {
        own_clock::shown(now, self.options.faults.skew(), self.options.drift_ppm)
    }
}

fn wire_fault(what: &What) -> Option<WireFault> {
    match what {
        What::Reset => Some(WireFault::Reset),
        What::Cut => Some(WireFault::CutBody),
        What::Hang => Some(WireFault::Hang),
        What::Code(_) | What::Html(_) | What::Slow | What::Forget | What::Expire => None,
    }
}
