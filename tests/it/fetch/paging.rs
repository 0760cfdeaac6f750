//! One conformance test for every way to page: it ends, leaves no gap, repeats nothing, asks as it should.

use serde_json::{Map, Value, json};
use tidemill::fetch::{Body, Cursor, Located, Paginator, PagingError, Request, document, locate, records};
use tidemill::job::{Paging, Pointer};
use url::Url;

use super::given::{get, own};

pub(crate) fn paging(table: &str) -> Paging {
    own(&format!("[provider.own.paging]\n{table}")).paging
}

pub(crate) fn base() -> Url {
    Url::parse("https://api.own.test/v1").unwrap()
}

/// What a request carries under `name`, wherever its parameters are.
pub(crate) fn parameter(request: &Request, name: &str) -> Option<String> {
    let found: Vec<String> = match &request.body {
        Body::Json(Value::Object(object)) => object
            .get(name)
            .map(|value| value.as_str().map_or_else(|| value.to_string(), str::to_owned))
            .into_iter()
            .chain(pairs(&request.query, name))
            .collect(),
        Body::Form(fields) => pairs(fields, name).chain(pairs(&request.query, name)).collect(),
        Body::None | Body::Json(_) => pairs(&request.query, name).collect(),
    };
    assert!(found.len() <= 1, "`{name}` stands more than once: {request:?}");
    found.into_iter().next()
}

fn pairs<'a>(pairs: &'a [(String, String)], name: &'a str) -> impl Iterator<Item = String> + 'a {
    pairs.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.clone())
}

/// Follows the pages that `server` answers with, records below `/data`, and gives the ids received. The cursor goes
/// through its text after each page, as it does when a run is resumed.
pub(crate) fn walk(
    paging: &Paging,
    first: &Request,
    server: &mut dyn FnMut(&Request) -> Value,
) -> Result<Vec<u64>, PagingError> {
    let base = base();
    let mut paginator = Paginator::new(paging, &base);
    let (mut cursor, mut ids, mut page) = (None::<Cursor>, Vec::new(), 0);
    loop {
        assert!(page < 300, "it goes on for ever");
        let request = paginator.request(first, cursor.as_ref())?;
        assert_eq!(request.next_page, page > 0);
        let body = server(&request).to_string();
        let answer = document(body.as_bytes(), 9).unwrap();
        let at = Pointer::parse("/data");
        let found = match locate(answer.root(), &at).unwrap() {
            Located::Value(list) => records(list, None, || at.clone()).unwrap(),
            Located::Null | Located::Missing(_) => Vec::new(),
        };
        let advance = paginator.advance(answer.root(), &found, cursor.as_ref(), page, ids.len() as u64)?;
        ids.extend(
            found.iter().map(|record| serde_json::from_str::<Value>(record.raw()).unwrap()["id"].as_u64().unwrap()),
        );
        page += 1;
        let Some(next) = advance.next else { return Ok(ids) };
        let read_back = Cursor::from_text(&next.to_text()).unwrap();
        assert_eq!(read_back, next);
        cursor = Some(read_back);
    }
}

/// A table of `count` records that gives at most `most` a page.
struct Table {
    count: u64,
    most: u64,
    first_page: u64,
}

impl Table {
    fn answer(&self, request: &Request) -> Value {
        let number = |name: &str| parameter(request, name).map(|text| text.parse::<u64>().unwrap());
        let size = number("limit").unwrap_or(self.most).min(self.most);
        let start = match (number("page"), number("offset"), parameter(request, "cursor"), parameter(request, "at")) {
            (Some(page), ..) => (page - self.first_page) * size,
            (_, Some(offset), ..) => offset,
            (_, _, Some(cursor), _) => cursor.strip_prefix("c-").unwrap().parse().unwrap(),
            (.., Some(at)) => at.parse().unwrap(),
            (None, None, None, None) => 0,
        };
        let end = (start + size).min(self.count);
        let data: Vec<Value> = (start..end).map(|id| json!({ "id": id })).collect();
        let more = end < self.count;
        let next = if more { json!({ "cursor": format!("c-{end}"), "task": 7 }) } else { Value::Null };
        let links = |link: String| if more { Value::from(link) } else { Value::Null };
        json!({
            "data": data, "total": self.count, "total_text": self.count.to_string(), "more": more,
            "more_number": u8::from(more), "next": next,
            "last_is_empty": if more { format!("c-{end}") } else { String::new() },
            "always": format!("c-{end}"),
            "absolute": links(format!("https://api.own.test/v1/items?at={end}&limit={size}")),
            "of_host": links(format!("/v1/items?at={end}")),
            "of_query": links(format!("?at={end}")),
            "of_folder": links(format!("items?at={end}")),
        })
    }
}

