//! Records with the same keys that follow each other, as a table: who takes it column by column need not ask of each value
//! anew where it goes and how it is read.

use super::outline::{Outline, Reader};
use super::tape::Kind;
use super::value::is_half;

/// Records that follow each other: all of their values are scalars, and no string holds half of a surrogate pair.
#[derive(Debug, Default)]
pub struct Block {
    /// Record by record.
    values: Vec<Standing>,
    /// Values of each record.
    width: usize,
    records: usize,
    bytes: usize,
    /// Behind the last record.
    pub(super) end: usize,
    pub(super) reader: Reader,
}

/// A value, and where it stands.
#[derive(Debug, Clone, Copy)]
struct Standing {
    start: u32,
    length: u32,
    kind: Kind,
}

/// When a block is large enough.
#[derive(Debug, Clone, Copy)]
pub struct Room {
    /// It has so many records.
    pub records: usize,
    /// Its records have so many bytes of text.
    pub bytes: usize,
}

impl Block {
    /// Records in it.
    pub fn records(&self) -> usize {
        self.records
    }

    /// Bytes of their text, without what stands between them.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The values of the field `at` of each record in turn: what it is and its JSON text; `text` is what the block was made of.
    #[inline]
    pub fn column<'b, 'a: 'b>(
        &'b self,
        at: usize,
        text: &'a str,
    ) -> impl Iterator<Item = (Kind, &'a str)> + Clone + 'b {
        let values = self.values.iter().skip(at).step_by(self.width.max(1));
        values.map(|value| (value.kind, &text[value.start as usize..][..value.length as usize]))
    }

    /// Begins with the record at `start`, which has the keys at this `place` of the `outline`, and goes on as long as records
    /// have the same; false when there is none.
    pub(super) fn fill(
        &mut self,
        text: &str,
        (outline, place, reader): (&Outline, u32, Reader),
        mut start: usize,
        room: Room,
    ) -> bool {
        *self = Self { values: std::mem::take(&mut self.values), reader, ..Self::default() };
        self.values.clear();
        let mut reader = reader;
        while let Some(outlined) = outline.at(&mut reader, start).filter(|outlined| outlined.place == place) {
            let before = self.values.len();
            let mut at = start + 1;
            for (key, kind, length) in outlined.fields() {
                let value = at + key;
                match kind {
                    Some(Kind::Escaped) if is_half(&text[value..][..length]) => break,
                    Some(kind) => self.values.push(Standing { start: value as u32, length: length as u32, kind }),
                    None => break,
                }
                at = value + length + 1;
            }
            self.width = outlined.keys.len();
            if self.values.len() < before + self.width {
                self.values.truncate(before);
                break;
            }
            (self.records, self.bytes) = (self.records + 1, self.bytes + at - start);
            (self.end, self.reader) = (at, reader);
            let is_full = self.records >= room.records || self.bytes >= room.bytes;
            if is_full || text.as_bytes().get(at) != Some(&b',') {
                break;
            }
            start = at + 1;
        }
        self.records > 0
    }
}
