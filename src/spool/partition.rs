//! The pages of one partition's generation on disk: opened, appended to, read back, removed.
//!
//! Invariant: what [`PartitionSpool::commit`] has answered with `Ok` is found by every later open. After a failed
//! write or sync nothing more is written to that file (a second sync may lie): opening anew copies what is valid.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use zstd::bulk::Compressor;

use crate::disk::{self, DiskFile, Durability};
use crate::plan::{CellId, CellKey};

use super::error::SpoolError;
use super::found::{pack_members, read_head};
use super::frame::{self, Frame, FrameError, Head, Header, PageFrame};
use super::progress::{CellProgress, Cells, PageRef};
use super::scan::{self, SUSPECT, Scan, Segment, TEMPORARY, Tail, suffixed};
use super::stats::SpoolStats;
use super::view::read_page;

/// The spool of one partition's generation. Blocking.
pub struct PartitionSpool {
    dir: PathBuf,
    head: Head,
    /// Goes into the first head of the generation.
    members: Vec<CellKey>,
    durability: Durability,
    segments: Vec<Segment>,
    cells: Cells,
    next_seq: u64,
    /// The segment being written, the last of `segments`.
    file: Option<DiskFile>,
    pending: Pending,
    poisoned: bool,
    torn: u64,
    stats: SpoolStats,
    zstd: Compressor<'static>,
}

#[derive(Debug, Default)]
struct Pending {
    bytes: Vec<u8>,
    frames: u64,
    batch: u64,
}

impl std::fmt::Debug for PartitionSpool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PartitionSpool").field("dir", &self.dir).field("head", &self.head).finish_non_exhaustive()
    }
}

impl PartitionSpool {
    /// Opens the folder `<state>/spool/<job>/<partition hash>`, which need not exist; cuts off a torn tail and rescues
    /// a segment whose last write failed. Nothing is created before the first append.
    pub fn open(dir: &Path, head: Head, durability: Durability) -> Result<Self, SpoolError> {
        Self::open_to(dir, head, durability, Tail::MayBeTorn)
    }

    /// Opens it when all that was written is known to be durable: whatever is not whole is damage then, and stays.
    pub fn open_sealed(dir: &Path, head: Head, durability: Durability) -> Result<Self, SpoolError> {
        Self::open_to(dir, head, durability, Tail::Whole)
    }

    fn open_to(dir: &Path, head: Head, durability: Durability, tail: Tail) -> Result<Self, SpoolError> {
        let head = Head { replaces: None, ..head };
        let Scan { segments, cells, next_seq, litter } = scan::scan(dir, &head, tail)?;
        let zstd = Compressor::new(1).map_err(SpoolError::io("prepare compression for", dir))?;
        let mut spool = Self {
            dir: dir.to_owned(),
            head,
            members: Vec::new(),
            durability,
            segments,
            cells,
            next_seq,
            file: None,
            pending: Pending::default(),
            poisoned: false,
            torn: 0,
            stats: SpoolStats::default(),
            zstd,
        };
        if !litter.is_empty() {
            // What took its place must not be less durable than its removal.
            spool.sync_dir()?;
        }
        for path in litter {
            disk::remove_file(&path).map_err(SpoolError::io("remove", &path))?;
        }
        spool.mend()?;
        spool.settle()?;
        Ok(spool)
    }

    /// Names the cells of the partition, in plan order: they are kept with the first page, for whoever loses the ledger.
    #[must_use]
    pub fn with_members(self, members: Vec<CellKey>) -> Self {
        Self { members, ..self }
    }

    /// Opens it again after a failed write: the answer to [`SpoolError::Poisoned`].
    pub fn reopen(self) -> Result<Self, SpoolError> {
        Ok(Self::open(&self.dir, self.head, self.durability)?.with_members(self.members))
    }

    /// How far a cell got; `None` if nothing of it is here. Staged frames count.
    pub fn progress(&self, cell: &CellId) -> Option<&CellProgress> {
        self.cells.progress(cell)
    }

    /// All cells of which something is here, in no order.
    pub fn cells(&self) -> impl Iterator<Item = (&CellId, &CellProgress)> {
        self.cells.iter()
    }

    /// The pages of a cell's newest epoch, in page order.
    pub fn pages(&self, cell: &CellId) -> &[PageRef] {
        self.cells.pages(cell)
    }

    /// Bytes of a torn tail that opening has cut off: pages that were never answered for.
    pub fn torn(&self) -> u64 {
        self.torn
    }

    /// How hard what is committed is kept.
    pub fn durability(&self) -> Durability {
        self.durability
    }

    /// What was written since opening.
    pub fn stats(&self) -> SpoolStats {
        self.stats
    }

    /// Reads a page back, checked.
    pub fn read(&self, page: &PageRef) -> Result<PageFrame, SpoolError> {
        let Some(segment) = self.segments.get(page.segment as usize) else {
            return Err(SpoolError::NotOpen(self.head.partition.clone()));
        };
        read_page(segment, page)
    }

