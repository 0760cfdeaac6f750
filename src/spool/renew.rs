//! The next generation of a partition begins with the pages of the one before: they are paid for.
//!
//! Invariant: the copy gets its name only once it is durable, so until then the older generation counts, and after it
//! the newer one does. The older one stays until it is removed by name.

use std::collections::{HashMap, HashSet};
use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::Path;

use zstd::bulk::Compressor;

use crate::disk::{self, DiskFile, Durability};
use crate::ledger::Outcome;
use crate::plan::CellId;

use super::error::SpoolError;
use super::found::read_head;
use super::frame::{self, FIXED, Frame, FrameError, Head, Header, MAX_BODY, PageFrame, Prefix};
use super::partition::PartitionSpool;
use super::scan::{Segment, TEMPORARY, Tail, generation_of, scan, suffixed};

/// The records in a body, when what counts as one has changed since it was accepted.
pub type Recount<'a> = dyn Fn(&[u8]) -> u64 + 'a;

impl PartitionSpool {
    /// Opens the generation of `head`. Where it has not begun, it begins with all frames of the generation before it,
    /// but those of the cells in `anew`, which begin at their first page. With `recount` the records of each page are
    /// counted again, and a cell ends as records or empty accordingly.
    ///
    /// # Errors
    /// As [`PartitionSpool::open`]; damage to the older generation is an error, and then nothing has begun.
    pub fn renew(
        dir: &Path,
        head: Head,
        durability: Durability,
        anew: &HashSet<CellId>,
        recount: Option<&Recount<'_>>,
    ) -> Result<Self, SpoolError> {
        if head.generation > 1 && !has_generation(dir, head.generation)? {
            begin(dir, &head, anew, recount)?;
        }
        Self::open(dir, head, durability)
    }
}

/// Whether anything of `generation` is kept in a partition's folder, which need not exist.
///
/// # Errors
/// When the folder cannot be listed.
pub fn has_generation(dir: &Path, generation: u32) -> Result<bool, SpoolError> {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(SpoolError::io("list", dir)(error)),
    };
    for entry in entries {
        let path = entry.map_err(SpoolError::io("list", dir))?.path();
        if generation_of(&path) == Some(generation) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn begin(dir: &Path, head: &Head, anew: &HashSet<CellId>, recount: Option<&Recount<'_>>) -> Result<(), SpoolError> {
    let older = Head { generation: head.generation - 1, replaces: None, ..head.clone() };
    let from = scan(dir, &older, Tail::Whole)?.segments;
    let path = dir.join(Segment::name(head.generation, head.token, 0));
    let temporary = suffixed(&path, TEMPORARY);
    disk::create_folders(dir, Durability::Process).map_err(SpoolError::io("create", dir))?;
    let file = DiskFile::create(&temporary).map_err(SpoolError::io("create", &temporary))?;
    let recounted = recount.map(Recounted::new).transpose().map_err(SpoolError::io("prepare compression for", dir))?;
    let mut copy = Copy { to: BufWriter::new(file), seq: 0, frame: Vec::new(), recounted };
    let written = SpoolError::io("write to", &temporary);
    let mut first = Vec::new();
    // Of an older version there may be none, and of a damaged one it does not matter: the scan has spoken.
    let members = from.first().and_then(|segment| read_head(&segment.path).ok()?.ok()).map(|(_, members)| members);
    frame::encode_head(&Head { replaces: None, ..head.clone() }, &members.unwrap_or_default(), 0, 0, &mut first)
        .map_err(|source| SpoolError::Unfit { cell: head.partition.clone(), source })?;
    copy.to.write_all(&first).map_err(written)?;
    for segment in &from {
        copy.segment(segment, anew, &temporary)?;
    }
    let file = copy.to.into_inner().map_err(|error| SpoolError::io("write to", &temporary)(error.into_error()))?;
    file.sync_all().map_err(SpoolError::io("sync", &temporary))?;
    disk::rename(&temporary, &path).map_err(SpoolError::io("name", &path))?;
    disk::sync_folder(dir).map_err(SpoolError::io("sync", dir))
}

struct Copy<'a> {
    to: BufWriter<DiskFile>,
    /// Of the frame written last.
    seq: u64,
    frame: Vec<u8>,
    recounted: Option<Recounted<'a>>,
}

/// Counts the records of pages again, and with them those of their cells.
struct Recounted<'a> {
    count: &'a Recount<'a>,
    /// Records on the pages of each cell and epoch so far.
    cells: HashMap<(CellId, u32), u64>,
    zstd: Compressor<'static>,
}

