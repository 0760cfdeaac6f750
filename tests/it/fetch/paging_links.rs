//! A link to the next page never leads away from the provider.

use tidemill::fetch::{Cursor, Paginator};
use url::Url;

use super::given::get;
use super::paging::paging;

/// Where `link` leads from `/list/items` below `base`: path and query, or what is wrong.
fn follow(base: &str, link: &str) -> String {
    let (paging, base) = (paging("kind = \"next_url\"\nurl = \"/next\""), Url::parse(base).unwrap());
    let cursor = Cursor::from_text(&serde_json::json!({ "url": link }).to_string()).unwrap();
    let mut first = get("/list/items");
    first.query.push(("page".into(), "1".into()));
    match Paginator::new(&paging, &base).request(&first, Some(&cursor)) {
        Ok(request) => request.to_string(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn links() {
    let table = [
        ("https://api.own.test/v1/list/items?page=2", "GET /list/items?page=2"),
        ("https://api.own.test:443/v1/x", "GET /x"),
        ("HTTPS://API.own.test/v1/x", "GET /x"),
        ("/v1/other?a=1&a=2#part", "GET /other?a=1&a=2"),
        ("?page=2", "GET /list/items?page=2"),
        ("items?page=2", "GET /list/items?page=2"),
        ("./items?page=2", "GET /list/items?page=2"),
        ("../other", "GET /other"),
        ("more/2", "GET /list/more/2"),
        ("/v1/a%2Fb?q=%E4%B8%AD+x", "GET /a%2Fb?q=中 x"),
        ("http://api.own.test/v1/x", ""),
        ("https://api.own.test:8443/v1/x", ""),
        ("https://evil.test/v1/x", ""),
        ("https://api.own.test.evil.test/v1/x", ""),
        ("https://api.own.test@evil.test/v1/x", ""),
        ("https://me@api.own.test/v1/x", ""),
        ("https://:secret@api.own.test/v1/x", ""),
        ("//evil.test/v1/x", ""),
        ("\\\\evil.test\\v1\\x", ""),
        ("/\\evil.test/v1/x", ""),
        ("https:\\\\evil.test/v1/x", ""),
        (" https://evil.test/v1/x", ""),
        ("ht\ntps://evil.test/v1/x", ""),
        ("../../outside", ""),
        ("/v1/../outside", ""),
        ("/v1/%2e%2e/outside", ""),
        ("/outside", ""),
        ("/v10/x", ""),
        ("/v1", ""),
        ("ftp://api.own.test/v1/x", ""),
        ("javascript:alert(1)", ""),
        ("data:,x", ""),
        ("https://", ""),
    ];
    for (link, expected) in table {
        let away = format!("the link to the next page leads to `{link}`, away from the provider");
        let expected = if expected.is_empty() { &away } else { expected };
        assert_eq!(follow("https://api.own.test/v1", link), *expected, "{link}");
    }
}

#[test]
fn links_at_the_root_of_a_host() {
    for (link, expected) in [
        ("https://api.own.test/x?y=1", "GET /x?y=1"),
        ("/x", "GET /x"),
        ("?page=2", "GET /list/items?page=2"),
        ("//x", "the link to the next page leads to `//x`, away from the provider"),
        ("../../../x", "GET /x"),
    ] {
        assert_eq!(follow("https://api.own.test", link), expected, "{link}");
        assert_eq!(follow("https://api.own.test/", link), expected, "{link}");
    }
}
