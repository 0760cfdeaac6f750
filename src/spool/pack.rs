//! Packs bodies and unpacks them, in bounded memory.

use zstd::bulk::Compressor;
use zstd::zstd_safe::{CParameter, get_frame_content_size};

use super::frame::{FrameError, senseless, within};

/// Bodies shorter than this are packed with less effort.
const BRIEF: usize = 1024;

/// Bodies from here on are packed by their long repetitions.
const LONG: usize = 16 << 10;

/// Packs a body, as one zstd frame.
pub(super) fn pack(body: &[u8], zstd: &mut Compressor<'_>) -> Result<Vec<u8>, FrameError> {
    let failed = |error: std::io::Error| FrameError::Body(error.to_string());
    // A few hundred bytes are not worth a table of how to write them. In long pages it is whole keys and values that come again:
    // looking for no shorter ones is faster and packs closer. 0 is what is usual for the level.
    let (level, shortest) = match body.len() {
        ..BRIEF => (-1, 0),
        BRIEF..LONG => (1, 0),
        _ => (1, 7),
    };
    for parameter in [CParameter::CompressionLevel(level), CParameter::MinMatch(shortest)] {
        zstd.set_parameter(parameter).map_err(failed)?;
    }
    zstd.compress(body).map_err(failed)
}

/// Unpacks what stands after a header, which may be `most` bytes long.
pub(super) fn unpack(packed: &[u8], most: u64) -> Result<Vec<u8>, FrameError> {
    let size = get_frame_content_size(packed)
        .ok()
        .flatten()
        .ok_or_else(|| FrameError::Body("it does not say how long it is".to_owned()))?;
    within(size, most)?;
    zstd::bulk::decompress(packed, usize::try_from(size).map_err(senseless)?)
        .map_err(|error| FrameError::Body(error.to_string()))
}
