//! Where jobs stand, as a person reads it.

use jiff::Timestamp;

use crate::ledger::Doing;
use crate::run::{CellsNow, Exit, Next, PastRun, Status};

use super::columns::table;
use super::render::{count, grouped, heading, size};
use super::status::Told;
use super::when::{between, minute, took, when};

/// A few lines about one job.
pub(super) fn status_text(told: &Told, now: Timestamp) -> String {
    let status = &told.status;
    let from = status.provider.as_ref().map(|provider| format!(" from {provider}")).unwrap_or_default();
    let running = status.running.map(|running| {
        let since = running.since.map(|since| format!(" since {}", when(since, &status.zone))).unwrap_or_default();
        let pid = running.pid.map(|pid| format!(" (pid {pid})")).unwrap_or_default();
        let doing = match running.doing {
            Doing::Run => "running".to_owned(),
            other @ (Doing::Replay | Doing::Verify) => other.to_string(),
        };
        format!(", {doing}{since}{pid}")
    });
    let mut text = format!("{}{from}{}\n", status.job, running.unwrap_or_default());
    let mut line = |name: &str, what: &str| text.push_str(&format!("  {name:<9}{what}\n"));
    line("cells", &cells(&status.cells, status.rejected_records));
    if status.files > 0 {
        let output = status.output.as_ref().map(|output| format!(" -> {output}")).unwrap_or_default();
        let what = [count(status.files, "file"), count(status.rows, "row"), size(status.bytes)].join(", ");
        line("files", &format!("{what}{output}"));
    }
    if let Some(died) = status.died {
        line(
            "last run",
            &format!(
                "began {} and left no report: it was killed, or the machine or its disk failed",
                when(died, &status.zone)
            ),
        );
    }
    if let Some(last) = &status.last {
        line(if status.died.is_some() { "before" } else { "last run" }, &past(last, &status.zone));
        if let (None, Some(reason)) = (status.died, &last.reason) {
            reason.lines().for_each(|reason| line("", reason));
        }
    }
    line("next:", &next(told, now));
    text
}

fn cells(cells: &CellsNow, rejected_records: u64) -> String {
    let settled = cells.settled();
    let share = match cells.planned {
        0 => String::new(),
        planned => format!(" ({} %)", settled.min(planned) * 100 / planned),
    };
    let mut text = format!("{} of {} done{share}", grouped(settled), grouped(cells.planned));
    for (number, name) in [
        (cells.left, "left"),
        (cells.parked, "of them parked"),
        (cells.empty, "empty"),
        (cells.unconfirmed, "of them unconfirmed"),
        (cells.rejected, "rejected"),
        (cells.accepted, "rejected and accepted"),
        (cells.again, "due to be fetched again"),
    ] {
        if number > 0 {
            text.push_str(&format!(", {} {name}", grouped(number)));
        }
    }
    if rejected_records > 0 {
        text.push_str(&format!("; {} rejected", count(rejected_records, "record")));
    }
    text
}

fn past(run: &PastRun, zone: &str) -> String {
    let how = match run.exit {
        Some(exit) => format!("{} (exit {})", ended(exit), exit.code()),
        None => "its report cannot be read".to_owned(),
    };
    format!("{}, took {}, {how}", when(run.started, zone), took(between(run.started, run.ended)))
}

/// How a run ended, after what it did.
fn ended(exit: Exit) -> &'static str {
    match exit {
        Exit::NeedsPerson => "a person must act",
        Exit::Interrupted => "interrupted",
        Exit::Terminated => "terminated",
        Exit::Rejected => "done but for what was rejected",
        Exit::Done | Exit::Failed | Exit::Usage | Exit::Paused => heading(exit),
    }
}

