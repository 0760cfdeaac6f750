//! The two headers that tell time: `Retry-After` and `Date`.

use std::time::Duration;

use http::HeaderMap;
use http::header::{DATE, RETRY_AFTER};
use jiff::Timestamp;

/// Longest wait a provider may ask for; beyond it the header is taken as this.
pub const RETRY_AFTER_CAP: Duration = Duration::from_secs(24 * 3600);

/// `Retry-After` as seconds or as an HTTP date (RFC 9110, 10.2.3); a date counts from the answer's own `Date`, since
/// the two come from one clock, else from `now`. Nonsense and dates in the past give nothing and zero.
pub fn retry_after(headers: &HeaderMap, now: Timestamp) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    let wait = if text.bytes().all(|byte| byte.is_ascii_digit()) && !text.is_empty() {
        // More digits than u64 holds is still a number, far above the cap.
        Duration::from_secs(text.parse().unwrap_or(u64::MAX))
    } else {
        let until = http_date(text)?;
        Duration::try_from(until.duration_since(date(headers).unwrap_or(now))).unwrap_or_default()
    };
    Some(wait.min(RETRY_AFTER_CAP))
}

/// The server's clock, to the second.
pub fn date(headers: &HeaderMap) -> Option<Timestamp> {
    http_date(headers.get(DATE)?.to_str().ok()?)
}

fn http_date(text: &str) -> Option<Timestamp> {
    jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(text).ok()
}
