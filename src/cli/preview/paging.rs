//! What the first pages say of the way from page to page: whether the declared one works, or what the answer looks like
//! when none is declared. Pure.

use serde_json::Value;

use crate::job::{Paging, Pointer};

/// Keys that hold where the next page starts, without case, `_` and `-`.
const CURSORS: [&str; 16] = [
    "next",
    "nextcursor",
    "cursor",
    "endcursor",
    "nextpage",
    "nextpagetoken",
    "pagetoken",
    "nexttoken",
    "continuation",
    "continuationtoken",
    "scrollid",
    "pagekey",
    "after",
    "nexturl",
    "nextlink",
    "marker",
];
const FLAGS: [&str; 6] = ["hasmore", "hasnext", "hasnextpage", "more", "ismore", "havemore"];
const TOTALS: [&str; 10] = [
    "total",
    "totalcount",
    "count",
    "totalrecords",
    "totalitems",
    "totalnum",
    "totalresults",
    "recordcount",
    "totalsize",
    "totalrows",
];
const PAGES: [&str; 5] = ["totalpages", "pages", "pagecount", "lastpage", "totalpage"];

/// A page that came: its whole answer, and its records if they were found.
#[derive(Debug, Clone, Copy)]
pub(super) struct Came<'a> {
    /// The answer.
    pub(super) body: &'a Value,
    /// The records on it, as they are written.
    pub(super) records: &'a [String],
}

/// How the way ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// The last page said that there is no more.
    Ended,
    /// More would have come, but no further call was to be made.
    Cut,
    /// A further page was asked for, and did not come.
    Refused,
    /// The first page itself was not taken, so no further one was asked for.
    Broken,
}

