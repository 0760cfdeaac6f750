//! What the limiter answers, and in which words people are told.
//!
//! Invariant: a wait names what it waits for.

use std::time::Duration;

use jiff::Timestamp;

use crate::provider::ThrottleWindow;

/// Whether an attempt may leave now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decision {
    /// Yes.
    Go,
    /// Not yet.
    Wait {
        /// When to ask again; `None`: when an answer is in.
        until: Option<Duration>,
        /// What stands in the way.
        on: WaitsFor,
    },
    /// Not for so long that it is better to stop.
    Park {
        /// When to ask again.
        resume_at: Timestamp,
        /// What stands in the way.
        on: WaitsFor,
    },
    /// Never again.
    Stopped {
        /// Why.
        reason: String,
    },
}

/// What stands in the way of the next attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WaitsFor {
    /// A window is full; its name.
    Window(String),
    /// A day is about to change, or just has; the window's name.
    Boundary(String),
    /// The provider said the day is used up.
    SpentDay,
    /// The provider said we are too fast.
    Pause(ThrottleWindow),
    /// As many requests in flight as allowed.
    Concurrency,
    /// The first attempt, or the first after a pause, is not answered yet.
    FirstAnswer,
    /// Even spacing.
    Pace,
}

impl WaitsFor {
    /// The window it is about, as refusals and reports name it.
    pub fn window(&self) -> &str {
        match self {
            Self::Window(name) | Self::Boundary(name) => name,
            Self::SpentDay | Self::Pause(ThrottleWindow::Day) => "day",
            Self::Pause(ThrottleWindow::Second) => "second",
            Self::Pause(ThrottleWindow::Minute) => "minute",
            Self::Pause(ThrottleWindow::Concurrency) | Self::Concurrency => "concurrency",
            Self::FirstAnswer => "first answer",
            Self::Pace => "pace",
        }
    }
}

impl std::fmt::Display for WaitsFor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Window(name) => write!(f, "the {name} window is full"),
            Self::Boundary(name) => write!(f, "the {name} window is about to change"),
            Self::SpentDay => f.write_str("the provider says the daily quota is used up"),
            Self::Pause(_) => write!(f, "the provider throttled this credential ({})", self.window()),
            Self::Concurrency => f.write_str("as many requests are in flight as allowed"),
            Self::FirstAnswer => f.write_str("the first attempt goes alone until answered"),
            Self::Pace => f.write_str("attempts are spaced evenly"),
        }
    }
}
