//! Folders and names: what must be synced besides the file itself.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use super::error::SpoolError;

pub(super) fn suffixed(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// Makes `dir` and its parents; gives the folders whose entries are new, which must be synced.
pub(super) fn make_dirs(dir: &Path) -> Result<Vec<PathBuf>, SpoolError> {
    let mut changed = vec![dir.to_owned()];
    for ancestor in dir.ancestors().skip(1) {
        if changed.last().is_some_and(|below| below.is_dir()) {
            break;
        }
        changed.push(if ancestor.as_os_str().is_empty() { PathBuf::from(".") } else { ancestor.to_owned() });
    }
    fs::create_dir_all(dir).map_err(SpoolError::io("create", dir))?;
    Ok(changed)
}

#[cfg(unix)]
pub(super) fn sync_dir(dir: &Path) -> Result<(), SpoolError> {
    File::open(dir).and_then(|file| file.sync_all()).map_err(SpoolError::io("sync", dir))
}

/// Elsewhere a folder cannot be opened, and its entries are durable with the file.
#[cfg(not(unix))]
pub(super) fn sync_dir(_dir: &Path) -> Result<(), SpoolError> {
    Ok(())
}
