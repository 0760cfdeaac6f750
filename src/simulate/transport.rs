//! The simulator as a wire in this process, so that under a paused clock months of runs pass in seconds.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::fetch::{Answer, Exchange, Transport, TransportError, WireRequest};
use crate::quota::{Clock, Permit};

use super::memory::answer;
use super::simulator::Simulator;

/// Sends to a simulator in memory.
#[derive(Debug, Clone)]
pub struct InMemory {
    simulator: Arc<Mutex<Simulator>>,
    clock: Clock,
    timeout: Duration,
}

impl InMemory {
    /// A wire to `simulator` on `clock`, of a client that gives up after the provider's own `timeout`.
    pub fn new(simulator: Arc<Mutex<Simulator>>, clock: Clock) -> Self {
        let timeout = simulator.lock().unwrap_or_else(PoisonError::into_inner).provider().timeout;
        Self { simulator, clock, timeout }
    }

    async fn attempt(&self, request: WireRequest) -> Result<Answer, TransportError> {
        let request = request.into_http().map_err(|error| TransportError::Broken(error.to_string()))?;
        let give_up = self.clock.now().elapsed + self.timeout;
        tokio::select! {
            biased;
            answered = answer(&self.simulator, &self.clock, &request) => match answered {
                Ok(response) => {
                    let (parts, body) = response.into_parts();
                    Ok(Answer { status: parts.status, headers: parts.headers, body })
                }
                Err(fault) => Err(TransportError::Broken(fault.to_string())),
            },
            () = self.clock.sleep_until(give_up) => Err(TransportError::TimedOut(self.timeout.as_secs())),
        }
    }
}

impl Transport for InMemory {
    fn send(&self, request: WireRequest, permit: Permit) -> Exchange<'_> {
        Box::pin(async move {
            let departed = permit.depart();
            (departed, self.attempt(request).await)
        })
    }
}
