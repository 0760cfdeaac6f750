//! The keys a record is expected to have: records of one provider mostly list the same ones in the same order, and a key
//! that is known need not be looked for, only compared.

use super::scan::{Malformed, Scanner};
use super::span::Span;

/// The keys of the last record, and how far the next one has come.
#[derive(Debug, Default)]
pub(super) struct Shape {
    /// The keys as they are spelled, each with its quotes and the colon.
    text: Vec<u8>,
    /// Where each ends.
    ends: Vec<usize>,
    /// Another one with each change of the keys.
    number: u32,
    next: usize,
    /// False for what is no record, and where a key is not followed by its colon or spelled with escapes.
    is_plain: bool,
}

/// Takes a key and its colon; says where it stands without its quotes.
#[inline]
pub(super) fn read_key(scanner: &mut Scanner<'_>) -> Result<Span, Malformed> {
    scanner.ahead();
    let start = scanner.at + 1;
    let escaped = scanner.key()?;
    let end = scanner.at - 1;
    scanner.expect(b':', "a colon is missing")?;
    Ok(Span::new(start, end).escaped(escaped))
}

impl Shape {
    /// Begins a record.
    pub(super) fn begin(&mut self) {
        (self.next, self.is_plain) = (0, true);
    }

    /// Takes the next key and its colon, as [`read_key`]; a key that was not expected is from now on.
    #[inline]
    pub(super) fn key(&mut self, scanner: &mut Scanner<'_>) -> Result<Span, Malformed> {
        scanner.ahead();
        let at = self.next;
        self.next += 1;
        match self.expected(at, scanner) {
            Some(key) => Ok(key),
            None => self.learn(at, scanner),
        }
    }

    #[inline]
    fn expected(&self, at: usize, scanner: &mut Scanner<'_>) -> Option<Span> {
        let start = if at == 0 { 0 } else { *self.ends.get(at - 1)? };
        let expected = self.text.get(start..*self.ends.get(at)?)?;
        let stands = scanner.text.as_bytes().get(scanner.at..scanner.at + expected.len())?;
        if !is_same(expected, stands) {
            return None;
        }
        let start = scanner.at + 1;
        scanner.at += expected.len();
        Some(Span::new(start, scanner.at - 2))
    }

    #[cold]
    fn learn(&mut self, at: usize, scanner: &mut Scanner<'_>) -> Result<Span, Malformed> {
        self.cut(at);
        let key = read_key(scanner)?;
        let spelled =
            scanner.text.as_bytes().get(key.start() - 1..key.end() + 2).filter(|spelled| spelled.ends_with(b"\":"));
        match spelled {
            Some(spelled) if self.is_plain && !key.is_escaped() => {
                self.text.extend_from_slice(spelled);
                self.ends.push(self.text.len());
            }
            Some(_) | None => self.is_plain = false,
        }
        Ok(key)
    }

    /// Expects the first `keys` keys alone.
    fn cut(&mut self, keys: usize) {
        self.ends.truncate(keys);
        self.text.truncate(self.ends.last().copied().unwrap_or_default());
        self.number = self.number.wrapping_add(1);
    }

    /// Ends a record.
    pub(super) fn end(&mut self) {
        if self.next < self.ends.len() {
            self.cut(self.next);
        }
    }

    /// What was read is no record.
    pub(super) fn miss(&mut self) {
        self.is_plain = false;
    }

    /// The number of the keys: the last record had just these.
    #[inline]
    pub(super) fn number(&self) -> Option<u32> {
        self.is_plain.then_some(self.number)
    }

    /// Takes the object that begins here, whatever is in it.
    pub(super) fn skip(&mut self, scanner: &mut Scanner<'_>) -> Result<(), Malformed> {
        self.begin();
        scanner.at += 1;
        if scanner.ahead() == Some(b'}') {
            scanner.at += 1;
            return Ok(());
        }
        loop {
            self.key(scanner)?;
            scanner.value()?;
            match scanner.ahead() {
                Some(b',') => scanner.at += 1,
                Some(b'}') => break,
                Some(_) | None => return scanner.wrong("neither a comma nor the end of an object"),
            }
        }
        scanner.at += 1;
        self.end();
        Ok(())
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
