//! Sixteen bytes as 32 hex digits, in the JSON headers of frames.

use serde::{Deserialize, Deserializer, Serializer};

const DIGITS: [u8; 16] = *b"0123456789abcdef";

pub(super) fn serialize<S: Serializer>(bytes: &[u8; 16], to: S) -> Result<S::Ok, S::Error> {
    let mut digits = [0; 32];
    for (pair, byte) in digits.chunks_exact_mut(2).zip(bytes) {
        pair.copy_from_slice(&[DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
    }
    to.serialize_str(std::str::from_utf8(&digits).unwrap_or_default())
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<[u8; 16], D::Error> {
    let text = std::borrow::Cow::<str>::deserialize(from)?;
    let number = (text.len() == 32).then(|| u128::from_str_radix(&text, 16).ok()).flatten();
    number.map(u128::to_be_bytes).ok_or_else(|| serde::de::Error::custom("not 32 hex digits"))
}

/// The same for the name of a cell.
pub(super) mod cell {
    use serde::{Deserializer, Serializer};

    use crate::plan::CellId;

    pub(in crate::spool) fn serialize<S: Serializer>(cell: &CellId, to: S) -> Result<S::Ok, S::Error> {
        super::serialize(&cell.0, to)
    }

    pub(in crate::spool) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<CellId, D::Error> {
        super::deserialize(from).map(CellId)
    }
}
