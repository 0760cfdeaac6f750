//! Reads what is in a partition's folder without changing it and without keeping a body in memory.
//!
//! Invariant (the tail rule): a bad frame with nothing valid of a later write behind it, in the last segment, is a
//! write that was cut off, and is left out; a bad frame anywhere else is damage, and is an error. So is any where all of
//! it was durable once: what was sealed has no torn tail.

use std::fs::{self, File};
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::error::SpoolError;
use super::frame::{FIXED, FrameError, Head, Header, MAGIC, Prefix};
use super::progress::Cells;

/// Ending of a segment.
pub(super) const ENDING: &str = ".pgs";
/// Added to the name of a segment whose write or sync failed.
pub(super) const SUSPECT: &str = ".suspect";
/// Added to the name of a copy that is not complete.
pub(super) const TEMPORARY: &str = ".tmp";

/// Stands between the names of several segments that one replaces; no name has it.
pub(super) const BETWEEN: char = '/';

/// What the end of the last segment may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tail {
    /// A write that was cut off.
    MayBeTorn,
    /// Nothing but whole frames, for all of them were answered for.
    Whole,
}

/// One file of the generation.
#[derive(Debug)]
pub(super) struct Segment {
    pub(super) path: PathBuf,
    pub(super) token: u64,
    pub(super) number: u32,
    pub(super) suspect: bool,
    /// Bytes up to the end of the last valid frame.
    pub(super) valid: u64,
    /// Bytes in the file.
    pub(super) len: u64,
    /// Sequence number and length of its head; `None` if not even that is valid.
    pub(super) head: Option<(u64, u64)>,
}

/// A name with `ending` behind it.
pub(super) fn suffixed(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

impl Segment {
    /// Its name without [`SUSPECT`].
    pub(super) fn name(generation: u32, token: u64, number: u32) -> String {
        format!("g{generation}-e{token}-{number}{ENDING}")
    }

    pub(super) fn parse(path: &Path, generation: u32) -> Option<Self> {
        let name = path.file_name()?.to_str()?;
        let (stem, suspect) = name.strip_suffix(SUSPECT).map_or((name, false), |stem| (stem, true));
        let rest = stem.strip_suffix(ENDING)?.strip_prefix(&format!("g{generation}-e"))?;
        let (token, number) = rest.split_once('-')?;
        let (token, number) = (token.parse().ok()?, number.parse().ok()?);
        Some(Self { path: path.to_owned(), token, number, suspect, valid: 0, len: 0, head: None })
    }
}

/// The generation whose pages a file holds, by its name; `None` for unfinished copies and what is no segment.
pub fn generation_of(path: &Path) -> Option<u32> {
    let name = path.file_name()?.to_str()?;
    let generation = name.strip_prefix('g')?.split_once("-e")?.0.parse().ok()?;
    Segment::parse(path, generation).map(|_| generation)
}

/// What a folder holds of one generation.
#[derive(Debug, Default)]
pub(super) struct Scan {
    /// In writing order.
    pub(super) segments: Vec<Segment>,
    pub(super) cells: Cells,
    pub(super) next_seq: u64,
    /// Files that count for nothing: unfinished copies, and originals whose copy is complete.
    pub(super) litter: Vec<PathBuf>,
}

/// Reads all segments of `head`'s generation in `dir`; a missing folder holds nothing.
pub(super) fn scan(dir: &Path, head: &Head, tail: Tail) -> Result<Scan, SpoolError> {
    let mut scan = Scan::default();
    let found = segments(dir, head, &mut scan.litter)?;
    let count = found.len();
    for (index, mut segment) in found.into_iter().enumerate() {
        if segment.token > head.token {
            return Err(SpoolError::Fenced { path: segment.path, found: segment.token, token: head.token });
        }
        read_segment(&mut segment, &mut scan, head, tail == Tail::MayBeTorn && index + 1 == count)?;
        scan.segments.push(segment);
    }
    Ok(scan)
}

/// The segments of `head`'s generation that count, in writing order; the other files that are ours go to `litter`.
pub(super) fn segments(dir: &Path, head: &Head, litter: &mut Vec<PathBuf>) -> Result<Vec<Segment>, SpoolError> {
    let mut found = list(dir, head, litter)?;
    found.sort_by_key(|segment| (segment.token, segment.number));
    let replaced = replaced(&found)?;
    let (old, found): (Vec<_>, Vec<_>) = found.into_iter().partition(|segment| replaced.contains(&segment.path));
    litter.extend(old.into_iter().map(|segment| segment.path));
    Ok(found)
}

fn list(dir: &Path, head: &Head, litter: &mut Vec<PathBuf>) -> Result<Vec<Segment>, SpoolError> {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(SpoolError::io("list", dir)(error)),
    };
    let mut found = Vec::new();
    for entry in entries {
        let path = entry.map_err(SpoolError::io("list", dir))?.path();
        if let Some(segment) = Segment::parse(&path, head.generation) {
            found.push(segment);
        } else if path.to_str().is_some_and(|name| name.ends_with(TEMPORARY)) {
            litter.push(path);
        }
    }
    Ok(found)
}

