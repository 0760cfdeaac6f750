//! A file that is written from its begin to its end.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::step::{What, step};

/// A file that grows at its end, or is cut. What is written is handed to the system at once.
#[derive(Debug)]
pub struct DiskFile {
    path: PathBuf,
    file: File,
}

impl DiskFile {
    /// Creates a file that must not exist.
    pub fn create_new(path: &Path) -> io::Result<Self> {
        step(path, || What::CreateFile, || File::create_new(path)).map(|file| Self { path: path.to_owned(), file })
    }

    /// Creates a file, or empties the one that is there.
    pub fn create(path: &Path) -> io::Result<Self> {
        step(path, || What::CreateFile, || File::create(path)).map(|file| Self { path: path.to_owned(), file })
    }

    /// Opens a file that may exist, to be read and to be written at its end.
    pub fn append(path: &Path) -> io::Result<Self> {
        let open = || File::options().read(true).append(true).create(true).open(path);
        step(path, || What::OpenFile, open).map(|file| Self { path: path.to_owned(), file })
    }

    /// The file, to be read and locked.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Drops what is behind the first `len` bytes.
    pub fn cut(&self, len: u64) -> io::Result<()> {
        step(&self.path, || What::Cut(len), || self.file.set_len(len))
    }

    /// Makes the bytes durable, and the length they are read by.
    pub fn sync_data(&self) -> io::Result<()> {
        step(&self.path, || What::SyncFile, || self.file.sync_data())
    }

    /// Makes the bytes durable with all the system knows of the file; its name needs [`super::sync_folder`].
    pub fn sync_all(&self) -> io::Result<()> {
        step(&self.path, || What::SyncFile, || self.file.sync_all())
    }
}

impl Write for DiskFile {
    /// All of `bytes`, in one step.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let Self { path, file } = self;
        let append = || {
            // Where nothing but its end is written, the length is the offset.
            let offset = std::fs::metadata(&*path).map_or(0, |known| known.len());
            What::Append { offset, bytes: bytes.to_vec() }
        };
        step(path, append, || file.write_all(bytes)).map(|()| bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
