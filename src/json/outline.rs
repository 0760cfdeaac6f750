//! Where the fields of objects stand, as the check of a body found them: who reads its records need not look for them again.
//!
//! Invariant: what is read by an outline is what is read without it. Only objects are outlined whose keys are spelled without
//! escapes and that have no white space between their parts; all others are looked at again.

use super::shape::Keys;
use super::tape::Kind;

/// So many different sets of keys are kept; objects with others are looked at again.
const MOST_KEYS: usize = 16;
/// Room is made for one word in so many bytes of text at first.
const BYTES_A_WORD: usize = 16;
/// Bits of a word that say what a value is; the others are its length.
const KIND_BITS: u32 = 3;
/// Of longer texts there is no outline.
pub(super) const LONGEST: usize = (1 << (32 - KIND_BITS)) - 1;

/// Where the fields of the objects of one body stand that lie beyond the depth to which it was looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Outline {
    /// For each object where it begins and which keys it has, then one word for each value.
    words: Vec<u32>,
    keys: Vec<Keys>,
    /// Of the last object: the number of its shape, and the place of its keys.
    last: Option<(u32, u32)>,
}

/// One object of an outline.
#[derive(Debug, Clone, Copy)]
pub(super) struct Outlined<'o> {
    pub(super) keys: &'o Keys,
    /// The place of these keys: the same in all objects that have them.
    pub(super) place: u32,
    words: &'o [u32],
}

/// How far somebody has read an outline.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Reader {
    next: usize,
}

impl Outline {
    /// Of a text of so many bytes.
    pub(super) fn of(bytes: usize) -> Self {
        Self { words: Vec::with_capacity(bytes / BYTES_A_WORD), ..Self::default() }
    }

    /// Begins the object at `start`; gives what [`Self::end`] and [`Self::drop_from`] take.
    pub(super) fn begin(&mut self, start: usize) -> usize {
        let here = self.words.len();
        self.words.extend([start as u32, 0]);
        here
    }

    /// Adds a value of the object that was begun.
    #[inline]
    pub(super) fn push(&mut self, kind: Kind, length: usize) {
        self.words.push((length as u32) << KIND_BITS | bits(kind));
    }

    /// Ends the object that began `here`, which has these keys under this number.
    pub(super) fn end(&mut self, here: usize, keys: &Keys, number: u32) {
        let place = match self.last {
            Some((known, place)) if known == number => Some(place),
            Some(_) | None => self.place(keys),
        };
        match place {
            Some(place) => {
                self.words[here + 1] = place;
                self.last = Some((number, place));
            }
            None => self.drop_from(here),
        }
    }

    /// The place of these keys, unless there are too many others.
    fn place(&mut self, keys: &Keys) -> Option<u32> {
        let known = self.keys.iter().position(|known| known == keys);
        let place = known.or_else(|| (self.keys.len() < MOST_KEYS).then_some(self.keys.len()))?;
        if place == self.keys.len() {
            self.keys.push(keys.clone());
        }
        Some(place as u32)
    }

    /// Forgets the object that began `here`.
    pub(super) fn drop_from(&mut self, here: usize) {
        self.words.truncate(here);
    }

    /// The object at `start`; objects are asked for in order.
    #[inline]
    pub(super) fn at(&self, reader: &mut Reader, start: usize) -> Option<Outlined<'_>> {
        loop {
            let [begins, place] = self.words.get(reader.next..)?.first_chunk()?;
            let keys = self.keys.get(*place as usize)?;
            let words = self.words.get(reader.next + 2..reader.next + 2 + keys.len())?;
            match (*begins as usize).cmp(&start) {
                std::cmp::Ordering::Less => reader.next += 2 + words.len(),
                std::cmp::Ordering::Equal => {
                    reader.next += 2 + words.len();
                    return Some(Outlined { keys, place: *place, words });
                }
                std::cmp::Ordering::Greater => return None,
            }
        }
    }
}

