//! `tidemill status`: what is done and left, how the last run ended, what comes next. Sends nothing, changes nothing,
//! needs no key, and works beside a run.

use serde_json::{Value, json};

use crate::ledger::{RUNS_KEPT, Rejection};
use crate::quota::Clock;
use crate::run::{Exit, JobReport, Left, PastRun, RunError, Status, history, rejections, status as status_of};

use super::args::StatusArguments;
use super::problems;
use super::select::{Selected, select};
use super::start::CommandError;
use super::status_text::{failed_text, history_text, status_text};
use super::term::{put, say};

/// Rejections that are listed; all are counted.
const LISTED: usize = 1000;

/// A job with what is asked about it.
pub(super) struct Told {
    pub(super) status: Status,
    pub(super) simulate: bool,
    /// With `--history`: the last one first.
    pub(super) runs: Vec<PastRun>,
    /// With `--failed`: what stands as rejected.
    pub(super) rejections: Vec<Rejection>,
    /// With `--failed`: what the last run left, and why.
    pub(super) left: Vec<Left>,
}

/// Prints where each job stands.
pub(super) fn status(arguments: &StatusArguments) -> Result<Exit, CommandError> {
    let now = Clock::system().now().wall;
    let selected = select(&arguments.look, now)?;
    let mut told = Vec::new();
    for job in &selected.jobs {
        let Selected { ledger, folders, .. } = &selected;
        let prepared = job.prepared.as_ref().map(|one| (one.job.as_ref(), one.provider.as_ref()));
        let status = status_of(&job.name, prepared, ledger.as_ref(), folders, now).map_err(|error| match error {
            RunError::Plan(problems) => CommandError::Input(problems),
            other => CommandError::Run(other),
        })?;
        told.push(tell(status, &selected, arguments)?);
    }
    if arguments.json {
        let jobs: Vec<Value> = told.iter().map(|told| told.json(arguments)).collect();
        let problems: Option<Vec<String>> =
            selected.problems.as_ref().map(|found| found.0.iter().map(ToString::to_string).collect());
        put(&serde_json::to_string_pretty(&json!({ "jobs": jobs, "problems": problems })).unwrap_or_default());
    } else {
        let text = |told: &Told| match (arguments.history, arguments.failed) {
            (true, _) => history_text(told),
            (_, true) => failed_text(told),
            (false, false) => status_text(told, now),
        };
        let texts: Vec<String> = told.iter().map(text).collect();
        texts.iter().for_each(|text| put(text.trim_end()));
        notes(&selected);
    }
    Ok(if selected.problems.is_some() { Exit::Usage } else { Exit::Done })
}

fn tell(status: Status, selected: &Selected, arguments: &StatusArguments) -> Result<Told, CommandError> {
    let (name, ledger) = (status.job.clone(), selected.ledger.as_ref());
    let mut told =
        Told { status, simulate: arguments.look.simulate, runs: Vec::new(), rejections: Vec::new(), left: Vec::new() };
    if arguments.history {
        told.runs = history(&name, ledger, RUNS_KEPT)?;
    }
    if arguments.failed {
        told.rejections = rejections(&name, ledger, &selected.folders, LISTED)?;
        let last = ledger.runs(&name, 1).map_err(RunError::from)?;
        let report = last.first().and_then(|run| JobReport::read(&run.report));
        told.left = report.map(|report| report.left).unwrap_or_default();
    }
    Ok(told)
}

impl Told {
    fn json(&self, arguments: &StatusArguments) -> Value {
        let mut value = json!(self.status);
        if arguments.history {
            value["history"] = json!(self.runs);
        }
        if arguments.failed {
            let rejections = self.rejections.iter();
            let rejections = rejections.map(|one| json!({ "cell": &*one.cell.0, "message": one.message }));
            value["rejected"] = rejections.collect();
            value["left"] = json!(self.left);
        }
        value
    }
}

/// What a person may miss in the answer.
fn notes(selected: &Selected) {
    if let Some(found) = &selected.problems {
        problems::print(found, false);
    }
    if selected.jobs.is_empty() && selected.problems.is_none() {
        say(&format!(
            "nothing was run here yet: there is no job in `jobs/`, and none in `{}`",
            selected.folders.state.display()
        ));
        say("next: tidemill run JOB --simulate");
    }
    if !selected.others.is_empty() {
        say(&format!("run here too, but not in `jobs/`: {}", selected.others.join(", ")));
    }
}
