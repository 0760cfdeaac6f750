//! The delay sequence before another attempt: about 1 s, doubled up to a cap.
//!
//! The only file that knows the `backoff` crate (unmaintained, RUSTSEC-2025-0012): it yields the sequence, nothing
//! else. Its randomization and its give-up time are off, since its clock and its random source cannot be handed in.

use std::time::Duration;

use backoff::ExponentialBackoff;
use backoff::backoff::Backoff;

/// Delays of one request, without jitter.
#[derive(Debug)]
pub struct DelaySequence(ExponentialBackoff);

impl DelaySequence {
    /// `first`, then twice as long each time, never above `cap`.
    pub fn new(first: Duration, cap: Duration) -> Self {
        Self(ExponentialBackoff {
            current_interval: first.min(cap),
            initial_interval: first,
            randomization_factor: 0.0,
            multiplier: 2.0,
            max_interval: cap,
            max_elapsed_time: None,
            ..ExponentialBackoff::default()
        })
    }

    /// The next delay under full jitter: uniform between nothing and the sequence's value. `random` is in 0..1.
    ///
    /// Source: "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
    pub fn next_delay(&mut self, random: f64) -> Duration {
        // What `next_backoff` returns has passed through its own random source and may be a nanosecond off.
        let whole = self.0.current_interval;
        let _rounded = self.0.next_backoff();
        whole.mul_f64(random.clamp(0.0, 1.0))
    }
}