/// One line on the way from page to page.
pub(super) fn judge(paging: &Paging, at: &Pointer, pages: &[Came<'_>], way: Way) -> String {
    let declared = declared(paging);
    let [first, others @ ..] = pages else { return format!("{declared}; no page came") };
    if let Some(number) = (2..).zip(others).find(|(_, page)| same(first, page)).map(|(number, _)| number) {
        return format!("{declared}; page {number} is the same as page 1: the paging parameters are ignored");
    }
    let came = match others.len() {
        0 => None,
        1 => Some("page 2 came".to_owned()),
        more => Some(format!("pages 2 to {} came", more + 1)),
    };
    match (paging, came, way) {
        (Paging::None, ..) => format!("{declared}; {}", looks_like(first, at)),
        (_, Some(came), Way::Ended) => format!("{declared}; {came}, and is the last"),
        (_, Some(came), Way::Cut) => format!("{declared}; {came}"),
        (_, Some(came), Way::Refused | Way::Broken) => format!("{declared}; {came}, the next one did not"),
        (_, None, Way::Ended) => format!("{declared}; the first page is the last"),
        (_, None, Way::Cut) => format!("{declared}; page 2 was not asked for"),
        (_, None, Way::Refused) => format!("{declared}; page 2 did not come"),
        (_, None, Way::Broken) if is_told(paging, first.body) => format!("{declared}; page 2 was not asked for"),
        (_, None, Way::Broken) => format!("{declared}; page 2 was not asked for; {}", looks_like(first, at)),
    }
}

/// Whether an answer has anything where the declared way looks.
fn is_told(paging: &Paging, body: &Value) -> bool {
    paging.pointers().any(|at| body.pointer(&at.to_string()).is_some())
}

fn same(first: &Came<'_>, other: &Came<'_>) -> bool {
    !first.records.is_empty() && first.records == other.records
}

/// The way as it is declared.
fn declared(paging: &Paging) -> String {
    match paging {
        Paging::None => "no paging declared".to_owned(),
        Paging::Page { page, first, page_size, .. } => format!("page: `{page}` from {first}, {page_size} records each"),
        Paging::Offset { offset, limit, page_size, .. } => {
            format!("offset: `{offset}` and `{limit}`, {page_size} records each")
        }
        Paging::Cursor { fields, .. } => format!("cursor: {}", cursor(fields)),
        Paging::NextUrl { url, .. } => format!("next_url: `{url}`"),
    }
}

/// `taskId` and `pageKey` of `/data/next`, where all stand in one object under their own names.
fn cursor(fields: &[(String, Pointer)]) -> String {
    let above = |(name, at): &(String, Pointer)| {
        at.0.split_last().filter(|(last, _)| *last == name).map(|(_, above)| above.to_vec())
    };
    let mut aboves = fields.iter().map(above);
    let shared = aboves.next().flatten().filter(|first| aboves.all(|above| above.as_ref() == Some(first)));
    let names: Vec<String> = fields.iter().map(|(name, _)| format!("`{name}`")).collect();
    match shared {
        Some(above) if !above.is_empty() => format!("{} of `{}`", and(&names), Pointer(above)),
        _ => and(&fields.iter().map(|(name, at)| format!("`{name}` from `{at}`")).collect::<Vec<_>>()),
    }
}

fn and(words: &[String]) -> String {
    match words.split_last() {
        Some((last, others)) if !others.is_empty() => format!("{} and {last}", others.join(", ")),
        Some((only, _)) => only.clone(),
        None => "nothing".to_owned(),
    }
}

/// What an answer says of further pages beside its records.
fn looks_like(page: &Came<'_>, at: &Pointer) -> String {
    let mut found = Vec::new();
    scan(page.body, &mut Vec::new(), at, &mut found);
    let count = page.records.len() as u64;
    let beyond = |value: &Value, least: u64| value.as_u64().is_some_and(|number| number > least);
    let mut says = found.iter().filter_map(|(at, key, value)| {
        let is_one_of = |words: &[&str]| words.contains(&key.as_str());
        let is_link = value.as_str().is_some_and(|text| text.starts_with("http") || text.starts_with('/'));
        let said = match value {
            _ if is_one_of(&CURSORS) && is_link => (0, format!("a link to the next page at `{at}`")),
            Value::String(_) | Value::Number(_) | Value::Object(_) if is_one_of(&CURSORS) => {
                (1, format!("a cursor at `{at}`"))
            }
            Value::Bool(true) if is_one_of(&FLAGS) => (2, format!("more pages: `{at}` is true")),
            Value::Number(total) if is_one_of(&TOTALS) && beyond(value, count) => {
                (3, format!("more pages: `{at}` is {total}, and {count} records came"))
            }
            Value::Number(pages) if is_one_of(&PAGES) && beyond(value, 1) => {
                (4, format!("more pages: `{at}` is {pages}"))
            }
            _ => return None,
        };
        Some(said)
    });
    let first = says.next();
    match says.fold(first, |best, next| best.filter(|best| best.0 <= next.0).or(Some(next))) {
        Some((_, what)) => format!("the answer looks like it has {what}"),
        None => "nothing in the answer looks like more pages".to_owned(),
    }
}

/// Every key that holds something outside of the records: its path, its plain spelling, its value.
fn scan<'a>(value: &'a Value, way: &mut Vec<String>, records: &Pointer, found: &mut Vec<(Pointer, String, &'a Value)>) {
    let Some(object) = value.as_object() else { return };
    for (key, value) in object {
        way.push(key.clone());
        let is_hollow = match value {
            Value::Null | Value::Bool(false) => true,
            Value::String(text) => text.is_empty(),
            Value::Object(object) => object.is_empty() || object.values().all(Value::is_null),
            Value::Array(_) | Value::Bool(true) | Value::Number(_) => false,
        };
        if *way != records.0 && !is_hollow && way.len() < 6 {
            let plain = key.to_lowercase().replace(['_', '-'], "");
            found.push((Pointer(way.clone()), plain, value));
            scan(value, way, records, found);
        }
        way.pop();
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn page(paging: &str) -> Paging {
        let (at, total) = (Pointer::parse("/data/next"), None);
        match paging {
            "page" => Paging::Page {
                page: "p".into(),
                first: 1,
                size: None,
                page_size: 2,
                total,
                has_more: None,
                parallel_pages: 1,
            },
            "offset" => {
                Paging::Offset { offset: "o".into(), limit: "l".into(), page_size: 2, total, parallel_pages: 1 }
            }
            "cursor" => {
                let field = |name: &str| (name.to_owned(), at.join(&Pointer::parse(name)));
                let fields = vec![field("taskId"), field("pageKey")];
                Paging::Cursor { fields, has_more: None, next: None, absent_ends: true }
            }
            "renamed" => {
                let fields = vec![("after".to_owned(), at)];
                Paging::Cursor { fields, has_more: None, next: None, absent_ends: true }
            }
            "link" => Paging::NextUrl { url: at, absent_ends: true },
            _ => Paging::None,
        }
    }

    #[test]
    fn the_declared_way() {
        let (one, two) = (json!({ "rows": [{ "a": 1 }] }), json!({ "rows": [{ "a": 2 }] }));
        let came = |body: &'static str| match body {
            "one" => one.clone(),
            _ => two.clone(),
        };
        for (paging, bodies, way, expected) in [
            ("cursor", "", Way::Broken, "cursor: `taskId` and `pageKey` of `/data/next`; no page came"),
            ("cursor", "one two", Way::Cut, "cursor: `taskId` and `pageKey` of `/data/next`; page 2 came"),
            ("renamed", "one two", Way::Ended, "cursor: `after` from `/data/next`; page 2 came, and is the last"),
            ("link", "one two two", Way::Broken, "next_url: `/data/next`; pages 2 to 3 came, the next one did not"),
            ("page", "one", Way::Ended, "page: `p` from 1, 2 records each; the first page is the last"),
            ("offset", "one", Way::Cut, "offset: `o` and `l`, 2 records each; page 2 was not asked for"),
            (
                "page",
                "one one",
                Way::Broken,
                "page: `p` from 1, 2 records each; page 2 is the same as page 1: the paging parameters are ignored",
            ),
            (
                "cursor",
                "one",
                Way::Broken,
                "cursor: `taskId` and `pageKey` of `/data/next`; page 2 was not asked for; nothing in the answer looks \
                 like more pages",
            ),
            ("link", "one", Way::Refused, "next_url: `/data/next`; page 2 did not come"),
            ("none", "one", Way::Ended, "no paging declared; nothing in the answer looks like more pages"),
        ] {
            let bodies: Vec<Value> = bodies.split_whitespace().map(came).collect();
            let records: Vec<Vec<String>> = bodies.iter().map(|body| vec![body["rows"][0].to_string()]).collect();
            let pages = bodies.iter().zip(&records).map(|(body, records)| Came { body, records });
            let pages: Vec<Came<'_>> = pages.collect();
            assert_eq!(judge(&page(paging), &Pointer::parse("rows"), &pages, way), expected);
        }
    }

    #[test]
    fn what_an_answer_looks_like() {
        for (body, expected) in [
            (json!({ "data": { "next": { "taskId": "t" } } }), "the answer looks like it has a cursor at `/data/next`"),
            (json!({ "next_cursor": "abc", "total": 9 }), "the answer looks like it has a cursor at `/next_cursor`"),
            (
                json!({ "links": { "next": "/v1/x?page=2" }, "cursor": "c" }),
                "the answer looks like it has a link to the next page at `/links/next`",
            ),
            (
                json!({ "paging": { "hasMore": true } }),
                "the answer looks like it has more pages: `/paging/hasMore` is true",
            ),
            (json!({ "count": 312 }), "the answer looks like it has more pages: `/count` is 312, and 2 records came"),
            (json!({ "count": 2, "hasMore": false }), "nothing in the answer looks like more pages"),
            (json!({ "total_pages": 4 }), "the answer looks like it has more pages: `/total_pages` is 4"),
            (json!({ "next": null, "cursor": "", "after": {} }), "nothing in the answer looks like more pages"),
            (json!({ "next": { "id": null } }), "nothing in the answer looks like more pages"),
            (json!([1]), "nothing in the answer looks like more pages"),
        ] {
            let records = ["{}".to_owned(), "{}".to_owned()];
            assert_eq!(looks_like(&Came { body: &body, records: &records }, &Pointer::parse("rows")), expected);
        }
        let inside = json!({ "rows": { "next": "a field of the one record" } });
        let page = Came { body: &inside, records: &[] };
        assert_eq!(looks_like(&page, &Pointer::parse("rows")), "nothing in the answer looks like more pages");
    }
}
