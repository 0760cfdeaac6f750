//! The limiter against a provider that counts a call anywhere between its send and its answer; the journal against
//! death at any byte.

#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod days;
mod journal;
mod play;
mod utilisation;
mod verdicts;
mod windows;

use std::time::Duration;

use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use tidemill::provider::{Limits, Window};
use tidemill::quota::{History, Limiter, Moment};

const MINUTE: Duration = Duration::from_secs(60);
const MAX_WAIT: Duration = Duration::from_secs(300);

fn at(start: Timestamp, elapsed: Duration) -> Moment {
    Moment { elapsed, wall: start + SignedDuration::try_from(elapsed).unwrap() }
}

fn noon() -> Timestamp {
    "2026-03-10T12:00:00Z".parse().unwrap()
}

fn rolling(max: u32, period: Duration) -> Window {
    Window::rolling(max, period)
}

fn day(max: u32, resets: Time, zone: &str) -> Window {
    Window::day(max, resets, TimeZone::get(zone).unwrap())
}

fn limits(windows: Vec<Window>, concurrency: u32) -> Limits {
    Limits { windows, concurrency, guessed: Vec::new() }
}

fn limiter(limits: &Limits) -> Limiter {
    Limiter::new(limits, MAX_WAIT, &History::default(), at(noon(), Duration::ZERO))
}

const fn ms(value: u64) -> Duration {
    Duration::from_millis(value)
}
