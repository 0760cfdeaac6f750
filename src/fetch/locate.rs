//! Finds values in a body without building a document: each step borrows a slice of the text.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use crate::job::{Pointer, Shape};

/// Why a body cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum LocateError {
    /// Not JSON, cut short, or more than one document.
    #[error("the body is not JSON: {0}")]
    NotJson(#[from] serde_json::Error),
    /// Neither a list nor an object where records should be.
    #[error("expected {expected} at `{at}`, found {found}")]
    NotRecords {
        /// What was declared.
        expected: &'static str,
        /// The record path.
        at: String,
        /// The JSON type found.
        found: &'static str,
    },
}

/// What stands at a path.
#[derive(Debug)]
pub enum Located<'a> {
    /// A value other than null.
    Value(&'a RawValue),
    /// `null`, there or at a parent.
    Null,
    /// The object at a parent has no such key; `have` are the keys it does have.
    Missing {
        /// Path of the first key that is not there.
        at: String,
        /// Keys beside it.
        have: Vec<String>,
    },
}

/// The whole body as one JSON document, borrowed.
pub fn document(body: &[u8]) -> Result<&RawValue, LocateError> {
    Ok(serde_json::from_slice::<&RawValue>(body)?)
}

/// Follows `pointer` below `value`. A key that stands twice in an object on the way is an error.
pub fn locate<'a>(value: &'a RawValue, pointer: &Pointer) -> Result<Located<'a>, LocateError> {
    let mut value = value;
    for (depth, key) in pointer.0.iter().enumerate() {
        if value.get() == "null" {
            return Ok(Located::Null);
        }
        let step = Step { key }.deserialize(&mut serde_json::Deserializer::from_str(value.get()))?;
        match step {
            Found::Value(next) => value = next,
            Found::Missing(have) => {
                let at = Pointer(pointer.0[..=depth].to_vec()).to_string();
                return Ok(Located::Missing { at, have });
            }
        }
    }
    Ok(if value.get() == "null" { Located::Null } else { Located::Value(value) })
}

/// The records at the record path, in order. Without a `shape` a list holds many and an object is one.
pub fn records<'a>(value: &'a RawValue, shape: Option<Shape>, at: &Pointer) -> Result<Vec<&'a RawValue>, LocateError> {
    let wrong = |expected| LocateError::NotRecords { expected, at: at.to_string(), found: json_type(value) };
    match (json_type(value), shape) {
        ("a list", None | Some(Shape::Objects)) => Ok(serde_json::from_str(value.get())?),
        ("an object", None | Some(Shape::Object)) => Ok(vec![value]),
        (_, Some(Shape::Objects)) => Err(wrong("a list of objects")),
        (_, Some(Shape::Object)) => Err(wrong("an object")),
        (_, None) => Err(wrong("a list or an object")),
    }
}

/// The JSON type of a value, for people.
pub fn json_type(value: &RawValue) -> &'static str {
    match value.get().as_bytes().first() {
        Some(b'{') => "an object",
        Some(b'[') => "a list",
        Some(b'"') => "a string",
        Some(b't' | b'f') => "a boolean",
        Some(b'n') => "null",
        _ => "a number",
    }
}

enum Found<'a> {
    Value(&'a RawValue),
    Missing(Vec<String>),
}

struct Step<'k> {
    key: &'k str,
}

impl<'de> DeserializeSeed<'de> for Step<'_> {
    type Value = Found<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Step<'_> {
    type Value = Found<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an object with the key `{}`", self.key)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        let mut have: Vec<String> = Vec::new();
        while let Some(key) = map.next_key::<String>()? {
            if have.contains(&key) {
                return Err(serde::de::Error::custom(format!("the key `{key}` stands twice in one object")));
            }
            if key == self.key {
                found = Some(map.next_value::<&RawValue>()?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
            have.push(key);
        }
        Ok(found.map_or(Found::Missing(have), Found::Value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        let wanted = self.key.parse::<usize>().ok();
        let mut index = 0;
        while let Some(item) = seq.next_element::<&RawValue>()? {
            if Some(index) == wanted {
                found = Some(item);
            }
            index += 1;
        }
        Ok(found.map_or_else(|| Found::Missing(Vec::new()), Found::Value))
    }

    fn visit_str<E: serde::de::Error>(self, _: &str) -> Result<Self::Value, E> {
        Ok(Found::Missing(Vec::new()))
    }

    fn visit_bool<E: serde::de::Error>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Found::Missing(Vec::new()))
    }

    fn visit_i64<E: serde::de::Error>(self, _: i64) -> Result<Self::Value, E> {
        Ok(Found::Missing(Vec::new()))
    }

    fn visit_u64<E: serde::de::Error>(self, _: u64) -> Result<Self::Value, E> {
        Ok(Found::Missing(Vec::new()))
    }

    fn visit_f64<E: serde::de::Error>(self, _: f64) -> Result<Self::Value, E> {
        Ok(Found::Missing(Vec::new()))
    }
}
