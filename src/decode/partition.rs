//! Drives a partition: pages in, the schema out of the first pass, batches out of the second.
//!
//! Both passes are pure functions of the pages, the declared columns and the recorded schema. A page that cannot be
//! read is an error (it was accepted when it came, so it is damaged or the record path changed); a record that does
//! not fit is counted and the rest goes on.

use arrow::array::RecordBatch;
use arrow::error::ArrowError;
use bytes::Bytes;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use super::build::{Decoder, DecoderError};
use super::infer::{Inference, Inferred};
use super::project::{Added, Projection};
use super::schema::DatasetSchema;
use crate::fetch::{self, LocateError, Located};
use crate::job::{ColumnType, Pointer, Shape};

/// Rejected records kept as samples; all are counted.
pub const SAMPLES: usize = 1000;

/// One page of the spool, in plan order, then page order.
#[derive(Debug, Clone)]
pub struct PageIn {
    /// Key of its cell.
    pub cell: String,
    /// Its index within the cell, from 0.
    pub page: u32,
    /// The body as received.
    pub body: Bytes,
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
        cell: String,
        /// Index of the page.
        page: u32,
        /// What is wrong.
        source: LocateError,
    },
    /// The record path leads nowhere.
    #[error("page {page} of cell `{cell}` has nothing at `{at}`, only {have:?}: mend the record path")]
    Missing {
        /// Key of the cell.
        cell: String,
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
    pub cell: String,
    /// Index of the page within the cell, from 0.
    pub page: u32,
    /// Index of the record within the page, from 0.
    pub index: u64,
    /// JSON Pointer below the record.
    pub path: String,
    /// What was found and what would fit.
    pub reason: String,
}

/// What the second pass did.
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

/// First pass: the schema of a partition. `projection.prefixed` is found here.
pub fn infer<E: std::error::Error + 'static>(
    pages: impl IntoIterator<Item = Result<PageIn, E>>,
    at: &RecordsAt,
    projection: Projection,
    declared: &[(String, ColumnType)],
    recorded: Option<&DatasetSchema>,
) -> Result<Inferred, PartitionError<E>> {
    let mut inference = Inference::new(projection);
    for page in pages {
        let page = page.map_err(PartitionError::Caller)?;
        let added = Added::new(&page.added);
        for record in records(&page, at)? {
            // Refused again, with its index, by the second pass.
            let _refused = inference.observe(record, &added).is_err();
        }
    }
    Ok(inference.finish(declared, recorded))
}

/// Second pass: hands batches of about [`super::BATCH_ROWS`] rows to `each`.
pub fn build<E: std::error::Error + 'static>(
    pages: impl IntoIterator<Item = Result<PageIn, E>>,
    at: &RecordsAt,
    inferred: &Inferred,
    mut each: impl FnMut(RecordBatch) -> Result<(), E>,
) -> Result<Built, PartitionError<E>> {
    let mut decoder = Decoder::new(&inferred.schema, inferred.projection.clone())?;
    let mut built = Built::default();
    for page in pages {
        let page = page.map_err(PartitionError::Caller)?;
        let added = Added::new(&page.added);
        for (index, record) in (0_u64..).zip(records(&page, at)?) {
            built.records += 1;
            match decoder.push(record, &added) {
                Ok(rows) => built.rows += rows as u64,
                Err(reject) => {
                    built.rejected += 1;
                    if built.samples.len() < SAMPLES {
                        let (path, reason) = (reject.path, reject.reason);
                        let (cell, page) = (page.cell.clone(), page.page);
                        built.samples.push(RejectedRecord { cell, page, index, path, reason });
                    }
                }
            }
            if decoder.is_full()
                && let Some(batch) = decoder.flush()?
            {
                each(batch).map_err(PartitionError::Caller)?;
            }
        }
    }
    if let Some(batch) = decoder.flush()? {
        each(batch).map_err(PartitionError::Caller)?;
    }
    Ok(built)
}

fn records<'a, E: std::error::Error + 'static>(
    page: &'a PageIn,
    at: &RecordsAt,
) -> Result<Vec<&'a RawValue>, PartitionError<E>> {
    let broken = |source| PartitionError::Page { cell: page.cell.clone(), page: page.page, source };
    let body = fetch::document(&page.body).map_err(broken)?;
    match fetch::locate(body, &at.path).map_err(broken)? {
        Located::Value(value) => fetch::records(value, at.shape, &at.path).map_err(broken),
        // An answer that says "nothing" in this way was judged when it came.
        Located::Null => Ok(Vec::new()),
        Located::Missing { at, have } => {
            Err(PartitionError::Missing { cell: page.cell.clone(), page: page.page, at, have })
        }
    }
}
