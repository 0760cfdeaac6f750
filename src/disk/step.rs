//! Every change passes here: in a debug build it is counted and shown to whoever watches, before and after.

use std::io;
use std::path::{Path, PathBuf};

/// A change of the disk, as a `Watch` sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Op {
    /// What is changed.
    pub path: PathBuf,
    /// How.
    pub what: What,
}

/// How something is changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// A folder is made.
    CreateFolder,
    /// A file is made, or emptied.
    CreateFile,
    /// A file is opened for appending, and made if it is not there.
    OpenFile,
    /// Bytes are written at the end of a file.
    Append {
        /// Its length before.
        offset: u64,
        /// The bytes.
        bytes: Vec<u8>,
    },
    /// A file is cut to this length.
    Cut(u64),
    /// The bytes of a file are made durable.
    SyncFile,
    /// The names in a folder are made durable.
    SyncFolder,
    /// A file gets this name.
    RenameTo(PathBuf),
    /// A file is removed.
    RemoveFile,
    /// An empty folder is removed.
    RemoveFolder,
    /// A transaction of the ledger in this file begins. Cannot fail here.
    Began,
    /// It is committed, and durable. Cannot fail here.
    Committed,
}

/// A write transaction of the ledger in `path` begins.
pub fn began(path: &Path) {
    drop(step(path, || What::Began, || Ok(())));
}

/// The transaction is committed.
pub fn committed(path: &Path) {
    drop(step(path, || What::Committed, || Ok(())));
}

/// Does `act`, which is `what` happens to `path`.
#[cfg(debug_assertions)]
pub(super) fn step<T>(path: &Path, what: impl FnOnce() -> What, act: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    super::kill::die_if_due();
    let Some(watched) = super::watch::over(path) else { return act() };
    let op = Op { path: path.to_owned(), what: what() };
    watched.before(&op)?;
    let answer = act()?;
    watched.after(op);
    Ok(answer)
}

/// Does `act`.
#[cfg(not(debug_assertions))]
pub(super) fn step<T>(_: &Path, _: impl FnOnce() -> What, act: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    act()
}
