//! One job while it runs: a fold over its events.

use std::time::Duration;

use jiff::Timestamp;

use super::rate::Rate;
use crate::cli::render::{count, grouped, heading};
use crate::cli::term::Color;
use crate::fetch::{CellEnd, Notice};
use crate::job::Ceilings;
use crate::plan::{Learned, Work};
use crate::quota::Moment;
use crate::run::{EventKind, Exit};

/// What is known of a job.
#[derive(Debug, Default)]
pub(super) struct Tracked {
    pub(super) name: String,
    /// Whose limits it uses: an index.
    pub(super) account: usize,
    /// What earlier runs learned of its cells.
    pub(super) learned: Learned,
    pub(super) ceilings: Ceilings,
    /// Cells in all, once they are planned.
    pub(super) total: Option<u64>,
    pub(super) done: u64,
    pub(super) partitions: u64,
    pub(super) requests: u64,
    pub(super) records: u64,
    pub(super) retries: u64,
    pub(super) rate: Rate,
    pub(super) end: Option<End>,
    cells: u64,
    pages: u64,
    credits: u64,
    took: Duration,
    files: u64,
    rows: u64,
    delay: Option<(Timestamp, String)>,
}

/// How it ended.
#[derive(Debug)]
pub(super) struct End {
    pub(super) exit: Exit,
    pub(super) reason: Option<String>,
    pub(super) resume_at: Option<Timestamp>,
}

impl Tracked {
    /// Nothing happened yet.
    pub(super) fn new(name: String, account: usize, learned: Learned, ceilings: Ceilings) -> Self {
        Self { name, account, learned, ceilings, ..Self::default() }
    }

    /// Takes in one event.
    pub(super) fn take(&mut self, kind: &EventKind, now: Duration) {
        match kind {
            EventKind::Planned { cells, settled, partitions } => {
                (self.total, self.done, self.partitions) = (Some(*cells), *settled, *partitions);
            }
            // Of a replay its own work is shown: what it makes files of was settled long ago.
            EventKind::Replayed { cells, of, partitions } => {
                (self.total, self.done, self.partitions) = (Some(*of), *cells, *partitions);
            }
            EventKind::Fetching { notice, .. } => self.notice(notice, now),
            EventKind::CellEnded { end: CellEnd::Settled(_), .. } => {
                self.done += 1;
                self.cells += 1;
            }
            EventKind::Published(file) => {
                self.files += 1;
                self.rows += file.rows;
            }
            EventKind::Ended { exit, reason, resume_at } => {
                self.end = Some(End { exit: *exit, reason: reason.clone(), resume_at: *resume_at });
            }
            EventKind::CellEnded { .. }
            | EventKind::Limited(_)
            | EventKind::Quota(_)
            | EventKind::RejectedRecords { .. } => {}
        }
    }

    fn notice(&mut self, notice: &Notice, now: Duration) {
        match notice {
            Notice::Attempt { latency, .. } => {
                self.requests += 1;
                self.took += *latency;
                self.rate.count(now);
                self.delay = None;
            }
            Notice::Page { records, credits } => {
                self.pages += 1;
                self.records += records;
                self.credits += credits;
            }
            Notice::Delay { until, reason } => {
                self.retries += 1;
                self.delay = Some((*until, reason.clone()));
            }
            Notice::Warning(_) => {}
        }
    }

    /// Whether cells of it may still be fetched.
    pub(super) fn is_running(&self) -> bool {
        self.end.is_none() && self.total.is_some()
    }

    /// What is left of it, by all that was learned.
    pub(super) fn work(&self) -> Work {
        let Self { cells, pages, requests, credits, took, .. } = *self;
        let learned = self.learned.and(Learned { cells, pages, calls: requests, credits, took });
        Work { cells: self.total.unwrap_or(0).saturating_sub(self.done), learned, ceilings: self.ceilings }
    }

    /// What it waits for before it asks again, for a moment that is noticed.
    pub(super) fn delay(&self, now: Moment) -> Option<String> {
        let (until, reason) = self.delay.as_ref()?;
        let left = until.duration_since(now.wall).as_secs();
        (left >= 2).then(|| format!("{reason}, {}", super::words::span(left.unsigned_abs())))
    }

    /// The end in a word, and what there is to say about it; `resumes` is when it can go on.
    pub(super) fn ended(&self, resumes: Option<String>) -> Option<(String, Color)> {
        let End { exit, reason, .. } = self.end.as_ref()?;
        let color = match exit {
            Exit::Done => Color::Green,
            Exit::Paused | Exit::Interrupted | Exit::Terminated | Exit::Rejected => Color::Yellow,
            Exit::Failed | Exit::Usage | Exit::NeedsPerson => Color::Red,
        };
        let mut text = heading(*exit).to_owned();
        if let Some(resumes) = resumes {
            text.push_str(&format!(" until {resumes}"));
        }
        if let Some(reason) = reason {
            text.push_str(&format!(": {}", one_line(reason)));
        } else if self.files > 0 {
            text.push_str(&format!(", {} rows in {}", grouped(self.rows), count(self.files, "file")));
        }
        Some((text, color))
    }
}

/// What a provider or a file says may hold line breaks and worse.
pub(super) fn one_line(text: &str) -> String {
    text.split(char::is_control).map(str::trim).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
}
