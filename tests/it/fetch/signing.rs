//! Where each kind of credential goes, and that it goes nowhere else.

use http::Method;
use jiff::Timestamp;
use serde_json::json;
use tidemill::fetch::{Body, Request, Signer};
use tidemill::job::{Job, TemplateError};
use tidemill::provider::Provider;

use super::given::{credential, get, job, own, provider, values};

/// Every character that some encoding writes otherwise.
const KEY: &str = "CANARY/k+e y=%\"\\é&";
const KEY_ENCODED: &str = "CANARY%2Fk%2Be+y%3D%25%22%5C%C3%A9%26";

fn now() -> Timestamp {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

fn auth(table: &str) -> Provider {
    own(&format!("[provider.own.auth]\n{table}"))
}

fn signer(provider: &Provider, key: &str) -> Signer {
    Signer::new(provider, credential(provider, &[("K", key), ("P", "pass")]))
}

/// Method, address, headers (sorted) and body of what goes out.
fn sent(provider: &Provider, key: &str, request: &Request) -> String {
    match signer(provider, key).sign(request, now()) {
        Ok(signed) => {
            let request = signed.request;
            let mut headers: Vec<String> = request
                .headers
                .iter()
                .map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(value.as_bytes())))
                .collect();
            headers.sort();
            let body = String::from_utf8_lossy(&request.body);
            format!("{} {} | {} | {body}", request.method, request.url, headers.join(" | "))
        }
        Err(error) => error.to_string(),
    }
}

