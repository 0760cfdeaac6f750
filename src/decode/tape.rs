//! One record as a flat list of nodes that borrow its text: one pass, numbers stay text, nothing is rounded.
//!
//! The text was already checked by serde_json when it became a `RawValue`; what that check lets through and a reader
//! of the file would trip over is refused here: keys that stand twice, lone surrogates, nesting beyond [`DEEPEST`].

use std::borrow::Cow;
use std::collections::HashSet;

use super::reject::Reject;

/// Levels of nesting, as in serde_json's own limit.
const DEEPEST: usize = 128;

/// Below this many keys comparing each with each is faster than hashing.
const FEW_KEYS: usize = 24;

#[derive(Debug)]
pub(super) enum Kind<'a> {
    Null,
    Bool(bool),
    Number,
    Text(Cow<'a, str>),
    List,
    Object,
}

#[derive(Debug)]
struct Node<'a> {
    key: Cow<'a, str>,
    kind: Kind<'a>,
    raw: &'a str,
    /// Index of the first node that is not below this one.
    end: usize,
}

/// A parsed value and all that is below it.
#[derive(Debug)]
pub(super) struct Tape<'a> {
    nodes: Vec<Node<'a>>,
}

impl<'a> Tape<'a> {
    pub(super) fn parse(text: &'a str) -> Result<Self, Reject> {
        let mut parser = Parser { text, at: 0, nodes: Vec::with_capacity(32) };
        parser.value(Cow::Borrowed(""), 0)?;
        Ok(Self { nodes: parser.nodes })
    }

    pub(super) fn root(&self) -> Value<'_, 'a> {
        Value { nodes: &self.nodes, at: 0 }
    }
}

/// One value on a tape.
#[derive(Debug, Clone, Copy)]
pub(super) struct Value<'t, 'a> {
    nodes: &'t [Node<'a>],
    at: usize,
}

impl<'t, 'a> Value<'t, 'a> {
    pub(super) fn kind(self) -> &'t Kind<'a> {
        &self.nodes[self.at].kind
    }

    /// The JSON text of the value, as it came.
    pub(super) fn raw(self) -> &'a str {
        self.nodes[self.at].raw
    }

    /// The key it stands under; empty in a list.
    pub(super) fn key(self) -> &'t str {
        &self.nodes[self.at].key
    }

    pub(super) fn is_null(self) -> bool {
        matches!(self.kind(), Kind::Null)
    }

    /// What stands directly below, in order.
    pub(super) fn children(self) -> impl Iterator<Item = Value<'t, 'a>> {
        let end = self.nodes[self.at].end;
        let mut next = self.at + 1;
        std::iter::from_fn(move || {
            let at = next;
            (at < end).then(|| {
                next = self.nodes[at].end;
                Value { nodes: self.nodes, at }
            })
        })
    }

    /// The JSON type, for people.
    pub(super) fn type_name(self) -> &'static str {
        match self.kind() {
            Kind::Null => "null",
            Kind::Bool(_) => "a boolean",
            Kind::Number => "a number",
            Kind::Text(_) => "a string",
            Kind::List => "a list",
            Kind::Object => "an object",
        }
    }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    nodes: Vec<Node<'a>>,
}

