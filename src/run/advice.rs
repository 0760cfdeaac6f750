//! What a person can do against a fault of the disk: found in the causes of an error, said once, after all of them.

use std::error::Error;
use std::io::{self, ErrorKind};
use std::sync::Arc;

use crate::ledger::LedgerError;
use crate::sink::{PublishError, SinkError};

/// The next step against damaged or lost pages.
pub(super) const REFETCH_DAMAGED: &str = "`tidemill run JOB --refetch-damaged` fetches them again";

/// The next step against `error`; none where its own words say one, or no cause of it is the disk's.
pub fn next_step(error: &(dyn Error + 'static)) -> Option<&'static str> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        let says_it_itself = error.is::<SinkError>() || error.is::<PublishError>();
        if says_it_itself || error.is::<Box<SinkError>>() || error.is::<Box<PublishError>>() {
            return None;
        }
        let io =
            error.downcast_ref::<io::Error>().or_else(|| error.downcast_ref::<Arc<io::Error>>().map(AsRef::as_ref));
        if let Some(io) = io {
            return Some(against(io.kind()));
        }
        if let Some(step) = error.downcast_ref::<LedgerError>().and_then(LedgerError::next_step) {
            return Some(step);
        }
        cause = error.source();
    }
    None
}

fn against(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "free space and run again, nothing is lost",
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            "make it writable and run again, nothing is lost"
        }
        ErrorKind::NotADirectory | ErrorKind::AlreadyExists | ErrorKind::IsADirectory => {
            "move away what stands in its place and run again, nothing is lost"
        }
        _ => "mend the disk, the folder or the limits of this process and run again, nothing is lost",
    }
}
