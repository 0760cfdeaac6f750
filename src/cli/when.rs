//! Times and lengths as a person reads them.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// `2026-11-29 00:00 Asia/Shanghai`.
pub(super) fn when(at: Timestamp, zone: &str) -> String {
    format!("{} {zone}", minute(at, zone))
}

/// `2026-11-29 00:00`, in `zone`; one that this machine does not know is taken for UTC.
pub(super) fn minute(at: Timestamp, zone: &str) -> String {
    let zone = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
    at.to_zoned(zone).strftime("%Y-%m-%d %H:%M").to_string()
}

/// `14 s`, `3 min 20 s`, `3 h 2 min`, `2 days 4 h`.
pub(super) fn took(length: Duration) -> String {
    let seconds = length.as_millis().div_ceil(1000);
    let two = |large: u128, unit: &str, small: u128, rest: &str| match small {
        0 => format!("{large} {unit}"),
        small => format!("{large} {unit} {small} {rest}"),
    };
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => two(seconds / 60, "min", seconds % 60, "s"),
        3600..172_800 => two(seconds / 3600, "h", seconds % 3600 / 60, "min"),
        _ => two(seconds / 86_400, "days", seconds % 86_400 / 3600, "h"),
    }
}

/// From one to the other.
pub(super) fn between(from: Timestamp, to: Timestamp) -> Duration {
    Duration::try_from(to.duration_since(from)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_and_times() {
        let seconds = [0, 59, 60, 200, 3600, 10_920, 172_799, 172_800, 190_000];
        let lengths = ["0 s", "59 s", "1 min", "3 min 20 s", "1 h", "3 h 2 min", "47 h 59 min", "2 days", "2 days 4 h"];
        assert_eq!(seconds.map(|seconds| took(Duration::from_secs(seconds))), lengths);
        assert_eq!(took(Duration::from_millis(1)), "1 s");
        let at = Timestamp::UNIX_EPOCH;
        assert_eq!(when(at, "Asia/Shanghai"), "1970-01-01 08:00 Asia/Shanghai");
        assert_eq!(minute(at, "Mars/Olympus"), "1970-01-01 00:00");
    }
}
