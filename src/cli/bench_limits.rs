//! The limits and the load of a bench, as a person types them.

use std::time::Duration;

use jiff::civil::Time;
use jiff::tz::TimeZone;

use crate::bench::Pattern;
use crate::job::parse_duration;
use crate::provider::{Limits, Window};

/// Enough for ten calls a second that take a second and a half each.
const AT_ONCE: u32 = 16;
const LIMIT_MOST: u32 = 10_000_000;
const KEYS: &str = "qps, per_minute, per_hour, per_day or concurrency";

/// Reads `qps=10,per_minute=300`; a day begins at midnight UTC.
pub(super) fn limits(text: &str) -> Result<Limits, String> {
    let mut limits = Limits { windows: Vec::new(), concurrency: AT_ONCE, guessed: Vec::new() };
    let mut seen = Vec::new();
    for part in text.split(',') {
        let part = part.trim();
        let wrong = || format!("`{part}` is no limit: write KEY=NUMBER, where KEY is {KEYS}");
        let (key, number) = part.split_once('=').ok_or_else(wrong)?;
        let rolling = |max, seconds| Window::rolling(max, Duration::from_secs(seconds));
        let window: Option<&dyn Fn(u32) -> Window> = match key {
            "qps" => Some(&|max| rolling(max, 1)),
            "per_minute" => Some(&|max| rolling(max, 60)),
            "per_hour" => Some(&|max| rolling(max, 3600)),
            "per_day" => Some(&|max| Window::day(max, Time::midnight(), TimeZone::UTC)),
            "concurrency" => None,
            _ => return Err(wrong()),
        };
        let max = number.parse::<u32>().ok().filter(|max| (1..=LIMIT_MOST).contains(max));
        let max = max.ok_or_else(|| format!("`{number}` cannot be `{key}`: a whole number from 1 to {LIMIT_MOST}"))?;
        if seen.contains(&key) {
            return Err(format!("`{key}` is given twice"));
        }
        seen.push(key);
        match window {
            Some(window) => limits.windows.push(window(max)),
            None => limits.concurrency = max,
        }
    }
    if limits.windows.is_empty() { Err("no limit of calls per time, such as `qps=10`".to_owned()) } else { Ok(limits) }
}

/// Reads `endless` or `on-off:120s/90s`.
pub(super) fn load(text: &str) -> Result<Pattern, String> {
    if text == "endless" {
        return Ok(Pattern::Endless);
    }
    let wrong = || format!("`{text}` is no load: write endless or on-off:TIME/TIME, such as on-off:120s/90s");
    let (on, off) = text.strip_prefix("on-off:").and_then(|times| times.split_once('/')).ok_or_else(wrong)?;
    let (on, off) = (parse_duration(on)?, parse_duration(off)?);
    let second = Duration::from_secs(1);
    if on < second || off < second {
        return Err(format!("`{text}` is no load: work and rest take a second at least"));
    }
    Ok(Pattern::OnOff { on, off })
}

/// A play of a month at most: longer ones only say the same again.
pub(super) fn length(text: &str) -> Result<Duration, String> {
    let length = parse_duration(text)?;
    match (Duration::from_secs(1)..=Duration::from_secs(31 * 86_400)).contains(&length) {
        true => Ok(length),
        false => Err(format!("`{text}` cannot be played: at least 1s, at most 31d")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_as_they_are_typed() {
        let given = limits("qps=10, per_minute=300,concurrency=4").map(|limits| (limits.windows, limits.concurrency));
        let windows = vec![Window::rolling(10, Duration::from_secs(1)), Window::rolling(300, Duration::from_secs(60))];
        assert_eq!(given, Ok((windows, 4)));
        for (text, word) in [
            ("", "is no limit"),
            ("qpm=3", "is no limit"),
            ("qps", "is no limit"),
            ("qps=0", "cannot be `qps`"),
            ("qps=ten", "cannot be `qps`"),
            ("qps=1,qps=2", "given twice"),
            ("concurrency=3", "no limit of calls"),
        ] {
            let error = limits(text).map(|_| ()).expect_err(text);
            assert!(error.contains(word), "{text}: {error}");
        }
    }

    #[test]
    fn loads_as_they_are_typed() {
        let on_off = Pattern::OnOff { on: Duration::from_secs(120), off: Duration::from_secs(90) };
        assert_eq!((load("endless"), load("on-off:2m/90s")), (Ok(Pattern::Endless), Ok(on_off)));
        for text in ["", "on-off", "on-off:1m", "on-off:0s/1s", "on-off:1m/x", "endless:1m"] {
            assert!(load(text).is_err(), "{text}");
        }
        assert_eq!((length("24h").is_ok(), length("0s").is_ok(), length("32d").is_ok()), (true, false, false));
    }
}
