//! The bytes of one frame, pure: what goes in comes out, or an error says why not.
//!
//! Invariant: no frame is believed before its checksums hold, and no memory is taken before its lengths are within
//! bounds. Never written: credentials; the caller masks bodies first.
//!
//! | bytes | field, little endian |
//! |---|---|
//! | 0..4 | magic `PGS1`; another layout gets another magic |
//! | 4, 5 | version, type (1 head, 2 page, 3 end) |
//! | 6..8 | flags; a reader refuses unknown ones in the upper byte and ignores those in the lower |
//! | 8..16 | seq: +1 with each frame of a partition's generation, across segments |
//! | 16..24 | batch: seq of the first frame of the same write; tells a torn write from later damage |
//! | 24..32 | received, Unix milliseconds |
//! | 32..40 | header length, payload length |
//! | 40..44 | crc32 of bytes 0..40 and the header |
//! | 44..48 | crc32 of bytes 0..44, the header and the payload |
//!
//! Then a JSON header and, as one zstd frame, the body of a page, or the partition's cell keys after a generation's first head.

use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use zstd::bulk::Compressor;

use crate::ledger::Outcome;
use crate::plan::CellId;

use super::hex;
use super::pack::{pack, unpack};

/// Bytes before the JSON header.
pub(super) const FIXED: usize = 48;
/// The longest JSON header.
pub(super) const MAX_HEADER: u32 = 1 << 20;
/// The largest body of a page.
pub const MAX_BODY: u64 = 1 << 28;
/// The first bytes of each frame.
pub(super) const MAGIC: [u8; 4] = *b"PGS1";

const VERSION: u8 = 1;
const MUST_UNDERSTAND: u16 = 0xff00;
/// zstd grows what it cannot compress by less than 1/128 and a few bytes.
const MAX_PAYLOAD: u64 = MAX_BODY + MAX_BODY / 128 + 1024;

/// The first frame of each segment: whose pages these are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// Name of the job.
    pub job: String,
    /// [`crate::plan::Partition::key`].
    pub partition: String,
    /// 1 at first; +1 each time the partition is reopened.
    pub generation: u32,
    /// Fencing token of the claim that wrote the segment.
    pub token: u64,
    /// File name of a segment this one is a copy of, or several with `/` between them: these count no longer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<String>,
}

/// What is known of a page without its body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PageHead {
    /// Whose page.
    #[serde(with = "hex::cell")]
    pub cell: CellId,
    /// 0 at first; +1 with each restart of the cell, which makes the older pages void.
    pub epoch: u32,
    /// From 0; at the end of its cell there is no gap.
    pub page: u32,
    /// HTTP status.
    pub status: u16,
    /// Records found in it.
    pub records: u64,
    /// Where the next page starts, canonical JSON; `None` on the last page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
    /// Keyed hash of the canonical request without credentials.
    #[serde(with = "hex")]
    pub request: [u8; 16],
    /// What it cost, if the provider says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credits: Option<u64>,
    /// Records there are in all, as it says; `None` where the provider does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
    /// It was asked for beside other pages of its cell.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub parallel: bool,
    /// When the answer was complete, to the millisecond; kept outside the JSON.
    #[serde(skip)]
    pub received: Timestamp,
}

/// A page we have paid for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageFrame {
    /// What is known of it.
    pub head: PageHead,
    /// The body as received, secrets masked, not compressed.
    pub body: Bytes,
}

/// The end of a cell: nothing more will be asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndFrame {
    /// Whose end.
    #[serde(with = "hex::cell")]
    pub cell: CellId,
    /// The epoch that ended.
    pub epoch: u32,
    /// Pages of this epoch.
    pub pages: u32,
    /// Records on them.
    pub records: u64,
    /// How it ended.
    pub outcome: Outcome,
    /// When, to the millisecond; kept outside the JSON.
    #[serde(skip)]
    pub received: Timestamp,
}

/// What a cell appends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// A page.
    Page(PageFrame),
    /// The end of a cell.
    End(EndFrame),
}

impl Frame {
    /// Bytes of its body; an end has none.
    pub fn body_bytes(&self) -> usize {
        match self {
            Self::Page(page) => page.body.len(),
            Self::End(_) => 0,
        }
    }
}

/// A frame's header, all that a scan keeps in memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Header {
    /// Whose pages follow.
    Head(Head),
    /// A page.
    Page(PageHead),
    /// The end of a cell.
    End(EndFrame),
}

