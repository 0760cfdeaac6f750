//! The simulator without a socket: answers after their latency on the clock, so that months pass in seconds.

use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use http::{Request, Response};

use crate::quota::Clock;

use super::simulator::{Simulator, WireFault};

/// Sends `request` to the provider being played and waits for the answer.
///
/// # Errors
/// The fault of the wire, after the time it takes to show.
pub async fn answer(
    simulator: &Mutex<Simulator>,
    clock: &Clock,
    request: &Request<Bytes>,
) -> Result<Response<Bytes>, WireFault> {
    let now = clock.now();
    // The lock ends with this statement: it is never held over an await.
    let reply = simulator.lock().unwrap_or_else(PoisonError::into_inner).answer(now, request);
    clock.sleep_until(now.elapsed + reply.latency).await;
    reply.fault.map_or(Ok(reply.response), Err)
}
