//! `tidemill check`: every mistake and what is seldom meant, nothing sent.

use serde_json::{Value, json};

use crate::job::{Axis, Job, Problem, Problems, Severity};
use crate::plan::{self, today};
use crate::provider::Workspace;
use crate::quota::{Clock, Moment};
use crate::run::{Exit, Prepared, lint_job, lint_limits, lint_together};

use super::args::{CheckArguments, CheckFormat};
use super::load::load;
use super::problems::{github, json_of};
use super::render::count;
use super::start::CommandError;
use super::term::{colors_err, put, say};
use super::unset::stand_in;

/// Checks jobs, settings, axis files and secrets.
pub(super) fn check(arguments: &CheckArguments) -> Result<Exit, CommandError> {
    let format = arguments.format();
    match examine(arguments) {
        Ok((prepared, warnings)) => Ok(tell(arguments, &prepared, &warnings)),
        Err(problems) if format == CheckFormat::Github => {
            problems.0.iter().for_each(|problem| put(&github(problem, Severity::Error)));
            Ok(Exit::Usage)
        }
        Err(problems) => Err(problems.into()),
    }
}

fn examine(arguments: &CheckArguments) -> Result<(Vec<Prepared>, Vec<Problem>), Problems> {
    let now = Clock::system().now();
    let mut loaded = load(&arguments.jobs)?;
    // Nothing is sent, so a key may come later.
    let providers = loaded.providers();
    let mut warnings = stand_in(&mut loaded.workspace.environment, &providers);
    let prepared = loaded.prepare(now.wall)?;
    warnings.extend(self::warnings(&loaded.workspace, &prepared, now)?);
    Ok((prepared, warnings))
}

fn tell(arguments: &CheckArguments, prepared: &[Prepared], warnings: &[Problem]) -> Exit {
    let is_denied = arguments.deny_warnings && !warnings.is_empty();
    let mut summary = format!("{} without mistakes", count(prepared.len() as u64, "job"));
    if !warnings.is_empty() {
        summary.push_str(&format!(", {}", count(warnings.len() as u64, "warning")));
    }
    match arguments.format() {
        CheckFormat::Json => {
            let jobs: Vec<_> = prepared.iter().map(|job| job.job.name.as_str()).collect();
            let warnings: Vec<Value> = warnings.iter().map(json_of).collect();
            put(&json!({ "ok": !is_denied, "jobs": jobs, "warnings": warnings }).to_string());
        }
        CheckFormat::Github => {
            warnings.iter().for_each(|warning| put(&github(warning, Severity::Warning)));
            say(&summary);
        }
        CheckFormat::Text => {
            warnings.iter().for_each(|warning| say(&format!("{}\n", warning.shown(Severity::Warning, colors_err()))));
            put(&summary);
        }
    }
    if is_denied {
        say("warnings count as mistakes here (`--deny-warnings`)");
        return Exit::Usage;
    }
    if arguments.format() == CheckFormat::Text {
        let jobs: Vec<String> = arguments.jobs.jobs.iter().map(|job| job.display().to_string()).collect();
        say(&format!("next: tidemill plan {}", jobs.join(" ")));
    }
    Exit::Done
}

/// What is seldom meant: of each job, of jobs side by side, of each provider.
fn warnings(workspace: &Workspace, prepared: &[Prepared], now: Moment) -> Result<Vec<Problem>, Problems> {
    let mut found = Vec::new();
    for Prepared { job, provider, .. } in prepared {
        let cells = plan::cells(job, now.wall, &provider.zone)?;
        let zone = |axis: &Axis| match axis {
            Axis::Dates(dates) => dates.zone.as_deref().and_then(|zone| jiff::tz::TimeZone::get(zone).ok()),
            Axis::List(_) | Axis::File(_) => None,
        };
        let today = |axis: &Axis| today(now.wall, &zone(axis).unwrap_or_else(|| provider.zone.clone()));
        found.extend(lint_job(job, provider, &cells, today));
    }
    let jobs: Vec<&Job> = prepared.iter().map(|job| job.job.as_ref()).collect();
    found.extend(lint_together(&jobs));
    let mut told: Vec<&str> = Vec::new();
    for Prepared { job, provider, .. } in prepared {
        if told.contains(&provider.name.as_str()) {
            continue;
        }
        told.push(&provider.name);
        let asking = prepared.iter().filter(|other| other.provider.name == provider.name);
        let ceilings: Vec<_> = asking.map(|other| other.job.ceilings).collect();
        for problem in lint_limits(provider, &ceilings) {
            let located = workspace.locate(&provider.name, problem.clone());
            // What only a preset says is mended in `tidemill.toml`; the job is what names the preset.
            found.push(match located.location {
                Some(_) => located,
                None => job.locate(Problem { path: "/provider".to_owned(), at_key: false, ..problem }),
            });
        }
    }
    Ok(found)
}
