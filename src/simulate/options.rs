//! How a provider is played, as a rehearsal or a test chooses it.

use crate::provider::Limits;

use super::count_at::CountAt;
use super::enforce::Rules;
use super::fault::Faults;
use super::latency::Latency;

/// How a provider is played.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Same seed, same records, latencies and chances.
    pub seed: u64,
    /// How long requests take there, at the provider and back.
    pub latency: Latency,
    /// What goes wrong.
    pub faults: Faults,
    /// Limits to enforce instead of the provider's own.
    pub limits: Option<Limits>,
    /// How the limits are kept.
    pub rules: Rules,
    /// When a request is counted.
    pub count_at: CountAt,
    /// The provider's clock runs so many millionths faster; slower when negative. Its windows, days and `Date` follow.
    pub drift_ppm: i32,
    /// Overrides the provider file: errors leave with HTTP 200.
    pub errors_in_http_200: Option<bool>,
    /// Keeps one [`Entry`](super::Entry) per request; without it the log stays empty.
    pub log: bool,
}
