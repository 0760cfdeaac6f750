//! The keys a record is expected to have: records of one provider mostly list the same ones in the same order, and a key
//! that is known need not be looked for, only compared.

use super::outline::Outline;
use super::scan::{Malformed, Scanner};
use super::span::Span;
use super::tape::Kind;

/// The keys of a record as they are spelled, each with its quotes and the colon.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Keys {
    text: Vec<u8>,
    /// Where each ends.
    ends: Vec<usize>,
}

/// The keys of the last record, and how far the next one has come.
#[derive(Debug, Default)]
pub(super) struct Shape {
    keys: Keys,
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

impl Keys {
    /// How many they are.
    #[inline]
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// How long each is.
    #[inline]
    pub(super) fn lengths(&self) -> impl Iterator<Item = usize> + '_ {
        self.ends.iter().scan(0, |start, end| Some(end - std::mem::replace(start, *end)))
    }

    #[inline]
    fn get(&self, at: usize) -> Option<&[u8]> {
        let start = if at == 0 { 0 } else { *self.ends.get(at - 1)? };
        self.text.get(start..*self.ends.get(at)?)
    }

    fn push(&mut self, spelled: &[u8]) {
        self.text.extend_from_slice(spelled);
        self.ends.push(self.text.len());
    }

    fn truncate(&mut self, keys: usize) {
        self.ends.truncate(keys);
        self.text.truncate(self.ends.last().copied().unwrap_or_default());
    }
}

impl Shape {
    /// Begins a record.
    pub(super) fn begin(&mut self) {
        (self.next, self.is_plain) = (0, true);
    }

    /// Takes the next key and its colon, as [`read_key`]; a key that was not expected is from now on.
    #[inline(always)]
    pub(super) fn key(&mut self, scanner: &mut Scanner<'_>) -> Result<Span, Malformed> {
        scanner.ahead();
        let at = self.next;
        self.next += 1;
        match self.expected(at, scanner) {
            Some(key) => Ok(key),
            None => self.learn(at, scanner),
        }
    }

    #[inline(always)]
    fn expected(&self, at: usize, scanner: &mut Scanner<'_>) -> Option<Span> {
        let expected = self.keys.get(at)?;
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
            Some(spelled) if self.is_plain && !key.is_escaped() => self.keys.push(spelled),
            Some(_) | None => self.is_plain = false,
        }
        Ok(key)
    }

    /// Expects the first `keys` keys alone.
    fn cut(&mut self, keys: usize) {
        self.keys.truncate(keys);
        self.number = self.number.wrapping_add(1);
    }

    /// Ends a record.
    pub(super) fn end(&mut self) {
        if self.next < self.keys.len() {
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

    /// Makes what was read a record with these keys.
    pub(super) fn adopt(&mut self, keys: &Keys) {
        if self.keys != *keys {
            self.keys.clone_from(keys);
            self.number = self.number.wrapping_add(1);
        }
        self.is_plain = true;
    }

    /// Takes the object that begins here, whatever is in it; an `outline` learns where.
    pub(super) fn skip(&mut self, scanner: &mut Scanner<'_>, outline: Option<&mut Outline>) -> Result<(), Malformed> {
        match outline {
            Some(outline) => {
                let here = outline.begin(scanner.at);
                let is_tight = self.members(scanner, |kind, length| outline.push(kind, length))?;
                match self.number().filter(|_| is_tight) {
                    Some(number) => outline.end(here, &self.keys, number),
                    None => outline.drop_from(here),
                }
            }
            None => drop(self.members(scanner, |_, _| {})?),
        }
        Ok(())
    }

    /// Hands what each member is, and its length, to `each`; true when there is no white space between them.
    #[inline]
    fn members(&mut self, scanner: &mut Scanner<'_>, mut each: impl FnMut(Kind, usize)) -> Result<bool, Malformed> {
        self.begin();
        scanner.at += 1;
        let mut start = scanner.at;
        if scanner.ahead() == Some(b'}') {
            scanner.at += 1;
            return Ok(false);
        }
        let mut is_tight = true;
        loop {
            let key = self.key(scanner)?;
            // Two quotes and a colon.
            let value = start + key.end() - key.start() + 3;
            scanner.ahead();
            is_tight &= scanner.at == value;
            let kind = scanner.value()?;
            let end = scanner.at;
            each(kind, end - value);
            let next = scanner.ahead();
            is_tight &= scanner.at == end;
            match next {
                Some(b',') => scanner.at += 1,
                Some(b'}') => break,
                Some(_) | None => return scanner.wrong("neither a comma nor the end of an object"),
            }
            start = scanner.at;
        }
        scanner.at += 1;
        self.end();
        Ok(is_tight)
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