fn with(body: Body) -> Request {
    let mut request = get("/items");
    request.query.push(("q".into(), "1".into()));
    request.method = if body == Body::None { Method::GET } else { Method::POST };
    request.body = body;
    request
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn each_kind_puts_the_key_in_its_place() {
    let form = || Body::Form(vec![("f".into(), "中 1".into())]);
    let value = "value = { env = \"K\" }";
    let json = "content-type: application/json";
    let url = "https://api.own.test/v1/items";
    let form_type = "content-type: application/x-www-form-urlencoded";
    let table = [
        ("kind = \"none\"".to_owned(), Body::None, format!("GET {url}?q=1 | accept: application/json | ")),
        (
            format!("kind = \"header\"\nname = \"X-Key\"\n{value}"),
            Body::None,
            format!("GET {url}?q=1 | accept: application/json | x-key: k3y | "),
        ),
        (
            format!("kind = \"header\"\nname = \"X-Key\"\nprefix = \"Token \"\n{value}"),
            Body::Json(json!({"a": 1})),
            format!("POST {url}?q=1 | accept: application/json | {json} | x-key: Token k3y | {{\"a\":1}}"),
        ),
        (
            format!("kind = \"bearer\"\n{value}"),
            form(),
            format!(
                "POST {url}?q=1 | accept: application/json | authorization: Bearer k3y | {form_type} | f=%E4%B8%AD+1"
            ),
        ),
        (
            format!("kind = \"query\"\nname = \"token\"\n{value}"),
            Body::None,
            format!("GET {url}?q=1&token=k3y | accept: application/json | "),
        ),
        (
            format!("kind = \"json\"\nname = \"token\"\n{value}"),
            Body::Json(json!({"a": 1, "token": "?"})),
            format!("POST {url}?q=1 | accept: application/json | {json} | {{\"a\":1,\"token\":\"k3y\"}}"),
        ),
        (
            format!("kind = \"json\"\nname = \"token\"\n{value}"),
            Body::None,
            format!("GET {url}?q=1 | accept: application/json | {json} | {{\"token\":\"k3y\"}}"),
        ),
        (
            format!("kind = \"json\"\nname = \"token\"\n{value}"),
            form(),
            "the key belongs into a JSON body, but the request has none of that kind".to_owned(),
        ),
        (
            format!("kind = \"json\"\nname = \"token\"\n{value}"),
            Body::Json(json!([1])),
            "the key belongs into a JSON body, but the request has none of that kind".to_owned(),
        ),
        (
            format!("kind = \"form\"\nname = \"token\"\n{value}"),
            form(),
            format!("POST {url}?q=1 | accept: application/json | {form_type} | f=%E4%B8%AD+1&token=k3y"),
        ),
        (
            format!("kind = \"form\"\nname = \"token\"\n{value}"),
            Body::None,
            format!("GET {url}?q=1 | accept: application/json | {form_type} | token=k3y"),
        ),
        (
            format!("kind = \"form\"\nname = \"token\"\n{value}"),
            Body::Json(json!({})),
            "the key belongs into a form body, but the request has none of that kind".to_owned(),
        ),
        (
            "kind = \"basic\"\nuser = { env = \"K\" }\npassword = { env = \"P\" }".to_owned(),
            Body::None,
            format!("GET {url}?q=1 | accept: application/json | authorization: Basic azN5OnBhc3M= | "),
        ),
    ];
    for (kind, body, expected) in table {
        assert_eq!(sent(&auth(&kind), "k3y", &with(body)), expected, "{kind}");
    }
}

/// The key of a link or of the job is replaced, never doubled: a provider may take the first or the last.
#[test]
fn the_key_stands_once() {
    let value = "value = { env = \"K\" }";
    let mut linked = get("/items");
    linked.query = vec![("token".into(), "***".into()), ("page".into(), "2".into())];
    let query = auth(&format!("kind = \"query\"\nname = \"token\"\n{value}"));
    assert!(sent(&query, "k3y", &linked).starts_with("GET https://api.own.test/v1/items?page=2&token=k3y |"));
    let form = auth(&format!("kind = \"form\"\nname = \"token\"\n{value}"));
    let body = Body::Form(vec![("token".into(), "?".into()), ("a".into(), "1".into())]);
    assert!(sent(&form, "k3y", &with(body)).ends_with("| a=1&token=k3y"));
    let bearer = auth(&format!("kind = \"bearer\"\n{value}"));
    let mut own_header = get("/items");
    own_header.headers.push(("authorization".into(), "mine".into()));
    assert!(sent(&bearer, "k3y", &own_header).contains("| authorization: Bearer k3y |"));
    assert!(!sent(&bearer, "k3y", &own_header).contains("mine"));
}

/// The later replaces the earlier: ours, the provider's, the job's.
#[test]
fn headers_replace_each_other() {
    let provider = own("headers = { Accept = \"text/json\", X-A = \"provider\", X-B = \"provider\" }");
    let mut request = get("/items");
    request.headers.push(("x-a".into(), "job".into()));
    let expected = "GET https://api.own.test/v1/items | accept: text/json | x-a: job | x-b: provider | ";
    assert_eq!(sent(&provider, "k3y", &request), expected);
}

/// A canary in every place a key can stand: whatever can be printed does not show it, in no spelling.
#[test]
fn nothing_that_can_be_printed_shows_a_key() {
    let value = "value = { env = \"K\" }";
    for kind in ["header", "bearer", "query", "json", "form", "basic", "jwt"] {
        let table = match kind {
            "basic" => "kind = \"basic\"\nuser = { env = \"K\" }\npassword = { env = \"K\" }".to_owned(),
            "jwt" => "kind = \"jwt\"\naccess_key = { env = \"K\" }\nsecret_key = { env = \"K\" }".to_owned(),
            "bearer" => format!("kind = \"bearer\"\n{value}"),
            _ => format!("kind = \"{kind}\"\nname = \"n\"\n{value}"),
        };
        let provider = auth(&table);
        for body in [Body::None, Body::Json(json!({})), Body::Form(Vec::new()), Body::Json(json!([]))] {
            let request = with(body);
            let signer = signer(&provider, KEY);
            let mut printed = format!("{provider:?} {:?} ", signer.credential());
            match signer.sign(&request, now()) {
                Err(error) => printed.push_str(&format!("{error} {error:?}")),
                // Headers are marked sensitive; address and body are the message itself and are never printed.
                Ok(signed) => printed.push_str(&format!("{:?}", signed.request.headers)),
            }
            printed.push_str(&format!("{request} {request:?}"));
            for spelling in ["CANARY", KEY, KEY_ENCODED, "Q0FOQVJZ"] {
                assert!(!printed.contains(spelling), "{kind}: {printed}");
            }
        }
    }
}

#[test]
fn a_key_survives_its_encoding() {
    let value = "value = { env = \"K\" }";
    let query = auth(&format!("kind = \"query\"\nname = \"token\"\n{value}"));
    assert!(sent(&query, KEY, &get("/items")).contains(&format!("?token={KEY_ENCODED} |")));
    let form = auth(&format!("kind = \"form\"\nname = \"token\"\n{value}"));
    assert!(sent(&form, KEY, &get("/items")).ends_with(&format!("| token={KEY_ENCODED}")));
    let json = auth(&format!("kind = \"json\"\nname = \"token\"\n{value}"));
    let body = sent(&json, KEY, &get("/items"));
    assert!(body.ends_with(r#"| {"token":"CANARY/k+e y=%\"\\é&"}"#), "{body}");
}

#[test]
fn a_header_with_a_line_break_is_refused() {
    let plain = own("");
    for (name, value) in [("x-a", "1\r\nx-evil: 2"), ("x-a", "1\n"), ("x-a", "\0"), ("x a", "1"), ("", "1")] {
        let mut request = get("/items");
        request.headers.push((name.into(), value.into()));
        let expected = format!("the header `{name}` has a character that HTTP does not allow");
        assert_eq!(sent(&plain, "k3y", &request), expected);
    }
}

#[test]
fn a_base_url_at_the_root_of_a_host() {
    for (base, expected) in [
        ("https://h.test", "https://h.test/items?q=1"),
        ("https://h.test/", "https://h.test/items?q=1"),
        ("https://h.test:8443/a/b/", "https://h.test:8443/a/b/items?q=1"),
        ("http://127.0.0.1:9/x", "http://127.0.0.1:9/x/items?q=1"),
    ] {
        let provider = provider(&format!("[provider.own]\nbase_url = \"{base}\""), "own");
        assert!(sent(&provider, "k3y", &with(Body::None)).starts_with(&format!("GET {expected} |")), "{base}");
    }
}

fn rendered(job: &Job, values_json: &str) -> Result<String, TemplateError> {
    let request = Request::render(&job.request, &values(values_json))?;
    let sent = sent(&own(""), "k3y", &request);
    Ok(sent.split(" | ").next().unwrap().to_owned())
}

/// A value is one segment, whatever it holds.
#[test]
fn values_cannot_change_the_path() {
    let job = job("path = \"/app/{a}/rank\"");
    for (value, segment) in [
        ("plain-1.2_~", "plain-1.2_~"),
        ("a/b", "a%2Fb"),
        ("a\\b", "a%5Cb"),
        ("?x=1#y", "%3Fx%3D1%23y"),
        ("%2e", "%252e"),
        ("%2e%2e", "%252e%252e"),
        ("../..", "..%2F.."),
        ("...", "..."),
        ("..;", "..%3B"),
        ("中文 +", "%E4%B8%AD%E6%96%87%20%2B"),
        ("@evil.test:1", "%40evil.test%3A1"),
        ("\r\n", "%0D%0A"),
    ] {
        let given = json!({ "a": value }).to_string();
        let expected = format!("GET https://api.own.test/v1/app/{segment}/rank");
        assert_eq!(rendered(&job, &given).unwrap(), expected, "{value}");
    }
    for value in [".", ".."] {
        let refused = rendered(&job, &json!({ "a": value }).to_string()).unwrap_err().to_string();
        let expected =
            format!("the path `/app/{value}/rank` has `.` or `..` as a segment, which would lead to another address");
        assert_eq!(refused, expected);
    }
    assert!(rendered(&job, "{}").is_err());
    assert_eq!(rendered(&job, r#"{"a":5}"#).unwrap(), "GET https://api.own.test/v1/app/5/rank");
}

#[test]
fn two_values_cannot_make_dots_either() {
    let job = job("path = \"/app/{a}{a}/rank\"");
    assert!(rendered(&job, r#"{"a":"."}"#).is_err());
    assert!(rendered(&job, r#"{"a":".."}"#).is_ok(), "four dots are a name");
}

#[test]
fn a_query_keeps_its_order_and_repeats_lists() {
    let job = job(r#"path = "/x"
query = { z = "{a}", b = ["1", "{a}"], a = 2, n = "" }"#);
    assert_eq!(
        rendered(&job, r#"{"a":"中&b=9 +%"}"#).unwrap(),
        "GET https://api.own.test/v1/x?z=%E4%B8%AD%26b%3D9+%2B%25&b=1&b=%E4%B8%AD%26b%3D9+%2B%25&a=2&n="
    );
}

/// The same question gives the same print, another one another.
#[test]
fn a_fingerprint_tells_requests_apart() {
    let first = with(Body::Json(json!({"a": 1})));
    let mut others = vec![first.clone(); 4];
    others[0].path = "/other".into();
    others[1].query[0].1 = "2".into();
    others[2].body = Body::Json(json!({"a": "1"}));
    others[3].method = Method::PUT;
    assert_eq!(first.fingerprint(), first.clone().fingerprint());
    assert!(others.iter().all(|other| other.fingerprint() != first.fingerprint()));
}

/// What stands in spools that are kept stays what it means.
#[test]
fn a_fingerprint_is_of_method_path_query_and_body_as_json() {
    let table = [
        (Body::None, r#"["GET","/items",[["q","1"]],null]"#),
        (Body::Json(json!({"b": 1.5, "a": "\"中"})), r#"["POST","/items",[["q","1"]],{"b":1.5,"a":"\"中"}]"#),
        (Body::Form(vec![("f".into(), "x y".into())]), r#"["POST","/items",[["q","1"]],[["f","x y"]]]"#),
    ];
    for (body, text) in table {
        assert_eq!(with(body).fingerprint(), blake3::hash(text.as_bytes()).as_bytes()[..16], "{text}");
    }
}
