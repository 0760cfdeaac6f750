//! What is taken for JSON: exactly what serde_json takes for it.

use proptest::prelude::*;
use tidemill::json::{Document, Tape};

use super::given::{is_json, json};

/// Both say the same, however deep is looked.
fn agree(bytes: &[u8]) {
    let wanted = is_json(bytes);
    for deepest in [0, 1, 2, 5, 200] {
        let read = Document::read(bytes, deepest);
        assert_eq!(read.is_ok(), wanted, "{deepest} levels of {:?}: {read:?}", String::from_utf8_lossy(bytes));
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        assert_eq!(Tape::default().fill(text).is_ok(), wanted, "{text:?}");
    }
}

/// In every place where a value can stand, alone, and with white space.
fn agree_anywhere(value: &[u8]) {
    let places: [(&[u8], &[u8]); 7] = [
        (b"", b""),
        (b" ", b"\n"),
        (b"[", b"]"),
        (b"[1,", b",2]"),
        (b"{\"a\":", b"}"),
        (b"[[[[[[[", b"]]]]]]]"),
        (b"{", b"}"),
    ];
    for (before, after) in places {
        agree(&[before, value, after].concat());
    }
}

#[test]
fn snippets() {
    #[rustfmt::skip]
    let table: &[&str] = &[
        "", " ", "\u{c}1", "\u{b}1", "\u{a0}1", "\u{feff}1", "nul", "null", "nulll", "NULL", "True", "true", "tru", "falsey", "undefined", "NaN",
        "Infinity", "-Infinity", "0", "-0", "-", "+1", "00", "01", "-01", "1.", ".5", "1.5", "1.e5", "1e", "1e+", "1e-", "1E+5", "1e5.", "1e05",
        "0e0", "0x1", "1_0", "1,0", "--1", "1-", "1.5.5", "1 2", "1e400", "-1e-400", "123456789012345678901234567890", "1a", "1\u{0}",
        "\"", "\"\"", "\"a", "a\"", "'a'", "\"\\\"", "\"\\\\\"", "\"\\a\"", "\"\\u\"", "\"\\u12\"", "\"\\u123g\"", "\"\\u+123\"", "\"\\u12345\"",
        "\"\\U0041\"", "\"\\ud800\"", "\"\\udc00\\ud800\"", "\"\\x41\"", "\"\\0\"", "\"\t\"", "\"\n\"", "\"\u{0}\"", "\"\u{1f}\"", "\"\u{7f}\"",
        "\"\u{80}\"", "\"\u{2028}\"", "\"1234567\u{1f}\"", "\"12345678\u{1f}\"", "\"1234567\\\"", "\"12345678\\", "\"123456\\u004",
        "[", "]", "[]", "[,]", "[1,]", "[,1]", "[1 2]", "[1]]", "[[1]", "[1}", "{", "}", "{}", "{,}", "{1:2}", "{\"a\"}", "{\"a\":}", "{\"a\" 1}",
        "{\"a\":1,}", "{\"a\":1 \"b\":2}", "{\"a\":1]", "{a:1}", "{\"a\":1}}", "{\"a\":{}", "{\"a\"::1}", "{:1}", "{null:1}", "{\"a\":1,\"a\":2}",
        "\"a\":1", "\"a\\\":1", "\"\\n\":[]", "// x\n1", "/**/1", "1//", "#1", "[1]\u{0}", "\\u0031", "\u{1a}",
    ];
    table.iter().for_each(|snippet| agree_anywhere(snippet.as_bytes()));
    // All of three bytes from an alphabet of what means something.
    let alphabet = b"{}[]:,\"\\u-+.0e1tn \n\x1f\xc3\xa9";
    for one in alphabet {
        agree_anywhere(&[*one]);
        for two in alphabet {
            agree_anywhere(&[*one, *two]);
            alphabet.iter().for_each(|three| agree(&[*one, *two, *three]));
        }
    }
}

