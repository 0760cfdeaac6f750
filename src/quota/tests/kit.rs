//! What the tests share: limits, jobs, one attempt.

use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Time;
use jiff::tz::TimeZone;
use tokio::task::JoinSet;

use crate::job::JobName;
use crate::provider::{Limits, Window};
use crate::quota::{Clock, Feedback, History, Quota, Refusal, open};

pub(super) const MAX_WAIT: Duration = Duration::from_secs(300);
pub(super) const SECOND: Duration = Duration::from_secs(1);
pub(super) const MINUTE: Duration = Duration::from_secs(60);

pub(super) fn noon() -> Timestamp {
    "2026-03-10T12:00:00Z".parse().unwrap()
}

pub(super) fn job(name: &str) -> JobName {
    JobName(name.into())
}

pub(super) fn rolling(max: u32, period: Duration) -> Window {
    Window::rolling(max, period)
}

pub(super) fn shanghai(max: u32) -> Window {
    let zone = TimeZone::get("Asia/Shanghai").unwrap();
    Window::day(max, Time::midnight(), zone)
}

pub(super) fn limits(windows: Vec<Window>, concurrency: u32) -> Limits {
    Limits { windows, concurrency, guessed: Vec::new() }
}

/// Limits that are kept; the dispatcher ends with the set.
pub(super) fn keep(limits: &Limits, tasks: &mut JoinSet<()>) -> Quota {
    let (quota, dispatcher) = open(limits, MAX_WAIT, None, History::default(), Clock::starting_at(noon()));
    tasks.spawn(dispatcher.run());
    quota
}

/// The first attempt goes alone; the tests are about the others.
pub(super) async fn first(quota: &Quota) {
    attempt(quota, "first", Feedback::Accepted).await.unwrap();
}

pub(super) async fn attempt(quota: &Quota, name: &str, feedback: Feedback) -> Result<(), Refusal> {
    quota.permit(&job(name)).await?.depart().answered(feedback);
    Ok(())
}
