//! The summary after a run: what was fetched, where it is, what to do next.

use crate::run::{Exit, JobReport, Report};

/// The summary a person reads.
pub(super) fn summary(report: &Report) -> String {
    let mut text = String::new();
    for job in &report.jobs {
        text.push_str(&job_summary(job));
    }
    if let Some(look) = how_to_look(report) {
        text.push_str(&look);
    }
    text.push_str(&closing(report));
    text
}

fn job_summary(job: &JobReport) -> String {
    let cells = &job.cells;
    if job.exit == Exit::Done && job.requests == 0 && job.files.is_empty() {
        let mut text = format!(
            "done      {}: nothing to do, {} already settled -> {}\n",
            job.job,
            count(cells.planned, "cell"),
            job.output
        );
        job.warnings.iter().for_each(|line| text.push_str(&format!("          - {line}\n")));
        return text;
    }
    let mut text = format!("{:<9} {}: {} of {} cells", heading(job.exit), job.job, cells.settled(), cells.planned);
    if cells.earlier > 0 {
        text.push_str(&format!(" ({} by earlier runs)", cells.earlier));
    }
    for (count, name) in [
        (cells.empty, "empty"),
        (cells.rejected, "rejected"),
        (cells.pending, "left for the next run"),
        (cells.parked, "parked"),
    ] {
        if count > 0 {
            text.push_str(&format!(", {count} {name}"));
        }
    }
    text.push('\n');
    if job.requests > 0 {
        text.push_str(&format!(
            "          {} from {}: {} records on {} pages",
            count(job.requests, "request"),
            job.provider,
            job.records,
            job.pages
        ));
        if job.refused > 0 {
            text.push_str(&format!(", {} answered otherwise ({})", job.refused, others(job)));
        }
        if job.credits > 0 {
            text.push_str(&format!(", {} credits", job.credits));
        }
        text.push('\n');
    }
    if !job.files.is_empty() {
        let rows: u64 = job.files.iter().map(|file| file.rows).sum();
        let bytes: u64 = job.files.iter().map(|file| file.bytes).sum();
        text.push_str(&format!(
            "          {rows} rows in {}, {} -> {}\n",
            count(job.files.len() as u64, "file"),
            size(bytes),
            job.output
        ));
    }
    if let Some(reason) = &job.reason {
        text.push_str(&format!("          {reason}\n"));
    }
    if let Some(resume_at) = job.resume_at {
        text.push_str(&format!("          continues by itself on the next run, from {resume_at}\n"));
    }
    for line in job.rejected.iter().chain(&job.warnings).take(10) {
        text.push_str(&format!("          - {line}\n"));
    }
    if let Some(code) = refused_code(job) {
        text.push_str(&format!("          what that means: tidemill explain {} {code}\n", job.provider));
    }
    text
}

fn others(job: &JobReport) -> String {
    job.answers
        .iter()
        .filter(|(label, _)| !label.starts_with("accept") && !label.starts_with("empty"))
        .map(|(label, times)| format!("{label} x{times}"))
        .collect::<Vec<_>>()
        .join(", ")
}

/// The code, or else the HTTP status, that a job which is not done was refused with for the gravest reason.
fn refused_code(job: &JobReport) -> Option<&str> {
    const GRAVEST: [&str; 5] = ["stop ", "reject ", "reauthorize ", "throttle ", "retry "];
    let labels = || job.answers.keys();
    let code = GRAVEST.iter().find_map(|verdict| labels().find_map(|label| label.strip_prefix(verdict)))?;
    let code = code.strip_prefix("HTTP ").unwrap_or(code);
    (job.exit != Exit::Done && is_plain(code)).then_some(code)
}

/// What is no plain word may be anything a provider sends, and is not for a shell.
pub(super) fn is_plain(code: &str) -> bool {
    !code.is_empty() && code.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._".contains(&byte))
}

fn how_to_look(report: &Report) -> Option<String> {
    let job = report.jobs.iter().find(|job| !job.files.is_empty())?;
    Some(format!(
        "\nlook at it   duckdb -c \"from '{0}/**/*.parquet' limit 10\"\n             python -c \"import polars; print(polars.read_parquet('{0}/**/*.parquet'))\"\n",
        job.output
    ))
}

fn closing(report: &Report) -> String {
    let next = match report.exit {
        Exit::Done if report.simulated && report.jobs.iter().any(|job| !job.files.is_empty()) => {
            "every row above is made up by the simulator; set a key and leave out --simulate to fetch real ones"
        }
        Exit::Done => return String::new(),
        Exit::Rejected => rejected(report),
        Exit::NeedsPerson => "a person must act; everything fetched so far is kept, run again afterwards",
        Exit::Paused => "paused with all work kept; run again to go on",
        Exit::Failed => "not finished; everything fetched so far is kept, run again to go on",
        Exit::Usage => "nothing was sent for the job that is refused",
        Exit::Interrupted | Exit::Terminated => "stopped after a clean checkpoint; run again to go on",
    };
    format!("\n{next}\n")
}

/// What to do about a job that ended as rejected: with a reason it was stopped by that, and asking for cells again is no
/// help.
fn rejected(report: &Report) -> &'static str {
    let rejected = || report.jobs.iter().filter(|job| job.exit == Exit::Rejected);
    match rejected().all(|job| job.reason.is_some()) {
        true => "not all of it could be done, for the reason above; what was published before stands as it was",
        false => {
            "some cells or records were rejected and are listed above; all else is published; `--retry-failed` asks for the \
             cells again, `tidemill replay` decodes the records once `[schema] columns` is mended, `--accept-failed` takes \
             both as final"
        }
    }
}

/// One word for the end of a job.
pub(super) fn heading(exit: Exit) -> &'static str {
    match exit {
        Exit::Done => "done",
        Exit::Failed => "failed",
        Exit::Usage => "refused",
        Exit::Rejected => "rejected",
        Exit::NeedsPerson => "stopped",
        Exit::Paused => "paused",
        Exit::Interrupted | Exit::Terminated => "stopped",
    }
}

/// `1 cell`, `1,240 cells`.
pub(super) fn count(number: u64, noun: &str) -> String {
    format!("{} {noun}{}", grouped(number), if number == 1 { "" } else { "s" })
}

/// `1,240`.
pub(super) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// About how much that is.
pub(super) fn size(bytes: u64) -> String {
    match bytes {
        0..10_000 => format!("{bytes} B"),
        10_000..10_000_000 => format!("{} kB", bytes / 1000),
        _ => format!("{} MB", bytes / 1_000_000),
    }
}
