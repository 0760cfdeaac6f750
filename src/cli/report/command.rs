//! From the arguments to the file.

use std::io::Write;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::cli::args::{ReportArguments, ReportFormat};
use crate::cli::problems;
use crate::cli::select::{Chosen, Selected, select};
use crate::cli::start::CommandError;
use crate::cli::term::{put, say};
use crate::disk::DiskFile;
use crate::job::{Problem, Problems};
use crate::plan;
use crate::quota::Clock;
use crate::run::{CellState, CellsNow, Exit, JobReport, RunError, cell_states, status};

use super::map::Cells;
use super::markdown::markdown;
use super::page::page;

/// The page when nothing else is said.
const PAGE: &str = "report.html";

/// One run of one job.
pub(super) struct Reported {
    /// How many runs ago, the last one 1.
    pub(super) run: u16,
    /// Begin.
    pub(super) started: Timestamp,
    /// End.
    pub(super) ended: Timestamp,
    /// The pages came from the simulator.
    pub(super) simulated: bool,
    /// What it came to.
    pub(super) report: JobReport,
    /// Where the cells of the job stand now.
    pub(super) now: CellsNow,
    /// Each of them, in plan order.
    pub(super) cells: Cells,
}

/// Writes the report and says where it is.
pub(in crate::cli) fn report(arguments: &ReportArguments) -> Result<Exit, CommandError> {
    let now = Clock::system().now().wall;
    let selected = select(&arguments.look, now)?;
    let mut reported = Vec::new();
    let mut missing = Vec::new();
    for job in &selected.jobs {
        match look(job, &selected, arguments, now)? {
            Some(one) => reported.push(one),
            None => missing.push(job.name.clone()),
        }
    }
    if let Some(found) = &selected.problems {
        problems::print(found, false);
    }
    if reported.is_empty() {
        return Err(nothing(&missing, arguments.run).into());
    }
    missing.iter().for_each(|name| say(&format!("{name}: left out, {}", no_such_run(arguments.run))));
    let text = match arguments.format {
        ReportFormat::Html => page(&reported),
        ReportFormat::Md => markdown(&reported),
        ReportFormat::Json => {
            let jobs: Vec<Value> = reported.iter().map(Reported::json).collect();
            serde_json::to_string_pretty(&json!({ "jobs": jobs })).unwrap_or_default() + "\n"
        }
    };
    let file = match arguments.format {
        ReportFormat::Html => Some(arguments.out.clone().unwrap_or_else(|| PathBuf::from(PAGE))),
        ReportFormat::Md | ReportFormat::Json => arguments.out.clone(),
    };
    match file {
        Some(path) => {
            write(&path, &text)?;
            put(&path.display().to_string());
        }
        None => put(text.trim_end()),
    }
    Ok(if selected.problems.is_some() { Exit::Usage } else { Exit::Done })
}

/// The run that is asked for; `None` when there is none.
fn look(
    job: &Chosen,
    selected: &Selected,
    arguments: &ReportArguments,
    now: Timestamp,
) -> Result<Option<Reported>, CommandError> {
    let (ledger, folders) = (selected.ledger.as_ref(), &selected.folders);
    let runs = ledger.runs(&job.name, usize::from(arguments.run)).map_err(RunError::from)?;
    let Some(row) = runs.get(usize::from(arguments.run) - 1) else { return Ok(None) };
    let Some(report) = JobReport::read(&row.report) else { return Ok(None) };
    let prepared = job.prepared.as_ref().map(|one| (one.job.as_ref(), one.provider.as_ref()));
    let status = status(&job.name, prepared, ledger, folders, now)?;
    let is_parked = status.cells.parked > 0;
    let known = cell_states(&job.name, ledger, folders)?;
    let cells = match prepared {
        Some((job, provider)) => {
            let states: std::collections::HashMap<_, _> =
                known.into_iter().map(|(key, state)| (key.id(), state)).collect();
            let planned = plan::cells(job, now, &provider.zone).map_err(CommandError::Input)?;
            let state = |key: &plan::CellKey| states.get(&key.id()).copied().unwrap_or(CellState::Left);
            Cells::new(planned.iter().map(|cell| (state(&cell.key), cell.key)), is_parked)
        }
        None => Cells::new(known.into_iter().map(|(key, state)| (state, key)), is_parked),
    };
    Ok(Some(Reported {
        run: arguments.run,
        started: row.started,
        ended: row.ended,
        simulated: arguments.look.simulate,
        report,
        now: status.cells,
        cells,
    }))
}

impl Reported {
    fn json(&self) -> Value {
        let Self { run, started, ended, simulated, report, now, .. } = self;
        json!({
            "run": run, "started": started, "ended": ended, "simulated": simulated, "report": report, "cells_now": now,
        })
    }
}

fn no_such_run(run: u16) -> String {
    match run {
        1 => "no run of it was noted yet".to_owned(),
        run => format!("no run {run} of it is kept, see `tidemill status --history`"),
    }
}

fn nothing(missing: &[String], run: u16) -> Problems {
    let problem = |name: &String| Problem::new("", format!("`{name}`: {}", no_such_run(run)));
    match missing.is_empty() {
        true => Problems(vec![Problem::new("", "there is nothing to report: no job was run here yet")]),
        false => Problems(missing.iter().map(problem).collect()),
    }
}

fn write(path: &Path, text: &str) -> Result<(), CommandError> {
    let written = DiskFile::create(path).and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|source| CommandError::Io { what: format!("`{}` cannot be written", path.display()), source })
}
