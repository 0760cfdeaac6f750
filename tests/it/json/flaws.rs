//! What JSON allows and no record may hold: keys that stand twice, halves of characters, endless nesting.

use std::collections::HashSet;

use proptest::prelude::*;
use tidemill::json::{Flaw, Tape};

use super::given::{below, json, said};

const HALF_KEY: &str = "the key holds half of a surrogate pair, which is no character";
const HALF_TEXT: &str = "the string holds half of a surrogate pair, which is no character";
const TWICE: &str = "the key stands twice in one object";
const DEEP: &str = "nested deeper than 128 levels";

fn repeated(raw: &str) -> Option<String> {
    let mut seen = HashSet::new();
    below(raw).into_iter().filter_map(|(key, _)| key).map(|key| key.text).find(|key| !seen.insert(key.clone()))
}

/// The first flaw in the order of the text, by serde_json's view of it.
fn flaw(raw: &str, path: &[String]) -> Option<Flaw> {
    let whole = !raw.starts_with('"') || said(raw).whole;
    if !whole {
        return Some(Flaw { path: path.to_vec(), why: HALF_TEXT });
    }
    if let Some(key) = repeated(raw) {
        return Some(Flaw { path: [path, &[key]].concat(), why: TWICE });
    }
    below(raw).into_iter().enumerate().find_map(|(index, (key, value))| {
        let whole = key.as_ref().is_none_or(|key| key.whole);
        let path = [path, &[key.map_or_else(|| index.to_string(), |key| key.text)]].concat();
        if whole { flaw(value, &path) } else { Some(Flaw { path, why: HALF_KEY }) }
    })
}

fn found(text: &str) -> Option<(String, &'static str)> {
    let mut tape = Tape::default();
    tape.fill(text).unwrap().flaw().map(|Flaw { path, why }| (path.join("/"), why))
}

