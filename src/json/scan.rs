//! Walks over JSON text (RFC 8259) and checks it on the way. Strings and digits are looked at eight bytes at a time.

use std::fmt;

use super::tape::Kind;

/// Text that is not JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed {
    /// Bytes before the place.
    pub at: usize,
    /// What should stand there, or stands there and must not.
    pub why: &'static str,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}", self.why, self.at)
    }
}

impl std::error::Error for Malformed {}

/// A place in a text.
#[derive(Debug, Clone)]
pub(super) struct Scanner<'a> {
    pub(super) text: &'a str,
    pub(super) at: usize,
    /// What closes the lists and objects that are being skipped.
    closing: Vec<u8>,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0, closing: Vec::new() }
    }

    pub(super) fn wrong<T>(&self, why: &'static str) -> Result<T, Malformed> {
        Err(Malformed { at: self.at, why })
    }

    #[inline]
    pub(super) fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// The next byte that is no white space; it is not taken.
    #[inline]
    pub(super) fn ahead(&mut self) -> Option<u8> {
        loop {
            match self.peek() {
                Some(b' ' | b'\n' | b'\r' | b'\t') => self.at += 1,
                other => return other,
            }
        }
    }

    /// Takes `byte`, white space before it included.
    #[inline]
    pub(super) fn expect(&mut self, byte: u8, why: &'static str) -> Result<(), Malformed> {
        if self.ahead() != Some(byte) {
            return self.wrong(why);
        }
        self.at += 1;
        Ok(())
    }

    /// Takes a string from its opening quote to its closing one; true when it holds an escape.
    #[inline]
    pub(super) fn string(&mut self) -> Result<bool, Malformed> {
        let bytes = self.text.as_bytes();
        self.at += 1;
        let mut escaped = false;
        loop {
            while let Some(eight) = bytes.get(self.at..).and_then(|rest| rest.first_chunk::<8>()) {
                let special = special(u64::from_le_bytes(*eight));
                if special != 0 {
                    self.at += special.trailing_zeros() as usize / 8;
                    break;
                }
                self.at += 8;
            }
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(escaped);
                }
                Some(b'\\') => {
                    escaped = true;
                    self.escape()?;
                }
                Some(0..0x20) => return self.wrong("a control character inside a string"),
                // Within the last seven bytes of the text.
                Some(_) => self.at += 1,
                None => return self.wrong("the text ends inside a string"),
            }
        }
    }

    fn escape(&mut self) -> Result<(), Malformed> {
        self.at += 1;
        match self.peek() {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => self.at += 1,
            Some(b'u') => {
                let digits = self.text.as_bytes().get(self.at + 1..self.at + 5);
                if !digits.is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)) {
                    return self.wrong("`\\u` without four hexadecimal digits");
                }
                self.at += 5;
            }
            Some(_) | None => return self.wrong("an escape that does not exist"),
        }
        Ok(())
    }

    /// Takes a number; says of which kind.
    #[inline]
    fn number(&mut self) -> Result<Kind, Malformed> {
        let bytes = self.text.as_bytes();
        let minus = usize::from(bytes.get(self.at) == Some(&b'-'));
        let start = self.at + minus;
        let mut end = digits(bytes, start);
        // A zero stands alone: what follows it is no part of the number.
        if bytes.get(start) == Some(&b'0') {
            end = start + 1;
        }
        self.at = start;
        if end == start {
            return self.wrong("a digit is missing");
        }
        let mut found = Kind::Whole;
        if bytes.get(end) == Some(&b'.') {
            found = Kind::Fraction;
            self.at = end + 1;
            end = digits(bytes, self.at);
            if end == self.at {
                return self.wrong("a digit is missing");
            }
        }
        if let Some(b'e' | b'E') = bytes.get(end) {
            found = Kind::Fraction;
            let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
            self.at = end + 1 + sign;
            end = digits(bytes, self.at);
            if end == self.at {
                return self.wrong("a digit is missing");
            }
        }
        self.at = end;
        Ok(found)
    }

    /// Takes `true`, `false` or `null`.
    #[inline]
    fn word(&mut self, word: &'static str) -> Result<(), Malformed> {
        if !self.text.as_bytes()[self.at..].starts_with(word.as_bytes()) {
            return self.wrong("neither `true`, `false` nor `null`");
        }
        self.at += word.len();
        Ok(())
    }

    /// Takes a scalar that begins here; says what it is.
    #[inline(always)]
    pub(super) fn scalar(&mut self, first: Option<u8>) -> Result<Kind, Malformed> {
        Ok(match first {
            Some(b'"') if self.string()? => Kind::Escaped,
            Some(b'"') => Kind::Text,
            Some(b'-' | b'0'..=b'9') => self.number()?,
            Some(b't') => self.word("true").map(|()| Kind::Bool(true))?,
            Some(b'f') => self.word("false").map(|()| Kind::Bool(false))?,
            Some(b'n') => self.word("null").map(|()| Kind::Null)?,
            Some(_) | None => return self.wrong("a value is missing"),
        })
    }

    /// Takes a value that begins here, whatever it is; says what.
    #[inline(always)]
    pub(super) fn value(&mut self) -> Result<Kind, Malformed> {
        match self.ahead() {
            Some(b'{') => self.skip().map(|()| Kind::Object),
            Some(b'[') => self.skip().map(|()| Kind::List),
            first => self.scalar(first),
        }
    }

    /// Takes a key; true when it holds an escape.
    #[inline]
    pub(super) fn key(&mut self) -> Result<bool, Malformed> {
        if self.ahead() != Some(b'"') {
            return self.wrong("a key is missing");
        }
        self.string()
    }

    /// Takes the list or object that begins here, whatever is in it and however deep.
    pub(super) fn skip(&mut self) -> Result<(), Malformed> {
        self.closing.clear();
        self.open()?;
        while let Some(&close) = self.closing.last() {
            // Here a value has ended, or nothing stands yet behind what was opened.
            match self.ahead() {
                Some(b',') => self.at += 1,
                Some(byte) if byte == close => {
                    self.at += 1;
                    self.closing.pop();
                    continue;
                }
                Some(_) | None => return self.wrong("neither a comma nor the end of a list or object"),
            }
            self.member(close)?;
        }
        Ok(())
    }

    /// Takes `[` or `{`, and the first member if there is one.
    #[inline]
    fn open(&mut self) -> Result<(), Malformed> {
        loop {
            let close = if self.peek() == Some(b'{') { b'}' } else { b']' };
            self.at += 1;
            self.closing.push(close);
            if self.ahead() == Some(close) {
                return Ok(());
            }
            if close == b'}' {
                self.key()?;
                self.expect(b':', "a colon is missing")?;
            }
            match self.ahead() {
                Some(b'{' | b'[') => {}
                first => return self.scalar(first).map(drop),
            }
        }
    }

    #[inline]
    fn member(&mut self, close: u8) -> Result<(), Malformed> {
        if close == b'}' {
            self.key()?;
            self.expect(b':', "a colon is missing")?;
        }
        match self.ahead() {
            Some(b'{' | b'[') => self.open(),
            first => self.scalar(first).map(drop),
        }
    }
}

