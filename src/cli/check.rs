//! `tidemill check`: every mistake and what is seldom meant; nothing is sent without `--live`.

use serde_json::{Value, json};

use crate::job::{Axis, Job, Problem, Problems, Severity};
use crate::plan::{self, today};
use crate::provider::Workspace;
use crate::quota::{Clock, Moment};
use crate::run::{Exit, Prepared, lint_job, lint_limits, lint_together};

use super::args::{CheckArguments, CheckFormat};
use super::check_live::{Live, Tried, try_live};
use super::load::load;
use super::problems::{github, json_of};
use super::render::count;
use super::start::CommandError;
use super::term::{colors_err, put, say};
use super::unset::stand_in;

/// Checks jobs, settings, axis files and secrets, and with `--live` whether providers take the credentials.
pub(super) async fn check(arguments: &CheckArguments) -> Result<Exit, CommandError> {
    let (workspace, prepared, warnings) = match examine(arguments) {
        Ok(examined) => examined,
        Err(problems) if arguments.format() == CheckFormat::Github => {
            problems.0.iter().for_each(|problem| put(&github(problem, Severity::Error)));
            return Ok(Exit::Usage);
        }
        Err(problems) => return Err(problems.into()),
    };
    let is_denied = arguments.deny_warnings && !warnings.is_empty();
    let names: Vec<String> = prepared.iter().map(|job| job.job.name.to_string()).collect();
    if arguments.format() != CheckFormat::Json {
        tell(arguments.format(), names.len(), &warnings);
    }
    let live = match arguments.live && !is_denied {
        true => Some(try_live(&workspace, prepared).await?),
        false => None,
    };
    let exit = match is_denied {
        true => Exit::Usage,
        false => live.as_ref().map_or(Exit::Done, Live::exit),
    };
    let tried = live.map(|live| live.tried);
    match arguments.format() {
        CheckFormat::Json => {
            let warnings: Vec<Value> = warnings.iter().map(json_of).collect();
            let mut told = json!({ "ok": exit == Exit::Done, "jobs": names, "warnings": warnings });
            if let (Some(tried), Some(told)) = (&tried, told.as_object_mut()) {
                told.insert("live".to_owned(), tried.iter().map(Tried::json).collect());
            }
            put(&told.to_string());
        }
        CheckFormat::Github => {
            let wrong = tried.iter().flatten().filter(|one| one.exit() != Exit::Done);
            wrong.for_each(|one| put(&github(&one.problem(), Severity::Error)));
        }
        CheckFormat::Text => tried.iter().flatten().for_each(|one| put(one.text().trim_end())),
    }
    if is_denied {
        say("warnings count as mistakes here (`--deny-warnings`)");
    }
    if arguments.format() == CheckFormat::Text && exit == Exit::Done {
        say(&format!("next: tidemill plan {}", arguments.jobs.typed()));
    }
    Ok(exit)
}

fn examine(arguments: &CheckArguments) -> Result<(Workspace, Vec<Prepared>, Vec<Problem>), Problems> {
    let now = Clock::system().now();
    let mut loaded = load(&arguments.jobs)?;
    let providers = loaded.providers();
    // Where nothing is sent a key may come later.
    let mut warnings = match arguments.live {
        true => Vec::new(),
        false => stand_in(&mut loaded.workspace.environment, &providers),
    };
    let prepared = loaded.prepare(now.wall)?;
    warnings.extend(self::warnings(&loaded.workspace, &prepared, now)?);
    Ok((loaded.workspace, prepared, warnings))
}

fn tell(format: CheckFormat, jobs: usize, warnings: &[Problem]) {
    let mut summary = format!("{} without mistakes", count(jobs as u64, "job"));
    if !warnings.is_empty() {
        summary.push_str(&format!(", {}", count(warnings.len() as u64, "warning")));
    }
    if format == CheckFormat::Github {
        warnings.iter().for_each(|warning| put(&github(warning, Severity::Warning)));
        say(&summary);
    } else {
        warnings.iter().for_each(|warning| say(&format!("{}\n", warning.shown(Severity::Warning, colors_err()))));
        put(&summary);
    }
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
