//! The simulator without a socket: answers after their latency on the clock, so that months pass in seconds.

use std::sync::Mutex;

use bytes::Bytes;
use http::{Request, Response};

use crate::quota::Clock;

use super::carry::carry;
use super::simulator::Simulator;
use super::trip::WireFault;

/// Sends `request` to the provider being played and waits for the answer.
///
/// # Errors
/// The fault of the wire, after the time it takes to show.
pub async fn answer(
    simulator: &Mutex<Simulator>,
    clock: &Clock,
    request: &Request<Bytes>,
) -> Result<Response<Bytes>, WireFault> {
    let reply = carry(simulator, clock, request).await;
    reply.fault.map_or(Ok(reply.response), Err)
}
