//! Lengths of time, waits and quotas in words.

use jiff::Timestamp;

use super::eta::Eta;
use crate::cli::render::grouped;
use crate::provider::{Provider, Unit, WindowKind};
use crate::quota::{Snapshot, WaitsFor};

/// Shorter waits are the even pace of any run.
const NOTABLE: i64 = 3;

/// `45 s`, `12 min`, `4 h 12 min`, `3 d 4 h`.
pub(super) fn span(seconds: u64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{minutes} min"),
        3600..86_400 => format!("{hours} h {} min", minutes % 60),
        86_400..864_000 => format!("{days} d {} h", hours % 24),
        _ => format!("{} d", grouped(days)),
    }
}

/// Seconds from `now` until `at`, begun ones whole; none when it has passed.
pub(super) fn until(at: Timestamp, now: Timestamp) -> u64 {
    let millis = u64::try_from(at.duration_since(now).as_millis()).unwrap_or_default();
    millis.div_ceil(1000)
}

/// `eta 3 d 4 h`, or `eta ≥ 3 d 4 h` before it is known how many pages a cell has.
pub(super) fn eta(eta: Eta, now: Timestamp) -> String {
    let least = if eta.at_least { "≥ " } else { "" };
    match eta.done {
        Some(done) => format!("eta {least}{}", span(until(done, now))),
        None => "eta over 100 years".to_owned(),
    }
}

/// What keeps the next request of a credential, and for how long, when that is longer than the eye notices.
pub(super) fn waiting(snapshot: &Snapshot, provider: &Provider, now: Timestamp) -> Option<String> {
    let (at, on) = (snapshot.next_permit_at?, snapshot.waits_on.as_ref()?);
    if at.duration_since(now).as_secs() < NOTABLE {
        return None;
    }
    let wait = span(until(at, now));
    Some(match on {
        WaitsFor::Window(name) => match day(name, snapshot, provider) {
            Some(resets) => format!("the {name} is used up, resets {resets}"),
            None => format!("{name} limit, {wait}"),
        },
        WaitsFor::Boundary(name) => format!("the {name} is about to change, {wait}"),
        WaitsFor::SpentDay => format!("the provider says the day is used up, next request {}", clock(at, provider)),
        WaitsFor::Pause(_) => format!("throttled by the provider, {wait}"),
        WaitsFor::Concurrency => format!("requests in flight, {wait}"),
        WaitsFor::FirstAnswer => format!("the first answer, {wait}"),
        WaitsFor::Pace => format!("even spacing, {wait}"),
    })
}

/// When the window `name` resets, if it is a calendar day.
fn day(name: &str, snapshot: &Snapshot, provider: &Provider) -> Option<String> {
    let mut windows = snapshot.windows.iter().zip(&provider.limits.windows);
    let (used, window) = windows.find(|(used, _)| used.name == name)?;
    match &window.kind {
        WindowKind::Day { zone, .. } => Some(in_zone(used.resets_at?, zone)),
        WindowKind::Rolling(_) => None,
    }
}

/// `00:00 Asia/Shanghai`.
pub(super) fn clock(at: Timestamp, provider: &Provider) -> String {
    let day = provider.limits.windows.iter().find_map(|window| match &window.kind {
        WindowKind::Day { zone, .. } => Some(zone),
        WindowKind::Rolling(_) => None,
    });
    in_zone(at, day.unwrap_or(&provider.zone))
}

fn in_zone(at: Timestamp, zone: &jiff::tz::TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%H:%M %Q").to_string()
}

/// `quota foxdata  18,204/20,000 day · 212/300 minute · 3 in flight`
pub(super) fn quota(snapshot: &Snapshot, provider: &Provider) -> String {
    let windows = snapshot.windows.iter().zip(&provider.limits.windows);
    let mut parts: Vec<String> = windows
        .map(|(used, window)| {
            let credits = if window.unit == Unit::Credits { "credits a " } else { "" };
            let learned = match used.ceiling {
                Some(ceiling) => format!(" ({} learned)", grouped(ceiling.into())),
                None => String::new(),
            };
            format!("{}/{} {credits}{}{learned}", grouped(used.used.into()), grouped(used.max.into()), used.name)
        })
        .collect();
    // The longest counts most, and what does not fit is cut from the end.
    parts.reverse();
    parts.push(format!("{} in flight", snapshot.in_flight));
    format!("quota {}  {}", provider.name, parts.join(" · "))
}

