//! A folder for what a command works with and does not keep.
//!
//! Invariant: it belongs to this process and lies below a folder of the workspace that is named for the work. It is gone
//! afterwards however the work ends, and so is the folder above where it was not there before.

use std::io;
use std::path::{Path, PathBuf};

use crate::disk::{self, Durability};
use crate::run::Folders;

use super::start::CommandError;
use super::term::say;

/// The folder; it goes when this is dropped.
pub(super) struct Scratch {
    above: PathBuf,
    was_there: bool,
    folder: PathBuf,
}

impl Scratch {
    /// Makes it, empty, below the folder `name` of the workspace at `root`.
    ///
    /// # Errors
    /// When it cannot be made, or when what a killed process left there cannot be removed.
    pub(super) fn open(root: &Path, name: &str) -> Result<Self, CommandError> {
        let above = root.join(name);
        let folder = above.join(std::process::id().to_string());
        let io = |folder: &Path, what: &str| {
            let what = format!("the folder `{}` cannot be {what}", folder.display());
            move |source| CommandError::Io { what, source }
        };
        // One of a process that was killed and had this number.
        remove(&folder).map_err(io(&folder, "removed"))?;
        let scratch = Self { was_there: above.is_dir(), above, folder };
        let state = scratch.folders().state;
        disk::create_folders(&state, Durability::Process).map_err(io(&state, "made"))?;
        Ok(scratch)
    }

    /// Everything in it.
    pub(super) fn folders(&self) -> Folders {
        Folders::below(&self.folder)
    }

    /// Everything in it but the quota, which is the one at `home`: real calls count like all others.
    pub(super) fn counting(&self, home: &Folders) -> Folders {
        Folders { quota: home.quota.clone(), ..self.folders() }
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What the work came to is shown all the same: its calls may have been paid for.
        if let Err(error) = remove(&self.folder) {
            say(&format!("warning: the folder `{}` cannot be removed: {error}", self.folder.display()));
        }
        if !self.was_there {
            // It stays as long as another process works in it.
            drop(disk::remove_folder(&self.above));
        }
    }
}

fn remove(folder: &Path) -> io::Result<()> {
    match disk::remove_tree(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
