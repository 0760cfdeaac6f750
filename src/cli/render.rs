//! The summary after a run: what was fetched, where it is, what was refused and why, what to do next.

use std::time::Duration;

use jiff::Timestamp;

use crate::draw::in_groups;
use crate::run::{Exit, JobReport, Left, QuotaCurve, Report};

use super::when::{took, when};

/// Rejected cells and records, notes and kinds of answers that are listed; all of them are counted.
const LISTED: usize = 5;

/// The summary a person reads.
pub(super) fn summary(report: &Report) -> String {
    let mut text = String::new();
    for job in &report.jobs {
        text.push_str(&job_summary(job));
    }
    if let Some(job) = report.jobs.iter().find(|job| job.published.files > 0) {
        text.push_str(&format!(
            "\nlook at it   duckdb -c \"from '{0}/**/*.parquet' limit 10\"\n             python -c \"import polars; print(polars.read_parquet('{0}/**/*.parquet'))\"\n",
            job.output
        ));
        if report.simulated {
            text.push_str(
                "\nevery row above is made up by the simulator; set a key and leave out --simulate to fetch real ones\n",
            );
        }
    }
    text
}

/// The command that comes next; `call` is what the run was called with. Nothing where nothing was done and nothing is left.
pub(super) fn next(report: &Report, call: &str) -> Option<String> {
    let simulate = if report.simulated { " --simulate" } else { "" };
    let run = format!("tidemill run {call}{simulate}");
    let stands = |job: &JobReport| job.exit == Exit::Rejected && job.reason.is_none();
    match report.exit {
        Exit::Done if report.jobs.iter().all(|job| job.requests == 0 && job.published.files == 0) => None,
        Exit::Done => Some(format!("tidemill report {call}{simulate}")),
        Exit::Rejected if report.jobs.iter().any(stands) => Some(format!("tidemill status --failed {call}{simulate}")),
        // Its reason says what to do.
        Exit::Rejected | Exit::Usage => None,
        Exit::NeedsPerson => Some(format!("{run}, once a person has done what is said above")),
        Exit::Paused if report.resume_at.is_some_and(|at| at > report.ended) => {
            Some(format!("{run}, once it can go on"))
        }
        Exit::Paused => Some(run),
        Exit::Failed | Exit::Interrupted | Exit::Terminated => Some(run),
    }
}

