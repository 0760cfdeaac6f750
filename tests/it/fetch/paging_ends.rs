//! How a page says that it was the last, and what is no way to page at all.

use serde_json::{Value, json};
use tidemill::fetch::{Cursor, Paginator, document, locate, records};
use tidemill::job::Pointer;

use super::given::get;
use super::paging::{base, paging, walk};

const PAGE: &str = "kind = \"page\"\npage = \"page\"\npage_size = 2";
const PAGE_TOTAL: &str = "kind = \"page\"\npage = \"page\"\npage_size = 2\ntotal = \"/total\"";
const PAGE_MORE: &str = "kind = \"page\"\npage = \"page\"\npage_size = 2\nhas_more = \"/more\"";
const OFFSET: &str = "kind = \"offset\"\noffset = \"offset\"\nlimit = \"limit\"\npage_size = 2";
const OFFSET_TOTAL: &str =
    "kind = \"offset\"\noffset = \"offset\"\nlimit = \"limit\"\npage_size = 2\ntotal = \"/total\"";
const CURSOR: &str = "kind = \"cursor\"\nfields = { c = \"/next/c\" }";
const CURSOR_MORE: &str = "kind = \"cursor\"\nfields = { c = \"/next/c\" }\nhas_more = \"/more\"";
const CURSOR_ABSENT: &str = "kind = \"cursor\"\nfields = { c = \"/next/c\" }\nabsent_ends = true";
const LINK: &str = "kind = \"next_url\"\nurl = \"/next\"";

/// What follows the page `body`, the second of its cell after two records.
fn after(table: &str, body: &str) -> String {
    at_page(table, body, 1)
}

fn at_page(table: &str, body: &str, page: u32) -> String {
    let (paging, base) = (paging(table), base());
    let mut paginator = Paginator::new(&paging, &base);
    let answer = document(body.as_bytes(), 9).unwrap();
    let at = Pointer::parse("/data");
    let found = match locate(answer.root(), &at).unwrap() {
        tidemill::fetch::Located::Value(list) => records(list, None, || at.clone()).unwrap(),
        tidemill::fetch::Located::Null | tidemill::fetch::Located::Missing(_) => Vec::new(),
    };
    match paginator.advance(answer.root(), &found, None, page, u64::from(page) * 2) {
        Ok(advance) => advance.next.map_or_else(|| "end".to_owned(), |next| next.to_text()),
        Err(error) => error.to_string(),
    }
}