/// Originals whose copy is complete: a copy gets its name only after it is.
fn replaced(found: &[Segment]) -> Result<Vec<PathBuf>, SpoolError> {
    let mut replaced = Vec::new();
    for segment in found {
        let mut file = BufReader::new(File::open(&segment.path).map_err(SpoolError::io("open", &segment.path))?);
        if let Ok((_, Header::Head(Head { replaces: Some(originals), .. }))) =
            read_frame(&mut file).map_err(SpoolError::io("read", &segment.path))?
        {
            replaced.extend(originals.split(BETWEEN).map(|original| segment.path.with_file_name(original)));
        }
    }
    Ok(replaced)
}

fn read_segment(segment: &mut Segment, scan: &mut Scan, head: &Head, last: bool) -> Result<(), SpoolError> {
    let path = segment.path.clone();
    let file = File::open(&path).map_err(SpoolError::io("open", &path))?;
    segment.len = file.metadata().map_err(SpoolError::io("read the length of", &path))?.len();
    let mut file = BufReader::with_capacity(1 << 17, file);
    let index = u32::try_from(scan.segments.len()).unwrap_or(u32::MAX);
    // An empty file earlier than the last would hide that its frames are lost; seq shows it at the next segment.
    while segment.valid < segment.len {
        let offset = segment.valid;
        let bad = |source| SpoolError::Damaged { path: path.clone(), offset, source };
        let (prefix, header) = match read_frame(&mut file).map_err(SpoolError::io("read", &path))? {
            Ok(frame) => frame,
            Err(error @ FrameError::Unknown { .. }) => return Err(SpoolError::Newer { path, source: error }),
            Err(error) if !last || !error.may_be_torn() => return Err(bad(error)),
            Err(error) => {
                if newer_layout(file.get_mut(), offset).map_err(SpoolError::io("read", &path))? {
                    return Err(SpoolError::Newer { path: path.clone(), source: error });
                }
                let later = later_write(file.get_mut(), offset + 1, scan.next_seq);
                return if later.map_err(SpoolError::io("read", &path))? { Err(bad(error)) } else { Ok(()) };
            }
        };
        if prefix.seq != scan.next_seq {
            let gap = format!("frame {} stands where {} is due", prefix.seq, scan.next_seq);
            return Err(bad(FrameError::Header(gap)));
        }
        if offset == 0 {
            check_head(segment, &header, head)?;
            segment.head = Some((prefix.seq, prefix.frame_len()));
        } else if let Err(why) = scan.cells.take(&header, index, offset, prefix.frame_len()) {
            return Err(bad(FrameError::Header(why.to_owned())));
        }
        scan.next_seq += 1;
        segment.valid += prefix.frame_len();
    }
    Ok(())
}

