//! What is planned and done: small and transactional. How far a cell got is the spool's to say.
//!
//! Invariant: only the holder of a job's newest token writes, so of two runs of one job at most one is heard. Entry
//! points: [`Ledger`], its parts [`SqliteLedger`] and [`ModelLedger`], and [`JobLock`].

mod error;
#[expect(clippy::module_inception, reason = "the file is named for the one trait in it")]
mod ledger;
mod lock;
mod model;
mod model_kept;
mod open;
mod row;
mod sqlite;
mod sqlite_again;
mod sqlite_cells;
mod sqlite_count;
mod sqlite_guard;
mod sqlite_learned;
mod sqlite_list;
mod sqlite_rows;
mod sqlite_runs;

pub use error::LedgerError;
pub use ledger::Ledger;
pub use lock::{Doing, Holder, JobLock, LockError};
pub use model::ModelLedger;
pub use open::ledger_version;
pub use row::{
    Cause, CellRow, Claim, Decision, Outcome, PartitionId, PartitionRow, PartitionState, Published, RUNS_KEPT,
    RejectedRecord, Rejection, Reopening, RunRow, Salvage, Salvaged, SealedCell, Totals,
};
pub use sqlite::SqliteLedger;
