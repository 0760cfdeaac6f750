//! The names of the values of one axis: texts in order, each of them once.
//!
//! Invariant: what a million names cost is their text and a few numbers each; nothing is allocated for one alone.

use std::hash::{DefaultHasher, Hasher};

/// Where a name may be found: its number, and so much of its hash that others need not be looked at.
#[derive(Debug, Clone, Copy)]
struct Place {
    number: u32,
    hash: u32,
}

/// No name has this number.
const FREE: Place = Place { number: u32::MAX, hash: 0 };

/// Texts, none of them twice, numbered from 0.
#[derive(Debug, Default)]
pub(super) struct Names {
    /// All of them, one after the other.
    text: String,
    /// Where each ends.
    ends: Vec<usize>,
    /// Each at the place its hash says or the next free one behind; at most half of the places are taken.
    places: Vec<Place>,
}

impl Names {
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The text with this number; empty if there is none.
    pub(super) fn get(&self, number: usize) -> &str {
        let Some(end) = self.ends.get(number) else { return "" };
        let start = number.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.text[start..*end]
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).map(|number| self.get(number))
    }

    /// Adds the text that `write` appends. The error is the number of the one that is the same.
    pub(super) fn add(&mut self, write: impl FnOnce(&mut String)) -> Result<(), usize> {
        if self.places.len() < 2 * (self.len() + 1) {
            self.make_room();
        }
        let start = self.text.len();
        write(&mut self.text);
        let new = &self.text[start..];
        let hash = hash(new);
        let mut at = hash as usize % self.places.len();
        while self.places[at].number != FREE.number {
            let Place { number, hash: other } = self.places[at];
            if other == hash && self.get(number as usize) == new {
                self.text.truncate(start);
                return Err(number as usize);
            }
            at = (at + 1) % self.places.len();
        }
        self.places[at] = Place { number: u32::try_from(self.len()).unwrap_or(FREE.number), hash };
        self.ends.push(self.text.len());
        Ok(())
    }

    /// No more come: only the texts stay.
    pub(super) fn close(&mut self) {
        self.places = Vec::new();
        self.text.shrink_to_fit();
        self.ends.shrink_to_fit();
    }

    fn make_room(&mut self) {
        let mut places = vec![FREE; (4 * self.len()).max(16)];
        for known in self.places.iter().filter(|known| known.number != FREE.number) {
            let mut at = known.hash as usize % places.len();
            while places[at].number != FREE.number {
                at = (at + 1) % places.len();
            }
            places[at] = *known;
        }
        self.places = places;
    }

    /// Bytes on the heap.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.text.capacity() + 8 * (self.ends.capacity() + self.places.capacity())
    }
}

fn hash(text: &str) -> u32 {
    let mut hasher = DefaultHasher::new();
    hasher.write(text.as_bytes());
    (hasher.finish() >> 32) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_stands_once_and_keeps_its_number() {
        let mut names = Names::default();
        for number in 0..1000 {
            assert_eq!(names.add(|text| text.push_str(&number.to_string())), Ok(()));
            assert_eq!(names.add(|text| text.push_str(&(number / 2).to_string())), Err(number / 2));
        }
        assert_eq!(names.add(|_| {}), Ok(()), "an empty text is one too");
        assert_eq!(names.add(|_| {}), Err(1000));
        names.close();
        assert_eq!(names.len(), 1001);
        assert!(names.iter().take(1000).eq((0..1000).map(|number| number.to_string())));
        assert_eq!((names.get(999), names.get(1000), names.get(1001)), ("999", "", ""));
    }
}
