//! Folders and the names in them. A name is durable only when its folder is synced, whatever is synced of the file.

use std::collections::BTreeSet;
use std::fs;
#[cfg(unix)]
use std::fs::File;
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::durability::Durability;
use super::file::DiskFile;
use super::step::{What, step};

/// Folders that were there before this process needed them, and are durable in the one above them since it did.
static SETTLED: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());

/// Creates `folder` and its missing parents; where power may be lost, each is durable in the one above it.
pub fn create_folders(folder: &Path, durability: Durability) -> io::Result<()> {
    let levels: Vec<&Path> = folder.ancestors().take_while(|level| !level.as_os_str().is_empty()).collect();
    for level in levels.into_iter().rev() {
        let known = level.is_dir();
        if !known {
            match step(level, || What::CreateFolder, || fs::create_dir(level)) {
                Ok(()) => {}
                // Another partition of the same run came first.
                Err(error) if error.kind() == ErrorKind::AlreadyExists && level.is_dir() => {}
                Err(error) => return Err(error),
            }
        }
        match (level.parent(), durability) {
            (Some(_), Durability::Power) if known => settle(level)?,
            (Some(parent), Durability::Power) => sync_folder(parent)?,
            (Some(_), Durability::Process) | (None, _) => {}
        }
    }
    Ok(())
}

/// Makes the name of a folder durable, once: whoever made it may have been killed before that.
fn settle(folder: &Path) -> io::Result<()> {
    let settled = || SETTLED.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(parent) = folder.parent() else { return Ok(()) };
    if settled().contains(folder) {
        return Ok(());
    }
    match sync_folder(parent) {
        // A folder that we may not look into, or of a system without syncing, is none that we make folders in.
        Err(error)
            if matches!(
                error.kind(),
                ErrorKind::PermissionDenied | ErrorKind::InvalidInput | ErrorKind::Unsupported
            ) => {}
        synced => synced?,
    }
    settled().insert(folder.to_owned());
    Ok(())
}

/// Gives a file the name `to`, in one step; a file that has it is replaced.
pub fn rename(from: &Path, to: &Path) -> io::Result<()> {
    step(from, || What::RenameTo(to.to_owned()), || fs::rename(from, to))
}

/// Gives a file other `bytes`, in one step that survives a loss of power: whoever reads it finds the old ones or the new
/// ones. Its mode stays, and where it is a link, what the link leads to is replaced.
pub fn replace_file(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let path = fs::canonicalize(path)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let staged = path.with_file_name(format!(".{name}.{}", std::process::id()));
    let permissions = fs::metadata(&path)?.permissions();
    let write = || {
        let mut file = DiskFile::create(&staged)?;
        // No step: nothing is ever recovered by the mode of a file.
        file.file().set_permissions(permissions)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        rename(&staged, &path)
    };
    if let Err(error) = write() {
        drop(remove_file(&staged));
        return Err(error);
    }
    path.parent().map_or(Ok(()), sync_folder)
}

/// Removes a file.
pub fn remove_file(path: &Path) -> io::Result<()> {
    step(path, || What::RemoveFile, || fs::remove_file(path))
}

/// Removes a folder that is empty.
pub fn remove_folder(path: &Path) -> io::Result<()> {
    step(path, || What::RemoveFolder, || fs::remove_dir(path))
}

/// Removes a file, or a folder with all that is in it, the last name first. Links are not followed.
pub fn remove_tree(path: &Path) -> io::Result<()> {
    if !fs::symlink_metadata(path)?.is_dir() {
        return remove_file(path);
    }
    let mut names = fs::read_dir(path)?.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    names.sort();
    names.iter().rev().try_for_each(|name| remove_tree(name))?;
    remove_folder(path)
}

/// Makes the names in a folder durable: a new file, a rename, a removal.
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    step(folder, || What::SyncFolder, || sync(folder))
}

#[cfg(unix)]
fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Elsewhere folders cannot be opened for syncing; the file system journals its names.
#[cfg(not(unix))]
fn sync(_folder: &Path) -> io::Result<()> {
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn a_file_is_replaced_where_it_stands() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        fs::write(&file, "old").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
        symlink("file", &link).unwrap();
        replace_file(&link, b"new").unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"new");
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o640);
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert!(replace_file(&folder.path().join("none"), b"").is_err());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 2, "nothing else is left");
    }
}
