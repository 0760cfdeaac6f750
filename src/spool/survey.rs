//! What of a damaged spool is whole: every frame that can be found again behind a damage. Reads only.
//!
//! Invariant: a frame is believed when its checksums hold, and used when nothing before it in its cell is lost. Pages of
//! others, of a newer version or of a later run are no damage: they are the same errors as for an open spool.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use crate::plan::CellId;

use super::error::SpoolError;
use super::frame::{FIXED, FrameError, Head, Header, MAGIC, Prefix};
use super::price::Price;
use super::progress::{CellProgress, Cells};
use super::scan::{Segment, check_head, later_write, newer_layout, read_frame, segments, valid_header};
use super::usable::{Lost, usable};

/// A frame of which at least the header is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Known {
    pub(super) seq: u64,
    /// Index of its segment.
    pub(super) segment: usize,
    pub(super) offset: u64,
    pub(super) len: u64,
    pub(super) header: Header,
    /// All of it is as it was written; otherwise only its header is.
    pub(super) whole: bool,
}

/// What one segment holds.
#[derive(Debug, Default)]
struct Found {
    known: Vec<Known>,
    /// Where something else than a frame stands, and what.
    harm: Vec<(u64, FrameError)>,
}

/// One segment, and what is wrong with it.
#[derive(Debug)]
pub(super) struct Surveyed {
    pub(super) path: PathBuf,
    pub(super) harm: Vec<(u64, FrameError)>,
}

/// The spool of one partition's generation, looked through in spite of its damage. Blocking.
#[derive(Debug)]
pub struct Survey {
    pub(super) dir: PathBuf,
    pub(super) head: Head,
    pub(super) segments: Vec<Surveyed>,
    /// Files of the generation that count no longer.
    pub(super) litter: Vec<PathBuf>,
    /// The frames that can still be used, in writing order.
    pub(super) kept: Vec<Known>,
    /// For each segment, whether something whole in it is of no use any more.
    pub(super) orphans: Vec<bool>,
    cells: Cells,
    lost: Lost,
}

impl Survey {
    /// Looks through the folder `<state>/spool/<job>/<partition hash>`.
    ///
    /// # Errors
    /// For pages of others, of a newer version or of a later run than `head` names, and a disk that cannot be read.
    pub fn of(dir: &Path, head: Head) -> Result<Self, SpoolError> {
        let head = Head { replaces: None, ..head };
        let mut litter = Vec::new();
        let found = segments(dir, &head, &mut litter)?;
        let count = found.len();
        let (mut known, mut surveyed, mut due) = (Vec::new(), Vec::new(), 0);
        for (index, segment) in found.into_iter().enumerate() {
            if segment.token > head.token {
                return Err(SpoolError::Fenced { path: segment.path, found: segment.token, token: head.token });
            }
            let Found { known: frames, harm } = read(&segment, index, &head, index + 1 == count, due)?;
            due = frames.iter().map(|frame| frame.seq + 1).max().unwrap_or(due);
            known.extend(frames);
            surveyed.push(Surveyed { path: segment.path, harm });
        }
        let beheaded = surveyed.iter().filter(|segment| segment.harm.first().is_some_and(|harm| harm.0 == 0)).count();
        let (kept, orphans, cells, lost) = usable(known, count, beheaded as u64);
        Ok(Self { dir: dir.to_owned(), head, segments: surveyed, litter, kept, orphans, cells, lost })
    }

    /// How far a cell got in pages that can still be used.
    pub fn progress(&self, cell: &CellId) -> Option<&CellProgress> {
        self.cells.progress(cell)
    }

    /// What must be fetched again of the cells in `members`, which are those of the partition.
    pub fn price(&self, members: impl IntoIterator<Item = CellId>) -> Price {
        let open = members.into_iter().filter(|id| self.progress(id).is_none_or(|progress| progress.end.is_none()));
        self.lost.price(open)
    }
}

