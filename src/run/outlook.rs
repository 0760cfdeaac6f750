//! What the ends of its cells mean for a job: go on, or stop asking; and how it ends. Pure.

use jiff::Timestamp;

use crate::fetch::{CellEnd, Reach};
use crate::ledger::Outcome;
use crate::spool::Price;

use super::advice::REFETCH_DAMAGED;
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
    damaged: u64,
    price: Price,
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

    /// A partition could not be published, or not replace what stands.
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

    /// A partition was left alone because its pages are damaged or lost; `price` is what must be fetched again.
    pub fn partition_damaged(&mut self, price: Price) {
        self.damaged += 1;
        self.price = self.price.and(price);
    }

    /// True when a partition was refused before: the reason of the job is taken.
    pub fn refused(&self) -> bool {
        !self.refused.is_empty()
    }

    /// Takes in the end of a cell that an earlier run asked for again: rejected once more, it says nothing about the
    /// job, and the cells after it must be asked for some day.
    pub fn ended_again(&mut self, end: &CellEnd) {
        match end {
            CellEnd::Settled(Outcome::Rejected { .. }) => {}
            CellEnd::Settled(Outcome::Records | Outcome::Empty { .. })
            | CellEnd::Pending { .. }
            | CellEnd::Parked { .. }
            | CellEnd::Stopped { .. }
            | CellEnd::Interrupted => self.cell_ended(end),
        }
    }

    /// So many rejected cells and records stand at the end, and nobody has accepted them.
    pub fn rejections_stand(&mut self, count: u64) {
        self.rejected = count;
    }

    /// True when no further cell may be begun.
    pub fn ended(&self) -> bool {
        self.interrupted || self.stopped.is_some() || self.waits || self.down || self.broken.is_some()
    }

    /// True when so many cells got nothing that the provider is taken for down.
    pub fn is_down(&self) -> bool {
        self.down
    }

    /// How the job ends: the code, what to say, when it can go on. `signal` is the end of an interrupted run.
    pub fn exit(&self, signal: Exit) -> (Exit, Option<String>, Option<Timestamp>) {
        let (exit, reason, resume_at) = self.exit_of_cells(signal);
        // Nothing but a person mends damage: whatever else ends the job as grave or less does not hide it.
        if self.damaged == 0 || exit.and(Exit::Failed) != Exit::Failed {
            return (exit, reason, resume_at);
        }
        let partitions = if self.damaged == 1 { "1 partition" } else { &format!("{} partitions", self.damaged) };
        let price = self.price;
        let damage =
            format!("pages of {partitions} are damaged or lost, {price} must be fetched again: {REFETCH_DAMAGED}");
        let reason = reason.map_or_else(|| damage.clone(), |reason| format!("{damage}. Besides, {reason}"));
        (Exit::Failed, Some(reason), resume_at)
    }

    fn exit_of_cells(&self, signal: Exit) -> (Exit, Option<String>, Option<Timestamp>) {
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
            let reason = match self.refused.len() {
                1 => reason.clone(),
                all => format!("{reason} (and {} more, listed below)", all - 1),
            };
            (Exit::Rejected, Some(reason), None)
        } else if self.rejected > 0 {
            (Exit::Rejected, None, None)
        } else {
            (Exit::Done, None, None)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn damage_is_told_unless_something_graver_is() {
        let rejected = |message: &str| Outcome::Rejected { code: "1".to_owned(), message: message.to_owned() };
        let resume_at = Timestamp::UNIX_EPOCH;
        let (reason, reach) = (|| "why".to_owned(), Reach::Job);
        let stopped = CellEnd::Stopped { reason: reason() };
        let table = [
            (vec![], Exit::Done, Exit::Failed),
            (vec![CellEnd::Settled(Outcome::Records)], Exit::Done, Exit::Failed),
            // What stands as rejected is told at the end, by the ledger.
            (vec![CellEnd::Settled(rejected("no"))], Exit::Done, Exit::Failed),
            (vec![CellEnd::Settled(rejected("no")); BREAKER as usize], Exit::Rejected, Exit::Failed),
            (vec![CellEnd::Parked { resume_at, reason: reason(), reach }], Exit::Paused, Exit::Failed),
            (vec![CellEnd::Pending { reason: reason() }; DOWN as usize], Exit::Paused, Exit::Failed),
            (vec![CellEnd::Pending { reason: reason() }], Exit::Failed, Exit::Failed),
            (vec![stopped.clone()], Exit::NeedsPerson, Exit::NeedsPerson),
            (vec![stopped, CellEnd::Interrupted], Exit::Terminated, Exit::Terminated),
        ];
        for (ends, before, due) in table {
            let mut outlook = Outlook::default();
            ends.iter().for_each(|end| outlook.cell_ended(end));
            let (exit, said, at) = outlook.exit(Exit::Terminated);
            assert_eq!(exit, before, "{ends:?}");
            outlook.partition_damaged(Price { pages: 2, cells: 1, ..Price::default() });
            outlook.partition_damaged(Price { pages: 3, cells: 3, at_most: true, ..Price::default() });
            let (exit, reason, resume_at) = outlook.exit(Exit::Terminated);
            assert_eq!((exit, resume_at), (due, at), "{ends:?}");
            let reason = reason.unwrap_or_default();
            let price = "2 partitions are damaged or lost, at most 5 pages of 4 cells must be fetched again";
            assert_eq!(reason.contains(price) && reason.contains("--refetch-damaged"), due == Exit::Failed, "{reason}");
            assert!(said.is_none_or(|said| reason.contains(&said)), "{reason}");
        }
    }
}
