//! What goes into the batches of a partition and what is left out.
//!
//! All of it is a pure function of the pages, the declared columns and the recorded schema. A page that cannot be
//! read is an error (it was accepted when it came, so it is damaged or the record path changed); a record that does
//! not fit is counted and the rest goes on.

use std::sync::Arc;

use arrow::error::ArrowError;
use bytes::Bytes;
use serde_json::{Map, Value};

use super::build::DecoderError;
use crate::fetch::LocateError;
use crate::job::{Pointer, Shape};
use crate::json::Outline;

/// Rejected records kept as samples; all are counted.
pub const SAMPLES: usize = 1000;

/// One page of the spool, in plan order, then page order.
#[derive(Debug, Clone)]
pub struct PageIn {
    /// Key of its cell.
    pub cell: Arc<str>,
    /// Its index within the cell, from 0.
    pub page: u32,
    /// The body as received.
    pub body: Bytes,
    /// Where its records stand, if that is known.
    pub outline: Option<Outline>,
    /// Columns added to each of its records.
    pub added: Map<String, Value>,
}

/// Where the records of a page are.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RecordsAt {
    /// From the root of the body.
    pub path: Pointer,
    /// What stands there.
    pub shape: Option<Shape>,
}

/// Why a partition cannot be decoded; `E` is the caller's own error from reading pages or taking batches.
#[derive(Debug, thiserror::Error)]
pub enum PartitionError<E: std::error::Error + 'static> {
    /// The caller's.
    #[error(transparent)]
    Caller(E),
    /// The body of a page is not what the record path says.
    #[error("page {page} of cell `{cell}` cannot be read: mend the record path, and run again")]
    Page {
        /// Key of the cell.
        cell: Arc<str>,
        /// Index of the page.
        page: u32,
        /// What is wrong.
        source: LocateError,
    },
    /// The record path leads nowhere.
    #[error("page {page} of cell `{cell}` has nothing at `{at}`, only {have:?}: mend the record path")]
    Missing {
        /// Key of the cell.
        cell: Arc<str>,
        /// Index of the page.
        page: u32,
        /// The first key that is not there.
        at: String,
        /// Keys beside it.
        have: Vec<String>,
    },
    /// The schema cannot be built.
    #[error(transparent)]
    Decoder(#[from] DecoderError),
    /// Columns that do not make a batch: a bug.
    #[error("a batch could not be built: please report this")]
    Batch(#[from] ArrowError),
}

/// A record that is in no file, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RejectedRecord {
    /// Key of the cell.
    pub cell: Arc<str>,
    /// Index of the page within the cell, from 0.
    pub page: u32,
    /// Index of the record within the page, from 0.
    pub index: u64,
    /// JSON Pointer below the record.
    pub path: String,
    /// What was found and what would fit.
    pub reason: String,
}

/// What became batches.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Built {
    /// Records seen, rejected ones included.
    pub records: u64,
    /// Rows handed out; differs from accepted records only under `explode`.
    pub rows: u64,
    /// Rejected records.
    pub rejected: u64,
    /// The first 1000 of them.
    pub samples: Vec<RejectedRecord>,
}