    /// Stages the frames and commits them with one write. Of frames that cannot stand, the first is the answer;
    /// those before it are kept.
    pub fn append(&mut self, frames: &[Frame]) -> Result<(), SpoolError> {
        let staged = frames.iter().try_for_each(|frame| self.stage(frame));
        self.commit()?;
        staged
    }

    /// Packs a frame for the next commit. A refused frame changes nothing.
    pub fn stage(&mut self, frame: &Frame) -> Result<(), SpoolError> {
        if self.poisoned {
            return Err(SpoolError::Poisoned { dir: self.dir.clone() });
        }
        let (cell, header) = match frame {
            Frame::Page(page) => (page.head.cell, Header::Page(page.head.clone())),
            Frame::End(end) => (end.cell, Header::End(end.clone())),
        };
        let unfit = |source| SpoolError::Unfit { cell: format!("{cell:?}"), source };
        let before = self.pending.bytes.len();
        let (first, segment) = (before == 0, self.segments.len() - usize::from(self.file.is_some()));
        let batch = if first { self.next_seq } else { self.pending.batch };
        let mut seq = self.next_seq;
        if first && self.file.is_none() {
            let members = self.packed_members().map_err(unfit)?;
            frame::encode_head(&self.head, &members, seq, batch, &mut self.pending.bytes).map_err(unfit)?;
            seq += 1;
        }
        let start = self.pending.bytes.len();
        let offset = start as u64 + self.file.as_ref().and(self.segments.last()).map_or(0, |segment| segment.valid);
        let index = u32::try_from(segment).unwrap_or(u32::MAX);
        let packed = frame::encode(frame, seq, batch, &mut self.zstd, &mut self.pending.bytes).map_err(unfit);
        let len = (self.pending.bytes.len() - start) as u64;
        let taken = packed.and_then(|()| {
            let refused = |why| SpoolError::Refused { cell: format!("{cell:?}"), why };
            self.cells.take(&header, index, offset, len).map_err(refused)
        });
        if let Err(error) = taken {
            self.pending.bytes.truncate(before);
            return Err(error);
        }
        self.next_seq = seq + 1;
        self.pending.batch = batch;
        self.pending.frames += 1;
        Ok(())
    }

    /// Makes all staged frames durable: one write, one sync. After an error the spool is poisoned.
    pub fn commit(&mut self) -> Result<(), SpoolError> {
        if self.poisoned {
            return Err(SpoolError::Poisoned { dir: self.dir.clone() });
        }
        if self.pending.bytes.is_empty() {
            return Ok(());
        }
        let written = self.write();
        if written.is_err() {
            self.poison();
        }
        written
    }

    /// Deletes all segments of the generation, newest first, so that a crash between leaves a valid rest; then the
    /// folder, unless another generation is in it.
    pub fn remove(mut self) -> Result<(), SpoolError> {
        self.file = None;
        for segment in self.segments.iter().rev() {
            disk::remove_file(&segment.path).map_err(SpoolError::io("remove", &segment.path))?;
        }
        match disk::remove_folder(&self.dir) {
            Ok(()) => Ok(()),
            Err(error) if matches!(error.kind(), std::io::ErrorKind::NotFound) => Ok(()),
            Err(error) if matches!(error.kind(), std::io::ErrorKind::DirectoryNotEmpty) => Ok(()),
            Err(error) => Err(SpoolError::io("remove", &self.dir)(error)),
        }
    }

    fn write(&mut self) -> Result<(), SpoolError> {
        let new = self.file.is_none();
        if new {
            let segment = self.next_segment();
            disk::create_folders(&self.dir, self.durability).map_err(SpoolError::io("create", &self.dir))?;
            let file = DiskFile::create_new(&segment.path).map_err(SpoolError::io("create", &segment.path))?;
            self.segments.push(segment);
            self.file = Some(file);
            self.sync_dir()?;
        }
        let (Some(file), Some(segment)) = (&mut self.file, self.segments.last_mut()) else { return Ok(()) };
        file.write_all(&self.pending.bytes).map_err(SpoolError::io("write to", &segment.path))?;
        if self.durability == Durability::Power {
            file.sync_data().map_err(SpoolError::io("sync", &segment.path))?;
        }
        let bytes = self.pending.bytes.len() as u64;
        segment.valid += bytes;
        segment.len += bytes;
        self.stats.add(SpoolStats { frames: self.pending.frames, bytes, writes: 1 });
        self.pending.bytes.clear();
        self.pending.bytes.shrink_to(1 << 22);
        self.pending.frames = 0;
        Ok(())
    }

    /// The name outlives the process, so that a later one does not trust what the page cache shows either. If the disk
    /// refuses even that, it takes no writes at all until it is mounted anew, and then the cache is gone too.
    fn poison(&mut self) {
        self.poisoned = true;
        self.pending = Pending::default();
        if self.file.take().is_some()
            && let Some(segment) = self.segments.last()
        {
            mark_suspect(&segment.path);
        }
    }

    /// What the next head says of the members; only the first of the generation does.
    fn packed_members(&mut self) -> Result<Vec<u8>, FrameError> {
        if !self.segments.is_empty() || self.members.is_empty() {
            return Ok(Vec::new());
        }
        pack_members(&self.members, &mut self.zstd)
    }