#[test]
fn ends() {
    let whole = "should hold a whole number of records, found";
    let table: &[(&str, &str, &str)] = &[
        (PAGE, r#"{"data":[{},{}]}"#, r#"{"page":2}"#),
        (PAGE, r#"{"data":[{},{},{}]}"#, r#"{"page":2}"#),
        (PAGE, r#"{"data":[{}]}"#, "end"),
        (PAGE, r#"{"data":[]}"#, "end"),
        (PAGE, r#"{"data":null}"#, "end"),
        (PAGE_TOTAL, r#"{"data":[{}],"total":4}"#, r#"{"page":2}"#),
        (PAGE_TOTAL, r#"{"data":[{},{}],"total":4}"#, "end"),
        (PAGE_TOTAL, r#"{"data":[],"total":4}"#, "end"),
        (PAGE_MORE, r#"{"data":[{}],"more":true}"#, r#"{"page":2}"#),
        (PAGE_MORE, r#"{"data":[{},{}],"more":false}"#, "end"),
        (PAGE_MORE, r#"{"data":[{},{}],"more":"0"}"#, "end"),
        (PAGE_MORE, r#"{"data":[],"more":true}"#, "end"),
        // A flag that is not there says nothing; only a short page may then end.
        (PAGE_MORE, r#"{"data":[{},{}]}"#, r#"{"page":2}"#),
        (PAGE_MORE, r#"{"data":[{},{}],"more":null}"#, r#"{"page":2}"#),
        (PAGE_MORE, r#"{"data":[{}]}"#, "end"),
        (PAGE_MORE, r#"{"data":[{}],"more":"yes"}"#, "`/more` should hold true or false, found \"yes\""),
        (OFFSET, r#"{"data":[{},{}]}"#, r#"{"offset":4}"#),
        (OFFSET, r#"{"data":[{},{},{}]}"#, r#"{"offset":5}"#),
        (OFFSET, r#"{"data":[{}]}"#, "end"),
        // The offset advances by records received; with a total only the total or an empty page ends.
        (OFFSET_TOTAL, r#"{"data":[{}],"total":9}"#, r#"{"offset":3}"#),
        (OFFSET_TOTAL, r#"{"data":[{}],"total":"9"}"#, r#"{"offset":3}"#),
        (OFFSET_TOTAL, r#"{"data":[{}],"total":9.0}"#, r#"{"offset":3}"#),
        (OFFSET_TOTAL, r#"{"data":[{}],"total":1e18}"#, r#"{"offset":3}"#),
        (OFFSET_TOTAL, r#"{"data":[{}],"total":3}"#, "end"),
        (OFFSET_TOTAL, r#"{"data":[{},{}],"total":1}"#, "end"),
        (OFFSET_TOTAL, r#"{"data":[],"total":9}"#, "end"),
        (OFFSET_TOTAL, r#"{"data":[{},{}]}"#, r#"{"offset":4}"#),
        (OFFSET_TOTAL, r#"{"data":[{},{}],"total":null}"#, r#"{"offset":4}"#),
        (OFFSET_TOTAL, r#"{"data":[{}]}"#, "end"),
        (OFFSET_TOTAL, r#"{"data":[{}],"total":-1}"#, &format!("`/total` {whole} -1")),
        (OFFSET_TOTAL, r#"{"data":[{}],"total":9.5}"#, &format!("`/total` {whole} 9.5")),
        (OFFSET_TOTAL, r#"{"data":[{}],"total":1e30}"#, &format!("`/total` {whole} 1e30")),
        (OFFSET_TOTAL, r#"{"data":[{}],"total":"many"}"#, &format!("`/total` {whole} \"many\"")),
        (OFFSET_TOTAL, r#"{"data":[{}],"total":[9]}"#, &format!("`/total` {whole} [9]")),
        (CURSOR, r#"{"data":[],"next":{"c":"x"}}"#, r#"{"c":"x"}"#),
        (CURSOR, r#"{"data":[{}],"next":null}"#, "end"),
        (CURSOR, r#"{"data":[{}],"next":{}}"#, "end"),
        (CURSOR, r#"{"data":[{}],"next":[]}"#, "end"),
        (CURSOR, r#"{"data":[{}],"next":""}"#, "end"),
        (CURSOR, r#"{"data":[{}]}"#, "end"),
        (CURSOR, r#"{"data":[{}],"next":{"c":null}}"#, "end"),
        (CURSOR, r#"{"data":[{}],"next":{"c":""}}"#, "end"),
        (CURSOR, r#"{"data":[{}],"next":{"c":false}}"#, "end"),
        (CURSOR, r#"{"data":[{}],"next":{"c":0}}"#, r#"{"c":0}"#),
        (CURSOR, r#"{"data":[{}],"next":{"c":true}}"#, "`/next/c` should hold text or a number, found true"),
        (CURSOR, r#"{"data":[{}],"next":{"c":{"a":1}}}"#, "`/next/c` should hold text or a number, found {\"a\":1}"),
        (CURSOR_MORE, r#"{"data":[{}],"next":{"c":"x"},"more":false}"#, "end"),
        (CURSOR_MORE, r#"{"data":[{}],"next":{"c":"x"},"more":true}"#, r#"{"c":"x"}"#),
        (CURSOR_MORE, r#"{"data":[{}],"next":{"c":"x"}}"#, r#"{"c":"x"}"#),
        (
            CURSOR_MORE,
            r#"{"data":[{}],"more":true}"#,
            "the provider says that there is more, but `/next/c` does not tell where",
        ),
        (LINK, r#"{"data":[],"next":"/p2"}"#, r#"{"url":"/p2"}"#),
        (LINK, r#"{"data":[{}],"next":null}"#, "end"),
        (LINK, r#"{"data":[{}],"next":""}"#, "end"),
        (LINK, r#"{"data":[{}]}"#, "end"),
        (LINK, r#"{"data":[{}],"next":2}"#, "`/next` should hold a link, found 2"),
        (LINK, r#"{"data":[{}],"next":["/p2"]}"#, "`/next` should hold text or a number, found [\"/p2\"]"),
    ];
    for (kind, body, expected) in table {
        assert_eq!(after(kind, body), *expected, "{kind}\n{body}");
    }
}

/// Digits survive the way from one answer to the next request.
#[test]
fn a_cursor_keeps_its_digits() {
    let (paging, base) = (paging(CURSOR), base());
    for (sent, asked) in [
        ("9007199254740993", "9007199254740993"),
        ("18446744073709551615", "18446744073709551615"),
        ("18446744073709551616", "18446744073709551616"),
        ("-9223372036854775809", "-9223372036854775809"),
        ("123456789012345678901234567890", "123456789012345678901234567890"),
        ("1.10", "1.10"),
        ("\"007\"", "007"),
        ("\"a\\u4e2d+ &\"", "a中+ &"),
    ] {
        let body = format!(r#"{{"data":[],"next":{{"c":{sent}}}}}"#);
        let mut paginator = Paginator::new(&paging, &base);
        let next =
            paginator.advance(document(body.as_bytes(), 9).unwrap().root(), &[], None, 0, 0).unwrap().next.unwrap();
        let kept = Cursor::from_text(&next.to_text()).unwrap();
        let first = get("/items");
        let request = paginator.request(&first, Some(&kept)).unwrap();
        assert_eq!(request.query, [("c".to_owned(), asked.to_owned())], "{sent}");
    }
    assert!(Cursor::from_text("[1]").is_err());
}

/// What `walk` says about a provider that answers with `pages` in turn, the last one for ever.
fn told(table: &str, pages: &[Value]) -> (String, usize) {
    let mut asked = 0;
    let result = walk(&paging(table), &get("/items"), &mut |_| {
        asked += 1;
        pages[(asked - 1).min(pages.len() - 1)].clone()
    });
    (result.map_or_else(|error| error.to_string(), |ids| format!("{ids:?}")), asked)
}

/// A path that leads nowhere looks like the end of every cell after its first page: that proves nothing.
#[test]
fn a_first_page_must_show_that_the_path_is_right() {
    let absent = |at: &str| {
        format!(
            "the first page has nothing at `{at}`, where the next page should be told: mend `[paging]`, or write \
             `absent_ends = true` there if this provider leaves it out of an answer of one page"
        )
    };
    let table = [
        (CURSOR, r#"{"data":[{}]}"#, absent("/next/c")),
        (CURSOR, r#"{"data":[{}],"next":{}}"#, absent("/next/c")),
        (CURSOR, r#"{"data":[{}],"next":null}"#, "end".to_owned()),
        (CURSOR, r#"{"data":[]}"#, "end".to_owned()),
        (CURSOR_ABSENT, r#"{"data":[{}]}"#, "end".to_owned()),
        (CURSOR_MORE, r#"{"data":[{}],"more":false}"#, "end".to_owned()),
        (CURSOR_MORE, r#"{"data":[{}]}"#, absent("/next/c")),
        (LINK, r#"{"data":[{}]}"#, absent("/next")),
        (LINK, r#"{"data":[{}],"next":""}"#, "end".to_owned()),
    ];
    for (paging, body, due) in table {
        assert_eq!(at_page(paging, body, 0), due, "{paging}\n{body}");
    }
}

#[test]
fn what_never_ends_fails() {
    let page = |id: u64, next: &str| json!({ "data": [{ "id": id }], "next": { "c": next } });
    let twice = |cursor: &str| format!("the provider sent the cursor `{cursor}` twice: following it would never end");
    let same = |page: u32| {
        format!(
            "page {page} holds the same records as a page before it: the provider seems to ignore the paging parameters"
        )
    };
    let cases = [
        (CURSOR, vec![page(1, "A"), page(2, "A")], twice(r#"{"c":"A"}"#), 2),
        (CURSOR, vec![page(1, "A"), page(2, "B"), page(3, "A")], twice(r#"{"c":"A"}"#), 3),
        // Equal records behind cursors that differ are the provider's own affair.
        (CURSOR, vec![page(1, "A"), page(1, "B"), json!({ "data": [] })], "[1, 1]".into(), 3),
        (LINK, vec![json!({ "data": [], "next": "?p=2" })], twice(r#"{"url":"?p=2"}"#), 2),
        (OFFSET_TOTAL, vec![json!({ "data": [{ "id": 1 }], "total": 9 })], same(1), 2),
        (PAGE_MORE, vec![json!({ "data": [{ "id": 1 }], "more": true })], same(1), 2),
        (
            PAGE_MORE,
            vec![
                json!({ "data": [{ "id": 1 }], "more": true }),
                json!({ "data": [{ "id": 2 }], "more": true }),
                json!({ "data": [{ "id": 1 }], "more": true }),
            ],
            same(2),
            3,
        ),
        // The last page may equal one before it: it ends anyway.
        (OFFSET_TOTAL, vec![json!({ "data": [{ "id": 1 }], "total": 2 })], "[1, 1]".into(), 2),
    ];
    for (table, pages, message, asked) in cases {
        assert_eq!(told(table, &pages), (message, asked), "{table}");
    }
}

/// A resumed cell knows no page but the one its cursor names.
#[test]
fn a_resumed_cell_sees_a_cursor_that_leads_to_itself() {
    let (paging, base) = (paging(CURSOR), base());
    let at = Cursor::from_text(r#"{"c":"A"}"#).unwrap();
    let answer = document(br#"{"data":[{}],"next":{"c":"A"}}"#, 9).unwrap();
    let error = Paginator::new(&paging, &base).advance(answer.root(), &[], Some(&at), 4, 8).unwrap_err();
    assert_eq!(error.to_string(), "the provider sent the cursor `{\"c\":\"A\"}` twice: following it would never end");
}