/// What comes next, with the command where there is one.
fn next(told: &Told, now: Timestamp) -> String {
    let status = &told.status;
    let Status { cells, rejected_records, zone, .. } = status;
    let run = run(told);
    match &told.status.next {
        Next::Running => match status.running.map(|running| running.doing).unwrap_or_default() {
            Doing::Run => "wait for the end of the run".to_owned(),
            Doing::Replay => "wait for the end of the replay".to_owned(),
            Doing::Verify => "wait for the end of the check".to_owned(),
        },
        Next::Act => format!("do what the last run says above, then `{run}`"),
        Next::Mend => format!("mend what the last run says above, then `{run}`"),
        Next::Wait { until } => {
            format!("run again from {} (in {}): `{run}`", when(*until, zone), took(between(now, *until)))
        }
        Next::Begin => format!("`{run}`"),
        Next::Run => format!("run again: `{run}`"),
        Next::Look if cells.rejected + rejected_records == 0 => "see what the last run says above".to_owned(),
        Next::Look => {
            let mut what = Vec::new();
            what.extend((cells.rejected > 0).then(|| count(cells.rejected, "rejected cell")));
            what.extend((*rejected_records > 0).then(|| count(*rejected_records, "rejected record")));
            let job = status.file.as_ref().unwrap_or(&status.job);
            format!("look at {}: `tidemill status --failed {job}{}`", what.join(" and "), simulate(told))
        }
        Next::Refetch => format!("fetch {} again: `{run}`", count(cells.again, "cell")),
        Next::Nothing => "nothing to do".to_owned(),
    }
}

/// How the job is run.
fn run(told: &Told) -> String {
    format!("tidemill run {}{}", told.status.file.as_deref().unwrap_or("JOB"), simulate(told))
}

fn simulate(told: &Told) -> &'static str {
    if told.simulate { " --simulate" } else { "" }
}

/// One line a run.
pub(super) fn history_text(told: &Told) -> String {
    let Status { job, zone, .. } = &told.status;
    if told.runs.is_empty() {
        return format!("{job}: no run was noted yet\n");
    }
    let mut rows = vec![["started", "took", "exit", "requests", "records", "files", "reason"].map(str::to_owned)];
    for run in &told.runs {
        let exit = match run.exit {
            Some(exit) => format!("{} {}", exit.code(), heading(exit)),
            None => "?".to_owned(),
        };
        let [requests, records, files] = [run.requests, run.records, run.files].map(grouped);
        let took = took(between(run.started, run.ended));
        let reason = run.reason.clone().unwrap_or_default();
        rows.push([minute(run.started, zone), took, exit, requests, records, files, reason]);
    }
    format!("{job} ({}, {zone})\n{}", count(told.runs.len() as u64, "run"), table(&rows, &(3..=5)))
}

/// What was rejected and what is left, each with its reason.
pub(super) fn failed_text(told: &Told) -> String {
    let Status { job, cells, rejected_records, .. } = &told.status;
    let all = cells.rejected + rejected_records;
    if all + cells.left == 0 {
        return format!("{job}: nothing was rejected and nothing is left\n");
    }
    let mut parts = Vec::new();
    parts.extend((cells.rejected > 0).then(|| count(cells.rejected, "rejected cell")));
    parts.extend((*rejected_records > 0).then(|| count(*rejected_records, "rejected record")));
    parts.extend((cells.left > 0).then(|| format!("{} left", count(cells.left, "cell"))));
    let mut text = format!("{job}: {}\n", parts.join(", "));
    told.rejections.iter().for_each(|one| text.push_str(&format!("  rejected  {} {}\n", one.cell, one.message)));
    if let Some(more) = all.checked_sub(told.rejections.len() as u64).filter(|more| *more > 0) {
        text.push_str(&format!("  and {} more\n", grouped(more)));
    }
    let mut begun = 0;
    if cells.left > 0 {
        for left in &told.left {
            begun += left.cells;
            let name = if left.parked { "parked" } else { "left" };
            text.push_str(&format!(
                "  {name:<9} {}, {} first: {}\n",
                count(left.cells, "cell"),
                left.first,
                left.reason
            ));
        }
    }
    if let Some(rest) = cells.left.checked_sub(begun).filter(|rest| *rest > 0) {
        text.push_str(&format!("  left      {} that the last run did not begin\n", count(rest, "cell")));
    }
    let run = run(told);
    if cells.rejected > 0 {
        text.push_str(&format!(
            "next: `{run} --retry-failed` asks for the cells again, `{run} --accept-failed` takes them as final\n"
        ));
    }
    if *rejected_records > 0 {
        let replay = run.replacen("run", "replay", 1);
        text.push_str(&format!(
            "next: mend `[schema] columns`, then `{replay}` decodes the records anew, at no cost\n"
        ));
    }
    text
}
