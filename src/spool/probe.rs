//! Whether pages can be kept at all, found out before the first one is paid for.

use std::io::Write;
use std::path::Path;

use crate::disk::{self, DiskFile, Durability};

use super::error::SpoolError;

/// More than a page usually takes.
const ROOM: usize = 1 << 16;

/// Writes a file in `job` (`<state>/spool/<job>`) as a page would be, and removes it.
///
/// # Errors
/// When the disk is full, read only or broken.
pub fn probe(job: &Path, durability: Durability) -> Result<(), SpoolError> {
    let path = job.join(".probe");
    disk::create_folders(job, durability).map_err(SpoolError::io("create", job))?;
    let written = write(&path, durability);
    let removed = disk::remove_file(&path).map_err(SpoolError::io("remove", &path));
    written.and(removed)
}

fn write(path: &Path, durability: Durability) -> Result<(), SpoolError> {
    let mut file = DiskFile::create(path).map_err(SpoolError::io("create", path))?;
    file.write_all(&vec![0; ROOM]).map_err(SpoolError::io("write to", path))?;
    match durability {
        Durability::Power => file.sync_data().map_err(SpoolError::io("sync", path)),
        Durability::Process => Ok(()),
    }
}
