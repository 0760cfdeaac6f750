//! What the ledger is told and what it answers: plain data, so that every part of it means the same.
//!
//! Invariant: a cell without an [`Outcome`] is planned (pending or parked, too); one with an outcome is settled.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::plan::{CellKey, Partition};

/// How a cell ended.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It has at least one record.
    Records,
    /// The provider said that there is nothing.
    Empty {
        /// It may have meant "not yet": told apart, so that it can be asked again.
        unconfirmed: bool,
    },
    /// It can never succeed as it is asked.
    Rejected {
        /// The provider's code, or ours.
        code: String,
        /// Why, for a person; secrets already masked.
        message: String,
    },
}

impl Outcome {
    /// Its name, in footers and messages.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Records => "records",
            Self::Empty { unconfirmed: false } => "empty",
            Self::Empty { unconfirmed: true } => "empty, unconfirmed",
            Self::Rejected { .. } => "rejected",
        }
    }

    /// The outcome of that name; code and message of a rejection are asked for. `None` when there is no such outcome.
    pub fn named(name: &str, rejection: impl FnOnce() -> Option<(String, String)>) -> Option<Self> {
        Some(match name {
            "records" => Self::Records,
            "empty" => Self::Empty { unconfirmed: false },
            "empty, unconfirmed" => Self::Empty { unconfirmed: true },
            "rejected" => {
                let (code, message) = rejection()?;
                Self::Rejected { code, message }
            }
            _ => return None,
        })
    }

    /// Whether `--retry-failed` asks again: the provider may answer otherwise another day.
    pub fn asked_again(&self) -> bool {
        match self {
            Self::Rejected { .. } => true,
            Self::Empty { unconfirmed } => *unconfirmed,
            Self::Records => false,
        }
    }
}

/// Where a partition stands between planned and published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PartitionState {
    /// Some of its cells are not settled.
    Fetching,
    /// All cells are settled and durable in the spool; it can be encoded.
    Sealed,
    /// Its file is decided and may already be visible.
    Publishing,
    /// Its file is visible and was read back.
    Committed,
}

impl PartitionState {
    /// All of them, in order.
    pub const ALL: [Self; 4] = [Self::Fetching, Self::Sealed, Self::Publishing, Self::Committed];

    /// Its name in the ledger and in messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fetching => "fetching",
            Self::Sealed => "sealed",
            Self::Publishing => "publishing",
            Self::Committed => "committed",
        }
    }
}

/// Why a committed partition was reopened: what its next generation is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cause {
    /// Some of its cells are asked for again; the pages of the others stay.
    Retry,
    /// All of it is asked for again, page by page.
    Refetch,
    /// Nothing is asked for: its pages are decoded anew.
    Replay,
}

impl Cause {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Retry, Self::Refetch, Self::Replay];

    /// Its name in the ledger and in messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Retry => "retry",
            Self::Refetch => "refetch",
            Self::Replay => "replay",
        }
    }
}

/// Committed partitions that are taken back together, all or none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reopening {
    /// Why.
    pub cause: Cause,
    /// Each with the cells that are planned again: at least one, unless it is a replay.
    pub partitions: Vec<(PartitionId, Vec<CellKey>)>,
    /// Fingerprint of the job from now on, if it changes with that.
    pub fingerprint: Option<String>,
    /// Schema of its dataset from now on, if it changes with that.
    pub schema: Option<String>,
}

/// Names a partition inside one ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PartitionId(pub i64);

/// The answer to a claim: from now on every write of an older holder fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The fencing token; grows by one at each claim.
    pub token: u64,
    /// Fingerprint of the job as last adopted; `None` before the first.
    pub known_fingerprint: Option<String>,
    /// Cells in partitions that are committed, about to be, or were before they were reopened: their files answer what the
    /// job asked when it was adopted.
    pub committed_cells: u64,
}

/// One partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PartitionRow {
    /// Its name in this ledger.
    pub id: PartitionId,
    /// [`crate::plan::Partition::key`].
    pub key: String,
    /// Hive folders, outermost first, not encoded.
    pub folders: Vec<(String, String)>,
    /// [`crate::plan::Partition::hash`].
    pub hash: String,
    /// How far it is.
    pub state: PartitionState,
    /// Grows by one each time the partition is reopened; the first is 1.
    pub generation: u32,
    /// The token that wrote it last.
    pub token: u64,
    /// The file decided last, below the output folder; it stays when the partition is sealed anew.
    pub file: Option<String>,
    /// Its digest, hex.
    pub digest: Option<String>,
    /// Records in it.
    pub rows: u64,
    /// Its length.
    pub bytes: u64,
    /// Number of its cells.
    pub cells: u64,
    /// Why it was reopened; `None` in its first generation, and while it is committed.
    pub cause: Option<Cause>,
    /// When it was committed last.
    pub committed: Option<Timestamp>,
    /// A person took what is rejected in it as final.
    pub accepted: bool,
}

/// A job that the ledger lost, as its files and its pages tell it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Salvaged {
    /// The largest token that is known to have been given out.
    pub token: u64,
    /// Fingerprint of the job its files were made by.
    pub fingerprint: Option<String>,
    /// The schema of its dataset.
    pub schema: Option<String>,
    /// Its partitions, in the order they were planned.
    pub partitions: Vec<Salvage>,
}

