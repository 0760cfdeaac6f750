//! What an answer tells of the provider's own count: plain data, read from its headers.
//!
//! Invariant: advice only ever tightens what a limit allows. A provider that reports less than we count is right; one
//! that reports more may not have seen the calls in flight yet.

use std::time::Duration;

use jiff::Timestamp;

/// What one answer says about the limits; all of it optional, and empty for most providers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Advice {
    /// The server's clock, to the second.
    pub date: Option<Timestamp>,
    /// Calls left, as the server counted when it answered; those still in flight may not be in it.
    pub left: Vec<Left>,
    /// Limits the server says it keeps.
    pub policies: Vec<Policy>,
}

/// Calls that may still be made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Left {
    /// How many.
    pub calls: u32,
    /// When there will be more, from the moment of the answer.
    pub resets_in: Option<Duration>,
    /// Length of the window that is meant, if told.
    pub period: Option<Duration>,
}

/// At most `max` calls per `period`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Policy {
    /// How many calls.
    pub max: u32,
    /// In how long.
    pub period: Duration,
}