impl<'a> Parser<'a> {
    fn value(&mut self, key: Cow<'a, str>, depth: usize) -> Result<(), Reject> {
        self.space();
        let start = self.at;
        let here = self.nodes.len();
        self.nodes.push(Node { key, kind: Kind::Null, raw: "", end: here + 1 });
        if depth > DEEPEST {
            return Err(Reject::new(format!("nested deeper than {DEEPEST} levels")));
        }
        let kind = match self.peek() {
            Some(b'{') => self.object(here, depth)?,
            Some(b'[') => self.list(depth)?,
            Some(b'"') => Kind::Text(self.string()?),
            Some(b't') => self.word(4, Kind::Bool(true)),
            Some(b'f') => self.word(5, Kind::Bool(false)),
            Some(b'n') => self.word(4, Kind::Null),
            Some(b'-' | b'0'..=b'9') => {
                while matches!(self.peek(), Some(b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9')) {
                    self.at += 1;
                }
                Kind::Number
            }
            Some(_) | None => return Err(not_json()),
        };
        let end = self.nodes.len();
        let raw = self.text.get(start..self.at).ok_or_else(not_json)?;
        let node = &mut self.nodes[here];
        (node.kind, node.raw, node.end) = (kind, raw, end);
        Ok(())
    }

    fn object(&mut self, here: usize, depth: usize) -> Result<Kind<'a>, Reject> {
        self.at += 1;
        self.space();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(Kind::Object);
        }
        loop {
            self.space();
            let key = self.string()?;
            self.space();
            self.expect(b':')?;
            let child = self.nodes.len();
            if let Err(reject) = self.value(key, depth + 1) {
                return Err(reject.below(&self.nodes[child].key));
            }
            self.space();
            match self.next() {
                Some(b',') => {}
                Some(b'}') => break,
                Some(_) | None => return Err(not_json()),
            }
        }
        self.keys_differ(here)?;
        Ok(Kind::Object)
    }

    fn list(&mut self, depth: usize) -> Result<Kind<'a>, Reject> {
        self.at += 1;
        self.space();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(Kind::List);
        }
        for index in 0_usize.. {
            self.value(Cow::Borrowed(""), depth + 1).map_err(|reject| reject.below(index))?;
            self.space();
            match self.next() {
                Some(b',') => {}
                Some(b']') => break,
                Some(_) | None => return Err(not_json()),
            }
        }
        Ok(Kind::List)
    }

    fn keys_differ(&self, object: usize) -> Result<(), Reject> {
        let all = Value { nodes: &self.nodes, at: object };
        let end = self.nodes.len();
        let children = || {
            let mut next = object + 1;
            std::iter::from_fn(move || {
                let at = next;
                (at < end).then(|| {
                    next = self.nodes[at].end;
                    Value { at, ..all }.key()
                })
            })
        };
        let twice = if end - object <= FEW_KEYS {
            children().enumerate().find(|(index, key)| children().take(*index).any(|before| before == *key))
        } else {
            let mut seen = HashSet::new();
            children().enumerate().find(|(_, key)| !seen.insert(*key))
        };
        match twice {
            Some((_, key)) => Err(Reject::new("the key stands twice in one object").below(key)),
            None => Ok(()),
        }
    }

    fn string(&mut self) -> Result<Cow<'a, str>, Reject> {
        let start = self.at;
        self.expect(b'"')?;
        let mut escaped = false;
        loop {
            match self.next() {
                Some(b'"') => break,
                Some(b'\\') => {
                    escaped = true;
                    self.at += 1;
                }
                Some(_) => {}
                None => return Err(not_json()),
            }
        }
        let quoted = self.text.get(start..self.at).ok_or_else(not_json)?;
        if escaped {
            let text = serde_json::from_str(quoted)
                .map_err(|_| Reject::new("the string holds half of a surrogate pair, which is no character"))?;
            return Ok(Cow::Owned(text));
        }
        Ok(Cow::Borrowed(&quoted[1..quoted.len() - 1]))
    }

    fn word(&mut self, length: usize, kind: Kind<'a>) -> Kind<'a> {
        self.at += length;
        kind
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\r' | b'\t')) {
            self.at += 1;
        }
    }

    fn expect(&mut self, byte: u8) -> Result<(), Reject> {
        if self.next() == Some(byte) { Ok(()) } else { Err(not_json()) }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn next(&mut self) -> Option<u8> {
        let byte = self.peek();
        self.at += 1;
        byte
    }
}

fn not_json() -> Reject {
    Reject::new("the record is not JSON")
}
