//! What can go wrong with the ledger.

use std::path::PathBuf;

use rusqlite::ErrorCode;
use thiserror::Error;

use super::row::{PartitionId, PartitionState};

/// Why the ledger did not answer or did not write; after any of these nothing was changed.
#[derive(Debug, Error)]
pub enum LedgerError {
    /// A later claim of the job exists: this run must stop writing.
    #[error("job `{job}` was taken over by a later run (its token is {current}, ours {token}); this run stops")]
    Fenced {
        /// The job.
        job: String,
        /// The token of the caller.
        token: u64,
        /// The token of the last claim.
        current: u64,
    },
    /// A job that was never claimed.
    #[error("job `{0}` is not in the ledger; it must be claimed first")]
    UnknownJob(String),
    /// A partition that was never added.
    #[error("partition number {} is not in the ledger", .0.0)]
    UnknownPartition(PartitionId),
    /// A step out of order.
    #[error("partition `{partition}` is {state}, which does not allow this step", state = .state.as_str())]
    State {
        /// Its key.
        partition: String,
        /// Where it stands.
        state: PartitionState,
    },
    /// Membership is written at first planning and never changes.
    #[error("partition `{partition}` does not have the cells it was first planned with: {what}")]
    Membership {
        /// Its key.
        partition: String,
        /// What differs.
        what: String,
    },
    /// The file is not what was written.
    #[error("ledger `{path}` is damaged ({found}); the next run moves it aside and rebuilds it from files and pages", path = .path.display())]
    Damaged {
        /// The database file.
        path: PathBuf,
        /// What the check found.
        found: String,
    },
    /// What it says of a partition contradicts itself; no program of ours writes that.
    #[error(
        "ledger `{path}` contradicts itself ({found}): put it back from a copy; without one, move it away with its `-wal` and \
         `-shm` and run again, it is rebuilt from files and pages", path = .path.display()
    )]
    Contradiction {
        /// The database file.
        path: PathBuf,
        /// What does not hold.
        found: String,
    },
    /// The file belongs to another program.
    #[error("`{path}` is a database of another program; choose another state folder", path = .path.display())]
    Foreign {
        /// The database file.
        path: PathBuf,
    },
    /// Written by a newer tidemill.
    #[error("ledger `{path}` has version {found}, this tidemill knows up to {known}; use the newer one", path = .path.display())]
    Newer {
        /// The database file.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// The newest known here.
        known: i64,
    },
    /// The folder cannot be made.
    #[error("cannot create the ledger `{path}`", path = .path.display())]
    Create {
        /// The database file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The database refused: disk full, input or output error, locked too long.
    #[error("the ledger `{path}` cannot {action}", path = .path.display())]
    Sqlite {
        /// The database file.
        path: PathBuf,
        /// What was tried.
        action: &'static str,
        /// What it answered.
        source: rusqlite::Error,
    },
}

impl LedgerError {
    /// What a person can do against a refusal of the database itself.
    pub fn next_step(&self) -> Option<&'static str> {
        let Self::Sqlite { source, .. } = self else { return None };
        Some(match source.sqlite_error_code()? {
            ErrorCode::DiskFull => "free space and run again, nothing is lost",
            ErrorCode::ReadOnly | ErrorCode::CannotOpen | ErrorCode::PermissionDenied => {
                "make its folder writable and run again, nothing is lost"
            }
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => {
                "another process holds it; run again when that has ended"
            }
            _ => "mend the disk, the folder or the limits of this process and run again, nothing is lost",
        })
    }
}