impl<'o> Outlined<'o> {
    /// For each field the length of its key with its quotes and the colon, what its value is, unless it is a list or an
    /// object, and how long.
    #[inline]
    pub(super) fn fields(self) -> impl Iterator<Item = (usize, Option<Kind>, usize)> + 'o {
        let words = self.words.iter().map(|word| (kind(*word), (*word >> KIND_BITS) as usize));
        self.keys.lengths().zip(words).map(|(key, (kind, length))| (key, kind, length))
    }
}

#[inline]
fn bits(kind: Kind) -> u32 {
    match kind {
        Kind::Null => 0,
        Kind::Bool(false) => 1,
        Kind::Bool(true) => 2,
        Kind::Whole => 3,
        Kind::Fraction => 4,
        Kind::Text => 5,
        Kind::Escaped => 6,
        Kind::List | Kind::Object => 7,
    }
}

/// What the lower bits of a word say; a table, since values follow each other as they like.
const KINDS: [Option<Kind>; 1 << KIND_BITS] = [
    Some(Kind::Null),
    Some(Kind::Bool(false)),
    Some(Kind::Bool(true)),
    Some(Kind::Whole),
    Some(Kind::Fraction),
    Some(Kind::Text),
    Some(Kind::Escaped),
    None,
];

#[inline]
fn kind(word: u32) -> Option<Kind> {
    KINDS[word as usize % KINDS.len()]
}

#[cfg(test)]
mod tests {
    use crate::json::Document;

    use super::*;

    fn outline(body: &str) -> Outline {
        Document::read(body.as_bytes(), 1).unwrap().into_outline().unwrap()
    }

    /// Which of the objects of a list are outlined, by where they begin.
    fn outlined(body: &str) -> Vec<usize> {
        let (outline, mut reader) = (outline(body), Reader::default());
        (0..body.len()).filter(|start| outline.at(&mut reader, *start).is_some()).collect()
    }

    #[test]
    fn what_stands_tight_is_outlined() {
        let table: [(&str, &[usize]); 14] = [
            (r#"[{"a":1,"b":"x"},{"a":null,"b":true}]"#, &[1, 17]),
            (r#"[{"a":[1, 2],"b":{"c": 3}}]"#, &[1]),
            (r#"[ {"a":1} , {"a":2} ]"#, &[2, 12]),
            (r#"[{"a":"\n"}]"#, &[1]),
            (r#"[{ "a":1}]"#, &[]),
            (r#"[{"a" :1}]"#, &[]),
            (r#"[{"a": 1}]"#, &[]),
            (r#"[{"a":1 }]"#, &[]),
            (r#"[{"a":1 ,"b":2}]"#, &[]),
            (r#"[{"a":1, "b":2}]"#, &[]),
            (r#"[{"\u0061":1}]"#, &[]),
            (r#"[{},[],7,{"a":1}]"#, &[9]),
            // The first has no outline, and the second needs none of it.
            (r#"[{"a": 1},{"a":1}]"#, &[10]),
            (r#"[]"#, &[]),
        ];
        for (body, due) in table {
            assert_eq!(outlined(body), due, "{body}");
        }
    }

    #[test]
    fn only_so_many_sets_of_keys_are_kept() {
        let every: Vec<String> = (0..2 * MOST_KEYS).map(|key| format!("{{\"{key}\":1}}")).collect();
        let found = outlined(&format!("[{}]", every.join(",")));
        assert_eq!(found.len(), MOST_KEYS);
        // The same keys again and again are one.
        let same = vec![every[0].as_str(); 2 * MOST_KEYS];
        assert_eq!(outlined(&format!("[{}]", same.join(","))).len(), same.len());
        // And so are two that take turns.
        let turns = [every[0].as_str(), every[1].as_str()].repeat(2 * MOST_KEYS);
        assert_eq!(outlined(&format!("[{}]", turns.join(","))).len(), turns.len());
    }
}
