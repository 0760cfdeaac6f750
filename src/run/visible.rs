//! What a reader of a dataset finds in its folder, and what lies about that no reader should.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Everything below a dataset's folder that matters to readers.
#[derive(Debug, Default)]
pub(super) struct Visible {
    /// Files that a reader takes for data.
    pub(super) files: Vec<PathBuf>,
    /// Unfinished files outside the staging folder.
    pub(super) temporary: Vec<PathBuf>,
    /// Folders that are links: they may lead anywhere, and nothing is ever published through one.
    pub(super) links: Vec<PathBuf>,
    /// Folders that cannot be listed.
    pub(super) closed: Vec<(PathBuf, io::Error)>,
}

/// Looks through `dataset`, leaving out the folder `staging`; a folder that does not exist has nothing.
pub(super) fn visible(dataset: &Path, staging: &Path) -> Visible {
    let mut found = Visible::default();
    let mut folders = vec![dataset.to_owned()];
    while let Some(folder) = folders.pop() {
        if let Err(error) = list(&folder, staging, &mut folders, &mut found)
            && error.kind() != io::ErrorKind::NotFound
        {
            found.closed.push((folder, error));
        }
    }
    found.files.sort();
    found.temporary.sort();
    found.links.sort();
    found
}

fn list(folder: &Path, staging: &Path, folders: &mut Vec<PathBuf>, found: &mut Visible) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let (path, kind) = (entry.path(), entry.file_type()?);
        let name = entry.file_name().to_string_lossy().to_ascii_lowercase();
        if path == staging {
            continue;
        }
        if kind.is_dir() {
            folders.push(path);
        } else if kind.is_symlink() && path.is_dir() {
            found.links.push(path);
        } else if name.ends_with(".parquet") {
            found.files.push(path);
        } else if name.ends_with(".parquet.tmp") {
            found.temporary.push(path);
        }
    }
    Ok(())
}
