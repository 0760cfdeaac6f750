//! What pages and Markdown list alike: rows of plain text, not escaped yet.

use crate::cli::render::{count, grouped, heading, once, pace, sentence, size};
use crate::cli::when::{between, took, when};
use crate::run::{Exit, JobReport, PublishedFile};

use super::charts::is_long;
use super::command::Reported;

/// Files that are listed.
const FILES: usize = 50;

/// Names of columns, and rows.
pub(super) struct Table {
    pub(super) title: &'static str,
    pub(super) heads: Vec<&'static str>,
    pub(super) rows: Vec<Vec<String>>,
}

/// What a manager reads: how it ended, and why.
pub(super) fn lead(reported: &Reported) -> String {
    let JobReport { cells, .. } = &reported.report;
    let share = (cells.settled() * 100).checked_div(cells.planned).map(|share| format!(" ({share} %)"));
    let text = format!(
        "{} of {} cells done{}. {}",
        grouped(cells.settled()),
        grouped(cells.planned),
        share.unwrap_or_default(),
        sentence(&reported.report)
    );
    if text.ends_with('.') { text } else { text + "." }
}

/// Figures that stand out, each with its name and what belongs to it.
pub(super) fn tiles(reported: &Reported) -> Vec<(&'static str, String, String)> {
    let Reported { report, started, ended, .. } = reported;
    let JobReport { cells, records, requests, refused, credits, published, .. } = report;
    let left = cells.planned.saturating_sub(cells.settled());
    // Older reports do not say how long the job itself took.
    let length = report.started.map_or_else(|| between(*started, *ended), |_| report.length());
    let mut tiles = vec![
        ("cells left", grouped(left), format!("of {}", grouped(cells.planned))),
        ("records", grouped(*records), format!("on {}", count(report.pages, "page"))),
        ("requests", grouped(*requests), pace(report, length)),
        ("refused", grouped(*refused), format!("{} as too fast", grouped(report.throttled))),
        ("rows", grouped(published.rows), format!("{}, {}", count(published.files, "file"), size(published.bytes))),
        ("took", took(length), String::new()),
    ];
    if *credits > 0 {
        tiles.insert(4, ("credits", grouped(*credits), String::new()));
    }
    tiles
}

/// All tables of a job that have rows.
pub(super) fn tables(reported: &Reported) -> Vec<Table> {
    let report = &reported.report;
    let mut tables = vec![
        quota(report),
        answers(report),
        delays(report),
        rejected(report),
        left(report),
        warnings(report),
        files(report),
    ];
    tables.retain(|table| !table.rows.is_empty());
    tables
}

/// As it was at the end of the run, whoever uses the credential on this machine.
fn quota(report: &JobReport) -> Table {
    let rows = report.quota.windows.iter().filter(|window| is_long(window)).map(|window| {
        let used = window.used.last().copied().unwrap_or_default();
        let left = window.limit.saturating_sub(used);
        let opens = window.resets_at.map(|at| when(at, &report.zone)).unwrap_or_default();
        let [limit, used, left] = [window.limit, used, left].map(|number| grouped(number.into()));
        vec![window.window.clone(), limit, used, left, opens]
    });
    Table {
        title: "Quota at the end",
        heads: vec!["window", "limit", "used", "left", "opens again"],
        rows: rows.collect(),
    }
}

fn answers(report: &JobReport) -> Table {
    let rows = report.answers.iter().map(|(label, times)| {
        let (verdict, code) = label.split_once(' ').unwrap_or((label, ""));
        let words = report.words.get(label).map(String::as_str).unwrap_or_default();
        vec![code.to_owned(), verdict.to_owned(), grouped(*times), meaning(verdict).to_owned(), words.to_owned()]
    });
    let heads = vec!["code", "verdict", "times", "what it means", "the provider's words, and what to do"];
    Table { title: "Answers by code", heads, rows: rows.collect() }
}

/// What a verdict means for the run.
fn meaning(verdict: &str) -> &'static str {
    match verdict {
        "accept" => "a page",
        "empty" => "nothing there",
        "pending" => "not ready yet, asked again",
        "retry" => "a fault on their side, asked again",
        "throttle" => "too fast or used up, waited for",
        "reauthorize" => "credential not taken, signed anew",
        "reject" => "the cell cannot succeed as it is asked",
        "stop" => "nothing more may be sent until a person acts",
        _ => "",
    }
}

fn delays(report: &JobReport) -> Table {
    let rows = report.delays.0.iter().map(|(reason, delayed)| {
        let length = took(std::time::Duration::from_millis(delayed.total_ms));
        vec![reason.clone(), grouped(delayed.times), length]
    });
    Table { title: "Waits between attempts", heads: vec!["reason", "times", "together"], rows: rows.collect() }
}

fn rejected(report: &JobReport) -> Table {
    let mut rows: Vec<Vec<String>> = report.rejected.iter().map(|line| vec![line.clone()]).collect();
    let all = report.cells.rejected + report.rejected_records;
    let more = all.saturating_sub(rows.len() as u64);
    if more > 0 && !rows.is_empty() {
        rows.push(vec![format!("and {} more: `tidemill status --failed` lists them", grouped(more))]);
    }
    Table { title: "Rejected cells and records", heads: vec!["cell, and why"], rows }
}

fn left(report: &JobReport) -> Table {
    let rows = report.left.iter().map(|left| {
        let until = if left.parked { "a quota opens" } else { "the next run" };
        vec![left.reason.clone(), grouped(left.cells), until.to_owned(), left.first.clone()]
    });
    Table { title: "Begun and left", heads: vec!["reason", "cells", "until", "the first"], rows: rows.collect() }
}

fn warnings(report: &JobReport) -> Table {
    let rows = once(&report.warnings).into_iter().map(|line| vec![line]).collect();
    Table { title: "What else to know", heads: vec!["note"], rows }
}

fn files(report: &JobReport) -> Table {
    // From the folder of the dataset on, as the run named it.
    let path = |path: &str| path.find(&report.output).and_then(|at| path.get(at..)).unwrap_or(path).to_owned();
    let row = |file: &PublishedFile| vec![path(&file.path), grouped(file.rows), size(file.bytes)];
    let mut rows: Vec<Vec<String>> = report.files.iter().take(FILES).map(row).collect();
    if let Some(more) = report.published.files.checked_sub(rows.len() as u64).filter(|more| *more > 0) {
        rows.push(vec![format!("and {} more below {}", grouped(more), report.output), String::new(), String::new()]);
    }
    Table { title: "Files", heads: vec!["file", "rows", "size"], rows }
}

/// The word of an end, and the class that colours it.
pub(super) fn end(exit: Exit) -> (&'static str, &'static str) {
    let class = match exit {
        Exit::Done => "good",
        Exit::Paused | Exit::Rejected | Exit::Interrupted | Exit::Terminated => "fair",
        Exit::Failed | Exit::Usage | Exit::NeedsPerson => "bad",
    };
    (heading(exit), class)
}
