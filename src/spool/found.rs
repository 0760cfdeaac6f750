//! What the spool says of itself to somebody who has no ledger: which partitions, which generation, which cells.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use zstd::bulk::Compressor;

use crate::plan::CellKey;

use super::error::SpoolError;
use super::frame::{self, FIXED, FrameError, Head, Header, MAX_BODY, Prefix, senseless, within};
use super::pack::unpack;
use super::scan::{Segment, generation_of};

/// The newest generation that a folder holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Name of the folder: the hash of the partition.
    pub hash: String,
    /// Whose pages these are; `None` when that cannot be read.
    pub head: Option<Head>,
    /// The cells of the partition, in plan order; `None` when that was not written or cannot be read.
    pub members: Option<Vec<CellKey>>,
    /// The largest token under which anything was written here.
    pub token: u64,
}

/// Looks through `job` (`<state>/spool/<job>`), which need not exist, and reads one head of each folder that `unknown`
/// holds for, by hash. What cannot be read is told and not an error.
///
/// # Errors
/// When a folder cannot be listed.
pub fn found(job: &Path, unknown: impl Fn(&str) -> bool) -> Result<Vec<Found>, SpoolError> {
    let mut all = Vec::new();
    for folder in list(job)? {
        let Some(hash) = folder.file_name().and_then(|name| name.to_str()).filter(|hash| unknown(hash)) else {
            continue;
        };
        let mut generations: BTreeMap<u32, Vec<Segment>> = BTreeMap::new();
        for path in list(&folder)? {
            if let Some(generation) = generation_of(&path)
                && let Some(segment) = Segment::parse(&path, generation)
            {
                generations.entry(generation).or_default().push(segment);
            }
        }
        let token = generations.values().flatten().map(|segment| segment.token).max();
        let Some((_, mut segments)) = generations.pop_last() else { continue };
        segments.sort_by_key(|segment| (segment.token, segment.number));
        let (head, members) = describe(&segments);
        all.push(Found { hash: hash.to_owned(), head, members, token: token.unwrap_or(0) });
    }
    all.sort_by(|one, other| one.hash.cmp(&other.hash));
    Ok(all)
}

/// The first head that can be read, and the first list of members.
fn describe(segments: &[Segment]) -> (Option<Head>, Option<Vec<CellKey>>) {
    let heads: Vec<(Head, Vec<u8>)> =
        segments.iter().filter_map(|segment| read_head(&segment.path).ok()?.ok()).collect();
    let members =
        heads.iter().find(|(_, packed)| !packed.is_empty()).and_then(|(_, packed)| unpack_members(packed).ok());
    (heads.into_iter().next().map(|(head, _)| head), members)
}

/// The cells of a partition, in plan order, as a head keeps them: what is lost with the ledger is found in the spool.
pub(super) fn pack_members(keys: &[CellKey], zstd: &mut Compressor<'_>) -> Result<Vec<u8>, FrameError> {
    let keys: Vec<&str> = keys.iter().map(|key| &*key.0).collect();
    let json = serde_json::to_vec(&keys).map_err(senseless)?;
    within(json.len() as u64, MAX_BODY)?;
    zstd.compress(&json).map_err(|error| FrameError::Body(error.to_string()))
}

/// Reads what [`pack_members`] made.
fn unpack_members(packed: &[u8]) -> Result<Vec<CellKey>, FrameError> {
    let keys: Vec<String> = serde_json::from_slice(&unpack(packed, MAX_BODY)?).map_err(senseless)?;
    Ok(keys.into_iter().map(|key| CellKey(key.into())).collect())
}

/// The head of a segment with its members as they are packed; the inner error says what is wrong with it.
pub(super) fn read_head(path: &Path) -> io::Result<Result<(Head, Vec<u8>), FrameError>> {
    let mut file = File::open(path)?;
    let mut bytes = Vec::new();
    file.by_ref().take(FIXED as u64).read_to_end(&mut bytes)?;
    let prefix = match bytes.first_chunk::<FIXED>().map(Prefix::parse) {
        Some(Ok(prefix)) => prefix,
        Some(Err(error)) => return Ok(Err(error)),
        None => return Ok(Err(FrameError::Short)),
    };
    file.take(prefix.frame_len() - FIXED as u64).read_to_end(&mut bytes)?;
    Ok(match frame::check(&bytes) {
        Ok((Header::Head(head), packed)) => Ok((head, packed.to_vec())),
        Ok((Header::Page(_) | Header::End(_), _)) => {
            Err(FrameError::Header("a segment that does not begin with a head".to_owned()))
        }
        Err(error) => Err(error),
    })
}

/// What is in a folder, which need not exist.
pub(super) fn list(dir: &Path) -> Result<Vec<PathBuf>, SpoolError> {
    let failed = |error| SpoolError::io("list", dir)(error);
    match fs::read_dir(dir) {
        Ok(entries) => entries.map(|entry| Ok(entry.map_err(failed)?.path())).collect(),
        // A file that stands where a folder should is somebody else's.
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(Vec::new()),
        Err(error) => Err(failed(error)),
    }
}
