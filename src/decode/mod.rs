//! Pages become Arrow batches, exactly: a value that does not fit its column without loss rejects its record.
//!
//! Invariants: no number passes through a float on its way to an integer or decimal column; a rejected record leaves
//! no trace in any column; the same pages and the same recorded schema give the same batches. Entry points:
//! [`Pass`].

mod build;
mod column;
mod column_all;
mod infer;
mod number;
mod observed;
mod partition;
mod pass;
mod project;
mod reject;
mod routes;
mod schema;
mod text;
mod time;
mod widen;

pub use arrow::array::RecordBatch;
pub use build::{BATCH_ROWS, Decoder, DecoderError};
pub use infer::{Change, Inference, Inferred};
pub use partition::{Built, PageIn, PartitionError, RecordsAt, RejectedRecord, SAMPLES};
pub use pass::{Pass, Passed, Reading};
pub use project::{Added, Projection};
pub use reject::Reject;
pub use schema::{DatasetSchema, SchemaError};
pub use text::rows_as_text;
pub use widen::{Widened, widen};