/// `quota 1,796 of 20,000 left today`, where there is a calendar day of calls.
pub(super) fn left_today(snapshot: &Snapshot, provider: &Provider) -> Option<String> {
    let mut windows = snapshot.windows.iter().zip(&provider.limits.windows);
    let is_day = |kind: &WindowKind| matches!(kind, WindowKind::Day { .. });
    let (used, _) = windows.find(|(_, window)| is_day(&window.kind) && window.unit == Unit::Calls)?;
    let left = grouped(used.max.saturating_sub(used.used).into());
    Some(format!("quota {left} of {} left today", grouped(used.max.into())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::ThrottleWindow;
    use crate::provider::{Environment, Workspace};
    use crate::quota::WindowUse;

    fn provider() -> Provider {
        let limits = "provider.foxdata.limits.per_day.resets";
        let flags = [
            (limits.to_owned(), "00:00".to_owned()),
            ("provider.foxdata.limits.per_day.max".to_owned(), "20000".to_owned()),
        ];
        let empty = std::path::Path::new("/nonexistent");
        Workspace::load(empty, empty, Environment::default(), &flags).unwrap().provider("foxdata").unwrap()
    }

    fn snapshot(provider: &Provider, on: Option<WaitsFor>, at: &str) -> Snapshot {
        let midnight = "2026-11-28T16:00:00Z".parse().unwrap();
        let used = |(name, max, used): (&str, u32, u32)| WindowUse {
            name: name.to_owned(),
            max,
            used,
            resets_at: Some(midnight),
            ceiling: (name == "minute").then_some(250),
        };
        let windows: Vec<_> =
            [("second", 10, 4), ("minute", 300, 212), ("day", 20_000, 18_204)].into_iter().map(used).collect();
        assert_eq!(windows.len(), provider.limits.windows.len(), "{:?}", provider.limits);
        Snapshot {
            windows,
            in_flight: 3,
            concurrency: 8,
            waiting: 1,
            next_permit_at: Some(at.parse().unwrap()),
            waits_for: on.as_ref().map(WaitsFor::to_string),
            waits_on: on,
            notes: Vec::new(),
        }
    }

    #[test]
    fn a_wait_says_for_what_and_how_long() {
        let (provider, now) = (provider(), "2026-11-28T15:56:00Z".parse().unwrap());
        let (soon, later, midnight) = ("2026-11-28T15:56:02Z", "2026-11-28T15:56:07.2Z", "2026-11-28T16:00:05Z");
        let minute = || Some(WaitsFor::Window("minute".to_owned()));
        let table = [
            (None, later, None),
            (minute(), soon, None),
            (minute(), later, Some("minute limit, 8 s")),
            (
                Some(WaitsFor::Window("day".to_owned())),
                midnight,
                Some("the day is used up, resets 00:00 Asia/Shanghai"),
            ),
            (Some(WaitsFor::Boundary("day".to_owned())), later, Some("the day is about to change, 8 s")),
            (
                Some(WaitsFor::SpentDay),
                midnight,
                Some("the provider says the day is used up, next request 00:00 Asia/Shanghai"),
            ),
            (Some(WaitsFor::Pause(ThrottleWindow::Minute)), midnight, Some("throttled by the provider, 4 min")),
            (Some(WaitsFor::Pace), later, Some("even spacing, 8 s")),
        ];
        for (on, at, due) in table {
            assert_eq!(waiting(&snapshot(&provider, on.clone(), at), &provider, now).as_deref(), due, "{on:?}");
        }
    }

    #[test]
    fn a_quota_is_told_with_the_longest_window_first() {
        let provider = provider();
        let snapshot = snapshot(&provider, None, "2026-11-28T15:56:00Z");
        let line = "quota foxdata  18,204/20,000 day · 212/300 minute (250 learned) · 4/10 second · 3 in flight";
        assert_eq!(quota(&snapshot, &provider), line);
        assert_eq!(left_today(&snapshot, &provider).as_deref(), Some("quota 1,796 of 20,000 left today"));
    }

    #[test]
    fn lengths_of_time_are_short() {
        let table = [
            (0, "0 s"),
            (59, "59 s"),
            (60, "1 min"),
            (3599, "59 min"),
            (15_120, "4 h 12 min"),
            (86_399, "23 h 59 min"),
            (273_600, "3 d 4 h"),
            (864_000, "10 d"),
            (86_400 * 1234, "1,234 d"),
        ];
        table.iter().for_each(|(seconds, due)| assert_eq!(span(*seconds), *due));
        let now = Timestamp::UNIX_EPOCH;
        let done = Some(Timestamp::from_millisecond(1001).unwrap());
        for (done, at_least, due) in
            [(done, false, "eta 2 s"), (done, true, "eta ≥ 2 s"), (None, true, "eta over 100 years")]
        {
            assert_eq!(eta(Eta { done, at_least }, now), due);
        }
    }
}