/// A partition that the ledger lost, as its file or its pages tell it.
#[derive(Debug, Clone, PartialEq)]
pub struct Salvage {
    /// Its key, folders and cells.
    pub partition: Partition,
    /// The generation of the file, or of the pages.
    pub generation: u32,
    /// Its file, if it has one; without it the partition is still to be fetched or published.
    pub published: Option<Published>,
}

/// What the footer of a file says about its partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// The file.
    pub decision: Decision,
    /// How its cells ended.
    pub cells: Vec<SealedCell>,
    /// The records that stayed out of it.
    pub rejected: Vec<RejectedRecord>,
    /// When it was written, as far as can be known.
    pub committed: Timestamp,
}

/// One cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CellRow {
    /// Its name.
    pub key: CellKey,
    /// How it ended; `None` while it is planned.
    pub outcome: Option<Outcome>,
    /// Records received, those rejected later included.
    pub records: u64,
    /// Pages received.
    pub pages: u32,
    /// What they cost, as far as the provider says.
    pub credits: u64,
}

/// A settled cell, as [`super::Ledger::seal`] takes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SealedCell {
    /// Its name.
    pub key: CellKey,
    /// How it ended.
    pub outcome: Outcome,
    /// Records received.
    pub records: u64,
    /// Pages received.
    pub pages: u32,
    /// What they cost.
    pub credits: u64,
}

/// A record that fits no column exactly: left out of the file, never silently.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectedRecord {
    /// The cell it came from.
    pub cell: CellKey,
    /// Index of its page, from 0.
    pub page: u32,
    /// Its place in the page, from 0.
    pub index: u64,
    /// JSON pointer of the value inside the record.
    pub path: String,
    /// Why it does not fit.
    pub reason: String,
}

/// What a partition's file will be, settled before it becomes visible.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// Hex digest of the whole file.
    pub digest: String,
    /// Records in it.
    pub rows: u64,
    /// Its length.
    pub bytes: u64,
    /// Its path below the output folder.
    pub file: String,
}

/// So many runs of a job are kept: more than a year of nights.
pub const RUNS_KEPT: usize = 400;

/// One run of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunRow {
    /// The Report as JSON.
    pub report: String,
    /// When it began.
    pub started: Timestamp,
    /// When it ended.
    pub ended: Timestamp,
}

/// A rejection that stands: of a whole cell, or of one record of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// The cell.
    pub cell: CellKey,
    /// Why, for a person.
    pub message: String,
}

impl std::fmt::Display for RejectedRecord {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "page {} record {}{}: {}", self.page, self.index, self.path, self.reason)
    }
}

/// Counts of one job.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Totals {
    /// Partitions being fetched.
    pub fetching: u64,
    /// Partitions sealed.
    pub sealed: u64,
    /// Partitions decided, not yet committed.
    pub publishing: u64,
    /// Partitions committed.
    pub committed: u64,
    /// Of those not committed, the reopened ones: an earlier file of theirs stands.
    pub reopened: u64,
    /// Cells not settled.
    pub planned: u64,
    /// Cells with records.
    pub records: u64,
    /// Cells that are empty for sure.
    pub empty: u64,
    /// Cells that may only be empty for now.
    pub unconfirmed: u64,
    /// Cells rejected, but for those accepted as they are.
    pub rejected: u64,
    /// Records listed as rejected, but for those accepted as they are.
    pub rejected_records: u64,
    /// Rejected cells that a person took as final.
    pub accepted: u64,
    /// Records in decided files.
    pub rows: u64,
    /// Bytes of decided files.
    pub bytes: u64,
    /// Credits of settled cells.
    pub credits: u64,
}

impl Totals {
    /// Counts partitions, all in their first generation or all in a later one; rows and bytes count once a file is
    /// decided.
    pub(super) fn partition(&mut self, state: PartitionState, later: bool, count: u64, (rows, bytes): (u64, u64)) {
        match state {
            PartitionState::Fetching => self.fetching += count,
            PartitionState::Sealed => self.sealed += count,
            PartitionState::Publishing => self.publishing += count,
            PartitionState::Committed => self.committed += count,
        }
        if later && state != PartitionState::Committed {
            self.reopened += count;
        }
        if later || matches!(state, PartitionState::Publishing | PartitionState::Committed) {
            self.rows += rows;
            self.bytes += bytes;
        }
    }

    /// Counts cells, all of partitions whose rejections are accepted or all of others.
    pub(super) fn cell(&mut self, outcome: Option<&Outcome>, accepted: bool, count: u64, credits: u64) {
        match outcome {
            None => self.planned += count,
            Some(Outcome::Records) => self.records += count,
            Some(Outcome::Empty { unconfirmed: false }) => self.empty += count,
            Some(Outcome::Empty { unconfirmed: true }) => self.unconfirmed += count,
            Some(Outcome::Rejected { .. }) if accepted => self.accepted += count,
            Some(Outcome::Rejected { .. }) => self.rejected += count,
        }
        self.credits += credits;
    }
}
