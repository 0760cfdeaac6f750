//! What an answer means for us.

use std::time::Duration;

/// The meaning of one answer. The code in the body decides first, then the HTTP status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// A page.
    Accept,
    /// A success that says there is nothing.
    Empty {
        /// The provider may mean "not yet": told apart, so that it can be asked again.
        unconfirmed: bool,
    },
    /// Not ready yet: ask again after `every`, then report it as pending.
    Pending {
        /// First wait.
        every: Duration,
        /// Longest wait between two questions.
        cap: Duration,
        /// Give up asking in this run after so long.
        deadline: Duration,
    },
    /// A fault on their side: ask again after a delay.
    Retry {
        /// Attempts in all, the first included.
        max_attempts: u32,
        /// First delay, doubled each time.
        delay: Duration,
        /// Longest delay.
        cap: Duration,
        /// What the last failed attempt means.
        then: AfterRetries,
    },
    /// Too fast, or a window is used up.
    Throttle(ThrottleWindow),
    /// The credential was not taken: sign anew and ask again.
    Reauthorize {
        /// Signings in all after the first before a person must act.
        max_attempts: u32,
    },
    /// This cell can never succeed as it is asked; go on with the others.
    Reject,
    /// Nothing more may be sent to this provider until a person acts.
    Stop,
}

impl Verdict {
    /// Its name in a provider file.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::Empty { .. } => "empty",
            Self::Pending { .. } => "pending",
            Self::Retry { .. } => "retry",
            Self::Throttle(_) => "throttle",
            Self::Reauthorize { .. } => "reauthorize",
            Self::Reject => "reject",
            Self::Stop => "stop",
        }
    }
}

/// What exhausted attempts mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AfterRetries {
    /// The cell stays pending; the next run asks again.
    Pending,
    /// Nothing more may be sent to this provider.
    Stop,
}

/// Which limit was hit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ThrottleWindow {
    /// Calls per second.
    Second,
    /// Calls per minute.
    Minute,
    /// Calls per day: park until it opens again.
    Day,
    /// Requests in flight.
    Concurrency,
}
