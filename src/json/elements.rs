//! The members of a list in a body that was checked before, each read once.

use super::document::utf8;
use super::scan::{Malformed, Scanner};
use super::tape::Tape;
use super::value::Value;

/// Walks over a list.
#[derive(Debug)]
pub struct Elements<'a> {
    scanner: Scanner<'a>,
    begun: bool,
}

impl<'a> Elements<'a> {
    /// The list below the keys of `path`; `None` when no list is found there by going straight to it, whatever the
    /// reason: [`super::Document`] tells it.
    pub fn find(body: &'a [u8], path: &[String]) -> Option<Self> {
        let mut scanner = Scanner::new(utf8(body).ok()?);
        for key in path {
            step(&mut scanner, key)?;
        }
        (scanner.ahead() == Some(b'[')).then_some(Self { scanner, begun: false })
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
        tape.record(scanner).map(Some)
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