fn read(segment: &Segment, index: usize, head: &Head, last: bool, due: u64) -> Result<Found, SpoolError> {
    let path = &segment.path;
    let file = File::open(path).map_err(SpoolError::io("open", path))?;
    let mut file = BufReader::with_capacity(1 << 17, file);
    let found = resync(&mut file, index, last, due).map_err(SpoolError::io("read", path))?;
    let mut found = found.map_err(|source| SpoolError::Newer { path: path.clone(), source })?;
    match found.known.first() {
        Some(first) if first.offset == 0 && first.whole => match check_head(segment, &first.header, head) {
            Ok(()) => {}
            Err(SpoolError::Damaged { source, .. }) => found.harm.insert(0, (0, source)),
            Err(error) => return Err(error),
        },
        Some(_) | None => {}
    }
    Ok(found)
}

/// Finds every frame of a segment. `due` is the number of the first one, unless whole segments before it are gone. In the
/// `last` segment a write that was cut off ends it, and is no harm. The inner error is what a newer version wrote.
fn resync(
    from: &mut (impl Read + Seek),
    segment: usize,
    last: bool,
    mut due: u64,
) -> io::Result<Result<Found, FrameError>> {
    let len = from.seek(SeekFrom::End(0))?;
    let mut found = Found::default();
    let mut offset = from.seek(SeekFrom::Start(0))?;
    while offset < len {
        let error = match read_frame(from)? {
            Ok((prefix, header)) => {
                let len = prefix.frame_len();
                found.known.push(Known { seq: prefix.seq, segment, offset, len, header, whole: true });
                due = prefix.seq + 1;
                offset += len;
                continue;
            }
            Err(newer @ FrameError::Unknown { .. }) => return Ok(Err(newer)),
            Err(error) => error,
        };
        if newer_layout(from, offset)? {
            return Ok(Err(error));
        }
        if last && error.may_be_torn() && !later_write(from, offset + 1, due)? {
            break;
        }
        from.seek(SeekFrom::Start(offset))?;
        if let Some((prefix, json)) = valid_header(from)?
            && let Ok(header) = prefix.header(&json)
        {
            let len = prefix.frame_len();
            found.known.push(Known { seq: prefix.seq, segment, offset, len, header, whole: false });
            due = prefix.seq;
        }
        found.harm.push((offset, error));
        offset = next(from, offset, due, len)?;
        due += 1;
        from.seek(SeekFrom::Start(offset))?;
    }
    Ok(Ok(found))
}

/// Where the next frame stands behind the bad one at `offset`, which should be number `due`; `len` when none does.
fn next(from: &mut (impl Read + Seek), offset: u64, due: u64, len: u64) -> io::Result<u64> {
    from.seek(SeekFrom::Start(offset))?;
    let mut fixed = [0; FIXED];
    // Its length, if it leads to the very next frame; nothing inside its body can then pass for one.
    if from.read_exact(&mut fixed).is_ok()
        && let Ok(prefix) = Prefix::parse(&fixed)
    {
        let end = offset + prefix.frame_len();
        from.seek(SeekFrom::Start(end))?;
        if end < len && valid_header(from)?.is_some_and(|(next, _)| next.seq == due + 1) {
            return Ok(end);
        }
    }
    let mut start = offset + 1;
    let mut window = Vec::new();
    loop {
        window.clear();
        from.seek(SeekFrom::Start(start))?;
        from.by_ref().take(1 << 20).read_to_end(&mut window)?;
        for at in (0..window.len()).filter(|&at| window[at..].starts_with(&MAGIC)) {
            let at = start + at as u64;
            from.seek(SeekFrom::Start(at))?;
            let fits = |prefix: &Prefix| {
                // Numbers run on inside a segment; behind its begin nobody knows which ones.
                let most = due + (at - offset) / FIXED as u64;
                prefix.batch <= prefix.seq && (offset == 0 || (due + 1..=most).contains(&prefix.seq))
            };
            if valid_header(from)?.is_some_and(|(prefix, _)| fits(&prefix)) {
                return Ok(at);
            }
        }
        if window.len() < 1 << 20 {
            return Ok(len);
        }
        // The next window overlaps, so that no magic is missed.
        start += window.len() as u64 - (MAGIC.len() as u64 - 1);
    }
}
