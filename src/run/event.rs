//! What happened, for progress, log and report alike.

use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::fetch::{CellEnd, Notice};
use crate::job::JobName;
use crate::quota::{Meter, Snapshot};

use super::exit::Exit;

/// One happening of a run.
#[derive(Debug, Clone)]
pub struct Event {
    /// The job it belongs to.
    pub job: JobName,
    /// When.
    pub at: Timestamp,
    /// What.
    pub kind: EventKind,
}

/// What happened to a job.
#[derive(Debug, Clone)]
pub enum EventKind {
    /// Its cells are known.
    Planned {
        /// Cells in all.
        cells: u64,
        /// Cells an earlier run settled.
        settled: u64,
        /// Partitions in all.
        partitions: u64,
    },
    /// The limits it waits for, to be asked at any time.
    Limited(Meter),
    /// How full those limits are.
    Quota(Snapshot),
    /// Something happened while a cell was fetched.
    Fetching {
        /// Its key; nothing for what is about the job.
        cell: Arc<str>,
        /// What.
        notice: Notice,
    },
    /// The work on a cell ended.
    CellEnded {
        /// Its key.
        cell: Arc<str>,
        /// How.
        end: CellEnd,
    },
    /// A replay begins to make files anew, or has made one more.
    Replayed {
        /// Cells in those that are made.
        cells: u64,
        /// Cells in all that are to be made.
        of: u64,
        /// How many that are.
        partitions: u64,
    },
    /// A file became visible.
    Published(PublishedFile),
    /// Records that did not fit were left out of a file.
    RejectedRecords {
        /// How many.
        count: u64,
        /// The first of them, with cell, page, index, path and reason.
        samples: Vec<String>,
    },
    /// The job is over for this run.
    Ended {
        /// How.
        exit: Exit,
        /// What to say about it, if anything.
        reason: Option<String>,
        /// When it can go on, if it is paused.
        resume_at: Option<Timestamp>,
    },
}

impl EventKind {
    /// Something about the job that a person should know.
    pub fn warning(text: String) -> Self {
        Self::Fetching { cell: Arc::default(), notice: Notice::Warning(text) }
    }
}

/// One visible Parquet file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublishedFile {
    /// Where it is.
    pub path: String,
    /// Rows in it.
    pub rows: u64,
    /// Its size.
    pub bytes: u64,
}
