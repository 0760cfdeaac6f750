//! Values as a flat list of nodes that say where in the text they stand.

use std::borrow::Cow;
use std::collections::HashSet;

use super::scan::{Digits, Malformed, Scanner};
use super::text::unescape;

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number of digits alone, perhaps with a minus.
    Whole,
    /// A number with a point or an exponent.
    Fraction,
    /// A string without escapes.
    Text,
    /// A string with escapes.
    Escaped,
    /// A list.
    List,
    /// An object.
    Object,
}

/// Levels of a record that can be looked at, as many as serde_json reads; what is nested deeper is no record.
pub(super) const DEEPEST: usize = 128;

/// Below this many keys comparing each with each is faster than hashing.
const FEW_KEYS: usize = 32;

#[derive(Debug, Clone, Copy)]
struct Node {
    /// Where the key stands, without its quotes; empty in a list.
    key: (u32, u32),
    key_escaped: bool,
    kind: Kind,
    /// Where the value stands.
    text: (u32, u32),
    /// Index of the first node that is not below this one.
    end: u32,
}

/// The nodes of a value and of all that is below it, to a depth. It can be filled again and again.
#[derive(Debug, Default)]
pub struct Tape {
    nodes: Vec<Node>,
}

/// What JSON allows and no record may hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flaw {
    /// JSON Pointer of the value below the one that was looked at.
    pub path: Vec<String>,
    /// What is wrong with it.
    pub why: &'static str,
}

impl Tape {
    /// Reads `text`, which is one value and nothing else, as deep as it goes, up to 128 levels.
    ///
    /// # Errors
    /// Names the first place that is not JSON.
    pub fn fill<'t, 'a>(&'t mut self, text: &'a str) -> Result<Value<'t, 'a>, Malformed> {
        let mut scanner = Scanner::new(text);
        self.read(&mut scanner, DEEPEST)?;
        match scanner.ahead() {
            None => Ok(self.root(text)),
            Some(_) => scanner.wrong("something behind the end of the value"),
        }
    }

    /// Reads the value that begins at the scanner's place. What is more than `deepest` levels below it is checked, but
    /// no part of the tape.
    pub(super) fn read<'t, 'a>(
        &'t mut self,
        scanner: &mut Scanner<'a>,
        deepest: usize,
    ) -> Result<Value<'t, 'a>, Malformed> {
        if u32::try_from(scanner.text.len()).is_err() {
            return scanner.wrong("more than 4 GiB of text");
        }
        self.nodes.clear();
        self.value(scanner, Key::default(), deepest)?;
        Ok(self.root(scanner.text))
    }

    /// The value that was read last, from `text`.
    pub fn root<'t, 'a>(&'t self, text: &'a str) -> Value<'t, 'a> {
        Value { nodes: &self.nodes, text, at: 0 }
    }

    fn value(&mut self, scanner: &mut Scanner<'_>, key: Key, deeper: usize) -> Result<(), Malformed> {
        let first = scanner.ahead();
        let (here, start) = (self.nodes.len(), scanner.at);
        let Key { span, escaped } = key;
        let node = Node { key: span, key_escaped: escaped, kind: Kind::Null, text: (0, 0), end: 0 };
        self.nodes.push(node);
        let kind = match first {
            Some(b'"') => {
                if scanner.string()? {
                    Kind::Escaped
                } else {
                    Kind::Text
                }
            }
            Some(b'-' | b'0'..=b'9') => match scanner.number()? {
                Digits::Whole => Kind::Whole,
                Digits::Fraction => Kind::Fraction,
            },
            Some(b'n') => scanner.word("null").map(|()| Kind::Null)?,
            Some(b't') => scanner.word("true").map(|()| Kind::Bool(true))?,
            Some(b'f') => scanner.word("false").map(|()| Kind::Bool(false))?,
            Some(b'{') if deeper == 0 => scanner.skip().map(|()| Kind::Object)?,
            Some(b'[') if deeper == 0 => scanner.skip().map(|()| Kind::List)?,
            Some(b'{') => self.object(scanner, deeper - 1).map(|()| Kind::Object)?,
            Some(b'[') => self.list(scanner, deeper - 1).map(|()| Kind::List)?,
            Some(_) | None => return scanner.wrong("a value is missing"),
        };
        let end = self.nodes.len() as u32;
        let node = &mut self.nodes[here];
        (node.kind, node.text, node.end) = (kind, (start as u32, scanner.at as u32), end);
        Ok(())
    }