#[test]
fn bytes_that_are_no_text() {
    let table: &[&[u8]] = &[
        b"\xff",
        b"\xc3",
        b"\xc3\x28",
        b"\xc0\xaf",
        b"\xe4\xb8",
        b"\xed\xa0\x80",
        b"\xf4\x90\x80\x80",
        b"\xf0\x9f\x98\x80",
        b"\x80",
    ];
    for bytes in table {
        agree(bytes);
        for filler in ["", "1234567", "12345678901234567"] {
            agree(&[b"[\"", filler.as_bytes(), bytes, b"\"]"].concat());
            agree(&[b"[\"", filler.as_bytes(), bytes].concat());
            agree(&[b"{\"", *bytes, b"\":\"", filler.as_bytes(), b"\"}"].concat());
        }
    }
}

/// Each byte a string may hold, at each place of the eight that are looked at together.
#[test]
fn every_byte_at_every_place_of_a_string() {
    for byte in 0..=0x7f_u8 {
        for before in 0..17 {
            for after in [0, 1, 7, 9] {
                agree(&[b"\"", vec![b'x'; before].as_slice(), &[byte], &vec![b'y'; after], b"\""].concat());
            }
        }
    }
}

/// What is not looked at is skipped without a call for each level.
#[test]
fn nesting_has_no_end() {
    for levels in [1, 126, 127, 128, 129, 300, 50_000] {
        for (open, close) in [("[", "]"), ("{\"a\":", "}"), ("[{\"a\":", "}]")] {
            let (open, close) = (open.repeat(levels), close.repeat(levels));
            agree(format!("{open}1{close}").as_bytes());
            agree(format!("{open}1{}", &close[1..]).as_bytes());
            agree(format!("{open}1{close}]").as_bytes());
            agree(format!("{open}1,{close}").as_bytes());
        }
    }
}

/// One change of a text.
#[derive(Debug, Clone, Copy)]
enum Change {
    Insert(u8),
    Delete,
    Flip(u8),
    Replace(u8),
    Truncate,
    Append(u8),
    Repeat(usize),
}

fn changed(bytes: &[u8], at: usize, change: Change) -> Vec<u8> {
    let at = at % (bytes.len() + 1);
    let mut bytes = bytes.to_vec();
    match change {
        Change::Insert(byte) => bytes.insert(at, byte),
        Change::Append(byte) => bytes.push(byte),
        Change::Truncate => bytes.truncate(at),
        Change::Repeat(length) => {
            let piece = bytes[at..(at + length).min(bytes.len())].to_vec();
            bytes.splice(at..at, piece);
        }
        Change::Delete | Change::Flip(_) | Change::Replace(_) if at == bytes.len() => {}
        Change::Delete => drop(bytes.remove(at)),
        Change::Flip(bit) => bytes[at] ^= 1 << (bit % 8),
        Change::Replace(byte) => bytes[at] = byte,
    }
    bytes
}

fn change() -> impl Strategy<Value = Change> {
    let byte = || prop_oneof![prop::sample::select(b"{}[]:,\"\\u-+.0e1tfn \n\x1f\xff".as_slice()), any::<u8>()];
    prop_oneof![
        3 => byte().prop_map(Change::Insert),
        3 => Just(Change::Delete),
        2 => any::<u8>().prop_map(Change::Flip),
        3 => byte().prop_map(Change::Replace),
        1 => Just(Change::Truncate),
        1 => byte().prop_map(Change::Append),
        1 => (1..9_usize).prop_map(Change::Repeat),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn json_and_what_nearly_is(text in json(6), changes in prop::collection::vec((any::<usize>(), change()), 20)) {
        prop_assert!(is_json(text.as_bytes()));
        agree(text.as_bytes());
        for (at, change) in &changes {
            agree(&changed(text.as_bytes(), *at, *change));
        }
        // All of them, one upon the other.
        let ends = changes.iter().take(4).fold(text.into_bytes(), |bytes, (at, change)| changed(&bytes, *at, *change));
        agree(&ends);
    }

    #[test]
    fn what_looks_like_a_number(text in "[-+0-9.eE]{0,9}") {
        agree_anywhere(text.as_bytes());
    }

    #[test]
    fn what_looks_like_a_string(text in "[\"\\\\u0dDfFn/ \\n\u{e9}\u{1f600}x]{0,20}") {
        agree_anywhere(text.as_bytes());
        agree_anywhere(format!("\"{text}\"").as_bytes());
    }

    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
        agree(&bytes);
        agree(&[b"[\"", bytes.as_slice(), b"\"]"].concat());
    }
}