#[test]
fn flaws() {
    #[rustfmt::skip]
    let table: &[(&str, Option<(&str, &str)>)] = &[
        ("{}", None),
        (r#"{"a":1,"b":{"a":2}}"#, None),
        (r#"{"a":1,"b":2,"a":3}"#, Some(("a", TWICE))),
        (r#"{"a":1,"\u0061":3}"#, Some(("a", TWICE))),
        (r#"{"\u0061":1,"a":3}"#, Some(("a", TWICE))),
        (r#"{"\/":1,"/":3}"#, Some(("/", TWICE))),
        (r#"{"":1,"":3}"#, Some(("", TWICE))),
        (r#"{"\u0041":1,"a":3}"#, None),
        (r#"{"é":1,"\u00e9":3}"#, Some(("é", TWICE))),
        (r#"{"😀":1,"\ud83d\uDE00":3}"#, Some(("😀", TWICE))),
        (r#"{"l":[{"a":1},{"b":{"c":1,"c":2}}]}"#, Some(("l/1/b/c", TWICE))),
        (r#"{"a":{"x":1,"x":2},"a":3}"#, Some(("a", TWICE))),
        (r#"{"a":"\ud800"}"#, Some(("a", HALF_TEXT))),
        (r#"{"a":"\udc00\ud800"}"#, Some(("a", HALF_TEXT))),
        (r#"{"a":["\ud800\ud83d\ude00"]}"#, Some(("a/0", HALF_TEXT))),
        (r#"{"a":"\ud800\\udc00"}"#, Some(("a", HALF_TEXT))),
        (r#"{"a":"\ud83d\ude00","b":"\\ud800"}"#, None),
        (r#"{"a\ud800":1}"#, Some(("a\u{fffd}", HALF_KEY))),
        (r#"{"a":[0,{"\udfff":"\ud800"}]}"#, Some(("a/1/\u{fffd}", HALF_KEY))),
        (r#"{"\ud800":1,"\ud801":2}"#, Some(("\u{fffd}", TWICE))),
        // Of keys that share their mark none is lost, and none is taken for another.
        (r#"{"axb":1,"ayb":2}"#, None),
        (r#"{"axb":1,"ayb":2,"axb":3}"#, Some(("axb", TWICE))),
        (r#"{"aaaaXbbbb":1,"aaaaYbbbb":2}"#, None),
        (r#"{"aaaaXbbbb":1,"aaaaYbbbb":2,"aaaaYbbbb":3}"#, Some(("aaaaYbbbb", TWICE))),
    ];
    for (text, wanted) in table {
        let wanted = wanted.map(|(path, why)| (path.to_owned(), why));
        assert_eq!(found(text), wanted, "{text}");
    }
}

#[test]
fn nesting_ends_at_128_levels() {
    let nested = |levels: usize, inside: &str| format!("{}{inside}{}", "[".repeat(levels), "]".repeat(levels));
    let deep = |path: usize| Some((vec!["0"; path].join("/"), DEEP));
    // The value itself is level 0: what stands on level 128 may be there, and nothing in it.
    for (inside, fits) in
        [("1", true), ("[]", true), ("{ \n}", true), ("[1]", false), ("[[]]", false), ("{\"a\":1}", false)]
    {
        assert_eq!(found(&nested(127, inside)), None, "{inside}");
        assert_eq!(found(&nested(128, inside)), if fits { None } else { deep(128) }, "{inside}");
    }
    assert_eq!(found(&nested(5_000, "1")), deep(128));
    // What stands before it is told first; what stands below it is not seen.
    assert_eq!(found(&format!("[{{\"a\":1,\"a\":2}},{}]", nested(200, "1"))), Some(("0/a".to_owned(), TWICE)));
    assert_eq!(found(&nested(200, "{\"a\":1,\"a\":2}")), deep(128));
}

/// Around the number of keys that are compared each with each.
#[test]
fn many_keys() {
    for count in [1, 2, 30, 31, 32, 33, 34, 100, 1000] {
        // Few of them share their mark.
        let names: Vec<String> = (0..count).map(|n| format!("\"key-{n:04}\"")).collect();
        let object = |names: &[String]| {
            format!("{{{}}}", names.iter().map(|name| format!("{name}:0")).collect::<Vec<_>>().join(","))
        };
        assert_eq!(found(&object(&names)), None, "{count}");
        for at in [0, count / 2, count - 1] {
            for place in [at + 1, count] {
                let mut twice = names.clone();
                twice.insert(place, names[at].clone());
                assert_eq!(
                    found(&object(&twice)),
                    Some((names[at].trim_matches('"').to_owned(), TWICE)),
                    "{count} {at}"
                );
                twice[place] = names[at].replace("key", "k\\u0065y");
                assert_eq!(
                    found(&object(&twice)),
                    Some((names[at].trim_matches('"').to_owned(), TWICE)),
                    "{count} {at}"
                );
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, ..ProptestConfig::default() })]

    #[test]
    fn the_first_one_is_told(text in json(6)) {
        let raw = text.trim_matches([' ', '\n', '\r', '\t']);
        let mut tape = Tape::default();
        let value = tape.fill(&text).unwrap();
        prop_assert_eq!(value.flaw(), flaw(raw, &[]));
        prop_assert_eq!(value.repeated().map(std::borrow::Cow::into_owned), repeated(raw));
    }

    /// Short keys of few letters, with and without escapes: many share their mark.
    #[test]
    fn keys_that_look_alike(keys in prop::collection::vec("([ab]{1,6}|aaaa[ab]{1,3}bbbb|\\\\u0061[ab]{0,3})", 0..40)) {
        let fields: Vec<String> = keys.iter().map(|key| format!("\"{key}\":0")).collect();
        let text = format!("{{{}}}", fields.join(","));
        let mut tape = Tape::default();
        let value = tape.fill(&text).unwrap();
        prop_assert_eq!(value.repeated().map(std::borrow::Cow::into_owned), repeated(&text));
    }
}
