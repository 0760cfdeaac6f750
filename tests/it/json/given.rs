//! JSON in every spelling, and how serde_json sees it.

use std::fmt;

use proptest::prelude::*;
use serde::de::{DeserializeSeed, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

/// Numbers of every shape.
fn number() -> impl Strategy<Value = String> {
    prop_oneof![
        "-?(0|[1-9][0-9]{0,40})(\\.[0-9]{1,25})?([eE][+-]?[0-9]{1,4})?",
        any::<i32>().prop_map(|n| n.to_string())
    ]
}

/// A string between its quotes, escapes and halves of surrogate pairs in it.
fn string() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        8 => "[^\"\\\\\\x00-\\x1f]{0,12}",
        2 => "\\\\[\"\\\\/bfnrt]",
        2 => "\\\\u[0-9a-fA-F]{4}",
        1 => Just("\\uD83d\\ude00".to_owned()),
        1 => "\\\\u[dD][89a-fA-F][0-9a-f]{2}",
    ];
    prop::collection::vec(piece, 0..5).prop_map(|pieces| format!("\"{}\"", pieces.concat()))
}

/// Few, so that some stand twice; one is spelled in two ways.
pub(super) fn key() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => "\"[a-d]\"",
        2 => Just("\"\\u0061\"".to_owned()),
        2 => "\"(code|data|list|0|1|)\"",
        1 => string(),
    ]
}

fn space() -> impl Strategy<Value = String> {
    prop_oneof![4 => Just(String::new()), 1 => "[ \\n\\r\\t]{1,3}"]
}

fn around(text: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    (space(), text, space()).prop_map(|(before, text, after)| before + &text + &after)
}

/// Any JSON value as text, at most `deepest` levels below it.
pub(super) fn json(deepest: u32) -> impl Strategy<Value = String> {
    let word = prop_oneof!["null", "true", "false"];
    let leaf = around(prop_oneof![word, number(), string()]);
    leaf.prop_recursive(deepest, 40, 5, |inner| {
        let hollow =
            space().prop_flat_map(|space| prop_oneof![Just(format!("[{space}]")), Just(format!("{{{space}}}"))]);
        let list = prop::collection::vec(inner.clone(), 1..6).prop_map(|items| format!("[{}]", items.join(",")));
        let field = (around(key()), inner).prop_map(|(key, value)| format!("{key}:{value}"));
        let object = prop::collection::vec(field, 1..6).prop_map(|fields| format!("{{{}}}", fields.join(",")));
        around(prop_oneof![1 => hollow, 3 => list, 4 => object])
    })
}

/// What serde_json takes for JSON; it looks at it no deeper than its first byte.
pub(super) fn is_json(bytes: &[u8]) -> bool {
    serde_json::from_slice::<&RawValue>(bytes).is_ok()
}

/// What a string says.
#[derive(Debug, Default)]
pub(super) struct Said {
    /// Half of a surrogate pair is U+FFFD.
    pub(super) text: String,
    /// It holds no such half.
    pub(super) whole: bool,
    pub(super) escaped: bool,
}

/// What is directly below `raw`, as serde_json sees it: keys, none in a list, and the text of the values.
pub(super) fn below(raw: &str) -> Vec<(Option<Said>, &str)> {
    match raw.as_bytes()[0] {
        b'{' => Fields.deserialize(&mut serde_json::Deserializer::from_str(raw)).unwrap(),
        b'[' => {
            let items: Vec<&RawValue> = serde_json::from_str(raw).unwrap();
            items.into_iter().map(|item| (None, item.get())).collect()
        }
        _ => Vec::new(),
    }
}

/// What the string `raw` says.
pub(super) fn said(raw: &str) -> Said {
    Text.deserialize(&mut serde_json::Deserializer::from_str(raw)).unwrap()
}

struct Text;

impl<'a> DeserializeSeed<'a> for Text {
    type Value = Said;

    fn deserialize<D: Deserializer<'a>>(self, from: D) -> Result<Said, D::Error> {
        from.deserialize_bytes(self)
    }
}

impl<'a> Visitor<'a> for Text {
    type Value = Said;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_borrowed_bytes<E: serde::de::Error>(self, bytes: &'a [u8]) -> Result<Said, E> {
        Ok(Said { escaped: false, ..self.visit_bytes::<E>(bytes)? })
    }

    /// As bytes serde_json hands out halves too, three bytes each that are no UTF-8.
    fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Said, E> {
        let (mut text, mut rest, mut whole) = (String::new(), bytes, true);
        while let Err(error) = std::str::from_utf8(rest) {
            let (good, bad) = rest.split_at(error.valid_up_to());
            text.push_str(std::str::from_utf8(good).unwrap());
            text.push(char::REPLACEMENT_CHARACTER);
            (rest, whole) = (&bad[3..], false);
        }
        text.push_str(std::str::from_utf8(rest).unwrap());
        Ok(Said { text, whole, escaped: true })
    }
}

struct Fields;

impl<'a> DeserializeSeed<'a> for Fields {
    type Value = Vec<(Option<Said>, &'a str)>;

    fn deserialize<D: Deserializer<'a>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_map(self)
    }
}

impl<'a> Visitor<'a> for Fields {
    type Value = Vec<(Option<Said>, &'a str)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut fields = Vec::new();
        while let Some(key) = map.next_key_seed(Text)? {
            fields.push((Some(key), map.next_value::<&RawValue>()?.get()));
        }
        Ok(fields)
    }
}