/// Why bytes are not a frame, or a frame cannot become bytes.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum FrameError {
    /// Fewer bytes than the frame says.
    #[error("it ends inside a frame")]
    Short,
    /// No magic.
    #[error("no frame starts there")]
    Magic,
    /// A checksum does not hold.
    #[error("a checksum does not match")]
    Checksum,
    /// A length is out of bounds.
    #[error("a length of {found} bytes is over the limit of {limit}")]
    TooLong {
        /// As written.
        found: u64,
        /// The largest allowed.
        limit: u64,
    },
    /// Written by a newer tidemill.
    #[error("version {version}, type {kind}, flags {flags:#06x} are unknown")]
    Unknown {
        /// As written.
        version: u8,
        /// As written.
        kind: u8,
        /// As written.
        flags: u16,
    },
    /// A header that is whole, but makes no sense.
    #[error("its header makes no sense: {0}")]
    Header(String),
    /// A body that is whole, but cannot be unpacked, or one that cannot be packed.
    #[error("its body cannot be unpacked: {0}")]
    Body(String),
}

impl FrameError {
    /// Whether a write that was cut off can look like this.
    pub fn may_be_torn(&self) -> bool {
        match self {
            Self::Short | Self::Magic | Self::Checksum | Self::TooLong { .. } => true,
            Self::Unknown { .. } | Self::Header(_) | Self::Body(_) => false,
        }
    }
}

/// The fixed part of a frame, its lengths within bounds, its checksums not yet compared.
#[derive(Debug, Clone, Copy)]
pub(super) struct Prefix {
    version: u8,
    kind: u8,
    flags: u16,
    /// Place among the frames of the generation.
    pub(super) seq: u64,
    /// `seq` of the first frame of the same write.
    pub(super) batch: u64,
    received: i64,
    /// Bytes of JSON.
    pub(super) header_len: u32,
    /// Bytes after it.
    pub(super) payload_len: u32,
    header_crc: u32,
    crc: u32,
}

impl Prefix {
    /// Takes the fixed part apart.
    pub(super) fn parse(bytes: &[u8; FIXED]) -> Result<Self, FrameError> {
        if bytes[..4] != MAGIC {
            return Err(FrameError::Magic);
        }
        let prefix = Self {
            version: bytes[4],
            kind: bytes[5],
            flags: u16::from_le_bytes([bytes[6], bytes[7]]),
            seq: u64_at(bytes, 8),
            batch: u64_at(bytes, 16),
            received: u64_at(bytes, 24).cast_signed(),
            header_len: u32_at(bytes, 32),
            payload_len: u32_at(bytes, 36),
            header_crc: u32_at(bytes, 40),
            crc: u32_at(bytes, 44),
        };
        within(prefix.header_len.into(), MAX_HEADER.into())?;
        within(prefix.payload_len.into(), MAX_PAYLOAD)?;
        Ok(prefix)
    }

    /// Length of the whole frame.
    pub(super) fn frame_len(&self) -> u64 {
        FIXED as u64 + u64::from(self.header_len) + u64::from(self.payload_len)
    }

    /// Compares the header's checksum; gives the running checksum of the whole frame, to be fed the payload.
    pub(super) fn check_header(&self, fixed: &[u8; FIXED], header: &[u8]) -> Result<crc32fast::Hasher, FrameError> {
        let mut crc = crc32fast::Hasher::new();
        crc.update(&fixed[..40]);
        let mut whole = crc.clone();
        crc.update(header);
        if crc.finalize() != self.header_crc {
            return Err(FrameError::Checksum);
        }
        whole.update(&fixed[40..44]);
        whole.update(header);
        Ok(whole)
    }

    /// Compares the checksum of the whole frame.
    pub(super) fn check_frame(&self, whole: crc32fast::Hasher) -> Result<(), FrameError> {
        if whole.finalize() == self.crc { Ok(()) } else { Err(FrameError::Checksum) }
    }

    /// Reads the JSON header; call it only after both checks.
    pub(super) fn header(&self, json: &[u8]) -> Result<Header, FrameError> {
        if self.version != VERSION || self.flags & MUST_UNDERSTAND != 0 {
            return Err(self.unknown());
        }
        let received = Timestamp::from_millisecond(self.received).map_err(senseless)?;
        Ok(match self.kind {
            1 => Header::Head(serde_json::from_slice(json).map_err(senseless)?),
            2 => Header::Page(PageHead { received, ..serde_json::from_slice(json).map_err(senseless)? }),
            3 => Header::End(EndFrame { received, ..serde_json::from_slice(json).map_err(senseless)? }),
            _ => return Err(self.unknown()),
        })
    }

    fn unknown(&self) -> FrameError {
        FrameError::Unknown { version: self.version, kind: self.kind, flags: self.flags }
    }
}