    fn next_segment(&self) -> Segment {
        let ours = self.segments.iter().filter(|segment| segment.token == self.head.token);
        let number = ours.map(|segment| segment.number + 1).max().unwrap_or(0);
        let path = self.dir.join(Segment::name(self.head.generation, self.head.token, number));
        Segment { path, token: self.head.token, number, suspect: false, valid: 0, len: 0, head: None }
    }

    /// Cuts the torn tail off the last segment, or copies the segment if its last write failed.
    fn mend(&mut self) -> Result<(), SpoolError> {
        let Some(last) = self.segments.last() else { return Ok(()) };
        self.torn = last.len - last.valid;
        let empty = last.head.is_none_or(|(_, head)| last.valid == head);
        if last.suspect && !empty {
            return self.rescue();
        }
        if last.head.is_none() || (last.suspect && empty) {
            disk::remove_file(&last.path).map_err(SpoolError::io("remove", &last.path))?;
            if let Some((seq, _)) = last.head {
                self.next_seq = seq;
            }
            self.segments.pop();
            return self.sync_dir();
        }
        if self.torn > 0 {
            let (path, valid) = (&last.path, last.valid);
            let file = DiskFile::append(path).map_err(SpoolError::io("open", path))?;
            file.cut(valid).map_err(SpoolError::io("cut the torn end off", path))?;
            // It is made durable with the rest, before anything is written behind it.
        }
        Ok(())
    }

    /// What a process that was killed left to the system is found here as if it were durable, and is built upon: so it
    /// is made durable first, the name of a copy included. Each segment but the last was, when the one after it was begun.
    fn settle(&self) -> Result<(), SpoolError> {
        let (Durability::Power, Some(last)) = (self.durability, self.segments.last()) else { return Ok(()) };
        let path = &last.path;
        DiskFile::append(path).map_err(SpoolError::io("open", path))?.sync_all().map_err(|error| {
            mark_suspect(path);
            SpoolError::io("sync", path)(error)
        })?;
        self.sync_dir()
    }

    /// Copies the valid frames of the last segment to a new one. The copy gets its name once it is durable and names
    /// the original, so at no instant do both count or neither.
    fn rescue(&mut self) -> Result<(), SpoolError> {
        let mut copy = self.next_segment();
        let Some(Segment { path: from, valid, head: Some((seq, head_len)), .. }) = self.segments.last() else {
            return Ok(());
        };
        let original = from.file_name().map(|name| name.to_string_lossy().into_owned());
        let head = Head { replaces: original, ..self.head.clone() };
        let mut bytes = Vec::new();
        let damaged = |source| SpoolError::Damaged { path: from.clone(), offset: 0, source };
        let (_, members) = read_head(from).map_err(SpoolError::io("read", from))?.map_err(damaged)?;
        frame::encode_head(&head, &members, *seq, *seq, &mut bytes).map_err(damaged)?;
        let new_head_len = bytes.len() as u64;
        let temporary = suffixed(&copy.path, TEMPORARY);
        let mut source = File::open(from).map_err(SpoolError::io("open", from))?;
        source.seek(SeekFrom::Start(*head_len)).map_err(SpoolError::io("read", from))?;
        let mut target = DiskFile::create(&temporary).map_err(SpoolError::io("create", &temporary))?;
        target.write_all(&bytes).map_err(SpoolError::io("write to", &temporary))?;
        std::io::copy(&mut source.take(valid - head_len), &mut target).map_err(SpoolError::io("copy", from))?;
        // Always: the reason for the copy is that a sync may have failed.
        target.sync_all().map_err(SpoolError::io("sync", &temporary))?;
        // The copy names the original: by that name it must be found even if the power goes between the two renames.
        disk::sync_folder(&self.dir).map_err(SpoolError::io("sync", &self.dir))?;
        disk::rename(&temporary, &copy.path).map_err(SpoolError::io("name", &copy.path))?;
        disk::sync_folder(&self.dir).map_err(SpoolError::io("sync", &self.dir))?;
        disk::remove_file(from).map_err(SpoolError::io("remove", from))?;
        copy.valid = valid - head_len + new_head_len;
        copy.len = copy.valid;
        copy.head = Some((*seq, new_head_len));
        let index = u32::try_from(self.segments.len() - 1).unwrap_or(u32::MAX);
        self.cells.moved(index, *head_len, new_head_len);
        self.segments.pop();
        self.segments.push(copy);
        Ok(())
    }

    fn sync_dir(&self) -> Result<(), SpoolError> {
        match self.durability {
            Durability::Power => disk::sync_folder(&self.dir).map_err(SpoolError::io("sync", &self.dir)),
            Durability::Process => Ok(()),
        }
    }
}

/// After a failed sync the system may show bytes that the disk does not have.
fn mark_suspect(segment: &Path) {
    let suspect = suffixed(segment, SUSPECT);
    if let Err(error) = disk::rename(segment, &suspect) {
        tracing::warn!(path = %segment.display(), %error, "cannot mark a spool segment as suspect");
    }
}
