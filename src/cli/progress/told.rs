//! Progress where nobody watches: a few lines for people, or for programs.
//!
//! A program gets one JSON object a line, on stderr. All have `at`, `event` and `job`; `event` is
//! - `begin`, `progress` (every 10 % or 5 minutes), `end`: with `provider`, `done` and `total` (cells), `percent`, `requests`,
//!   `records`, `retries`, `requests_per_second` (over the last 10 s), `eta` (a time, or null), `eta_at_least` (pages of a
//!   cell are not known yet) and `waiting` (for what, or null); `end` also has `exit`, `exit_code`, `reason` and `resume_at`, as the report of `--json`;
//! - `warning`: with `message`.
//!
//! Whatever else is said is an object with `event` = `message` and its `message`.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::eta::Eta;
use super::tracked::{Tracked, one_line};
use super::words;
use crate::cli::render::grouped;
use crate::provider::Provider;

/// A line is due after this long without one.
const QUIET: Duration = Duration::from_secs(300);

/// What was told of one job.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// Its begin was.
    pub(super) begin: bool,
    tenth: u64,
    last: Duration,
}

impl Told {
    /// A line was told, at `now`.
    pub(super) fn note(&mut self, job: &Tracked, now: Duration) {
        (self.begin, self.tenth, self.last) = (true, tenth(job), now);
    }

    /// Whether another is due. When all cells are done the end is about to be told.
    pub(super) fn is_due(&self, job: &Tracked, now: Duration) -> bool {
        let further = tenth(job) > self.tenth && job.total > Some(job.done);
        job.is_running() && (further || now.saturating_sub(self.last) >= QUIET)
    }
}

fn tenth(job: &Tracked) -> u64 {
    job.total.and_then(|total| (job.done * 10).checked_div(total)).unwrap_or(10)
}

fn percent(job: &Tracked) -> Option<u64> {
    job.total.map(|total| (job.done.min(total) * 100).checked_div(total).unwrap_or(100))
}

/// What a line says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Line {
    /// The plan is made.
    Begin,
    /// It goes on.
    Progress,
    /// It is over.
    End,
}

/// What is known at a line beside the job itself.
#[derive(Debug, Default)]
pub(super) struct Beside {
    /// Requests a second.
    pub(super) rate: Option<f64>,
    /// When it is done.
    pub(super) eta: Option<Eta>,
    /// What it waits for.
    pub(super) waiting: Option<String>,
    /// What is left of the day.
    pub(super) quota: Option<String>,
}

/// One line for a person.
pub(super) fn text(line: Line, job: &Tracked, provider: &Provider, beside: &Beside, now: Timestamp) -> String {
    let total = job.total.unwrap_or(0);
    let left = grouped(total.saturating_sub(job.done));
    let cells = format!("{}/{} cells", grouped(job.done), grouped(total));
    let mut parts = Vec::new();
    match line {
        Line::Begin => {
            parts.push(format!("start, {left} of {} left", count_grouped(total, "cell")));
            parts.push(count_grouped(job.partitions, "file"));
            parts.extend(beside.quota.clone());
        }
        Line::Progress => {
            parts.extend(percent(job).map(|percent| format!("{percent} %")));
            parts.push(cells);
            parts.push(count_grouped(job.requests, "request"));
            parts.push(count_grouped(job.records, "record"));
            parts.extend(retries(job));
            parts.extend(beside.eta.map(|eta| words::eta(eta, now)));
            parts.extend(beside.waiting.as_ref().map(|what| format!("waiting: {what}")));
        }
        Line::End => {
            let resumes = job.end.as_ref().and_then(|end| end.resume_at);
            let resumes = resumes.map(|at| moment(at, provider));
            let (word, _) = job.ended(resumes).unwrap_or_default();
            let told = job.total.map(|_| format!("{cells}, {left} left"));
            let told: Vec<String> = told.into_iter().chain(retries(job)).collect();
            parts.push(match told.is_empty() {
                true => word,
                false => format!("{word} ({})", told.join(", ")),
            });
        }
    }
    format!("{} {} {}", now.strftime("%H:%M:%SZ"), job.name, parts.join(", "))
}

fn count_grouped(number: u64, noun: &str) -> String {
    format!("{} {noun}{}", grouped(number), if number == 1 { "" } else { "s" })
}

fn retries(job: &Tracked) -> Option<String> {
    match job.retries {
        0 => None,
        1 => Some("1 retry".to_owned()),
        more => Some(format!("{} retries", grouped(more))),
    }
}

/// `2026-11-24 00:00 Asia/Shanghai`
fn moment(at: Timestamp, provider: &Provider) -> String {
    at.to_zoned(provider.zone.clone()).strftime("%F %H:%M %Q").to_string()
}

/// One warning for a person.
pub(super) fn warning(job: &Tracked, text: &str) -> String {
    format!("{}: {}", job.name, one_line(text))
}

