//! What happens while a cell is fetched, told as it happens; progress, log and report are made of it.

use std::time::Duration;

use jiff::Timestamp;

use super::classify::Judgement;

/// One happening.
#[derive(Debug, Clone)]
pub enum Notice {
    /// One attempt was answered, or broke.
    Attempt {
        /// From asking for leave until the permit was there.
        waited: Duration,
        /// Send to answer.
        latency: Duration,
        /// What the answer means; a broken attempt has the transport's words as its message.
        judgement: Judgement,
    },
    /// A page is durable.
    Page {
        /// Records on it.
        records: u64,
        /// What it cost, if the provider says.
        credits: u64,
    },
    /// The cell waits before it asks again.
    Delay {
        /// Until when, about.
        until: Timestamp,
        /// Why.
        reason: String,
    },
    /// Something a person should know although the cell goes on.
    Warning(String),
}
