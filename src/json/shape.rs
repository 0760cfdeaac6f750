//! The keys a record is expected to have: records of one provider mostly list the same ones in the same order, and a key
//! that is known need not be looked for, only compared.

use super::scan::Scanner;
use super::tape::Node;

/// The keys of a record, and how far the next one has kept to them.
#[derive(Debug, Default)]
pub(super) struct Shape {
    /// The keys as they are spelled, each with its quotes and the colon.
    text: Vec<u8>,
    /// Where each ends.
    ends: Vec<usize>,
    /// How often keys were learned.
    number: u32,
    next: usize,
    is_kept: bool,
}

impl Shape {
    /// Begins a record.
    pub(super) fn begin(&mut self) {
        (self.next, self.is_kept) = (0, true);
    }

    /// Takes the next key if it is the one that is expected, with its colon; says where it stands without its quotes.
    #[inline]
    pub(super) fn key(&mut self, scanner: &mut Scanner<'_>) -> Option<(u32, u32)> {
        scanner.ahead();
        let start = self.next.checked_sub(1).map_or(Some(0), |before| self.ends.get(before).copied());
        let found = start.zip(self.ends.get(self.next).copied()).and_then(|(start, end)| {
            let expected = self.text.get(start..end)?;
            let stands = scanner.text.as_bytes().get(scanner.at..scanner.at + expected.len())?;
            is_same(expected, stands).then_some((scanner.at + 1, scanner.at + expected.len()))
        });
        self.next += 1;
        self.is_kept &= found.is_some();
        let (start, end) = found?;
        scanner.at = end;
        Some((start as u32, end as u32 - 2))
    }

    /// Ends a record; false when it was another one than expected.
    pub(super) fn end(&mut self) -> bool {
        self.is_kept &= self.next == self.ends.len();
        self.is_kept
    }

    /// What was read is no record, or another one.
    pub(super) fn miss(&mut self) {
        self.is_kept = false;
    }

    /// Expects from now on the keys of the record on `nodes`, if each stands right before its colon.
    pub(super) fn learn(&mut self, nodes: &[Node], text: &str) {
        self.text.clear();
        self.ends.clear();
        self.number = self.number.wrapping_add(1);
        let mut next = 1;
        while let Some(node) = nodes.get(next) {
            let (start, end) = (node.key.0 as usize, node.key.1 as usize);
            match text.as_bytes().get(start - 1..end + 2) {
                Some(key) if key.ends_with(b"\":") && !node.key_escaped => self.text.extend_from_slice(key),
                Some(_) | None => break,
            }
            self.ends.push(self.text.len());
            next = node.end as usize;
        }
        if next < nodes.len() {
            self.text.clear();
            self.ends.clear();
        }
    }

    /// The number of the keys, if the last record had them.
    #[inline]
    pub(super) fn met(&self) -> Option<u32> {
        self.is_kept.then_some(self.number)
    }
}

/// Whether two keys are equal, without a call for the short ones that most are.
#[inline]
fn is_same(one: &[u8], other: &[u8]) -> bool {
    fn ends<const N: usize>(key: &[u8]) -> Option<(&[u8; N], &[u8; N])> {
        Some((key.first_chunk()?, key.last_chunk()?))
    }
    one.len() == other.len()
        && match one.len() {
            8..=16 => ends::<8>(one) == ends::<8>(other),
            4..8 => ends::<4>(one) == ends::<4>(other),
            _ => one == other,
        }
}