impl<'a> Recounted<'a> {
    fn new(count: &'a Recount<'a>) -> io::Result<Self> {
        Ok(Self { count, cells: HashMap::new(), zstd: Compressor::new(1)? })
    }

    /// The frame in `bytes` with its records counted again, as number `seq`, written alone.
    fn rewrite(&mut self, bytes: &mut Vec<u8>, seq: u64) -> Result<(), FrameError> {
        let (header, body) = frame::decode(bytes, MAX_BODY)?;
        let rewritten = match header {
            Header::Page(mut head) => {
                head.records = (self.count)(&body);
                *self.cells.entry((head.cell, head.epoch)).or_default() += head.records;
                Frame::Page(PageFrame { head, body })
            }
            Header::End(mut end) => {
                end.records = self.cells.get(&(end.cell, end.epoch)).copied().unwrap_or(0);
                end.outcome = match (end.outcome, end.records) {
                    (rejected @ Outcome::Rejected { .. }, _) => rejected,
                    (_, 1..) => Outcome::Records,
                    (empty @ Outcome::Empty { .. }, 0) => empty,
                    (Outcome::Records, 0) => Outcome::Empty { unconfirmed: false },
                };
                Frame::End(end)
            }
            Header::Head(_) => return Err(FrameError::Header("a second head".to_owned())),
        };
        bytes.clear();
        frame::encode(&rewritten, seq, seq, &mut self.zstd, bytes)
    }
}

impl Copy<'_> {
    fn segment(&mut self, from: &Segment, anew: &HashSet<CellId>, to: &Path) -> Result<(), SpoolError> {
        let path = &from.path;
        let Some((_, head)) = from.head else { return Ok(()) };
        let mut file = BufReader::with_capacity(1 << 17, File::open(path).map_err(SpoolError::io("open", path))?);
        file.seek(SeekFrom::Start(head)).map_err(SpoolError::io("read", path))?;
        let mut offset = head;
        while offset < from.valid {
            let at = offset;
            let damaged = |source| SpoolError::Damaged { path: path.clone(), offset: at, source };
            self.read(&mut file).map_err(SpoolError::io("read", path))?.map_err(damaged)?;
            let (header, _) = frame::check(&self.frame).map_err(damaged)?;
            let cell = match &header {
                Header::Page(page) => page.cell,
                Header::End(end) => end.cell,
                Header::Head(_) => return Err(damaged(FrameError::Header("a second head".to_owned()))),
            };
            offset += self.frame.len() as u64;
            if anew.contains(&cell) {
                continue;
            }
            // Each is a write of its own: damage between two of them must not pass for a torn end.
            self.seq += 1;
            match &mut self.recounted {
                Some(recounted) => recounted.rewrite(&mut self.frame, self.seq),
                None => renumber(&mut self.frame, self.seq),
            }
            .map_err(damaged)?;
            self.to.write_all(&self.frame).map_err(SpoolError::io("write to", to))?;
        }
        Ok(())
    }

    /// The next frame as it stands.
    fn read(&mut self, from: &mut impl Read) -> io::Result<Result<(), FrameError>> {
        let mut fixed = [0; FIXED];
        from.read_exact(&mut fixed)?;
        let prefix = match Prefix::parse(&fixed) {
            Ok(prefix) => prefix,
            Err(error) => return Ok(Err(error)),
        };
        self.frame.clear();
        self.frame.extend_from_slice(&fixed);
        let rest = prefix.frame_len() - FIXED as u64;
        from.take(rest).read_to_end(&mut self.frame)?;
        Ok(if self.frame.len() as u64 == prefix.frame_len() { Ok(()) } else { Err(FrameError::Short) })
    }
}

/// The same frame as number `seq`, written alone.
pub(super) fn renumber(bytes: &mut [u8], seq: u64) -> Result<(), FrameError> {
    let header = {
        let (fixed, _) = bytes.split_first_chunk::<FIXED>().ok_or(FrameError::Short)?;
        Prefix::parse(fixed)?.header_len as usize
    };
    bytes[8..16].copy_from_slice(&seq.to_le_bytes());
    bytes[16..24].copy_from_slice(&seq.to_le_bytes());
    let (header_crc, crc) = {
        let json = bytes.get(FIXED..FIXED + header).ok_or(FrameError::Short)?;
        frame::checksums(&bytes[..40], json, &bytes[FIXED + header..])
    };
    bytes[40..44].copy_from_slice(&header_crc.to_le_bytes());
    bytes[44..FIXED].copy_from_slice(&crc.to_le_bytes());
    Ok(())
}
