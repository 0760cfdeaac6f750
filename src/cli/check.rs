//! `tidemill check`: every mistake, nothing sent.

use std::time::Duration;

use serde_json::json;

use crate::provider::{Limits, Provider, WindowKind};
use crate::quota::Clock;
use crate::run::{Exit, Prepared};

use super::args::JobArguments;
use super::load::load;
use super::start::CommandError;
use super::term::{put, say};
use super::unset::stand_in;

/// Checks jobs, settings, axis files and secrets.
pub(super) fn check(arguments: &JobArguments) -> Result<Exit, CommandError> {
    let mut loaded = load(arguments)?;
    // Nothing is sent, so a key may come later.
    let providers = loaded.providers();
    let mut warnings = stand_in(&mut loaded.workspace.environment, &providers);
    let prepared = loaded.prepare(Clock::system().now().wall)?;
    warnings.extend(guesses_of(&prepared));
    if arguments.json {
        let jobs: Vec<_> = prepared.iter().map(|job| job.job.name.as_str()).collect();
        put(&json!({ "ok": true, "jobs": jobs, "warnings": warnings }).to_string());
        return Ok(Exit::Done);
    }
    for warning in warnings {
        say(&format!("warning: {warning}"));
    }
    put(&format!("{} job{} without mistakes", prepared.len(), if prepared.len() == 1 { "" } else { "s" }));
    Ok(Exit::Done)
}

fn guesses_of(prepared: &[Prepared]) -> Vec<String> {
    let mut providers: Vec<&Provider> = prepared.iter().map(|job| job.provider.as_ref()).collect();
    providers.sort_by_key(|provider| &provider.name);
    providers.dedup_by_key(|provider| &provider.name);
    providers.into_iter().filter_map(guesses).collect()
}

/// Which limits of `provider` are still guesses, and how to end that.
fn guesses(Provider { name, limits, .. }: &Provider) -> Option<String> {
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
    Some(format!(
        "{shown} of `{name}` {is}, the vendor publishes no numbers; set {them} to those of your plan in tidemill.toml: \
         [provider.{name}] limits = {{ {} }}",
        keys.join(", ")
    ))
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
