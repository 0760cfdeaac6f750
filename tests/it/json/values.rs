//! What a value says is what serde_json says of it, as deep as one looks.

use proptest::prelude::*;
use tidemill::json::{Document, Kind, Tape, Value};

use super::given::{below, json, said};

fn kind(raw: &str) -> Kind {
    match raw.as_bytes()[0] {
        b'n' => Kind::Null,
        b't' => Kind::Bool(true),
        b'f' => Kind::Bool(false),
        b'"' if raw.contains('\\') => Kind::Escaped,
        b'"' => Kind::Text,
        b'[' => Kind::List,
        b'{' => Kind::Object,
        _ if raw.contains(['.', 'e', 'E']) => Kind::Fraction,
        _ => Kind::Whole,
    }
}

/// `value` is `raw`, and so is everything down to `deeper` levels below it.
fn same(value: Value<'_, '_>, raw: &str, deeper: usize) {
    assert_eq!((value.raw(), value.kind()), (raw, kind(raw)));
    assert_eq!(value.is_null(), raw == "null");
    let words = raw.chars().filter(|one| !one.is_whitespace()).collect::<String>();
    assert_eq!(value.is_hollow(), ["[]", "{}"].contains(&words.as_str()), "{raw}");
    let text = raw.starts_with('"').then(|| said(raw).text);
    assert_eq!(value.text().as_deref(), text.as_deref());
    let mut pushed = "before".to_owned();
    value.kind().push_text(value.raw(), &mut pushed);
    assert_eq!(pushed.strip_prefix("before"), Some(text.unwrap_or_default().as_str()));
    let wanted = if deeper == 0 { Vec::new() } else { below(raw) };
    let found: Vec<Value<'_, '_>> = value.children().collect();
    assert_eq!(found.len(), wanted.len(), "{raw}");
    for (child, (key, raw)) in found.iter().zip(&wanted) {
        assert_eq!(child.key(), key.as_ref().map_or("", |key| &key.text));
        same(*child, raw, deeper - 1);
    }
    if let (Some(first), Some(last)) = (found.first(), found.last()) {
        let until = first.until(*last);
        assert!(until.starts_with(first.raw()) && until.ends_with(last.raw()) && raw.contains(until));
    }
}

/// Children straight after each other: the text from the first to the last of a list is the list without its ends.
#[test]
fn a_list_from_its_first_to_its_last() {
    let mut tape = Tape::default();
    let value = tape.fill("[ 1 , [2,{\"a\":3}] , \"x\" ]").unwrap();
    let children: Vec<Value<'_, '_>> = value.children().collect();
    assert_eq!(children[0].until(children[2]), "1 , [2,{\"a\":3}] , \"x\"");
    assert_eq!(children[1].until(children[1]), "[2,{\"a\":3}]");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn at_every_depth(text in json(6), other in json(3)) {
        let raw = text.trim_matches([' ', '\n', '\r', '\t']);
        for deepest in 0..8 {
            let document = Document::read(text.as_bytes(), deepest).unwrap();
            same(document.root(), raw, deepest);
        }
        // A tape holds nothing of what it held before, even where that was no JSON.
        let mut tape = Tape::default();
        tape.fill(&other).unwrap();
        prop_assert!(tape.fill(&(other + ",")).is_err());
        same(tape.fill(&text).unwrap(), raw, 128);
        same(tape.root(&text), raw, 128);
    }
}