/// Appends a segment's first frame to `out`. `members` are those of the partition, packed by [`super::found::pack_members`], in the
/// first segment of a generation, and nothing in the others.
pub(super) fn encode_head(
    head: &Head,
    members: &[u8],
    seq: u64,
    batch: u64,
    out: &mut Vec<u8>,
) -> Result<(), FrameError> {
    write(1, (seq, batch), Timestamp::UNIX_EPOCH, head, members, out)
}

/// Appends a frame to `out`; on an error `out` is as it was.
pub fn encode(
    frame: &Frame,
    seq: u64,
    batch: u64,
    zstd: &mut Compressor<'_>,
    out: &mut Vec<u8>,
) -> Result<(), FrameError> {
    match frame {
        Frame::Page(page) => {
            within(page.body.len() as u64, MAX_BODY)?;
            let payload = pack(&page.body, zstd)?;
            write(2, (seq, batch), page.head.received, &page.head, &payload, out)
        }
        Frame::End(end) => write(3, (seq, batch), end.received, end, &[], out),
    }
}

/// Reads one whole frame but for its body, which stays packed.
pub(super) fn check(bytes: &[u8]) -> Result<(Header, &[u8]), FrameError> {
    let (fixed, rest) = bytes.split_first_chunk::<FIXED>().ok_or(FrameError::Short)?;
    let prefix = Prefix::parse(fixed)?;
    if bytes.len() as u64 != prefix.frame_len() {
        return Err(FrameError::Short);
    }
    let (json, payload) = rest.split_at(prefix.header_len as usize);
    let mut crc = prefix.check_header(fixed, json)?;
    crc.update(payload);
    prefix.check_frame(crc)?;
    Ok((prefix.header(json)?, payload))
}

/// Reads one whole frame; its body may unpack to `max_body` bytes.
pub fn decode(bytes: &[u8], max_body: u64) -> Result<(Header, Bytes), FrameError> {
    let (header, payload) = check(bytes)?;
    if payload.is_empty() {
        return Ok((header, Bytes::new()));
    }
    Ok((header, Bytes::from(unpack(payload, max_body)?)))
}

fn write(
    kind: u8,
    (seq, batch): (u64, u64),
    received: Timestamp,
    header: &impl Serialize,
    payload: &[u8],
    out: &mut Vec<u8>,
) -> Result<(), FrameError> {
    let json = serde_json::to_vec(header).map_err(senseless)?;
    within(json.len() as u64, MAX_HEADER.into())?;
    let mut fixed = [0; FIXED];
    fixed[..4].copy_from_slice(&MAGIC);
    fixed[4] = VERSION;
    fixed[5] = kind;
    fixed[8..16].copy_from_slice(&seq.to_le_bytes());
    fixed[16..24].copy_from_slice(&batch.to_le_bytes());
    fixed[24..32].copy_from_slice(&received.as_millisecond().to_le_bytes());
    fixed[32..36].copy_from_slice(&u32::try_from(json.len()).map_err(senseless)?.to_le_bytes());
    fixed[36..40].copy_from_slice(&u32::try_from(payload.len()).map_err(senseless)?.to_le_bytes());
    let (header_crc, crc) = checksums(&fixed[..40], &json, payload);
    fixed[40..44].copy_from_slice(&header_crc.to_le_bytes());
    fixed[44..].copy_from_slice(&crc.to_le_bytes());
    out.extend_from_slice(&fixed);
    out.extend_from_slice(&json);
    out.extend_from_slice(payload);
    Ok(())
}

/// Of the header, and of the whole frame.
pub(super) fn checksums(fixed: &[u8], json: &[u8], payload: &[u8]) -> (u32, u32) {
    let mut crc = crc32fast::Hasher::new();
    crc.update(fixed);
    let mut whole = crc.clone();
    crc.update(json);
    let header = crc.finalize();
    whole.update(&header.to_le_bytes());
    whole.update(json);
    whole.update(payload);
    (header, whole.finalize())
}

pub(super) fn within(found: u64, limit: u64) -> Result<(), FrameError> {
    if found <= limit { Ok(()) } else { Err(FrameError::TooLong { found, limit }) }
}

pub(super) fn senseless(error: impl std::fmt::Display) -> FrameError {
    FrameError::Header(error.to_string())
}

fn u32_at(bytes: &[u8; FIXED], at: usize) -> u32 {
    let mut four = [0; 4];
    four.copy_from_slice(&bytes[at..at + 4]);
    u32::from_le_bytes(four)
}

fn u64_at(bytes: &[u8; FIXED], at: usize) -> u64 {
    let mut eight = [0; 8];
    eight.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(eight)
}
