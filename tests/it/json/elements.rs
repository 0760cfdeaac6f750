//! The members of a list: found by going straight to it, or not at all.

use std::collections::HashMap;

use proptest::prelude::*;
use tidemill::json::{Document, Elements, Tape, Value};

use super::given::{below, json};

fn path(text: &str) -> Vec<String> {
    text.split('/').skip(1).map(str::to_owned).collect()
}

/// The raw text of each member.
fn members(body: &str, path: &[String]) -> Option<Vec<String>> {
    let mut elements = Elements::find(body.as_bytes(), None, path)?;
    let mut tape = Tape::default();
    let mut found = Vec::new();
    while let Some(value) = elements.next(&mut tape).unwrap() {
        found.push(value.raw().to_owned());
    }
    assert!(elements.next(&mut tape).unwrap().is_none(), "the end stays the end");
    Some(found)
}

/// The same by serde_json: over keys without escapes, to the first that fits, to a list.
fn straight(raw: &str, path: &[String]) -> Option<Vec<String>> {
    let Some((wanted, path)) = path.split_first() else {
        return raw.starts_with('[').then(|| below(raw).into_iter().map(|(_, raw)| raw.to_owned()).collect());
    };
    let fields = if raw.starts_with('{') { below(raw) } else { Vec::new() };
    let keys = fields.iter().map(|(key, value)| (key.as_ref().unwrap(), value));
    let (key, value) = keys.into_iter().find(|(key, _)| key.escaped || key.text == *wanted)?;
    if key.escaped { None } else { straight(value, path) }
}

/// The same by the whole document, where no key on the way stands twice or is spelled with escapes.
fn by_document(value: Value<'_, '_>, path: &[String]) -> Option<Vec<String>> {
    let Some((wanted, path)) = path.split_first() else {
        let is_list = value.raw().starts_with('[');
        return is_list.then(|| value.children().map(|child| child.raw().to_owned()).collect());
    };
    let child = value.children().find(|child| child.key() == *wanted && value.raw().starts_with('{'))?;
    by_document(child, path)
}

#[test]
fn ways_to_a_list() {
    #[rustfmt::skip]
    let table: &[(&str, &str, Option<&[&str]>)] = &[
        ("[]", "", Some(&[])),
        (" [ 1 , [2] ,\n{\"a\":3} ] ", "", Some(&["1", "[2]", "{\"a\":3}"])),
        ("{\"data\":[]}", "/data", Some(&[])),
        ("{\"code\":0,\"data\":{\"x\":[9],\"list\":[1,2]}}", "/data/list", Some(&["1", "2"])),
        ("{\"\":[1]}", "/", Some(&["1"])),
        ("{\"a/b\":[1]}", "/a/b", None),
        ("{\"data\":null}", "/data", None),
        ("{\"data\":{}}", "/data", None),
        ("{\"data\":\"[1]\"}", "/data", None),
        ("{}", "/data", None),
        ("{\"datas\":[1]}", "/data", None),
        ("[[1]]", "/0", None),
        ("{\"d\\u0061ta\":[1]}", "/data", None),
        ("{\"\\n\":0,\"data\":[1]}", "/data", None),
        ("{\"data\":[1],\"\\n\":0}", "/data", Some(&["1"])),
        ("", "", None),
        ("{\"a\":[1}", "/b", None),
        ("{\"a\":tru,\"b\":[1]}", "/b", None),
    ];
    for (body, at, wanted) in table {
        let found = members(body, &path(at));
        assert_eq!(
            found.as_ref().map(|found| found.iter().map(String::as_str).collect()),
            wanted.map(<[_]>::to_vec),
            "{body} {at}"
        );
    }
    assert!(Elements::find(b"[\"\xff\"]", None, &[]).is_none());
}