pub(super) fn check_head(segment: &Segment, header: &Header, wanted: &Head) -> Result<(), SpoolError> {
    let Header::Head(found) = header else {
        let source = FrameError::Header("a segment that does not begin with a head".to_owned());
        return Err(SpoolError::Damaged { path: segment.path.clone(), offset: 0, source });
    };
    let same = (&found.job, &found.partition, found.generation) == (&wanted.job, &wanted.partition, wanted.generation);
    if same && found.token == segment.token {
        return Ok(());
    }
    let name = |head: &Head, token| {
        format!("job `{}`, partition `{}`, generation {}, token {token}", head.job, head.partition, head.generation)
    };
    Err(SpoolError::Foreign {
        path: segment.path.clone(),
        found: name(found, found.token),
        wanted: name(wanted, segment.token),
    })
}

/// Reads one frame and checks it whole, in constant memory but for the header.
pub(super) fn read_frame(from: &mut impl Read) -> io::Result<Result<(Prefix, Header), FrameError>> {
    let mut fixed = [0; FIXED];
    if !fill(from, &mut fixed)? {
        return Ok(Err(FrameError::Short));
    }
    let prefix = match Prefix::parse(&fixed) {
        Ok(prefix) => prefix,
        Err(error) => return Ok(Err(error)),
    };
    let mut json = vec![0; prefix.header_len as usize];
    if !fill(from, &mut json)? {
        return Ok(Err(FrameError::Short));
    }
    let mut crc = match prefix.check_header(&fixed, &json) {
        Ok(crc) => crc,
        Err(error) => return Ok(Err(error)),
    };
    let mut left = prefix.payload_len as usize;
    let mut window = [0; 1 << 14];
    while left > 0 {
        let window = &mut window[..left.min(1 << 14)];
        if !fill(from, window)? {
            return Ok(Err(FrameError::Short));
        }
        crc.update(window);
        left -= window.len();
    }
    Ok(prefix.check_frame(crc).and_then(|()| prefix.header(&json)).map(|header| (prefix, header)))
}

/// `false` if the file ends first.
fn fill(from: &mut impl Read, bytes: &mut [u8]) -> io::Result<bool> {
    match from.read_exact(bytes) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    }
}

/// Whether a frame of another layout stands at `offset`: it must never be taken for a torn write and cut away. A frame
/// of ours whose magic was hit is none.
pub(super) fn newer_layout(file: &mut (impl Read + Seek), offset: u64) -> io::Result<bool> {
    let mut magic = [0; 4];
    file.seek(SeekFrom::Start(offset))?;
    if !fill(file, &mut magic)? || magic[..3] != MAGIC[..3] || magic[3] <= MAGIC[3] || !magic[3].is_ascii_digit() {
        return Ok(false);
    }
    Ok(valid_header(&mut MAGIC.as_slice().chain(file))?.is_none())
}

/// Whether a valid header of a write later than the one that frame `seq` belongs to stands at `from` or after.
pub(super) fn later_write(file: &mut (impl Read + Seek), from: u64, seq: u64) -> io::Result<bool> {
    let mut window = Vec::new();
    let mut start = from;
    loop {
        window.clear();
        file.seek(SeekFrom::Start(start))?;
        file.by_ref().take(1 << 20).read_to_end(&mut window)?;
        for at in (0..window.len()).filter(|&at| window[at..].starts_with(&MAGIC)) {
            file.seek(SeekFrom::Start(start + at as u64))?;
            if valid_header(file)?.is_some_and(|(prefix, _)| prefix.batch > seq) {
                return Ok(true);
            }
        }
        if window.len() < 1 << 20 {
            return Ok(false);
        }
        // The next window overlaps, so that no magic is missed.
        start += window.len() as u64 - 3;
    }
}

/// A frame whose header can be believed, whatever is behind it.
pub(super) fn valid_header(file: &mut impl Read) -> io::Result<Option<(Prefix, Vec<u8>)>> {
    let mut fixed = [0; FIXED];
    if !fill(file, &mut fixed)? {
        return Ok(None);
    }
    let Ok(prefix) = Prefix::parse(&fixed) else { return Ok(None) };
    let mut json = vec![0; prefix.header_len as usize];
    let valid = fill(file, &mut json)? && prefix.check_header(&fixed, &json).is_ok();
    Ok(valid.then_some((prefix, json)))
}
