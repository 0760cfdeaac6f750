//! What the limits of a provider may be but seldom are: told before anything is paid for. Pure.

use std::time::Duration;

use crate::job::{Ceilings, Problem};
use crate::provider::{Limits, Provider, ThrottleWindow, Unit, Verdict, Window, WindowKind};

const DAY: Duration = Duration::from_hours(24);

/// What is odd about the limits of `provider` for jobs with these `ceilings`; paths begin at its own table.
pub fn lint_limits(provider: &Provider, ceilings: &[Ceilings]) -> Vec<Problem> {
    let mut found = Vec::new();
    found.extend(guesses(provider));
    found.extend(no_day(provider, ceilings));
    found.extend(out_of_reach(provider));
    found.extend(more_at_once(provider));
    found
}

/// Which limits of `provider` are still guesses, and how to end that.
fn guesses(Provider { name, limits, .. }: &Provider) -> Option<Problem> {
    let shown: Vec<String> = limits
        .guessed
        .iter()
        .map(|key| match number(limits, key) {
            Some(number) => format!("`{key}` = {number}"),
            None => format!("`{key}`"),
        })
        .collect();
    let (last, others) = shown.split_last()?;
    let (shown, is, them) = match others {
        [] => (last.clone(), "is a cautious guess", "it"),
        _ => (format!("{} and {last}", others.join(", ")), "are cautious guesses", "them"),
    };
    let keys: Vec<String> = limits.guessed.iter().map(|key| format!("{key} = …")).collect();
    let message = format!("{shown} of `{name}` {is}, the vendor publishes no numbers");
    let hint = format!(
        "set {them} to those of your plan in tidemill.toml: [provider.{name}] limits = {{ {} }}",
        keys.join(", ")
    );
    Some(Problem::new("/limits", message).key().hint(hint))
}

fn number(limits: &Limits, key: &str) -> Option<u32> {
    let length = match key {
        "concurrency" => return Some(limits.concurrency),
        "qps" => 1,
        "per_minute" => 60,
        "per_hour" => 3_600,
        "per_day" => 86_400,
        _ => return None,
    };
    let is_it = |kind: &WindowKind| match kind {
        WindowKind::Rolling(found) => *found == Duration::from_secs(length),
        WindowKind::Day { .. } => key == "per_day",
    };
    // Those with a key of their own stand before the further windows.
    limits.windows.iter().find(|window| is_it(&window.kind)).map(|window| window.max)
}

/// The provider counts days, or its calls cost credits, and nothing bounds a day of them.
fn no_day(provider: &Provider, ceilings: &[Ceilings]) -> Option<Problem> {
    let name = &provider.name;
    if provider.limits.windows.iter().any(|window| length(window) >= DAY) {
        return None;
    }
    if provider.rules.iter().any(|rule| rule.verdict == Verdict::Throttle(ThrottleWindow::Day)) {
        let message = format!("`{name}` has a limit per day, by its rules, and none is set");
        let hint =
            format!("write `per_day` into [provider.{name}] limits: without it the limit is found by running into it");
        return Some(Problem::new("/limits", message).key().hint(hint));
    }
    let is_bounded = |ceilings: &Ceilings| ceilings.max_credits.is_some() || ceilings.max_requests.is_some();
    if provider.envelope.cost.is_none() || ceilings.iter().all(is_bounded) {
        return None;
    }
    let message = format!("calls of `{name}` cost credits, and no limit bounds what a day may cost");
    let hint =
        format!("write `per_day` or `credits_per_day` into [provider.{name}] limits, or `max_credits` into each job");
    Some(Problem::new("/limits", message).key().hint(hint))
}

/// A limit that a shorter one never lets anybody reach.
fn out_of_reach(provider: &Provider) -> Vec<Problem> {
    let calls = || provider.limits.windows.iter().filter(|window| window.unit == Unit::Calls);
    let mut found = Vec::new();
    for window in calls() {
        let most = |shorter: &Window| {
            let times = length(window).as_secs_f64() / length(shorter).as_secs_f64().max(f64::MIN_POSITIVE);
            f64::from(shorter.max) * times
        };
        let shorter = calls().filter(|shorter| length(shorter) < length(window));
        let Some(tightest) = shorter.min_by(|a, b| most(a).total_cmp(&most(b))) else { continue };
        if f64::from(window.max) > most(tightest) {
            let message = format!(
                "{} calls {} are never reached: at {} {} they are {:.0} at most",
                window.max,
                per(window),
                tightest.max,
                per(tightest),
                most(tightest).floor()
            );
            found.push(Problem::new(path(window), message).hint("is one of the two numbers mistyped?"));
        }
    }
    found
}

/// More requests in flight than a minute or a longer window has calls.
fn more_at_once(provider: &Provider) -> Option<Problem> {
    let windows = provider.limits.windows.iter().filter(|window| window.unit == Unit::Calls);
    let long = windows.filter(|window| length(window) >= Duration::from_secs(60));
    let least = long.min_by_key(|window| window.max)?;
    let concurrency = provider.limits.concurrency;
    (concurrency > least.max).then(|| {
        let message =
            format!("{concurrency} requests in flight are never reached: only {} may leave {}", least.max, per(least));
        Problem::new("/limits/concurrency", message).hint("is one of the two numbers mistyped?")
    })
}

fn length(window: &Window) -> Duration {
    match window.kind {
        WindowKind::Rolling(length) => length,
        WindowKind::Day { .. } => DAY,
    }
}

fn key(window: &Window) -> Option<&'static str> {
    match (&window.kind, length(window).as_secs()) {
        (WindowKind::Day { .. }, _) | (_, 86_400) => Some("per_day"),
        (_, 1) => Some("qps"),
        (_, 60) => Some("per_minute"),
        (_, 3_600) => Some("per_hour"),
        _ => None,
    }
}

fn path(window: &Window) -> String {
    format!("/limits/{}", key(window).unwrap_or("windows"))
}

fn per(window: &Window) -> String {
    match key(window) {
        Some("qps") => "a second".to_owned(),
        Some("per_minute") => "a minute".to_owned(),
        Some("per_hour") => "an hour".to_owned(),
        Some("per_day") => "a day".to_owned(),
        _ => format!("in {} s", length(window).as_secs_f64()),
    }
}
