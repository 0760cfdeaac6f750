//! The summary of a run: a fold over its events, so that nothing can be in it that did not happen.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use crate::fetch::{CellEnd, Judgement, Notice};
use crate::ledger::Outcome;
use crate::provider::Verdict;

use super::event::{Event, EventKind, PublishedFile};
use super::exit::Exit;

/// How many rejected cells, records and warnings a report lists; their counts are always whole.
const LISTED: usize = 20;

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

/// One job of a run.
#[derive(Debug, Clone, Serialize)]
pub struct JobReport {
    /// Its name.
    pub job: String,
    /// Who serves it.
    pub provider: String,
    /// Its folder of Parquet files.
    pub output: String,
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
    /// Pages kept.
    pub pages: u64,
    /// Records on them.
    pub records: u64,
    /// Credits charged, as far as the provider says.
    pub credits: u64,
    /// Files that became visible.
    pub files: Vec<PublishedFile>,
    /// Records that did not fit their column types.
    pub rejected_records: u64,
    /// The first rejected cells and records, with the provider's words.
    pub rejected: Vec<String>,
    /// Things a person should know.
    pub warnings: Vec<String>,
}

/// Where the cells of a job stand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
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
            exit: Exit::Failed,
            reason: None,
            resume_at: None,
            cells: CellCounts::default(),
            requests: 0,
            refused: 0,
            throttled: 0,
            answers: BTreeMap::new(),
            pages: 0,
            records: 0,
            credits: 0,
            files: Vec::new(),
            rejected_records: 0,
            rejected: Vec::new(),
            warnings: Vec::new(),
        }
    }

    /// Takes in one event of this job.
    pub fn apply(&mut self, kind: &EventKind) {
        match kind {
            EventKind::Planned { cells, settled, .. } => {
                self.cells.planned = *cells;
                self.cells.earlier = *settled;
            }
            EventKind::Limited(_) => {}
            EventKind::Fetching { notice, .. } => self.notice(notice),
            EventKind::CellEnded { cell, end } => self.cell_ended(cell, end),
            EventKind::Published(file) => self.files.push(file.clone()),
            EventKind::RejectedRecords { count, samples } => {
                self.rejected_records += count;
                samples.iter().for_each(|sample| list(&mut self.rejected, sample.clone()));
            }
            EventKind::Ended { exit, reason, resume_at } => {
                self.exit = *exit;
                self.reason.clone_from(reason);
                self.resume_at = *resume_at;
            }
        }
    }

    fn notice(&mut self, notice: &Notice) {
        match notice {
            Notice::Attempt { judgement, .. } => {
                self.requests += 1;
                *self.answers.entry(label(judgement)).or_default() += 1;
                match judgement.verdict {
                    Verdict::Accept | Verdict::Empty { .. } => {}
                    Verdict::Throttle(_) => {
                        self.refused += 1;
                        self.throttled += 1;
                    }
                    Verdict::Pending { .. }
                    | Verdict::Retry { .. }
                    | Verdict::Reauthorize { .. }
                    | Verdict::Reject
                    | Verdict::Stop => self.refused += 1,
                }
            }
            Notice::Page { records, credits } => {
                self.pages += 1;
                self.records += records;
                self.credits += credits;
            }
            Notice::Delay { .. } => {}
            Notice::Warning(text) => list(&mut self.warnings, text.clone()),
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
            CellEnd::Pending { reason } => {
                self.cells.pending += 1;
                list(&mut self.warnings, format!("{cell} is left for the next run: {reason}"));
            }
            CellEnd::Parked { .. } => self.cells.parked += 1,
            CellEnd::Stopped { .. } | CellEnd::Interrupted => self.cells.pending += 1,
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
        job.apply(&event.kind);
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

fn list(lines: &mut Vec<String>, line: String) {
    if lines.len() < LISTED {
        lines.push(line);
    }
}