/// The kinds, and whether the page size the provider keeps may be below the one asked for.
const KINDS: &[(&str, bool)] = &[
    ("kind = \"page\"\npage = \"page\"\nsize = \"limit\"\npage_size = 3", false),
    ("kind = \"page\"\npage = \"page\"\nsize = \"limit\"\npage_size = 3\ntotal = \"/total\"", true),
    ("kind = \"page\"\npage = \"page\"\nsize = \"limit\"\npage_size = 3\nhas_more = \"/more\"", true),
    ("kind = \"page\"\npage = \"page\"\nsize = \"limit\"\npage_size = 3\nhas_more = \"/more_number\"", true),
    ("kind = \"page\"\npage = \"page\"\nfirst = 0\nsize = \"limit\"\npage_size = 3\ntotal = \"/total_text\"", true),
    ("kind = \"offset\"\noffset = \"offset\"\nlimit = \"limit\"\npage_size = 3", false),
    ("kind = \"offset\"\noffset = \"offset\"\nlimit = \"limit\"\npage_size = 3\ntotal = \"/total\"", true),
    ("kind = \"offset\"\noffset = \"offset\"\nlimit = \"limit\"\npage_size = 3\ntotal = \"/total_text\"", true),
    ("kind = \"cursor\"\nfields = { cursor = \"/next/cursor\" }", true),
    ("kind = \"cursor\"\nfields = { cursor = \"/next/cursor\", task = \"/next/task\" }", true),
    ("kind = \"cursor\"\nfields = { cursor = \"/last_is_empty\" }", true),
    ("kind = \"cursor\"\nfields = { cursor = \"/always\" }\nhas_more = \"/more\"", true),
    (
        "kind = \"cursor\"\nfields = { cursor = \"/next/cursor\" }\nnext = { path = \"/next\", query = { cursor = \
         \"{cursor}\" } }",
        true,
    ),
    (
        "kind = \"cursor\"\nfields = { cursor = \"/next/cursor\" }\nnext = { method = \"POST\", path = \"/next\", json = \
         { cursor = \"{cursor}\" } }",
        true,
    ),
    ("kind = \"next_url\"\nurl = \"/absolute\"", true),
    ("kind = \"next_url\"\nurl = \"/of_host\"", true),
    ("kind = \"next_url\"\nurl = \"/of_query\"", true),
    ("kind = \"next_url\"\nurl = \"/of_folder\"", true),
];

/// The same request with its own parameter in the query, in a JSON body and in a form.
fn requests() -> [Request; 3] {
    let (mut query, mut json, mut form) = (get("/items"), get("/items"), get("/items"));
    let own = ("market".to_owned(), "US".to_owned());
    query.query.push(own.clone());
    json.body = Body::Json(json!({ "market": "US" }));
    form.body = Body::Form(vec![own]);
    [query, json, form]
}

#[test]
fn every_kind_ends_without_gap_or_repetition() {
    for (table, may_give_less) in KINDS {
        let paging = paging(table);
        let first_page = if table.contains("first = 0") { 0 } else { 1 };
        let position = match paging {
            Paging::Page { .. } => Some("page"),
            Paging::Offset { .. } => Some("offset"),
            Paging::None | Paging::Cursor { .. } | Paging::NextUrl { .. } => None,
        };
        let is_link = matches!(paging, Paging::NextUrl { .. });
        for (mut first, kind) in requests().into_iter().zip(["query", "json", "form"]) {
            // A position that the job wrote itself is replaced.
            if kind == "json"
                && let Some(name) = position
            {
                first.set_parameter(name, &json!(999));
            }
            for count in 0..=13 {
                for most in if *may_give_less { 1..=5 } else { 3..=5 } {
                    let server = Table { count, most, first_page };
                    let ids = walk(&paging, &first, &mut |request| {
                        let follows = request.next_page && (is_link || request.path == "/next");
                        assert!(follows || parameter(request, "market").as_deref() == Some("US"), "{request:?}");
                        server.answer(request)
                    });
                    let wanted: Vec<u64> = (0..count).collect();
                    assert_eq!(ids.unwrap(), wanted, "{table}, {kind}, {count} records, {most} a page");
                }
            }
        }
    }
}

/// Without paging the first page is all, and nothing is added to the request.
#[test]
fn one_page_is_all_where_none_is_declared() {
    let first = get("/items");
    let ids = walk(&Paging::None, &first, &mut |request| {
        assert_eq!(request, &first);
        json!({ "data": [{ "id": 0 }, { "id": 1 }], "total": 9, "next": "c-2" })
    });
    assert_eq!(ids.unwrap(), [0, 1]);
}

#[test]
fn parameters_go_where_the_requests_own_are() {
    let paging = paging("kind = \"offset\"\noffset = \"offset\"\nlimit = \"limit\"\npage_size = 3");
    let base = base();
    let paginator = Paginator::new(&paging, &base);
    let asked = requests().map(|first| {
        let request = paginator.request(&first, Some(&Cursor::from_text("{\"offset\":6}").unwrap())).unwrap();
        let body = match &request.body {
            Body::None => Value::Null,
            Body::Json(value) => value.clone(),
            Body::Form(fields) => json!(fields),
        };
        format!("{request} {body}")
    });
    assert_eq!(
        asked,
        [
            "GET /items?market=US&limit=3&offset=6 null",
            r#"GET /items {"market":"US","limit":3,"offset":6}"#,
            r#"GET /items [["market","US"],["limit","3"],["offset","6"]]"#,
        ]
    );
}

#[test]
fn a_request_for_the_next_page_is_its_own() {
    let paging = paging(
        "kind = \"cursor\"\nfields = { taskId = \"/next/taskId\", pageKey = \"/next/pageKey\" }\nnext = { path = \
         \"/common/{taskId}\", query = { pageKey = \"{pageKey}\" } }",
    );
    let mut first = get("/app/rank");
    first.method = http::Method::POST;
    first.headers.push(("x-of-the-first".into(), "1".into()));
    first.body = Body::Json(Value::Object(Map::new()));
    let base = base();
    let cursor = Cursor::from_text(r#"{"taskId":"a/../b c","pageKey":"2&x=1"}"#).unwrap();
    let next = Paginator::new(&paging, &base).request(&first, Some(&cursor)).unwrap();
    assert_eq!(next.method, http::Method::GET);
    assert_eq!(next.path, "/common/a%2F..%2Fb%20c");
    assert_eq!(next.query, [("pageKey".to_owned(), "2&x=1".to_owned())]);
    assert_eq!((&next.body, next.next_page), (&Body::None, true));
    let dots = Cursor::from_text(r#"{"taskId":"..","pageKey":"2"}"#).unwrap();
    assert!(Paginator::new(&paging, &base).request(&first, Some(&dots)).is_err());
}
