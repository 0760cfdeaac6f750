//! Which processes use a credential now: each holds a lock of its own as long as it lives.
//!
//! Invariant: a number is held by at most one living process; a process that dies, however it dies, lets go of it.
//! Numbers are asked about and taken under the lock of the journal only.

use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use crate::disk::DiskFile;

/// This process among those that use one credential.
#[derive(Debug)]
pub(super) struct Presence {
    pub(super) user: u16,
    lock: DiskFile,
}

impl Presence {
    /// Takes the first number that nobody alive has.
    pub(super) fn join(stem: &Path) -> io::Result<Self> {
        for user in 1..=u16::MAX {
            let lock = DiskFile::append(&path(stem, user))?;
            match lock.file().try_lock() {
                Ok(()) => return Ok(Self { user, lock }),
                Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => return Err(error),
            }
        }
        Err(io::Error::other("too many processes use this credential at once"))
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        // Closing would do it, were there not copies of the descriptor in children that are just being started.
        self.lock.file().unlock().unwrap_or_default();
    }
}

/// Whether the process with this number lives.
pub(super) fn is_alive(stem: &Path, user: u16) -> io::Result<bool> {
    let file = match File::open(path(stem, user)) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    match file.try_lock_shared() {
        Ok(()) => Ok(false),
        Err(TryLockError::WouldBlock) => Ok(true),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// `<stem>.user-<n>`; the stem is `<folder>/<fingerprint of the credential>`.
fn path(stem: &Path, user: u16) -> PathBuf {
    let mut name = stem.as_os_str().to_owned();
    name.push(format!(".user-{user}"));
    PathBuf::from(name)
}
