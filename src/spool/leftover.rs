//! Pages that nobody needs any more: those of committed partitions, and of generations that were replaced or given up.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use crate::disk::{self, Durability};

use super::error::SpoolError;
use super::found::list;
use super::scan::generation_of;

/// What of a partition's folder is still needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// Everything.
    All,
    /// This generation alone.
    Generation(u32),
    /// Nothing.
    Nothing,
}

/// Removes from the folders in `job` (`<state>/spool/<job>`) what is not needed of the partition whose hash they are
/// named for.
pub fn remove_leftovers<E: From<SpoolError>>(
    job: &Path,
    mut keep: impl FnMut(&str) -> Result<Keep, E>,
) -> Result<(), E> {
    let entries = match fs::read_dir(job) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(SpoolError::io("list", job)(error).into()),
    };
    for entry in entries {
        let entry = entry.map_err(SpoolError::io("list", job))?;
        let name = entry.file_name();
        let Some(hash) = name.to_str() else { continue };
        let path = entry.path();
        match keep(hash)? {
            Keep::All => {}
            Keep::Generation(generation) => remove_other_generations(&path, generation)?,
            Keep::Nothing => disk::remove_tree(&path).map_err(SpoolError::io("remove", &path))?,
        }
    }
    Ok(())
}

/// Makes sure that what was removed of the partitions with these hashes stays so when the power goes, whoever removed
/// it: pages of a generation, or answers to a question, must not come back when another one begins under their name.
///
/// # Errors
/// When a folder cannot be synced.
pub fn settle_removals<'a>(
    job: &Path,
    hashes: impl Iterator<Item = &'a str>,
    durability: Durability,
) -> Result<(), SpoolError> {
    if durability == Durability::Process {
        return Ok(());
    }
    let folders = hashes.map(|hash| job.join(hash)).chain([job.to_owned()]);
    let sync = |folder: PathBuf| disk::sync_folder(&folder).map_err(SpoolError::io("sync", &folder));
    folders.filter(|folder| folder.is_dir()).try_for_each(sync)
}

/// The folders in `job` (`<state>/spool/<job>`), by hash of their partition.
///
/// # Errors
/// When it cannot be listed.
pub fn folders(job: &Path) -> Result<Vec<(String, PathBuf)>, SpoolError> {
    let named = |path: PathBuf| Some((path.file_name()?.to_str()?.to_owned(), path));
    Ok(list(job)?.into_iter().filter_map(named).collect())
}

/// Bytes on disk of one partition.
///
/// # Errors
/// When its folder cannot be listed.
pub fn size(partition: &Path) -> Result<u64, SpoolError> {
    let mut bytes = 0;
    for segment in list(partition)? {
        bytes += fs::metadata(&segment).map_err(SpoolError::io("look at", &segment))?.len();
    }
    Ok(bytes)
}

/// Removes from a partition's folder the pages of every generation but this one.
///
/// # Errors
/// When the folder cannot be listed, or a file in it cannot be removed.
pub fn remove_other_generations(dir: &Path, generation: u32) -> Result<(), SpoolError> {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(SpoolError::io("list", dir)(error)),
    };
    for entry in entries {
        let path = entry.map_err(SpoolError::io("list", dir))?.path();
        if generation_of(&path).is_some_and(|found| found != generation) {
            disk::remove_file(&path).map_err(SpoolError::io("remove", &path))?;
        }
    }
    Ok(())
}
