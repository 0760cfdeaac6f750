//! Mends a damaged spool: what can be used is copied, what cannot is set aside as it is.
//!
//! Invariant: the copy gets its name once it is durable, and names all files it stands for. Until then they count, damage
//! and all, and after it they do not: a crash at any step leaves one or the other. What is set aside is durable before.

use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::Serialize;
use zstd::bulk::Compressor;

use crate::disk::{self, DiskFile, Durability};
use crate::plan::CellKey;

use super::error::SpoolError;
use super::found::pack_members;
use super::frame::{self, Head, Header};
use super::renew::renumber;
use super::scan::{BETWEEN, Segment, TEMPORARY, suffixed};
use super::survey::{Known, Survey};

/// What became of a damaged spool.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Mended {
    /// Pages that were kept.
    pub pages: u64,
    /// Copies of the damaged files.
    pub aside: Vec<PathBuf>,
}

/// What is written beside a file that was set aside.
#[derive(Debug, Serialize)]
struct Note<'a> {
    job: &'a str,
    partition: &'a str,
    generation: u32,
    file: String,
    at: Timestamp,
    damage: Vec<Place>,
    kept_in: String,
    why: &'static str,
}

#[derive(Debug, Serialize)]
struct Place {
    byte: u64,
    what: String,
}

const DAMAGED: &str = "bytes of this file are not what was written; what could still be used of it was kept";
const ORPHANED: &str = "pages of this file stand beyond pages that were lost; what could still be used of it was kept";

impl Survey {
    /// Sets the files that are damaged, or hold pages of no use, aside in the folder `aside`, and writes what can be used
    /// of all files to a new one that stands for them and names the cells of the partition, `members`, in plan order.
    /// Opening the spool then removes the others.
    ///
    /// # Errors
    /// When the disk refuses, or a file is no longer what was found; the spool is then as it was.
    pub fn mend(
        self,
        members: &[CellKey],
        aside: &Path,
        durability: Durability,
        now: Timestamp,
    ) -> Result<Mended, SpoolError> {
        let target = self.target();
        let aside = Aside { folder: aside, durability };
        let mut mended = Mended::default();
        for (segment, orphans) in self.segments.iter().zip(&self.orphans) {
            if segment.harm.is_empty() && !orphans {
                continue;
            }
            let name = name(&segment.path);
            let damage = segment.harm.iter().map(|(byte, what)| Place { byte: *byte, what: what.to_string() });
            let note = Note {
                job: &self.head.job,
                partition: &self.head.partition,
                generation: self.head.generation,
                file: segment.path.display().to_string(),
                at: now,
                damage: damage.collect(),
                kept_in: target.display().to_string(),
                why: if segment.harm.is_empty() { ORPHANED } else { DAMAGED },
            };
            mended.aside.push(aside.take(&segment.path, &name, &note)?);
        }
        mended.pages = self.kept.iter().filter(|frame| matches!(frame.header, Header::Page(_))).count() as u64;
        self.copy(&target, members, durability)?;
        Ok(mended)
    }

    /// A name that comes after all others of this token.
    fn target(&self) -> PathBuf {
        let Head { generation, token, .. } = self.head;
        let others = self.segments.iter().map(|segment| &segment.path).chain(&self.litter);
        let ours = others.filter_map(|path| Segment::parse(path, generation)).filter(|other| other.token == token);
        let number = ours.map(|other| other.number + 1).max().unwrap_or(0);
        self.dir.join(Segment::name(generation, token, number))
    }

