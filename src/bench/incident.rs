//! What happens beside the ordinary: crashes, changed terms, other users of the key, clocks that are set.

use std::time::Duration;

use jiff::SignedDuration;

use crate::provider::Limits;

/// Something that happens at a time.
#[derive(Debug, Clone, PartialEq)]
pub struct Incident {
    /// When, since the start.
    pub at: Duration,
    /// What.
    pub what: Mishap,
}

/// What can happen.
#[derive(Debug, Clone, PartialEq)]
pub enum Mishap {
    /// The client dies as by `kill -9` and starts again after a while. What it had sent, the server goes on with.
    Kill {
        /// How long nothing runs.
        down: Duration,
    },
    /// The server keeps other limits from now on and has forgotten what it counted; the client is not told.
    Terms(Limits),
    /// Another user of the same key calls, whatever the answers are.
    Foreign {
        /// How often.
        calls: u32,
        /// Time between two calls.
        gap: Duration,
    },
    /// The wall clock of the client's machine is set forward, or back.
    WallStep(SignedDuration),
}

impl Incident {
    /// A kill every so long, until `length`; each time the client is back after `down`.
    pub fn kills(every: Duration, down: Duration, length: Duration) -> Vec<Self> {
        let times = (1_u32..).map(|nth| every * nth).take_while(|at| !every.is_zero() && *at < length);
        times.map(|at| Self { at, what: Mishap::Kill { down } }).collect()
    }
}
