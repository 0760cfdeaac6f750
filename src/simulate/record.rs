//! What the simulator saw, for tests and for the person at the end of a rehearsal. Holds no secret.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::provider::Cause;
use crate::quota::Moment;

/// One request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// When it was counted or refused.
    pub at: Moment,
    /// Its method.
    pub method: http::Method,
    /// Its path without the query, which may hold a key.
    pub path: String,
    /// The code of the answer, as text; a success has the provider's first success code.
    pub code: Option<String>,
    /// HTTP status of the answer.
    pub http: u16,
    /// It counted against the windows.
    pub counted: bool,
    /// The limit that refused it, if one did.
    pub refused: Option<Cause>,
    /// Other requests being processed when it arrived.
    pub in_flight: usize,
}

/// Totals.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Stats {
    /// Requests that were decided.
    pub requests: u64,
    /// Answered with a success.
    pub successes: u64,
    /// Records in those answers.
    pub records: u64,
    /// Credits charged.
    pub credits: u64,
    /// Answers other than success, by code (or `http 404` where there is none).
    pub refusals: BTreeMap<String, u64>,
    /// Successes to a request that had been answered with success before: bought twice.
    pub duplicates: u64,
    /// Requests that left their client after the answer of a code whose verdict is `stop` was back.
    pub after_fatal: u64,
    /// One line per limit.
    pub windows: Vec<WindowStat>,
}

/// What one limit saw.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WindowStat {
    /// Which limit.
    pub label: String,
    /// What it allows.
    pub max: u64,
    /// Most requests that arrived within one window, refused ones included.
    pub most_offered: u64,
    /// Most requests counted within one exact window, however the limit is kept: aligned windows and buckets let more
    /// than `max` through.
    pub most_counted: u64,
    /// Requests it refused.
    pub refused: u64,
    /// Requests that all limits of the credential let in, so the same in every line.
    pub accepted: u64,
}

impl WindowStat {
    /// Nothing seen yet.
    pub(super) fn new(label: String, max: u64) -> Self {
        Self { label, max, most_offered: 0, most_counted: 0, refused: 0, accepted: 0 }
    }
}
