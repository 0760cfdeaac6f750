//! What the ends of its cells mean for a job: go on, or stop asking; and how it ends. Pure.

use jiff::Timestamp;

use crate::fetch::{CellEnd, Reach};
use crate::ledger::Outcome;

use super::exit::Exit;

/// Cells rejected one after the other, none accepted, after which the job itself must be wrong: each of them may cost
/// a paid call.
const BREAKER: u32 = 10;

/// Cells that used up their attempts one after the other, after which the provider must be down: asking for the rest
/// would spend calls on the same answer.
const DOWN: u32 = 5;

/// The ends of a job's cells, folded.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outlook {
    interrupted: bool,
    stopped: Option<String>,
    parked: Option<(Timestamp, String)>,
    waits: bool,
    pending: Option<String>,
    accepted: bool,
    rejections: u32,
    rejected: u64,
    broken: Option<String>,
    unanswered: u32,
    down: bool,
    missing: Option<String>,
    refused: Vec<String>,
}

impl Outlook {
    /// Takes in the end of one cell.
    pub fn cell_ended(&mut self, end: &CellEnd) {
        match end {
            CellEnd::Settled(Outcome::Records | Outcome::Empty { .. }) => {
                self.accepted = true;
                self.unanswered = 0;
            }
            CellEnd::Settled(Outcome::Rejected { message, .. }) => {
                self.rejected += 1;
                self.rejections += 1;
                self.unanswered = 0;
                if !self.accepted && self.rejections >= BREAKER {
                    self.broken.get_or_insert_with(|| message.clone());
                }
            }
            CellEnd::Pending { reason } => {
                self.unanswered += 1;
                self.down |= self.unanswered >= DOWN;
                self.pending.get_or_insert_with(|| reason.clone());
            }
            CellEnd::Parked { resume_at, reason, reach } => {
                self.waits |= *reach == Reach::Job;
                match &self.parked {
                    Some((known, _)) if known >= resume_at => {}
                    Some(_) | None => self.parked = Some((*resume_at, reason.clone())),
                }
            }
            CellEnd::Stopped { reason } => {
                self.stopped.get_or_insert_with(|| reason.clone());
            }
            CellEnd::Interrupted => self.interrupted = true,
        }
    }

    /// A partition could not be published with its schema.
    pub fn partition_refused(&mut self, reason: String) {
        self.refused.push(reason);
    }

    /// Published files are not as they were published.
    pub fn files_missing(&mut self, reason: String) {
        self.missing = Some(reason);
    }

    /// The run was asked to end before all was published.
    pub fn interrupt(&mut self) {
        self.interrupted = true;
    }

    /// Records were left out of a file.
    pub fn records_rejected(&mut self, count: u64) {
        self.rejected += count;
    }

    /// Takes in the end of a cell that an earlier run asked for again: rejected once more, it says nothing about the
    /// job, and the cells after it must be asked for some day.
    pub fn ended_again(&mut self, end: &CellEnd) {
        match end {
            CellEnd::Settled(Outcome::Rejected { .. }) => self.rejected += 1,
            CellEnd::Settled(Outcome::Records | Outcome::Empty { .. })
            | CellEnd::Pending { .. }
            | CellEnd::Parked { .. }
            | CellEnd::Stopped { .. }
            | CellEnd::Interrupted => self.cell_ended(end),
        }
    }

    /// Cells an earlier run rejected still stand.
    pub fn rejected_before(&mut self, count: u64) {
        self.rejected += count;
    }

    /// True when no further cell may be begun.
    pub fn ended(&self) -> bool {
        self.interrupted || self.stopped.is_some() || self.waits || self.down || self.broken.is_some()
    }

    /// How the job ends: the code, what to say, when it can go on. `signal` is the end of an interrupted run.
    pub fn exit(&self, signal: Exit) -> (Exit, Option<String>, Option<Timestamp>) {
        if self.interrupted {
            (signal, None, None)
        } else if let Some(reason) = &self.stopped {
            (Exit::NeedsPerson, Some(reason.clone()), None)
        } else if let Some(message) = &self.broken {
            let reason = format!(
                "the first {BREAKER} cells were all rejected, so the rest was not asked for; the job file seems wrong. The last answer: {message}"
            );
            (Exit::Rejected, Some(reason), None)
        } else if let (true, Some(reason)) = (self.down, &self.pending) {
            let reason = format!(
                "{DOWN} cells in a row got no page in all their attempts, so the provider seems down: {reason}"
            );
            (Exit::Paused, Some(reason), None)
        } else if let Some(reason) = &self.pending {
            (Exit::Failed, Some(reason.clone()), None)
        } else if let Some(reason) = &self.missing {
            (Exit::Failed, Some(reason.clone()), None)
        } else if let Some((resume_at, reason)) = &self.parked {
            (Exit::Paused, Some(reason.clone()), Some(*resume_at))
        } else if let Some(reason) = self.refused.first() {
            (Exit::Rejected, Some(reason.clone()), None)
        } else if self.rejected > 0 {
            (Exit::Rejected, None, None)
        } else {
            (Exit::Done, None, None)
        }
    }
}
