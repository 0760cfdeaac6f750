//! The members of a list in a body that was checked before, each read once.

use super::block::{Block, Room};
use super::document::utf8;
use super::outline::{Outline, Reader};
use super::scan::{Malformed, Scanner};
use super::tape::Tape;
use super::value::Value;

/// Walks over a list.
#[derive(Debug)]
pub struct Elements<'a> {
    scanner: Scanner<'a>,
    begun: bool,
    outline: Option<&'a Outline>,
    reader: Reader,
    /// The keys of the outline that the tape has adopted.
    adopted: Option<u32>,
    /// Before this place no block begins.
    refused: usize,
}

impl<'a> Elements<'a> {
    /// The list below the keys of `path`, faster with an `outline` of this body; `None` when no list is found there by going
    /// straight to it, whatever the reason: [`super::Document`] tells it.
    pub fn find(body: &'a [u8], outline: Option<&'a Outline>, path: &[String]) -> Option<Self> {
        let mut scanner = Scanner::new(utf8(body).ok()?);
        for key in path {
            step(&mut scanner, key)?;
        }
        let is_list = scanner.ahead() == Some(b'[');
        is_list.then(|| Self { scanner, begun: false, outline, reader: Reader::default(), adopted: None, refused: 0 })
    }

    /// The text that the list stands in.
    pub fn text(&self) -> &'a str {
        self.scanner.text
    }

    /// Makes `block` of the records that come next, if their keys are those of the member that was read last; they are not
    /// taken yet.
    pub fn block(&self, block: &mut Block, room: Room) -> bool {
        let (Some(outline), Some(place), Some(b',')) = (self.outline, self.adopted, self.scanner.peek()) else {
            return false;
        };
        let start = self.scanner.at + 1;
        start >= self.refused && block.fill(self.text(), (outline, place, self.reader), start, room)
    }

    /// Goes on behind the records of `block`, which was made last.
    pub fn take(&mut self, block: &Block) {
        (self.scanner.at, self.reader) = (block.end, block.reader);
    }

    /// The records of `block` come one by one.
    pub fn refuse(&mut self, block: &Block) {
        self.refused = block.end;
    }

    /// The next member, on a tape that holds nothing else then.
    ///
    /// # Errors
    /// For text that is not JSON.
    #[inline]
    pub fn next<'t>(&mut self, tape: &'t mut Tape) -> Result<Option<Value<'t, 'a>>, Malformed> {
        let scanner = &mut self.scanner;
        match (scanner.ahead(), self.begun) {
            (Some(b'['), false) => {
                scanner.at += 1;
                self.begun = true;
                if scanner.ahead() == Some(b']') {
                    return Ok(None);
                }
            }
            (Some(b','), true) => scanner.at += 1,
            (Some(b']'), true) => return Ok(None),
            (_, _) => return scanner.wrong("neither a comma nor the end of a list"),
        }
        scanner.ahead();
        let outlined = self.outline.and_then(|outline| outline.at(&mut self.reader, scanner.at));
        let Some(outlined) = outlined else {
            self.adopted = None;
            return tape.record(scanner).map(Some);
        };
        if self.adopted.replace(outlined.place) != Some(outlined.place) {
            tape.shape.adopt(outlined.keys);
        }
        tape.outlined(scanner, outlined).map(Some)
    }
}

/// To the value under `key` of the object that begins here.
fn step(scanner: &mut Scanner<'_>, key: &str) -> Option<()> {
    if scanner.ahead() != Some(b'{') {
        return None;
    }
    scanner.at += 1;
    loop {
        scanner.ahead();
        let start = scanner.at + 1;
        // A key with escapes may be the one; that is for whoever looks slowly.
        if scanner.key().ok()? {
            return None;
        }
        let found = scanner.text.get(start..scanner.at - 1)? == key;
        scanner.expect(b':', "").ok()?;
        if found {
            return Some(());
        }
        scanner.value().ok()?;
        scanner.expect(b',', "").ok()?;
    }
}
