//! Values are found in a body without building it, and a body that is not one is refused.

use tidemill::fetch::{Located, document, locate};
use tidemill::job::Pointer;

/// What stands at `path` in `body`.
fn at(body: &str, path: &str) -> String {
    let path = Pointer::parse(path);
    let body = match document(body.as_bytes(), path.0.len()) {
        Ok(body) => body,
        Err(error) => return error.to_string(),
    };
    match locate(body.root(), &path) {
        Ok(Located::Value(value)) => value.raw().to_owned(),
        Ok(Located::Null) => "null".into(),
        Ok(Located::Missing(gap)) => format!("no {} beside {:?}", gap.at(&path), gap.have()),
        Err(error) => error.to_string(),
    }
}

#[test]
fn paths() {
    for (body, path, expected) in [
        (r#" {"a": {"b" : [1, 2]}} "#, "", r#"{"a": {"b" : [1, 2]}}"#),
        (r#"{"a":{"b":[1,{"c": 9007199254740993 }]}}"#, "/a/b/1/c", "9007199254740993"),
        (r#"{"a":{"b":1}}"#, "a.b", "1"),
        (r#"{"a/b":{"~":1}}"#, "/a~1b/~0", "1"),
        (r#"{"":{"":1}}"#, "//", "1"),
        (r#"{"\u0061":1}"#, "/a", "1"),
        (r#"{"中":1.50}"#, "/中", "1.50"),
        ("[[1],[2,3]]", "/1/1", "3"),
        ("[1]", "/1", "no /1 beside []"),
        ("[1]", "/-1", "no /-1 beside []"),
        ("[1]", "/a", "no /a beside []"),
        ("null", "", "null"),
        ("null", "/a/b", "null"),
        (r#"{"a":null}"#, "/a", "null"),
        (r#"{"a":null}"#, "/a/b/c", "null"),
        (r#"{"a":{"x":1,"y":2}}"#, "/a/b/c", r#"no /a/b beside ["x", "y"]"#),
        (r#"{"a":"text"}"#, "/a/b", "no /a/b beside []"),
        (r#"{"a":1}"#, "/a/b", "no /a/b beside []"),
        (r#"{"a":-1}"#, "/a/b", "no /a/b beside []"),
        (r#"{"a":1.5}"#, "/a/b", "no /a/b beside []"),
        (r#"{"a":true}"#, "/a/b", "no /a/b beside []"),
        // The same key twice could be read either way; beside the way it harms nobody here.
        (r#"{"a":1,"a":2}"#, "/a", "the body is not JSON: the key `a` stands twice in one object"),
        (r#"{"a":1,"b":2,"b":3}"#, "/a", "the body is not JSON: the key `b` stands twice in one object"),
        (r#"{"a":1,"\u0061":2}"#, "/a", "the body is not JSON: the key `a` stands twice in one object"),
        (r#"{"a":1,"b":{"c":1,"c":2}}"#, "/a", "1"),
    ] {
        assert_eq!(at(body, path), expected, "{body} {path}");
    }
}

#[test]
fn what_is_no_document_is_refused() {
    for body in [
        b"".as_slice(),
        b" \n",
        b"<html>",
        b"{\"a\":1",
        b"{\"a\":1}}",
        b"{\"a\":1} {\"a\":2}",
        b"{\"a\":1},",
        b"[1] x",
        b"1 2",
        b"{'a':1}",
        b"{\"a\":NaN}",
        b"{\"a\":01}",
        b"[1,]",
        b"\"a\nb\"",
        b"{\"a\":\"\xff\"}",
        b"{\"a\":\"\xed\xa0\x80\"}",
        b"{\"\xc3\":1}",
        b"\0",
    ] {
        let shown = String::from_utf8_lossy(body);
        let error = document(body, 9).unwrap_err().to_string();
        assert!(error.starts_with("the body is not JSON: "), "{shown}: {error}");
    }
    for body in ["1", "\"x\"", "null", "[]", "\n{\"a\":1}\r\n"] {
        assert_eq!(document(body.as_bytes(), 0).unwrap().root().raw(), body.trim());
    }
}

/// A body that is all brackets costs no stack.
#[test]
fn deep_nesting_is_walked_and_skipped() {
    let depth = 200_000;
    let deep = format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
    let body = format!(r#"{{"skipped":{deep},"a":{{"b":7}},"kept":{deep}}}"#);
    assert_eq!(at(&body, "/a/b"), "7");
    assert_eq!(at(&body, "/kept").len(), deep.len());
    assert_eq!(at(&body, "/kept/0/0/0").len(), deep.len() - 6);
    let objects = format!("{}1{}", r#"{"a":"#.repeat(1000), "}".repeat(1000));
    assert_eq!(at(&objects, &"/a".repeat(1000)), "1");
}

#[test]
fn types_have_names() {
    for (body, name) in [
        ("{}", "an object"),
        ("[]", "a list"),
        ("\"\"", "a string"),
        ("true", "a boolean"),
        ("false", "a boolean"),
        ("null", "null"),
        ("-1", "a number"),
        ("0", "a number"),
    ] {
        assert_eq!(document(body.as_bytes(), 0).unwrap().root().type_name(), name, "{body}");
    }
}
