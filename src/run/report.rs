//! The summary of a run: a fold over its events, so that nothing can be in it that did not happen.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use crate::fetch::{CellEnd, Judgement, Notice};
use crate::ledger::Outcome;
use crate::provider::Verdict;

use super::curve::{Pace, QuotaCurve};
use super::event::{Event, EventKind, PublishedFile};
use super::exit::Exit;
use super::histogram::Histogram;
use super::prepare::Prepared;
use super::told::{Delays, Left, leave};

/// How many rejected cells, records and warnings a report lists; their counts are always whole.
const LISTED: usize = 20;
/// Files that are listed in a report of an earlier run.
const FILES: usize = 200;
/// Kinds of answers whose words are kept.
const WORDS: usize = 50;

/// One run.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// Begin.
    pub started: Timestamp,
    /// End.
    pub ended: Timestamp,
    /// The pages came from the simulator.
    pub simulated: bool,
    /// How it ended.
    pub exit: Exit,
    /// The number of `exit`.
    pub exit_code: u8,
    /// When a paused run can go on: the latest of its jobs.
    pub resume_at: Option<Timestamp>,
    /// Attempts sent, of all jobs.
    pub requests_sent: u64,
    /// By job, in the order asked.
    pub jobs: Vec<JobReport>,
}

/// One job of a run. What older versions did not keep is read as nothing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JobReport {
    /// Its name.
    pub job: String,
    /// Who serves it.
    pub provider: String,
    /// Its folder of Parquet files.
    pub output: String,
    /// Its job file, as the call named it.
    #[serde(default)]
    pub file: String,
    /// The zone of the provider's days.
    #[serde(default = "utc")]
    pub zone: String,
    /// When it was planned.
    #[serde(default)]
    pub started: Option<Timestamp>,
    /// When it was over for this run.
    #[serde(default)]
    pub ended: Option<Timestamp>,
    /// How it ended.
    pub exit: Exit,
    /// What to say about that.
    pub reason: Option<String>,
    /// When it can go on, if paused.
    pub resume_at: Option<Timestamp>,
    /// Where its cells stand.
    pub cells: CellCounts,
    /// Attempts sent in this run.
    pub requests: u64,
    /// Of them, those that were no page and no empty answer.
    pub refused: u64,
    /// Of them, those refused as too fast.
    pub throttled: u64,
    /// Answers by verdict and code, such as `retry 5001`.
    pub answers: BTreeMap<String, u64>,
    /// Of those that were no page and no empty answer: the provider's words the first time, and what to know about it.
    #[serde(default)]
    pub words: BTreeMap<String, String>,
    /// Attempts by when they left.
    #[serde(default)]
    pub pace: Pace,
    /// From the send of an attempt to its answer, if it had one.
    #[serde(default)]
    pub latency: Histogram,
    /// How full the limits were.
    #[serde(default)]
    pub quota: QuotaCurve,
    /// What cells waited for between two attempts.
    #[serde(default)]
    pub delays: Delays,
    /// Pages kept.
    pub pages: u64,
    /// Records on them.
    pub records: u64,
    /// Credits charged, as far as the provider says.
    pub credits: u64,
    /// What became visible, counted.
    #[serde(default)]
    pub published: Published,
    /// Files that became visible; of earlier runs the first are kept.
    pub files: Vec<PublishedFile>,
    /// Records that did not fit their column types.
    pub rejected_records: u64,
    /// The first rejected cells and records, with the provider's words.
    pub rejected: Vec<String>,
    /// Cells left for a later run, by reason.
    #[serde(default)]
    pub left: Vec<Left>,
    /// Things a person should know.
    pub warnings: Vec<String>,
}

/// Files that became visible.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Published {
    /// How many.
    pub files: u64,
    /// Rows in them.
    pub rows: u64,
    /// Their size.
    pub bytes: u64,
}

impl Published {
    fn add(&mut self, file: &PublishedFile) {
        self.files += 1;
        self.rows += file.rows;
        self.bytes += file.bytes;
    }
}

