//! Packs bodies and unpacks them, in bounded memory.

use zstd::bulk::Compressor;
use zstd::zstd_safe::{CParameter, ParamSwitch, get_frame_content_size};

use super::frame::{FrameError, senseless, within};

/// Bodies shorter than this are kept as they are: packing them costs as much as all else that is done to keep them, and
/// saves less than their frames take. In one block, whose length has 21 bits.
const TINY: usize = 512;

/// Bodies shorter than this are packed with less effort.
const BRIEF: usize = 1024;

/// Bodies from here on are packed by their long repetitions.
const LONG: usize = 16 << 10;

/// Packs a body, as one zstd frame.
pub(super) fn pack(body: &[u8], zstd: &mut Compressor<'_>) -> Result<Vec<u8>, FrameError> {
    if body.len() < TINY {
        return Ok(raw(body));
    }
    let failed = |error: std::io::Error| FrameError::Body(error.to_string());
    // A few hundred bytes are not worth a table of how to write them. In long pages it is whole keys and values that come again:
    // looking for no shorter ones, and at fewer places, is faster and packs as close. 0 is what is usual for the level.
    let (level, shortest, stride, literals) = match body.len() {
        ..BRIEF => (-1, 0, 0, ParamSwitch::Auto),
        BRIEF..LONG => (1, 0, 0, ParamSwitch::Auto),
        _ => (1, 7, 2, ParamSwitch::Enable),
    };
    let parameters = [
        CParameter::CompressionLevel(level),
        CParameter::MinMatch(shortest),
        // What it means for this way of looking: how far to go on where nothing was found.
        CParameter::TargetLength(stride),
        // A stride alone would leave them as they are.
        CParameter::LiteralCompressionMode(literals),
    ];
    for parameter in parameters {
        zstd.set_parameter(parameter).map_err(failed)?;
    }
    zstd.compress(body).map_err(failed)
}

/// A frame of one raw block (RFC 8878, sections 3.1.1.1 and 3.1.1.2): its magic number, that it is one segment of a length of
/// four bytes, that length, the header of the last block, the body.
fn raw(body: &[u8]) -> Vec<u8> {
    let length = body.len() as u32;
    let mut frame = Vec::with_capacity(12 + body.len());
    frame.extend_from_slice(&zstd::zstd_safe::MAGICNUMBER.to_le_bytes());
    frame.push(0xa0);
    frame.extend_from_slice(&length.to_le_bytes());
    frame.extend_from_slice(&(length << 3 | 1).to_le_bytes()[..3]);
    frame.extend_from_slice(body);
    frame
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_packed_is_unpacked_whatever_its_length() {
        let mut zstd = Compressor::new(1).unwrap();
        let text = b"tide".repeat(10_000);
        for length in [0, 1, 255, 256, TINY - 1, TINY, BRIEF - 1, BRIEF, LONG - 1, LONG, text.len()] {
            let packed = pack(&text[..length], &mut zstd).unwrap();
            assert_eq!(unpack(&packed, length as u64).unwrap(), &text[..length], "{length} bytes");
            let is_raw = packed.ends_with(&text[..length]);
            assert_eq!(is_raw, length < TINY, "{length} bytes");
        }
    }
}
