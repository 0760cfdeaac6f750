//! What `verify` can find: one kind per invariant, with what a person does about it.

use std::path::Path;

use serde::Serialize;

/// Which invariant does not hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FindingKind {
    /// Every visible Parquet file is the decided file of a partition; this one is not, so readers see rows that nobody
    /// decided.
    Stray,
    /// The ledger knows every file of the job; of this one, which names the job in its footer, it does not.
    Forgotten,
    /// The file of a committed partition is visible; it is gone.
    Missing,
    /// A decided file opens as Parquet, and each of its row groups can be read.
    Unreadable,
    /// A decided file names its own job, provider, partition, generation and cells in its footer.
    Footer,
    /// A decided file has the decided length.
    Size,
    /// A decided file has the decided rows.
    Rows,
    /// A decided file has the decided digest.
    Digest,
    /// The rows of a file are the records of its cells less the rejected ones.
    Records,
    /// Every cell of a sealed partition has ended: as records, empty or rejected.
    Hole,
    /// A cell stands in one partition, and a file belongs to one partition.
    Twice,
    /// There is a decision exactly where a partition is being published or is committed.
    Decision,
    /// Tokens only grow: nothing was written under one that was never given out.
    Token,
    /// What was durable in the spool is what is found there.
    Damaged,
    /// Pages in the spool belong to the partition, and to the cells, they lie with.
    Foreign,
    /// The pages of a cell are 0 to n without a gap, and each but the last says where the next one starts.
    Chain,
    /// The pages of a partition that is sealed and not yet published are there, exactly as they were sealed.
    Lost,
    /// Every folder of the spool belongs to a partition in the ledger.
    Unowned,
    /// Unfinished files stand in the staging folder only.
    Temporary,
}

impl FindingKind {
    /// Its name, for a line of text.
    pub fn name(self) -> &'static str {
        match self {
            Self::Stray => "stray file",
            Self::Forgotten => "forgotten file",
            Self::Missing => "missing file",
            Self::Unreadable => "unreadable file",
            Self::Footer => "wrong footer",
            Self::Size => "wrong size",
            Self::Rows => "wrong row count",
            Self::Digest => "wrong bytes",
            Self::Records => "records unaccounted for",
            Self::Hole => "cell without an end",
            Self::Twice => "counted twice",
            Self::Decision => "wrong decision",
            Self::Token => "wrong token",
            Self::Damaged => "damaged spool",
            Self::Foreign => "pages of others",
            Self::Chain => "broken chain of pages",
            Self::Lost => "lost pages",
            Self::Unowned => "pages of nobody",
            Self::Temporary => "unfinished file",
        }
    }

    /// What to do about it.
    pub fn next(self) -> &'static str {
        match self {
            Self::Stray => "move it out of the dataset folder, readers take its rows for data",
            Self::Forgotten => {
                "put the ledger back from a copy, or run the job: it learns from its files, and asks for nothing again"
            }
            Self::Missing | Self::Unreadable | Self::Size | Self::Rows | Self::Digest => {
                "put it back from a copy; without one, `tidemill replay` rebuilds it while its pages are kept, and `tidemill \
                 run --refetch` fetches all of the job again"
            }
            Self::Footer => "put the right file back from a copy",
            Self::Records | Self::Hole | Self::Twice | Self::Decision | Self::Token => {
                "put the state folder back from a copy; without one, report this with the output of `verify --json`"
            }
            Self::Damaged => {
                "put the folder back from a copy, or run `tidemill run JOB --refetch-damaged`, which fetches these pages again, \
                 and pays for them again, unless the file they are for is published"
            }
            Self::Chain => {
                "put the folder back from a copy, or move it away and run again: its pages are fetched, and paid for, again"
            }
            Self::Foreign => "move it back to where it belongs",
            Self::Lost => {
                "put the folder back from a copy, or run `tidemill run JOB --refetch-damaged`, which fetches these pages again, \
                 and pays for them again"
            }
            Self::Unowned => "put the ledger back from a copy, or run the job: it goes on with these pages",
            Self::Temporary => "remove it, no run will",
        }
    }
}

/// One invariant that does not hold at one place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Which one.
    pub kind: FindingKind,
    /// Key of the partition, where one is concerned.
    pub partition: Option<String>,
    /// The file or folder, where one is concerned.
    pub path: Option<String>,
    /// What was found and what was due.
    pub message: String,
    /// What to do about it.
    pub next: &'static str,
}

impl Finding {
    /// A finding; `partition` and `path` say where, as far as there is a where.
    pub(super) fn new(kind: FindingKind, partition: Option<&str>, path: Option<&Path>, message: String) -> Self {
        Self {
            kind,
            partition: partition.map(ToOwned::to_owned),
            path: path.map(|path| path.display().to_string()),
            message,
            next: kind.next(),
        }
    }
}