/// Where the cells of a job stand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CellCounts {
    /// In all.
    pub planned: u64,
    /// Settled by earlier runs.
    pub earlier: u64,
    /// With records.
    pub records: u64,
    /// Explicitly empty.
    pub empty: u64,
    /// Of them, those the provider may mean as "not yet".
    pub unconfirmed: u64,
    /// Rejected for good.
    pub rejected: u64,
    /// Left for a later run.
    pub pending: u64,
    /// Left until a quota opens.
    pub parked: u64,
}

impl CellCounts {
    /// Cells settled in all.
    pub fn settled(&self) -> u64 {
        self.earlier + self.records + self.empty + self.rejected
    }
}

impl JobReport {
    /// Nothing happened yet.
    pub fn new(job: &str, provider: &str, output: String) -> Self {
        Self {
            job: job.to_owned(),
            provider: provider.to_owned(),
            output,
            file: String::new(),
            zone: utc(),
            started: None,
            ended: None,
            exit: Exit::Failed,
            reason: None,
            resume_at: None,
            cells: CellCounts::default(),
            requests: 0,
            refused: 0,
            throttled: 0,
            answers: BTreeMap::new(),
            words: BTreeMap::new(),
            pace: Pace::default(),
            latency: Histogram::default(),
            quota: QuotaCurve::default(),
            delays: Delays::default(),
            pages: 0,
            records: 0,
            credits: 0,
            published: Published::default(),
            files: Vec::new(),
            rejected_records: 0,
            rejected: Vec::new(),
            left: Vec::new(),
            warnings: Vec::new(),
        }
    }

    /// How long it took; nothing as long as it has not ended.
    pub fn length(&self) -> Duration {
        let length = self.started.zip(self.ended).map(|(from, to)| to.duration_since(from));
        length.and_then(|length| Duration::try_from(length).ok()).unwrap_or_default()
    }

    /// As it is kept for later: of many files the first.
    #[must_use]
    pub fn kept(&self) -> Self {
        let mut kept = self.clone();
        kept.files.truncate(FILES);
        kept
    }

    /// A report that was kept; `None` when it cannot be read.
    pub fn read(text: &str) -> Option<Self> {
        let mut report: Self = serde_json::from_str(text).ok()?;
        // Of older versions nothing but the list is known.
        if report.published == Published::default() {
            report.files.iter().for_each(|file| report.published.add(file));
        }
        Some(report)
    }

    /// The same of a job that is about to run; `output` is its folder as it is shown.
    pub fn of(prepared: &Prepared, output: &Path) -> Self {
        let Prepared { job, provider, .. } = prepared;
        let report = Self::new(job.name.as_str(), &provider.name, output.display().to_string());
        let zone = provider.zone.iana_name().unwrap_or("UTC").to_owned();
        Self { file: job.file.display().to_string(), zone, ..report }
    }

    /// Takes in what happened to this job at `at`.
    pub fn apply(&mut self, at: Timestamp, kind: &EventKind) {
        match kind {
            EventKind::Planned { cells, settled, .. } => {
                self.started.get_or_insert(at);
                self.cells.planned = *cells;
                self.cells.earlier = *settled;
            }
            EventKind::Limited(_) | EventKind::Replayed { .. } => {}
            EventKind::Quota(snapshot) => self.quota.look(at, snapshot),
            EventKind::Fetching { notice, .. } => self.notice(at, notice),
            EventKind::CellEnded { cell, end } => self.cell_ended(cell, end),
            EventKind::Published(file) => {
                self.published.add(file);
                self.files.push(file.clone());
            }
            EventKind::RejectedRecords { count, samples } => {
                self.rejected_records += count;
                samples.iter().for_each(|sample| list(&mut self.rejected, sample.clone()));
            }
            EventKind::Ended { exit, reason, resume_at } => {
                self.ended = Some(at);
                self.exit = *exit;
                self.reason.clone_from(reason);
                self.resume_at = *resume_at;
            }
        }
    }

