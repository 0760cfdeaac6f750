//! What the findings about providers mean: keys, days, and what came back when they were asked. Pure.

use super::check::Check;
use super::findings::{Answer, Findings, Provider, Secret};
use super::judge::{name_of, readable_by_others};
use crate::run::Exit;

/// Two clocks that are so near count as one: nothing is sent within five seconds of a reset.
const NEAR_MS: i64 = 5_000;
/// So far apart, signed tokens are refused and days change at the wrong time.
const FAR_MS: i64 = 60_000;

/// Keys and answers of all providers; those that nobody uses here are one line.
pub(super) fn providers(found: &Findings) -> Vec<Check> {
    let (used, unused): (Vec<&Provider>, Vec<&Provider>) =
        found.providers.iter().partition(|provider| is_used(provider));
    let mut checks: Vec<Check> = used.iter().flat_map(|provider| keys(provider)).collect();
    if !unused.is_empty() {
        let names: Vec<&str> = unused.iter().map(|provider| provider.name.as_str()).collect();
        checks.push(Check::ok("providers", format!("no key and no settings here: {}", names.join(", "))));
    }
    let has_key = |provider: &&Provider| provider.secrets.iter().all(|secret| matches!(secret, Secret::Found { .. }));
    if !found.providers.iter().any(|provider| has_key(&provider)) && !found.providers.is_empty() {
        checks.push(Check::warning(
            "providers",
            "no provider has its key, so nothing can be fetched",
            "`tidemill doctor PROVIDER` says which variables that takes; `tidemill run JOB --simulate` needs none",
        ));
    }
    checks.extend(found.providers.iter().filter_map(answer));
    checks
}

/// Somebody means to use it: it is named, has settings, or has some of its keys.
fn is_used(provider: &Provider) -> bool {
    let is_missing = |secret: &Secret| matches!(secret, Secret::Missing { .. });
    provider.named || provider.configured || !provider.secrets.iter().all(is_missing)
}

fn keys(provider: &Provider) -> Vec<Check> {
    let name = provider.name.as_str();
    if provider.secrets.is_empty() {
        return vec![Check::ok(name, "needs no key")];
    }
    let mut checks = Vec::new();
    // Half a credential is never meant; none at all may be, unless it is asked for by name.
    let some = provider.secrets.iter().any(|secret| !matches!(secret, Secret::Missing { .. }));
    for secret in &provider.secrets {
        match secret {
            Secret::Found { at, file, shadows } => checks.extend(found_at(name, at, file.as_ref(), *shadows)),
            Secret::Missing { why, hint } if provider.named || some => {
                checks.push(Check::problem(Exit::NeedsPerson, name, why, hint));
            }
            Secret::Missing { why, hint } => checks.push(Check::warning(name, why, hint)),
            Secret::Unusable { why, hint } => checks.push(Check::problem(Exit::NeedsPerson, name, why, hint)),
        }
    }
    if !provider.guessed.is_empty() {
        let keys: Vec<String> = provider.guessed.iter().map(|key| format!("`{key}`")).collect();
        checks.push(Check::warning(
            name,
            format!("limits are guesses: {}", keys.join(", ")),
            format!("set those of your plan in tidemill.toml: [provider.{name}.limits]"),
        ));
    }
    checks
}

fn found_at(name: &str, at: &str, file: Option<&(String, u32)>, shadows: bool) -> Vec<Check> {
    let mut checks = vec![Check::ok(name, format!("key found: {at}"))];
    if let Some((path, mode)) = file.filter(|(_, mode)| readable_by_others(*mode)) {
        let message = format!("the key in `{path}` can be read by others (mode {:o})", mode & 0o777);
        checks.push(Check::warning(name, message, format!("chmod 600 {path}")));
    }
    if shadows {
        let message = format!("{at} is used, although `.env` has another value for it");
        checks.push(Check::warning(name, message, "unset the variable, or take the line out of `.env`"));
    }
    checks
}

/// When the days of a provider reset next.
pub(super) fn reset(provider: &Provider, found: &Findings) -> Vec<Check> {
    if !is_used(provider) {
        return Vec::new();
    }
    let line = |(at, zone): &(jiff::Timestamp, jiff::tz::TimeZone)| {
        let there = at.to_zoned(zone.clone()).strftime("%F %H:%M").to_string();
        let here = at.to_zoned(found.zone.clone()).strftime("%F %H:%M").to_string();
        let minutes = at.duration_since(found.now).as_mins().max(0);
        let here = if here == there { String::new() } else { format!(", {here} here") };
        let wait = format!("in {} h {} min", minutes / 60, minutes % 60);
        Check::ok(&provider.name, format!("the day resets {wait}: {there} {}{here}", name_of(zone, found)))
    };
    provider.resets.iter().map(line).collect()
}

/// What came back from a provider that was asked.
fn answer(provider: &Provider) -> Option<Check> {
    let name = provider.name.as_str();
    Some(match provider.answer.as_ref()? {
        Answer::Failed(why) => Check::problem(
            Exit::Failed,
            name,
            format!("`{}` cannot be reached: {why}", provider.base_url),
            "look at the network, the proxy variables and `base_url`; a run would end with 1",
        ),
        Answer::Came { status, ahead: None, took_ms } => Check::ok(
            name,
            format!("answers (HTTP {status}, {took_ms} ms), without a `Date`: its clock cannot be compared"),
        ),
        Answer::Came { status, ahead: Some(ahead), took_ms } => {
            let by = ahead.abs();
            let (seconds, side) = (by / 1000, if *ahead > 0 { "ahead of" } else { "behind" });
            let next = "set the clock by a time server, such as `timedatectl set-ntp true`";
            let message = format!("the clock here is {seconds} s {side} that of `{name}`");
            match by {
                0..NEAR_MS => Check::ok(name, format!("answers (HTTP {status}, {took_ms} ms), its clock is ours")),
                NEAR_MS..FAR_MS => Check::warning(name, message, next),
                _ => {
                    Check::problem(Exit::Failed, name, format!("{message}: tokens are refused, days change late"), next)
                }
            }
        }
    })
}
