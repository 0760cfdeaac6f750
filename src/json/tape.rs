//! Values as a flat list of nodes that say where in the text they stand.

use super::outline::{Outline, Outlined};
use super::scan::{Malformed, Scanner};
use super::shape::{Shape, read_key};
use super::span::{LONGEST, Span};
use super::value::Value;

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

#[derive(Debug, Clone, Copy)]
pub(super) struct Node {
    /// Where the key stands, without its quotes; empty in a list.
    pub(super) key: Span,
    /// Where the value stands.
    pub(super) text: Span,
    pub(super) kind: Kind,
    /// Index of the first node that is not below this one.
    pub(super) end: u32,
}

/// The nodes of a value and of all that is below it, to a depth. It can be filled again and again.
#[derive(Debug, Default)]
pub struct Tape {
    pub(super) nodes: Vec<Node>,
    /// What the next record is expected to look like.
    pub(super) shape: Shape,
    /// Takes the objects that are beyond the depth to which it is read, where somebody wants to know.
    pub(super) outline: Option<Outline>,
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
        self.begin(scanner)?;
        self.value(scanner, Span::default(), deepest)?;
        self.shape.miss();
        Ok(self.root(scanner.text))
    }

    /// As [`Self::read`] as deep as it goes, and faster where the value is an object with the keys of the one before.
    pub(super) fn record<'t, 'a>(&'t mut self, scanner: &mut Scanner<'a>) -> Result<Value<'t, 'a>, Malformed> {
        if scanner.ahead() != Some(b'{') {
            return self.read(scanner, DEEPEST);
        }
        self.begin(scanner)?;
        let start = scanner.at;
        self.nodes.push(Node::of(Span::default(), Kind::Object, (start, start), 0));
        let mut shape = std::mem::take(&mut self.shape);
        shape.begin();
        let read = self.members(scanner, DEEPEST - 1, |scanner| shape.key(scanner));
        shape.end();
        self.shape = shape;
        read?;
        self.nodes[0] = Node::of(Span::default(), Kind::Object, (start, scanner.at), self.nodes.len());
        Ok(self.root(scanner.text))
    }

    /// As [`Self::record`], for an object with such an outline.
    pub(super) fn outlined<'t, 'a>(
        &'t mut self,
        scanner: &mut Scanner<'a>,
        outlined: Outlined<'_>,
    ) -> Result<Value<'t, 'a>, Malformed> {
        self.begin(scanner)?;
        let (start, shape) = (scanner.at, std::mem::take(&mut self.shape));
        self.nodes.push(Node::of(Span::default(), Kind::Object, (start, start), 0));
        // Behind the brace, and then behind each comma.
        scanner.at += 1;
        for (key, kind, length) in outlined.fields() {
            let (name, value) = (Span::new(scanner.at + 1, scanner.at + key - 2), scanner.at + key);
            match kind {
                Some(kind) => {
                    self.nodes.push(Node::of(name, kind, (value, value + length), self.nodes.len() + 1));
                }
                None => {
                    scanner.at = value;
                    self.value(scanner, name, DEEPEST - 1)?;
                }
            }
            scanner.at = value + length + 1;
        }
        self.shape = shape;
        self.nodes[0] = Node::of(Span::default(), Kind::Object, (start, scanner.at), self.nodes.len());
        Ok(self.root(scanner.text))
    }

    fn begin(&mut self, scanner: &Scanner<'_>) -> Result<(), Malformed> {
        if scanner.text.len() > LONGEST {
            return scanner.wrong("more than 2 GiB of text");
        }
        self.nodes.clear();
        Ok(())
    }

    /// As [`Value::shape`], of the record that was read last.
    pub fn shape(&self) -> Option<u32> {
        self.shape.number()
    }

    /// The value that was read last, from `text`.
    pub fn root<'t, 'a>(&'t self, text: &'a str) -> Value<'t, 'a> {
        Value::root(self, text)
    }

    #[inline]
    fn value(&mut self, scanner: &mut Scanner<'_>, key: Span, deeper: usize) -> Result<(), Malformed> {
        let first = scanner.ahead();
        let start = scanner.at;
        let kind = match first {
            Some(b'{') => return self.nested(scanner, key, Kind::Object, deeper),
            Some(b'[') => return self.nested(scanner, key, Kind::List, deeper),
            first => scanner.scalar(first)?,
        };
        self.nodes.push(Node::of(key, kind, (start, scanner.at), self.nodes.len() + 1));
        Ok(())
    }

    fn nested(&mut self, scanner: &mut Scanner<'_>, key: Span, kind: Kind, deeper: usize) -> Result<(), Malformed> {
        let (here, start) = (self.nodes.len(), scanner.at);
        self.nodes.push(Node::of(key, kind, (start, start), 0));
        match (deeper.checked_sub(1), kind) {
            (None, Kind::Object) => self.shape.skip(scanner, self.outline.as_mut())?,
            (None, _) => scanner.skip()?,
            (Some(deeper), Kind::Object) => self.members(scanner, deeper, read_key)?,
            (Some(deeper), _) => self.list(scanner, deeper)?,
        }
        self.nodes[here] = Node::of(key, kind, (start, scanner.at), self.nodes.len());
        Ok(())
    }

    /// Reads the object that begins here; `key` takes a key and the colon behind it.
    #[inline]
    fn members<'a>(
        &mut self,
        scanner: &mut Scanner<'a>,
        deeper: usize,
        mut key: impl FnMut(&mut Scanner<'a>) -> Result<Span, Malformed>,
    ) -> Result<(), Malformed> {
        scanner.at += 1;
        if scanner.ahead() == Some(b'}') {
            scanner.at += 1;
            return Ok(());
        }
        loop {
            let key = key(scanner)?;
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
            self.value(scanner, Span::default(), deeper)?;
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

impl Node {
    #[inline]
    fn of(key: Span, kind: Kind, (start, end): (usize, usize), behind: usize) -> Self {
        Self { key, text: Span::new(start, end), kind, end: behind as u32 }
    }
}
