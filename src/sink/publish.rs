//! Makes a durable staging file visible by one rename, and clears staging files nobody will publish.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use crate::disk::{self, Durability};

use super::footer::footer;
use super::layout::{Layout, StagingName};
use super::parquet::{Finished, next_step};

/// Why a file could not be published or checked.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// The file system refused.
    #[error("cannot {what} `{path}`: {}", next_step(source))]
    Io {
        /// What was tried.
        what: &'static str,
        /// On which path.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// A folder of the dataset is a link that may lead anywhere.
    #[error("`{path}` is a symbolic link: files are published only below the output folder; remove the link")]
    Link {
        /// The link.
        path: PathBuf,
    },
    /// What was published is not what is read back.
    #[error("`{path}` does not read back as it was written: check the disk, then run again to write it anew")]
    Altered {
        /// The file.
        path: PathBuf,
    },
    /// The target is not below the output root.
    #[error("`{path}` is not below the output folder `{root}`: please report this")]
    Outside {
        /// The target.
        path: PathBuf,
        /// The output root.
        root: PathBuf,
    },
}

/// Moves `staging` to `target` in one step; a file that stands there is replaced. Durable when it returns.
///
/// The root itself may be a link, folders below it may not.
pub fn publish(layout: &Layout, staging: &Path, target: &Path) -> Result<(), PublishError> {
    let folder = below(layout, target)?;
    disk::create_folders(folder, Durability::Power).map_err(|source| failed("create the folder", folder, source))?;
    disk::rename(staging, target).map_err(|source| failed("rename the staging file to", target, source))?;
    settle(target)?;
    // The name left this folder: without it a power loss could leave the file under both names.
    match staging.parent() {
        Some(from) => disk::sync_folder(from).map_err(|source| failed("sync the folder", from, source)),
        None => Ok(()),
    }
}

/// Takes the visible file `target` away, durably; nothing if there is none.
pub fn unpublish(layout: &Layout, target: &Path) -> Result<(), PublishError> {
    below(layout, target)?;
    match disk::remove_file(target) {
        Ok(()) => settle(target),
        Err(error) if error.kind() == io::ErrorKind::NotFound => settle(target),
        Err(source) => Err(failed("remove", target, source)),
    }
}

/// Opens a file that was just published and compares its length and rows with what was written.
///
/// # Errors
/// When a reader would not find what was decided.
pub fn read_back(target: &Path, finished: &Finished) -> Result<(), PublishError> {
    let len = fs::metadata(target).map_err(|source| failed("read back", target, source))?.len();
    let rows = footer(target).map(|footer| footer.rows).ok();
    if (len, rows) == (finished.bytes, Some(finished.rows)) {
        return Ok(());
    }
    Err(PublishError::Altered { path: target.to_owned() })
}

/// The folder of `target`, which stands below the root and is reached through no link.
fn below<'a>(layout: &Layout, target: &'a Path) -> Result<&'a Path, PublishError> {
    let root = layout.root();
    let outside = || PublishError::Outside { path: target.to_owned(), root: root.to_owned() };
    let folder = target.parent().ok_or_else(outside)?;
    let below = folder.strip_prefix(root).map_err(|_| outside())?;
    let mut level = root.to_owned();
    for part in below.components() {
        if !matches!(part, std::path::Component::Normal(_)) {
            return Err(outside());
        }
        level.push(part);
        if fs::symlink_metadata(&level).is_ok_and(|found| found.is_symlink()) {
            return Err(PublishError::Link { path: level });
        }
    }
    Ok(folder)
}

/// Makes durable that `target` is there, or is not: a process that was killed after its rename did not do so.
pub fn settle(target: &Path) -> Result<(), PublishError> {
    let Some(folder) = target.parent().filter(|folder| folder.is_dir()) else { return Ok(()) };
    disk::create_folders(folder, Durability::Power).map_err(|source| failed("create the folder", folder, source))?;
    disk::sync_folder(folder).map_err(|source| failed("sync the folder", folder, source))
}

/// BLAKE3 of the bytes of `path`, hex; `None` when there is no such file.
pub fn digest(path: &Path) -> Result<Option<String>, PublishError> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(failed("open", path, source)),
    };
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(Some(hasher.finalize().to_hex().to_string())),
            Ok(read) => {
                hasher.update(&buffer[..read]);
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(source) => return Err(failed("read", path, source)),
        }
    }
}

/// Makes the folders that files are staged in, so that a disk in the way is known before anything is paid for.
pub fn make_ready(layout: &Layout) -> Result<(), PublishError> {
    let folder = layout.staging_dir();
    disk::create_folders(&folder, Durability::Power).map_err(|source| failed("create the folder", &folder, source))
}

/// Removes the staging files for which `unreferenced` holds and returns how many.
///
/// Jobs share the folder: `unreferenced` must refuse partitions of other jobs. Files with other names stay.
pub fn sweep(layout: &Layout, mut unreferenced: impl FnMut(&StagingName) -> bool) -> Result<usize, PublishError> {
    let folder = layout.staging_dir();
    let entries = match fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        Err(source) => return Err(failed("list", &folder, source)),
    };
    let mut removed = 0;
    for entry in entries {
        let entry = entry.map_err(|source| failed("list", &folder, source))?;
        let name = entry.file_name();
        if name.to_str().and_then(StagingName::parse).is_some_and(|name| unreferenced(&name)) {
            disk::remove_file(&entry.path()).map_err(|source| failed("remove", &entry.path(), source))?;
            removed += 1;
        }
    }
    Ok(removed)
}

fn failed(what: &'static str, path: &Path, source: io::Error) -> PublishError {
    PublishError::Io { what, path: path.to_owned(), source }
}