/// One warning for a program.
pub(super) fn warning_json(job: &Tracked, text: &str, now: Timestamp) -> Value {
    json!({ "at": now, "event": "warning", "job": job.name, "message": text })
}

/// One line for a program.
pub(super) fn json(line: Line, job: &Tracked, provider: &Provider, beside: &Beside, now: Timestamp) -> Value {
    let event = match line {
        Line::Begin => "begin",
        Line::Progress => "progress",
        Line::End => "end",
    };
    let mut value = json!({
        "at": now, "event": event, "job": job.name, "provider": provider.name, "done": job.done, "total": job.total,
        "percent": percent(job), "requests": job.requests, "records": job.records, "retries": job.retries,
        "requests_per_second": beside.rate.map(|rate| (rate * 10.0).round() / 10.0), "eta": beside.eta.and_then(|eta| eta.done), "eta_at_least": beside.eta.is_some_and(|eta| eta.at_least),
        "waiting": beside.waiting,
    });
    if let (Some(end), Some(fields)) = (&job.end, value.as_object_mut()) {
        fields.insert("exit".to_owned(), json!(end.exit));
        fields.insert("exit_code".to_owned(), json!(end.exit.code()));
        fields.insert("reason".to_owned(), json!(end.reason));
        fields.insert("resume_at".to_owned(), json!(end.resume_at));
    }
    value
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::fetch::{CellEnd, Notice};
    use crate::job::Ceilings;
    use crate::ledger::Outcome;
    use crate::plan::Learned;
    use crate::provider::{Environment, Workspace};
    use crate::run::{EventKind, Exit};

    fn provider() -> Provider {
        let nowhere = Path::new("/nonexistent");
        let workspace = Workspace::load(nowhere, nowhere, Environment::default(), &[]).unwrap();
        workspace.provider("foxdata").unwrap()
    }

    /// A job that planned `cells`, of which `done` ended.
    fn job(cells: u64, done: u64) -> Tracked {
        let mut job = Tracked::new("ranks".to_owned(), 0, Learned::default(), Ceilings::default());
        job.take(&EventKind::Planned { cells, settled: 0, partitions: 31 }, Duration::ZERO);
        for _ in 0..done {
            let end = CellEnd::Settled(Outcome::Records);
            job.take(&EventKind::CellEnded { cell: "".into(), end }, Duration::ZERO);
        }
        job
    }

    #[test]
    fn lines_for_people_and_for_programs() {
        let now: Timestamp = "2026-11-28T00:10:01Z".parse().unwrap();
        let provider = provider();
        let mut ranks = job(3000, 1500);
        let delay = Notice::Delay { until: now, reason: "too fast".to_owned() };
        ranks.take(&EventKind::Fetching { cell: "".into(), notice: delay }, Duration::ZERO);
        let beside = Beside {
            rate: Some(3.26),
            eta: Some(Eta { done: Some("2026-12-01T04:10:01Z".parse().unwrap()), at_least: false }),
            waiting: Some("minute limit, 8 s".to_owned()),
            quota: Some("quota 1,796 of 20,000 left today".to_owned()),
        };
        let mut shown = String::new();
        let mut show = |line, job: &Tracked| {
            shown.push_str(&format!("{}\n", text(line, job, &provider, &beside, now)));
            shown.push_str(&format!("{}\n", json(line, job, &provider, &beside, now)));
        };
        show(Line::Begin, &job(3000, 0));
        show(Line::Progress, &ranks);
        let reason = Some("the provider says the daily quota\nis used up".to_owned());
        let resume_at = Some("2026-11-28T16:00:05Z".parse().unwrap());
        ranks.take(&EventKind::Ended { exit: Exit::Paused, reason, resume_at }, Duration::ZERO);
        show(Line::End, &ranks);
        let mut held = Tracked::new("held".to_owned(), 0, Learned::default(), Ceilings::default());
        let reason = Some("job `held` is being run by another process".to_owned());
        held.take(&EventKind::Ended { exit: Exit::Paused, reason, resume_at: None }, Duration::ZERO);
        show(Line::End, &held);
        insta::assert_snapshot!(shown);
    }

    #[test]
    fn a_line_is_due_every_tenth_and_after_five_minutes() {
        let seconds = Duration::from_secs;
        let mut told = Told::default();
        told.note(&job(1000, 0), seconds(10));
        let table = [
            (99, 11, false),
            (100, 11, true),
            (199, 309, true),
            (0, 309, false),
            (0, 310, true),
            // The end is told by itself, unless it takes long.
            (1000, 11, false),
            (1000, 310, true),
        ];
        for (done, at, due) in table {
            assert_eq!(told.is_due(&job(1000, done), seconds(at)), due, "{done} at {at}");
        }
        let mut ended = job(1000, 1000);
        ended.take(&EventKind::Ended { exit: Exit::Done, reason: None, resume_at: None }, Duration::ZERO);
        assert!(!told.is_due(&ended, seconds(1000)));
        assert!(!told.is_due(&job(0, 0), seconds(20)));
    }
}
