//! A whole body as one JSON document.

use super::outline::{self, Outline};
use super::scan::{Malformed, Scanner};
use super::tape::Tape;
use super::value::Value;

/// A body that is JSON from its first byte to its last, with the values of its upper levels.
#[derive(Debug)]
pub struct Document<'a> {
    tape: Tape,
    text: &'a str,
}

impl<'a> Document<'a> {
    /// Checks all of `body`; values more than `deepest` levels below the root cannot be looked at.
    ///
    /// # Errors
    /// Names the first place that is not JSON, or no UTF-8.
    pub fn read(body: &'a [u8], deepest: usize) -> Result<Self, Malformed> {
        let text = utf8(body)?;
        Ok(Self { tape: whole(text, deepest)?, text })
    }

    /// The first half of [`Self::read`], which may be done elsewhere.
    ///
    /// # Errors
    /// Names the first place that is not JSON, or no UTF-8.
    pub fn check(body: &[u8], deepest: usize) -> Result<Tape, Malformed> {
        whole(utf8(body)?, deepest)
    }

    /// The other half: `tape` is of this `body`.
    ///
    /// # Errors
    /// When the body is no text.
    pub fn of(body: &'a [u8], tape: Tape) -> Result<Self, Malformed> {
        Ok(Self { tape, text: utf8(body)? })
    }

    /// Where the fields of the objects stand that are too deep to be looked at.
    pub fn into_outline(self) -> Option<Outline> {
        self.tape.outline
    }

    /// Its root.
    pub fn root(&self) -> Value<'_, 'a> {
        self.tape.root(self.text)
    }
}

fn whole(text: &str, deepest: usize) -> Result<Tape, Malformed> {
    let outline = (text.len() <= outline::LONGEST).then(|| Outline::of(text.len()));
    let mut tape = Tape { outline, ..Tape::default() };
    let mut scanner = Scanner::new(text);
    tape.read(&mut scanner, deepest)?;
    match scanner.ahead() {
        None => Ok(tape),
        Some(_) => scanner.wrong("something behind the end of the document"),
    }
}

/// `body` as text.
pub(super) fn utf8(body: &[u8]) -> Result<&str, Malformed> {
    match simdutf8::basic::from_utf8(body) {
        Ok(text) => Ok(text),
        Err(_) => {
            let at = std::str::from_utf8(body).err().map_or(0, |error| error.valid_up_to());
            Err(Malformed { at, why: "a byte that is no UTF-8" })
        }
    }
}