    fn copy(&self, target: &Path, members: &[CellKey], durability: Durability) -> Result<(), SpoolError> {
        let originals = self.segments.iter().map(|segment| &segment.path).chain(&self.litter);
        // Unfinished copies count for nothing anyway.
        let originals = originals.filter(|path| !path.to_string_lossy().ends_with(TEMPORARY));
        let names: Vec<String> = originals.map(|path| name(path)).collect();
        let head = Head { replaces: Some(names.join(&BETWEEN.to_string())), ..self.head.clone() };
        let temporary = suffixed(target, TEMPORARY);
        let written = || SpoolError::io("write to", &temporary);
        let mut first = Vec::new();
        let mut zstd = Compressor::new(1).map_err(SpoolError::io("prepare compression for", target))?;
        // Not from the old heads: the one that names them may be what was hit.
        pack_members(members, &mut zstd)
            .and_then(|members| frame::encode_head(&head, &members, 0, 0, &mut first))
            .map_err(|source| SpoolError::Unfit { cell: head.partition.clone(), source })?;
        let file = DiskFile::create(&temporary).map_err(SpoolError::io("create", &temporary))?;
        let mut to = BufWriter::new(file);
        to.write_all(&first).map_err(written())?;
        let mut open: Option<(usize, File)> = None;
        for (seq, known) in (1..).zip(&self.kept) {
            let path = &self.segments[known.segment].path;
            let file = match &mut open {
                Some((segment, file)) if *segment == known.segment => file,
                other => {
                    let file = File::open(path).map_err(SpoolError::io("open", path))?;
                    &mut other.insert((known.segment, file)).1
                }
            };
            to.write_all(&renumbered(known, file, path, seq)?).map_err(written())?;
        }
        let file = to.into_inner().map_err(|error| written()(error.into_error()))?;
        finish(&file, &temporary, target, durability)?;
        sync_folder(&self.dir, durability)
    }
}

/// The bytes of a frame as number `seq`, a write of its own: damage between two of them must not pass for a torn end.
fn renumbered(known: &Known, file: &mut File, path: &Path, seq: u64) -> Result<Vec<u8>, SpoolError> {
    let mut bytes = vec![0; usize::try_from(known.len).unwrap_or(0)];
    file.seek(SeekFrom::Start(known.offset)).map_err(SpoolError::io("read", path))?;
    file.read_exact(&mut bytes).map_err(SpoolError::io("read", path))?;
    let damaged = |source| SpoolError::Damaged { path: path.to_owned(), offset: known.offset, source };
    frame::check(&bytes).map_err(damaged)?;
    renumber(&mut bytes, seq).map_err(damaged)?;
    Ok(bytes)
}

/// Where damaged files go.
struct Aside<'a> {
    folder: &'a Path,
    durability: Durability,
}

impl Aside<'_> {
    /// Copies `from` and writes `note` beside it; both are durable then. What is there stays, and the same file is not
    /// set aside twice.
    fn take(&self, from: &Path, name: &str, note: &Note<'_>) -> Result<PathBuf, SpoolError> {
        let folder = self.folder;
        disk::create_folders(folder, self.durability).map_err(SpoolError::io("create", folder))?;
        let digest = digest(from)?;
        let mut to = folder.join(name);
        let mut number = 0;
        while to.exists() && self::digest(&to)? != digest {
            number += 1;
            to = folder.join(format!("{name}.{number}"));
        }
        if !to.exists() {
            let mut source = File::open(from).map_err(SpoolError::io("open", from))?;
            self.write(&to, |target| io::copy(&mut source, target).map(drop))?;
        }
        let text = serde_json::to_string_pretty(note).unwrap_or_default();
        self.write(&suffixed(&to, ".json"), |target| target.write_all(text.as_bytes()))?;
        sync_folder(folder, self.durability)?;
        Ok(to)
    }

    fn write(&self, path: &Path, write: impl FnOnce(&mut DiskFile) -> io::Result<()>) -> Result<(), SpoolError> {
        let temporary = suffixed(path, TEMPORARY);
        let mut file = DiskFile::create(&temporary).map_err(SpoolError::io("create", &temporary))?;
        write(&mut file).map_err(SpoolError::io("write to", &temporary))?;
        finish(&file, &temporary, path, self.durability)
    }
}

/// Gives a file its name once it is whole.
fn finish(file: &DiskFile, temporary: &Path, path: &Path, durability: Durability) -> Result<(), SpoolError> {
    if durability == Durability::Power {
        file.sync_all().map_err(SpoolError::io("sync", temporary))?;
    }
    disk::rename(temporary, path).map_err(SpoolError::io("name", path))
}

fn sync_folder(folder: &Path, durability: Durability) -> Result<(), SpoolError> {
    match durability {
        Durability::Power => disk::sync_folder(folder).map_err(SpoolError::io("sync", folder)),
        Durability::Process => Ok(()),
    }
}

fn digest(path: &Path) -> Result<blake3::Hash, SpoolError> {
    let mut hasher = blake3::Hasher::new();
    let file = File::open(path).map_err(SpoolError::io("open", path))?;
    hasher.update_reader(file).map_err(SpoolError::io("read", path))?;
    Ok(hasher.finalize())
}

fn name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}
