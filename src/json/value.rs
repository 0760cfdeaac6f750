//! One value on a tape: what it is, what it says, what is below it and what is wrong with it.

use std::borrow::Cow;
use std::collections::HashSet;

use super::span::Span;
use super::tape::{Kind, Node, Tape};
use super::text::unescape;

/// Below this many keys comparing each with each is faster than hashing.
const FEW_KEYS: usize = 32;

/// What JSON allows and no record may hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flaw {
    /// JSON Pointer of the value below the one that was looked at.
    pub path: Vec<String>,
    /// What is wrong with it.
    pub why: &'static str,
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
    tape: &'t Tape,
    text: &'a str,
    at: usize,
}

/// What stands directly below a value.
#[derive(Debug, Clone)]
pub struct Children<'t, 'a> {
    tape: &'t Tape,
    text: &'a str,
    next: usize,
    end: usize,
}

impl<'t, 'a> Iterator for Children<'t, 'a> {
    type Item = Value<'t, 'a>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let at = self.next;
        if at >= self.end {
            return None;
        }
        self.next = self.tape.nodes[at].end as usize;
        Some(Value { tape: self.tape, text: self.text, at })
    }
}

impl Kind {
    /// What the string says whose JSON text is `raw`, half of a surrogate pair as U+FFFD; nothing for other kinds.
    #[inline]
    pub fn text(self, raw: &str) -> Option<Cow<'_, str>> {
        match self {
            Self::Text => Some(Cow::Borrowed(&raw[1..raw.len() - 1])),
            Self::Escaped => Some(unescaped(&raw[1..raw.len() - 1])),
            Self::Null | Self::Bool(_) | Self::Whole | Self::Fraction | Self::List | Self::Object => None,
        }
    }

    /// Appends to `out` what the string says whose JSON text is `raw`; nothing for other kinds.
    #[inline]
    pub fn push_text(self, raw: &str, out: &mut String) {
        match self {
            Self::Text => out.push_str(&raw[1..raw.len() - 1]),
            Self::Escaped => drop(unescape(&raw[1..raw.len() - 1], out)),
            Self::Null | Self::Bool(_) | Self::Whole | Self::Fraction | Self::List | Self::Object => {}
        }
    }

    /// The JSON type, for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Whole | Self::Fraction => "a number",
            Self::Text | Self::Escaped => "a string",
            Self::List => "a list",
            Self::Object => "an object",
        }
    }
}

impl<'t, 'a> Value<'t, 'a> {
    /// The value that was read last onto `tape`, from `text`.
    pub(super) fn root(tape: &'t Tape, text: &'a str) -> Self {
        Self { tape, text, at: 0 }
    }

    #[inline]
    fn node(self) -> &'t Node {
        &self.tape.nodes[self.at]
    }

    /// The number of a record's shape, if it has one: two records of one tape with the same number have the same keys,
    /// spelled the same, in the same order.
    #[inline]
    pub fn shape(self) -> Option<u32> {
        self.tape.shape.number().filter(|_| self.at == 0)
    }

    #[inline]
    fn slice(self, span: Span) -> &'a str {
        &self.text[span.start()..span.end()]
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
        self.slice(Span::new(self.node().text.start(), last.node().text.end()))
    }

    /// The key it stands under; empty in a list.
    #[inline]
    pub fn key(self) -> Cow<'a, str> {
        let node = self.node();
        let key = self.slice(node.key);
        if node.key.is_escaped() { unescaped(key) } else { Cow::Borrowed(key) }
    }

    /// The key it stands under, if it is spelled without escapes.
    #[inline]
    pub fn plain_key(self) -> Option<&'a str> {
        let node = self.node();
        (!node.key.is_escaped()).then(|| self.slice(node.key))
    }

    /// Whether [`Self::flaw`] has to look: scalars without escapes have none.
    #[inline]
    pub fn may_be_flawed(self) -> bool {
        matches!(self.kind(), Kind::Escaped | Kind::List | Kind::Object)
    }

    /// What a string says, half of a surrogate pair as U+FFFD; nothing for other kinds.
    #[inline]
    pub fn text(self) -> Option<Cow<'a, str>> {
        self.kind().text(self.raw())
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
    pub fn children(self) -> Children<'t, 'a> {
        Children { tape: self.tape, text: self.text, next: self.at + 1, end: self.node().end as usize }
    }

    /// The JSON type, for people.
    pub fn type_name(self) -> &'static str {
        self.kind().name()
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
            if node.key.is_escaped() && is_half(value.slice(node.key)) {
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

/// Whether a string or key holds half of a surrogate pair, which is no character.
pub(super) fn is_half(inside: &str) -> bool {
    // No other escape can be half of anything.
    memchr::memmem::find(inside.as_bytes(), b"\\u").is_some() && !unescape(inside, &mut String::new())
}

fn unescaped(inside: &str) -> Cow<'_, str> {
    let mut text = String::with_capacity(inside.len());
    unescape(inside, &mut text);
    Cow::Owned(text)
}
