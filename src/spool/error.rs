//! What can go wrong with the spool; it is shared between all who wait for one write, so it can be cloned.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use thiserror::Error;

use super::frame::FrameError;

/// Why pages could not be kept or read back.
#[derive(Debug, Clone, Error)]
pub enum SpoolError {
    /// The disk said no.
    #[error("cannot {action} `{path}`", path = .path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which file or folder.
        path: PathBuf,
        /// What it answered.
        source: Arc<io::Error>,
    },
    /// Bytes that were durable once are not what was written.
    #[error("spool file `{path}` is damaged at byte {offset}", path = .path.display())]
    Damaged {
        /// The segment.
        path: PathBuf,
        /// Where the first bad frame starts.
        offset: u64,
        /// What is wrong with it.
        source: FrameError,
    },
    /// A newer tidemill wrote it.
    #[error("spool file `{path}` was written by a newer tidemill, nothing was changed; use that one", path = .path.display())]
    Newer {
        /// The segment.
        path: PathBuf,
        /// What is not known here.
        source: FrameError,
    },
    /// Another job's or partition's pages are in the folder.
    #[error("spool file `{path}` holds pages of {found}, not of {wanted}; move it away", path = .path.display())]
    Foreign {
        /// The segment.
        path: PathBuf,
        /// What its head says.
        found: String,
        /// What was opened.
        wanted: String,
    },
    /// A later claim has written here.
    #[error("spool file `{path}` was written under token {found}, ours is {token}: a later run took over", path = .path.display())]
    Fenced {
        /// The segment.
        path: PathBuf,
        /// Its token.
        found: u64,
        /// Ours.
        token: u64,
    },
    /// An earlier write failed; what is on the disk is known only after opening anew.
    #[error("an earlier write to `{dir}` failed; the pages kept before it are safe and are found when it is opened again", dir = .dir.display())]
    Poisoned {
        /// The partition's folder.
        dir: PathBuf,
    },
    /// A frame that must not be written: a mistake of the caller.
    #[error("cell {cell} cannot take this frame: {why}")]
    Refused {
        /// Which cell, hex.
        cell: String,
        /// Which rule it breaks.
        why: &'static str,
    },
    /// A frame beyond the limits.
    #[error("cell {cell} has a page that cannot be kept")]
    Unfit {
        /// Which cell, hex.
        cell: String,
        /// What is wrong with it.
        source: FrameError,
    },
    /// The partition was not handed to the writer, or was taken back.
    #[error("partition `{0}` is not open in the spool writer")]
    NotOpen(String),
    /// The writer has ended.
    #[error("the spool writer has ended")]
    Ended,
}

impl SpoolError {
    pub(super) fn io<'a>(action: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> Self + 'a {
        move |source| Self::Io { action, path: path.to_owned(), source: Arc::new(source) }
    }
}
