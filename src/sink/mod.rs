//! A sealed partition becomes one visible Parquet file: readers see the old file, the new one, or none, never a part.
//!
//! Invariants: a path stays below the output root whatever an axis value is; the bytes of a file are a function of its
//! batches, schema and lineage, without times or host names; a file appears by one rename after it is durable.
//! Entry points: [`Layout`], [`ParquetFile`], [`publish`].

mod dictionary;
mod footer;
mod layout;
mod parquet;
mod publish;
mod rows;

pub use footer::{Footer, footer};
pub use layout::{Layout, StagingName};
pub use parquet::{Finished, Lineage, PAGE_CHECK_ROWS, ParquetFile, SinkError};
pub use publish::{PublishError, digest, make_ready, publish, read_back, settle, sweep, unpublish};
pub use rows::count_rows;