    fn object(&mut self, scanner: &mut Scanner<'_>, deeper: usize) -> Result<(), Malformed> {
        scanner.at += 1;
        if scanner.ahead() == Some(b'}') {
            scanner.at += 1;
            return Ok(());
        }
        loop {
            let key = Key::read(scanner)?;
            scanner.expect(b':', "a colon is missing")?;
            self.value(scanner, key, deeper)?;
            match scanner.ahead() {
                Some(b',') => scanner.at += 1,
                Some(b'}') => break,
                Some(_) | None => return scanner.wrong("neither a comma nor the end of an object"),
            }
        }
        scanner.at += 1;
        Ok(())
    }

    fn list(&mut self, scanner: &mut Scanner<'_>, deeper: usize) -> Result<(), Malformed> {
        scanner.at += 1;
        if scanner.ahead() == Some(b']') {
            scanner.at += 1;
            return Ok(());
        }
        loop {
            self.value(scanner, Key::default(), deeper)?;
            match scanner.ahead() {
                Some(b',') => scanner.at += 1,
                Some(b']') => break,
                Some(_) | None => return scanner.wrong("neither a comma nor the end of a list"),
            }
        }
        scanner.at += 1;
        Ok(())
    }
}

#[derive(Debug, Default)]
struct Key {
    span: (u32, u32),
    escaped: bool,
}

impl Key {
    #[inline]
    fn read(scanner: &mut Scanner<'_>) -> Result<Self, Malformed> {
        scanner.ahead();
        let start = scanner.at + 1;
        let escaped = scanner.key()?;
        let end = scanner.at - 1;
        Ok(Self { span: (start as u32, end as u32), escaped })
    }
}

/// A few bits of a key: they differ only between keys that differ.
#[inline]
fn mark(key: &[u8]) -> u32 {
    let word = |bytes: Option<&[u8; 4]>| bytes.map_or(0, |bytes| u32::from_le_bytes(*bytes));
    let ends = match key {
        [] => 0,
        [one] => u32::from(*one),
        [one, .., other] => u32::from(*one) | u32::from(*other) << 8,
    };
    word(key.first_chunk()).rotate_left(5)
        ^ word(key.last_chunk()).wrapping_mul(0x9e37_79b1)
        ^ ends
        ^ (key.len() as u32) << 24
}

/// One value on a tape.
#[derive(Debug, Clone, Copy)]
pub struct Value<'t, 'a> {
    nodes: &'t [Node],
    text: &'a str,
    at: usize,
}

