//! Carries one request to the simulator and back in the time that takes, for the socket and for memory alike.
//!
//! Invariant: time is read under the lock, so that requests are decided in the order of the instants they are counted
//! at. A request that has left is counted even if its client goes away before: then at the instant it does.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::Request;

use crate::quota::Clock;

use super::simulator::Simulator;
use super::trip::{Reply, Trip};

/// Sends `request` and waits until its answer is back, or its fault shows.
pub(super) async fn carry(simulator: &Mutex<Simulator>, clock: &Clock, request: &Request<Bytes>) -> Reply {
    let (departed, trip) = {
        let mut locked = lock(simulator);
        let now = clock.now();
        (now.elapsed, locked.depart(now))
    };
    let mut under_way = UnderWay { simulator, clock, request, trip, is_decided: false };
    let arrives = departed + trip.legs.there;
    if arrives > departed {
        clock.sleep_until(arrives).await;
    }
    if !trip.counted_after.is_zero() {
        under_way.arrive();
        clock.sleep_until(arrives + trip.counted_after).await;
    }
    let (decided, reply) = under_way.decide();
    clock.sleep_until(decided + reply.latency).await;
    reply
}

struct UnderWay<'a> {
    simulator: &'a Mutex<Simulator>,
    clock: &'a Clock,
    request: &'a Request<Bytes>,
    trip: Trip,
    is_decided: bool,
}

impl UnderWay<'_> {
    fn arrive(&mut self) {
        let mut simulator = lock(self.simulator);
        simulator.arrive(self.clock.now(), &mut self.trip);
    }

    /// The answer, and when it was decided.
    fn decide(&mut self) -> (Duration, Reply) {
        self.is_decided = true;
        let mut simulator = lock(self.simulator);
        let now = self.clock.now();
        (now.elapsed, simulator.decide(now, self.trip, self.request))
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        if !self.is_decided {
            self.decide();
        }
    }
}

/// The simulator goes on playing whatever happened to a thread that held it. Never held over an await.
fn lock(simulator: &Mutex<Simulator>) -> MutexGuard<'_, Simulator> {
    simulator.lock().unwrap_or_else(PoisonError::into_inner)
}
