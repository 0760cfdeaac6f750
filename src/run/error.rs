//! What can go wrong on our side of a run; whatever a provider does is an end of a cell, not an error.

use std::path::PathBuf;

use crate::decode::PartitionError;
use crate::fetch::{CellError, TransportError};
use crate::job::Problems;
use crate::ledger::{LedgerError, LockError};
use crate::quota::JournalError;
use crate::sink::{PublishError, SinkError};
use crate::spool::{Price, SpoolError};

/// A fault of this machine, or of a file on it.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The ledger.
    #[error("the ledger could not be used")]
    Ledger(#[from] LedgerError),
    /// The lock of a job.
    #[error("the job could not be locked")]
    Lock(#[from] LockError),
    /// The spool.
    #[error("the spool could not be used")]
    Spool(#[from] SpoolError),
    /// The journal of attempts.
    #[error("the journal of attempts could not be used")]
    Journal(#[from] JournalError),
    /// A cell.
    #[error("cell {cell} could not be fetched")]
    Cell {
        /// Its key.
        cell: String,
        /// Why.
        source: Box<CellError>,
    },
    /// The file of a partition.
    #[error("the file of partition `{partition}` could not be written")]
    Sink {
        /// Its key.
        partition: String,
        /// Why.
        source: Box<SinkError>,
    },
    /// The rename that makes it visible.
    #[error("partition `{partition}` could not be published")]
    Publish {
        /// Its key.
        partition: String,
        /// Why.
        source: Box<PublishError>,
    },
    /// The pages of a partition do not make a file.
    #[error("partition `{partition}` could not be decoded")]
    Decode {
        /// Its key.
        partition: String,
        /// Why.
        source: Box<PartitionError<EncodeError>>,
    },
    /// The output folder cannot be written to; found before anything is asked for.
    #[error("the output folder cannot be used")]
    Output(#[from] PublishError),
    /// The HTTP client cannot start.
    #[error("the HTTP client could not start")]
    Transport(#[from] TransportError),
    /// An axis file changed or vanished since it was checked.
    #[error("the job can no longer be planned:\n{0}")]
    Plan(Problems),
    /// Another worker published this partition meanwhile.
    #[error("partition `{partition}` was taken over by another run; this one leaves it alone")]
    Fenced {
        /// Its key.
        partition: String,
    },
    /// Pages that are paid for are not what was written.
    #[error("pages of partition `{partition}` are damaged, {price} must be fetched again")]
    Damaged {
        /// Its key.
        partition: String,
        /// What that costs.
        price: Price,
        /// Where the damage is.
        source: Box<SpoolError>,
    },
    /// Pages that were sealed are no longer in the spool.
    #[error(
        "pages of partition `{partition}` are lost: it was sealed, but those of its cell {cell} are gone from `{folder}`, \
         {price} must be fetched again unless the folder is put back", folder = .folder.display()
    )]
    LostPages {
        /// Its key.
        partition: String,
        /// The first cell that lacks pages.
        cell: String,
        /// Where they were.
        folder: PathBuf,
        /// What that costs.
        price: Price,
    },
    /// The folder of ledger, spool and locks.
    #[error("the state folder `{path}` cannot be made", path = .path.display())]
    State {
        /// The folder.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// A damaged ledger that cannot be moved out of the way.
    #[error("the damaged ledger `{path}` cannot be moved aside", path = .path.display())]
    Aside {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// A blocking task died.
    #[error("a worker thread ended unexpectedly; run again, and report it if it happens twice")]
    Worker,
}

/// What can stop the encoding of a partition besides its pages.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    /// The spool cannot be read.
    #[error("the spool could not be read")]
    Spool(#[from] SpoolError),
    /// The file cannot be written.
    #[error("the file could not be written")]
    Sink(#[from] SinkError),
    /// A column of `add` lacks a value.
    #[error("a column of `add` could not be filled in")]
    Template(#[from] crate::job::TemplateError),
}