/// Where the digits end that begin at `at`.
#[inline]
fn digits(bytes: &[u8], mut at: usize) -> usize {
    while let Some(eight) = bytes.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        let others = no_digits(u64::from_le_bytes(*eight));
        if others != 0 {
            return at + others.trailing_zeros() as usize / 8;
        }
        at += 8;
    }
    // Within the last seven bytes of the text.
    while bytes.get(at).is_some_and(u8::is_ascii_digit) {
        at += 1;
    }
    at
}

/// Marks the first byte of eight that ends or escapes a string or must not stand in one (`"`, `\`, below 0x20); bytes
/// behind it may be marked wrongly.
#[inline]
fn special(eight: u64) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let zero = |word: u64| word.wrapping_sub(ONES) & !word;
    let control = eight.wrapping_sub(ONES * 0x20) & !eight;
    (zero(eight ^ (ONES * b'"' as u64)) | zero(eight ^ (ONES * b'\\' as u64)) | control) & HIGH
}

/// Marks the first byte of eight that is no digit; bytes behind it may be marked wrongly.
#[inline]
fn no_digits(eight: u64) -> u64 {
    // A digit becomes 0 to 9 by this, and 6 more do not reach 16 then.
    let values = eight ^ 0x3030_3030_3030_3030;
    (values | values.wrapping_add(0x0606_0606_0606_0606)) & 0xf0f0_f0f0_f0f0_f0f0
}