    fn notice(&mut self, at: Timestamp, notice: &Notice) {
        match notice {
            Notice::Attempt { latency, judgement, .. } => self.attempt(at, *latency, judgement),
            Notice::Page { records, credits } => {
                self.pages += 1;
                self.records += records;
                self.credits += credits;
            }
            Notice::Delay { until, reason } => {
                self.delays.add(reason, Duration::try_from(until.duration_since(at)).unwrap_or_default());
            }
            Notice::Warning(text) => list(&mut self.warnings, text.clone()),
        }
    }

    fn attempt(&mut self, at: Timestamp, latency: Duration, judgement: &Judgement) {
        let label = label(judgement);
        let is_refused = match judgement.verdict {
            Verdict::Accept | Verdict::Empty { .. } => false,
            Verdict::Throttle(_) => {
                self.throttled += 1;
                true
            }
            Verdict::Pending { .. }
            | Verdict::Retry { .. }
            | Verdict::Reauthorize { .. }
            | Verdict::Reject
            | Verdict::Stop => true,
        };
        self.requests += 1;
        self.refused += u64::from(is_refused);
        if is_refused && self.words.len() < WORDS && !self.words.contains_key(&label) {
            self.words.insert(label.clone(), words(judgement));
        }
        *self.answers.entry(label).or_default() += 1;
        let left = SignedDuration::try_from(latency).ok().and_then(|latency| at.checked_sub(latency).ok());
        self.pace.record(left.unwrap_or(at), is_refused);
        if judgement.http != 0 {
            self.latency.record(latency);
        }
    }

    fn cell_ended(&mut self, cell: &str, end: &CellEnd) {
        match end {
            CellEnd::Settled(Outcome::Records) => self.cells.records += 1,
            CellEnd::Settled(Outcome::Empty { unconfirmed }) => {
                self.cells.empty += 1;
                self.cells.unconfirmed += u64::from(*unconfirmed);
            }
            CellEnd::Settled(Outcome::Rejected { message, .. }) => {
                self.cells.rejected += 1;
                list(&mut self.rejected, format!("{cell}: {message}"));
            }
            CellEnd::Pending { reason } | CellEnd::Stopped { reason } => {
                self.cells.pending += 1;
                leave(&mut self.left, cell, reason, false);
            }
            CellEnd::Parked { reason, .. } => {
                self.cells.parked += 1;
                leave(&mut self.left, cell, reason, true);
            }
            CellEnd::Interrupted => {
                self.cells.pending += 1;
                leave(&mut self.left, cell, "the run was asked to end", false);
            }
        }
    }
}

impl Report {
    /// The whole run from its jobs.
    pub fn new(started: Timestamp, ended: Timestamp, simulated: bool, jobs: Vec<JobReport>) -> Self {
        let exit = jobs.iter().fold(Exit::Done, |exit, job| exit.and(job.exit));
        let resume_at = jobs.iter().filter_map(|job| job.resume_at).max();
        let requests_sent = jobs.iter().map(|job| job.requests).sum();
        Self { started, ended, simulated, exit, exit_code: exit.code(), resume_at, requests_sent, jobs }
    }
}

/// Folds one event into the report of its job.
pub fn apply(jobs: &mut [JobReport], event: &Event) {
    if let Some(job) = jobs.iter_mut().find(|job| job.job == event.job.as_str()) {
        job.apply(event.at, &event.kind);
    }
}

fn label(judgement: &Judgement) -> String {
    let name = judgement.verdict.word();
    match (&judgement.code, judgement.http) {
        (Some(code), _) => format!("{name} {code}"),
        (None, 0) => format!("{name} (no answer)"),
        (None, http) => format!("{name} HTTP {http}"),
    }
}

/// What a person reads about an answer that brought nothing.
fn words(judgement: &Judgement) -> String {
    match (&judgement.hint, judgement.message.as_str()) {
        (Some(hint), "") => hint.clone(),
        (Some(hint), message) => format!("{message} ({hint})"),
        (None, message) => message.to_owned(),
    }
}

/// What the days of a report are told in that does not say.
fn utc() -> String {
    "UTC".to_owned()
}

fn list(lines: &mut Vec<String>, line: String) {
    if lines.len() < LISTED {
        lines.push(line);
    }
}
