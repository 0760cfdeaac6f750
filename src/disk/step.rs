//! Every change passes here: in a debug build it is counted and shown to whoever watches, before and after.

use std::io;
use std::path::{Path, PathBuf};

/// A change of the disk, as a [`super::Watch`] sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Op {
    /// A folder is made.
    CreateFolder(PathBuf),
    /// A file is made, or emptied.
    CreateFile(PathBuf),
    /// A file is opened for appending, and made if it is not there.
    OpenFile(PathBuf),
    /// Bytes are written at the end of a file.
    Append {
        /// The file.
        path: PathBuf,
        /// Its length before.
        offset: u64,
        /// The bytes.
        bytes: Vec<u8>,
    },
    /// A file is cut.
    Cut {
        /// The file.
        path: PathBuf,
        /// Its length afterwards.
        len: u64,
    },
    /// The bytes of a file are made durable.
    SyncFile(PathBuf),
    /// The names in a folder are made durable.
    SyncFolder(PathBuf),
    /// A file gets another name.
    Rename {
        /// The old one.
        from: PathBuf,
        /// The new one.
        to: PathBuf,
    },
    /// A file is removed.
    RemoveFile(PathBuf),
    /// An empty folder is removed.
    RemoveFolder(PathBuf),
    /// A transaction of the ledger in this file begins. Cannot fail here.
    Began(PathBuf),
    /// It is committed, and durable. Cannot fail here.
    Committed(PathBuf),
}

/// A write transaction of the ledger in `path` begins.
pub fn began(path: &Path) {
    drop(step(path, || Op::Began(path.to_owned()), || Ok(())));
}

/// The transaction is committed.
pub fn committed(path: &Path) {
    drop(step(path, || Op::Committed(path.to_owned()), || Ok(())));
}

/// Does `act`, which is `op` on `path`.
#[cfg(debug_assertions)]
pub(super) fn step<T>(path: &Path, op: impl FnOnce() -> Op, act: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    super::kill::die_if_due();
    let Some(watched) = super::watch::over(path) else { return act() };
    let op = op();
    watched.before(&op)?;
    let answer = act()?;
    watched.after(op);
    Ok(answer)
}

/// Does `act`.
#[cfg(not(debug_assertions))]
pub(super) fn step<T>(_: &Path, _: impl FnOnce() -> Op, act: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    act()
}