impl<'t, 'a> Value<'t, 'a> {
    fn node(self) -> &'t Node {
        &self.nodes[self.at]
    }

    fn slice(self, (start, end): (u32, u32)) -> &'a str {
        &self.text[start as usize..end as usize]
    }

    /// What it is.
    #[inline]
    pub fn kind(self) -> Kind {
        self.node().kind
    }

    /// Its JSON text, as it came.
    #[inline]
    pub fn raw(self) -> &'a str {
        self.slice(self.node().text)
    }

    /// The JSON text from where it begins to where `last`, which stands behind it, ends.
    pub fn until(self, last: Self) -> &'a str {
        self.slice((self.node().text.0, last.node().text.1))
    }

    /// The key it stands under; empty in a list.
    #[inline]
    pub fn key(self) -> Cow<'a, str> {
        let node = self.node();
        let key = self.slice(node.key);
        if node.key_escaped { unescaped(key) } else { Cow::Borrowed(key) }
    }

    /// The key it stands under, if it is spelled without escapes.
    #[inline]
    pub fn plain_key(self) -> Option<&'a str> {
        let node = self.node();
        (!node.key_escaped).then(|| self.slice(node.key))
    }

    /// Whether [`Self::flaw`] has to look: scalars without escapes have none.
    #[inline]
    pub fn may_be_flawed(self) -> bool {
        matches!(self.kind(), Kind::Escaped | Kind::List | Kind::Object)
    }

    /// What a string says, half of a surrogate pair as U+FFFD; nothing for other kinds.
    #[inline]
    pub fn text(self) -> Option<Cow<'a, str>> {
        let raw = self.raw();
        match self.kind() {
            Kind::Text => Some(Cow::Borrowed(&raw[1..raw.len() - 1])),
            Kind::Escaped => Some(unescaped(&raw[1..raw.len() - 1])),
            Kind::Null | Kind::Bool(_) | Kind::Whole | Kind::Fraction | Kind::List | Kind::Object => None,
        }
    }

    /// Appends what a string says to `out`; nothing for other kinds.
    #[inline]
    pub fn push_text(self, out: &mut String) {
        let raw = self.raw();
        match self.kind() {
            Kind::Text => out.push_str(&raw[1..raw.len() - 1]),
            Kind::Escaped => drop(unescape(&raw[1..raw.len() - 1], out)),
            Kind::Null | Kind::Bool(_) | Kind::Whole | Kind::Fraction | Kind::List | Kind::Object => {}
        }
    }

    /// Whether it is `null`.
    pub fn is_null(self) -> bool {
        self.kind() == Kind::Null
    }

    /// Whether it is `[]` or `{}`.
    pub fn is_hollow(self) -> bool {
        let is_container = matches!(self.kind(), Kind::List | Kind::Object);
        is_container && self.raw().bytes().filter(|byte| !byte.is_ascii_whitespace()).take(3).count() == 2
    }

    /// What stands directly below, in order; nothing for scalars, and where the tape ends.
    #[inline]
    pub fn children(self) -> impl Iterator<Item = Self> + Clone {
        let end = self.node().end as usize;
        let mut next = self.at + 1;
        std::iter::from_fn(move || {
            let at = next;
            (at < end).then(|| {
                next = self.nodes[at].end as usize;
                Self { at, ..self }
            })
        })
    }

    /// The JSON type, for people.
    pub fn type_name(self) -> &'static str {
        match self.kind() {
            Kind::Null => "null",
            Kind::Bool(_) => "a boolean",
            Kind::Whole | Kind::Fraction => "a number",
            Kind::Text | Kind::Escaped => "a string",
            Kind::List => "a list",
            Kind::Object => "an object",
        }
    }

    /// The first key that stands twice directly below; none in a list.
    pub fn repeated(self) -> Option<Cow<'a, str>> {
        if self.kind() != Kind::Object {
            return None;
        }
        let mut marks = [0_u32; FEW_KEYS];
        for (count, child) in self.children().enumerate() {
            // Keys with escapes can be spelled in many ways.
            let Some(key) = child.plain_key() else { return self.repeated_slowly() };
            let mark = mark(key.as_bytes());
            if count == FEW_KEYS || marks[..count].contains(&mark) {
                return self.repeated_slowly();
            }
            marks[count] = mark;
        }
        None
    }

    fn repeated_slowly(self) -> Option<Cow<'a, str>> {
        let mut seen = HashSet::new();
        self.children().map(Self::key).find(|key| !seen.insert(key.clone()))
    }

    /// What keeps it from being a record, here or below: a key that stands twice, half of a surrogate pair.
    #[inline]
    pub fn flaw(self) -> Option<Flaw> {
        for at in self.at..self.node().end as usize {
            let value = Self { at, ..self };
            let node = value.node();
            if node.key_escaped && is_half(value.slice(node.key)) {
                return Some(self.flaw_at(at, None, "the key holds half of a surrogate pair, which is no character"));
            }
            match node.kind {
                Kind::Escaped if is_half(value.raw()) => {
                    let why = "the string holds half of a surrogate pair, which is no character";
                    return Some(self.flaw_at(at, None, why));
                }
                Kind::Object => {
                    if let Some(key) = value.repeated() {
                        return Some(self.flaw_at(at, Some(key), "the key stands twice in one object"));
                    }
                }
                Kind::Null | Kind::Bool(_) | Kind::Whole | Kind::Fraction | Kind::Text | Kind::Escaped | Kind::List => {
                }
            }
            if matches!(node.kind, Kind::List | Kind::Object) && node.end as usize == at + 1 && !value.is_hollow() {
                return Some(self.flaw_at(at, None, "nested deeper than 128 levels"));
            }
        }
        None
    }

    /// Names the node `at`, and what is directly below it under `key`.
    fn flaw_at(self, at: usize, key: Option<Cow<'a, str>>, why: &'static str) -> Flaw {
        let mut path = Vec::new();
        let mut here = self;
        while here.at < at {
            let is_list = here.kind() == Kind::List;
            let below = here.children().enumerate().find(|(_, child)| at < child.node().end as usize);
            let Some((index, child)) = below else { break };
            path.push(if is_list { index.to_string() } else { child.key().into_owned() });
            here = child;
        }
        path.extend(key.map(Cow::into_owned));
        Flaw { path, why }
    }
}

fn is_half(inside: &str) -> bool {
    // No other escape can be half of anything.
    memchr::memmem::find(inside.as_bytes(), b"\\u").is_some() && !unescape(inside, &mut String::new())
}

fn unescaped(inside: &str) -> Cow<'_, str> {
    let mut text = String::with_capacity(inside.len());
    unescape(inside, &mut text);
    Cow::Owned(text)
}