fn job_summary(job: &JobReport) -> String {
    let is_idle = job.exit == Exit::Done && job.requests == 0 && job.published.files == 0;
    let cells = match job.exit {
        Exit::Done if is_idle => {
            format!("nothing to do, {} already settled -> {}", count(job.cells.planned, "cell"), job.output)
        }
        Exit::Usage if job.requests == 0 => "nothing was sent".to_owned(),
        _ => cells_line(job),
    };
    let mut text = format!("{:<10}{}: {cells}\n", heading(job.exit), job.job);
    for (name, what) in details(job) {
        text.push_str(&format!("  {name:<9}{what}\n"));
    }
    text
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

/// What is said below the first line, each with its name.
fn details(job: &JobReport) -> Vec<(&'static str, String)> {
    let mut lines = Vec::new();
    if job.requests > 0 {
        lines.push(("took", effort(job)));
        let mut got = vec![count(job.records, "record"), count(job.pages, "page")];
        got.extend((job.credits > 0).then(|| count(job.credits, "credit")));
        lines.push(("got", got.join(", ")));
    }
    if job.refused > 0 {
        let kinds = refusals(job);
        let total = (kinds.len() > 1).then(|| format!("{} of the requests", grouped(job.refused)));
        let names = std::iter::once("refused").chain(std::iter::repeat(""));
        lines.extend(names.zip(total.into_iter().chain(kinds)));
    }
    if job.published.files > 0 {
        let published = &job.published;
        let what = [count(published.files, "file"), count(published.rows, "row"), size(published.bytes)].join(", ");
        lines.push(("files", format!("{what} -> {}", job.output)));
    }
    lines.extend(rejections(job).into_iter().map(|line| ("rejected", line)));
    for Left { reason, cells, first, .. } in job.left.iter().filter(|left| job.reason.as_ref() != Some(&left.reason)) {
        lines.push(("left", format!("{}, {first} first: {reason}", count(*cells, "cell"))));
    }
    lines.extend(job.reason.iter().flat_map(|reason| reason.lines()).map(|line| ("because", line.to_owned())));
    lines.extend(resumes(job).map(|at| ("goes on", format!("with the next run, from {}", when(at, &job.zone)))));
    lines.extend(refused_code(job).map(|code| ("explain", format!("tidemill explain {} {code}", job.provider))));
    lines.extend(listed(&once(&job.warnings)).into_iter().map(|line| ("note", line)));
    lines
}

/// What was rejected, cells and records of the same words together. What the reason quotes is not said twice.
fn rejections(job: &JobReport) -> Vec<String> {
    let mut kinds: Vec<(&str, &str, u64)> = Vec::new();
    let mut told = 0;
    for line in &job.rejected {
        let (cell, words) = line.split_once(": ").unwrap_or(("", line));
        told += 1;
        match kinds.iter_mut().find(|(_, known, _)| *known == words) {
            Some((_, _, times)) => *times += 1,
            None => kinds.push((cell, words, 1)),
        }
    }
    kinds.retain(|(_, words, _)| job.reason.as_ref().is_none_or(|reason| !reason.contains(words)));
    let mut lines: Vec<String> = kinds
        .iter()
        .take(LISTED)
        .map(|(cell, words, times)| match times {
            1 => format!("{cell}: {words}"),
            times => format!("{} of them, {cell} first: {words}", grouped(*times)),
        })
        .collect();
    let hidden: u64 = kinds.iter().skip(LISTED).map(|(.., times)| times).sum();
    let more = hidden + (job.cells.rejected + job.rejected_records).saturating_sub(told);
    lines.extend((more > 0 && !lines.is_empty()).then(|| format!("and {} more", grouped(more))));
    lines
}

/// When a run can go on, if that is later than its end.
fn resumes(job: &JobReport) -> Option<Timestamp> {
    job.resume_at.filter(|at| job.ended.is_none_or(|ended| *at > ended))
}

/// Where the cells stand.
fn cells_line(job: &JobReport) -> String {
    let cells = &job.cells;
    let (settled, planned) = (cells.settled(), cells.planned);
    let share = (settled * 100).checked_div(planned).map(|share| format!(" ({share} %)")).unwrap_or_default();
    let mut text = format!("{} of {} cells{share}", grouped(settled), grouped(planned));
    for (number, name) in [
        (cells.earlier, "by earlier runs"),
        (cells.empty, "empty"),
        (cells.rejected, "rejected"),
        (planned.saturating_sub(settled), "left"),
        (cells.parked, "of them parked"),
    ] {
        if number > 0 {
            text.push_str(&format!(", {} {name}", grouped(number)));
        }
    }
    text
}

/// `12 min 3 s, 3,120 requests to foxdata, 260 of at most 300 a minute`.
fn effort(job: &JobReport) -> String {
    let length = job.length();
    let mut parts = vec![took(length), format!("{} to {}", count(job.requests, "request"), job.provider)];
    let pace = pace(job, length);
    parts.extend((!pace.is_empty()).then_some(pace));
    parts.join(", ")
}

/// How fast it went beside what the limits let through; of less than a minute no mean is told.
pub(super) fn pace(job: &JobReport, length: Duration) -> String {
    let mean = (length.as_secs() >= 60).then(|| format!("{:.0}", job.requests as f64 * 60.0 / length.as_secs_f64()));
    let mean = mean.map(|mean| in_groups(&mean));
    match (mean, minute_limit(&job.quota)) {
        (Some(mean), Some((limit, "minute"))) => format!("{mean} of at most {} a minute", grouped(limit.into())),
        (Some(mean), Some((limit, window))) => format!("{mean} a minute, at most {} a {window}", grouped(limit.into())),
        (Some(mean), None) => format!("{mean} a minute"),
        (None, Some((limit, window))) => format!("at most {} a {window}", grouped(limit.into())),
        (None, None) => String::new(),
    }
}

/// Of the limits of a second and of a minute the one that lets less through, and its window.
pub(super) fn minute_limit(quota: &QuotaCurve) -> Option<(u32, &'static str)> {
    let limits = [("second", 60), ("minute", 1)].into_iter();
    let limits = limits.filter_map(|(window, times)| Some((quota.limit(window)?, window, times)));
    limits.min_by_key(|(limit, _, times)| u64::from(*limit) * times).map(|(limit, window, _)| (limit, window))
}

/// Each kind of answer that brought nothing, the most frequent first, with the provider's words where they stand nowhere
/// else.
fn refusals(job: &JobReport) -> Vec<String> {
    let mut kinds: Vec<(&String, u64)> = job.answers.iter().map(|(label, times)| (label, *times)).collect();
    kinds.retain(|(label, _)| !label.starts_with("accept") && !label.starts_with("empty"));
    kinds.sort_by_key(|(_, times)| std::cmp::Reverse(*times));
    let is_told = |label: &str| label.starts_with("reject ") || label.starts_with("stop ");
    let lines = kinds.iter().map(|(label, times)| match job.words.get(*label).filter(|words| !words.is_empty()) {
        Some(words) if !is_told(label) => format!("{} x {label}: {words}", grouped(*times)),
        Some(_) | None => format!("{} x {label}", grouped(*times)),
    });
    listed(&lines.collect::<Vec<_>>())
}

/// Each line once, with how often it was said.
pub(super) fn once(lines: &[String]) -> Vec<String> {
    let mut said: Vec<(&String, u64)> = Vec::new();
    for line in lines {
        match said.iter_mut().find(|(known, _)| *known == line) {
            Some((_, times)) => *times += 1,
            None => said.push((line, 1)),
        }
    }
    let line = |(line, times): (&String, u64)| if times > 1 { format!("{line} ({times} times)") } else { line.clone() };
    said.into_iter().map(line).collect()
}

/// The first lines, and how many more there are.
fn listed(lines: &[String]) -> Vec<String> {
    let mut listed: Vec<String> = lines.iter().take(LISTED).cloned().collect();
    let more = (lines.len() - listed.len()) as u64;
    listed.extend((more > 0).then(|| format!("and {} more", grouped(more))));
    listed
}

/// How a job ended, in a sentence.
pub(super) fn sentence(job: &JobReport) -> String {
    let because = job.reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
    match job.exit {
        Exit::Done if job.requests == 0 && job.published.files == 0 => "There was nothing to do".to_owned(),
        Exit::Done => "All of it is published".to_owned(),
        Exit::Rejected if job.reason.is_some() => format!("Not all of it could be done{because}"),
        Exit::Rejected => {
            let mut what = Vec::new();
            what.extend((job.cells.rejected > 0).then(|| count(job.cells.rejected, "cell")));
            what.extend((job.rejected_records > 0).then(|| count(job.rejected_records, "record")));
            match what.is_empty() {
                true => "What earlier runs rejected still stands; all else is published".to_owned(),
                false => format!("{} rejected for good; all else is published", what.join(" and ")),
            }
        }
        Exit::NeedsPerson => format!("A person must act{because}"),
        Exit::Paused => match resumes(job) {
            Some(at) => {
                format!("Paused{because}. It goes on by itself with the next run, from {}", when(at, &job.zone))
            }
            None => format!("Paused{because}. It goes on by itself with the next run"),
        },
        Exit::Failed => format!("Not finished{because}. Nothing that was fetched is lost, the next run goes on"),
        Exit::Usage => format!("Nothing was sent{because}"),
        Exit::Interrupted | Exit::Terminated => "Stopped after a clean checkpoint; the next run goes on".to_owned(),
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

#[cfg(test)]
mod tests {
    use crate::quota::{Snapshot, WindowUse};

    use super::*;

    fn job() -> JobReport {
        JobReport::new("job", "foxdata", "data/job".to_owned())
    }

    fn limited(limits: &[(&str, u32)]) -> JobReport {
        let window = |(name, max): &(&str, u32)| WindowUse {
            name: (*name).to_owned(),
            max: *max,
            used: 0,
            resets_at: None,
            ceiling: None,
        };
        let mut job = job();
        job.quota.look(Timestamp::UNIX_EPOCH, &Snapshot::idle(limits.iter().map(window).collect()));
        job
    }

    #[test]
    fn the_pace_stands_beside_the_limit_that_is_met_first() {
        let table = [
            (vec![("second", 10), ("minute", 300), ("day", 900)], 120, "1,500 of at most 300 a minute"),
            (vec![("second", 4), ("minute", 300)], 120, "1,500 a minute, at most 4 a second"),
            (vec![("minute", 300)], 59, "at most 300 a minute"),
            (vec![("day", 900)], 120, "1,500 a minute"),
            (vec![], 120, "1,500 a minute"),
            (vec![], 0, ""),
        ];
        for (limits, seconds, due) in table {
            let job = JobReport { requests: 3000, ..limited(&limits) };
            assert_eq!(pace(&job, Duration::from_secs(seconds)), due, "{limits:?}");
        }
    }

    #[test]
    fn what_looks_alike_is_said_once() {
        let line = |cell: u32, words: &str| format!("{{\"a\":{cell}}}: {words}");
        let mut job = job();
        job.rejected =
            (0..18).map(|cell| line(cell, "HTTP 200: no")).chain([line(18, "other"), line(19, "why")]).collect();
        job.cells.rejected = 25;
        let due = ["18 of them, {\"a\":0} first: HTTP 200: no", "{\"a\":18}: other", "{\"a\":19}: why", "and 5 more"];
        assert_eq!(rejections(&job), due);
        job.reason = Some("cell 1 was rejected: HTTP 200: no; its file stays".to_owned());
        assert_eq!(rejections(&job).len(), 3, "the reason quotes it");
        let said = ["a", "b", "a"].map(ToOwned::to_owned);
        assert_eq!(once(&said), ["a (2 times)", "b"]);
        job.answers =
            [("accept 200", 9), ("reject 1", 2), ("retry 5", 3)].map(|(label, times)| (label.to_owned(), times)).into();
        job.words = [("reject 1", "no"), ("retry 5", "later")]
            .map(|(label, words)| (label.to_owned(), words.to_owned()))
            .into();
        assert_eq!(
            refusals(&job),
            ["3 x retry 5: later", "2 x reject 1"],
            "the words of a rejection stand with its cell"
        );
    }

    #[test]
    fn the_next_command() {
        let start = Timestamp::UNIX_EPOCH;
        let later = Some(Timestamp::constant(9, 0));
        let table = [
            (Exit::Done, 0, None, None, None),
            (Exit::Done, 3, None, None, Some("tidemill report jobs")),
            (Exit::Rejected, 3, None, None, Some("tidemill status --failed jobs")),
            (Exit::Rejected, 3, Some("kept the old file"), None, None),
            (Exit::Usage, 0, Some("mend it"), None, None),
            (Exit::NeedsPerson, 1, None, None, Some("tidemill run jobs, once a person has done what is said above")),
            (Exit::Paused, 1, None, later, Some("tidemill run jobs, once it can go on")),
            (Exit::Paused, 1, None, Some(start), Some("tidemill run jobs")),
            (Exit::Failed, 1, None, None, Some("tidemill run jobs")),
        ];
        for (exit, requests, reason, resume_at, due) in table {
            let job = JobReport { exit, requests, reason: reason.map(ToOwned::to_owned), resume_at, ..job() };
            let report = Report::new(start, start, false, vec![job]);
            assert_eq!(next(&report, "jobs").as_deref(), due, "{exit:?} {reason:?}");
        }
    }
}