#[test]
fn what_is_damaged_is_told_when_it_is_reached() {
    let table = [
        ("[1,2", 2),
        ("[1,]", 1),
        ("[1 2]", 1),
        ("[,1]", 0),
        ("[1}", 1),
        ("[1,{\"a\":}]", 1),
        ("[", 0),
        ("[1,\"\\x\"]", 1),
    ];
    for (body, good) in table {
        let (mut elements, mut tape) = (Elements::find(body.as_bytes(), None, &[]).unwrap(), Tape::default());
        for _ in 0..good {
            assert!(elements.next(&mut tape).unwrap().is_some(), "{body}");
        }
        assert!(elements.next(&mut tape).is_err(), "{body}");
    }
}

/// All there is to know of a value and of what is below it.
fn whole(value: Value<'_, '_>) -> String {
    let below: Vec<String> = value.children().map(|child| format!("{}={}", child.key(), whole(child))).collect();
    format!("{:?} {} {:?} [{}]", value.kind(), value.raw(), value.flaw(), below.join(","))
}

/// The members of each list, read with what the check of its body found and without.
fn both_ways(bodies: &[String]) -> (Vec<String>, Vec<String>) {
    let (mut with, mut without) = (Vec::new(), Vec::new());
    let mut shapes = HashMap::new();
    let (mut tape, mut other) = (Tape::default(), Tape::default());
    for body in bodies {
        let outline = Document::read(body.as_bytes(), 1).unwrap().into_outline();
        let mut elements = Elements::find(body.as_bytes(), outline.as_ref(), &[]).unwrap();
        while let Some(value) = elements.next(&mut tape).unwrap() {
            with.push(whole(value));
            if let Some(shape) = value.shape() {
                let keys: Vec<String> = value.children().map(|child| child.key().into_owned()).collect();
                assert_eq!(shapes.entry(shape).or_insert(keys.clone()), &keys, "one shape, one set of keys: {body}");
            }
        }
        let mut elements = Elements::find(body.as_bytes(), None, &[]).unwrap();
        while let Some(value) = elements.next(&mut other).unwrap() {
            without.push(whole(value));
        }
    }
    (with, without)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    #[test]
    fn what_the_check_found_changes_nothing(
        values in prop::collection::vec(json(3), 0..6),
        records in prop::collection::vec(prop::collection::vec(("[a-c]|dd|e\\\\n", json(2)), 0..4), 0..8),
        spaces in prop::collection::vec("| |\n", 8),
    ) {
        let records: Vec<String> = records.iter().zip(spaces.iter().cycle()).map(|(fields, space)| {
            let fields = fields.iter().map(|(key, value)| format!("\"{key}\"{space}:{}", value.trim()));
            format!("{{{}}}", fields.collect::<Vec<_>>().join(","))
        }).collect();
        let plain: Vec<String> = records.iter().map(|record| record.replace(['\n', ' '], "")).collect();
        let bodies = [values, records, plain].map(|members| format!("[{}]", members.join(",")));
        let (with, without) = both_ways(&bodies);
        prop_assert_eq!(with, without);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, ..ProptestConfig::default() })]

    #[test]
    fn the_members_are_those_of_the_document(
        text in json(6),
        paths in prop::collection::vec(prop::collection::vec("[a-d]|code|data|list|0|1|", 0..4), 12),
        list in json(3),
    ) {
        let wrapped = format!("{{\"code\":{text},\"data\":{{\"list\":[{list},{text}]}}}}");
        for body in [&text, &wrapped] {
            let raw = body.trim_matches([' ', '\n', '\r', '\t']);
            let document = Document::read(body.as_bytes(), 20).unwrap();
            for path in paths.iter().chain([&path("/data/list"), &path("/code"), &Vec::new()]) {
                let found = members(body, path);
                prop_assert_eq!(&found, &straight(raw, path), "{} {:?}", body, path);
                prop_assert!(found.is_none() || found == by_document(document.root(), path), "{} {:?}", body, path);
            }
        }
    }
}
