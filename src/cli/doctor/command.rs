//! `tidemill doctor`: each check a line, with what to do about it.

use serde_json::{Value, json};

use crate::cli::args::DoctorArguments;
use crate::cli::start::CommandError;
use crate::cli::term::{colors_out, put, say};
use crate::job::{Problem, Problems};
use crate::quota::Clock;
use crate::run::Exit;

use super::check::{Check, Level};
use super::judge::judge;
use super::live::ask;
use super::look::look;

/// Looks, with `--live` asks, judges and shows.
pub(in crate::cli) async fn doctor(arguments: DoctorArguments) -> Result<Exit, CommandError> {
    let cwd = std::env::current_dir()
        .map_err(|error| Problems(vec![Problem::new("", format!("the current folder cannot be read: {error}"))]))?;
    let clock = Clock::system();
    let (mut found, providers) = look(&arguments, &cwd, clock.now().wall);
    if arguments.live {
        let chosen: Vec<usize> = (0..found.providers.len()).filter(|index| found.is_asked(*index)).collect();
        say(&format!(
            "asking {} base URL{} for their headers, without a credential; a provider may count that as a call",
            chosen.len(),
            if chosen.len() == 1 { "" } else { "s" }
        ));
        let (proxied, clock) = (found.is_proxied(), &clock);
        let asked = chosen.iter().filter_map(|index| Some((*index, providers.get(*index)?)));
        let asking = asked.map(|(index, provider)| async move { (index, ask(provider, proxied, clock).await) });
        for (index, answer) in futures_util::future::join_all(asking).await {
            if let Some(provider) = found.providers.get_mut(index) {
                provider.answer = Some(answer);
            }
        }
    }
    let checks = judge(&found);
    let exit = checks.iter().fold(Exit::Done, |exit, check| exit.and(check.level.exit()));
    show(&checks, exit, arguments.json);
    Ok(exit)
}

fn show(checks: &[Check], exit: Exit, json: bool) {
    if json {
        let list: Vec<Value> = checks.iter().map(Check::json).collect();
        let value = json!({ "ok": exit == Exit::Done, "exit_code": exit.code(), "checks": list });
        put(&serde_json::to_string_pretty(&value).unwrap_or_default());
        return;
    }
    let width = checks.iter().map(|check| check.area.len()).max().unwrap_or(0);
    checks.iter().for_each(|check| put(&check.text(width, colors_out())));
    let count = |level: fn(&Level) -> bool| checks.iter().filter(|check| level(&check.level)).count();
    let (warnings, problems) =
        (count(|level| *level == Level::Warning), count(|level| matches!(level, Level::Problem(_))));
    let plural = |number: usize, noun: &str| format!("{number} {noun}{}", if number == 1 { "" } else { "s" });
    say(&format!("\n{}, {}", plural(problems, "problem"), plural(warnings, "warning")));
    if problems == 0 {
        say("next: tidemill check JOB");
    }
}
