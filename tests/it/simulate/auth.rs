//! Credentials: every placement right, wrong and absent; token times.

use std::time::Duration;

use bytes::Bytes;
use http::Request;
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use tidemill::provider::{Auth, SecretRef};
use tidemill::simulate::{SimSecrets, Simulator};

use super::help::{agushuju, at, body, chat, ms, plain, play, quick, sensenova, token, verdict, with_faults};

#[test]
fn every_placement_is_checked() {
    let form = "application/x-www-form-urlencoded";
    let key = "sk-simulated-agushuju";
    // method, uri, header, content type, body with `KEY` for the key
    let placements = [
        ("GET", "/api/stock_basic?limit=1", Some(("authorization", "Bearer KEY")), "", ""),
        ("GET", "/api/stock_basic?limit=1", Some(("X-API-KEY", "KEY")), "", ""),
        ("GET", "/api/stock_basic?limit=1&token=KEY", None, "", ""),
        ("POST", "/api/stock_basic", None, "application/json", r#"{"token":"KEY","limit":1}"#),
        ("POST", "/api/stock_basic", None, form, "token=KEY&limit=1"),
    ];
    for (method, uri, header, kind, text) in placements {
        for (key, http) in [(key, 200), ("sk-wrong", 401), ("", 401)] {
            let mut request = Request::builder().method(method).uri(uri.replace("KEY", key));
            if let Some((name, value)) = header {
                request = request.header(name, value.replace("KEY", key));
            }
            if !kind.is_empty() {
                request = request.header("content-type", kind);
            }
            let request = request.body(Bytes::from(text.replace("KEY", key))).unwrap();
            let reply = play(&agushuju(), quick()).answer(ms(0), &request);
            assert_eq!(reply.response.status(), http, "{method} {uri} {text} {key}");
            assert_eq!(body(&reply)["code"], json!(if http == 200 { 0 } else { 401 }));
            let shown = String::from_utf8_lossy(reply.response.body()).into_owned();
            assert!(!shown.contains("sk-"), "{shown}");
        }
    }
}

#[test]
fn basic_is_checked() {
    let mut provider = plain(tidemill::job::Paging::None);
    let reference = |name: &str| SecretRef::Env(name.to_owned());
    provider.auth = Auth::Basic { user: reference("USER_NAME"), password: reference("PASS") };
    let find = |wanted: &SecretRef| {
        Some(SecretString::from(if *wanted == reference("USER_NAME") { "Aladdin" } else { "open sesame" }))
    };
    let secrets = SimSecrets::resolve(&provider, find);
    // The example of RFC 7617.
    for (header, http) in [("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", 200), ("Basic QWxhZGRpbjpvcGVuIHNlc2FtZR==", 401)] {
        let request = Request::get("/v9/things").header("authorization", header).body(Bytes::new()).unwrap();
        let reply = Simulator::new(&provider, secrets.clone(), quick()).answer(ms(0), &request);
        assert_eq!(reply.response.status(), http, "{header}");
    }
}

#[test]
fn token_times_have_codes_of_their_own() {
    let now = at(Duration::ZERO).wall.as_second();
    let (access, secret) = ("simulated-sensenova-access-key", "simulated-sensenova-secret-key");
    let message = json!({ "model": "m", "messages": [{ "role": "user", "content": "x" }] });
    let bearer = |token: String| format!("Bearer {token}");
    let cases = [
        ("good", bearer(token(access, secret, now - 5, now + 1800)), 200, ""),
        ("last second", bearer(token(access, secret, now, now + 1)), 200, ""),
        ("empty", String::new(), 401, "1001"),
        ("no bearer", token(access, secret, now - 5, now + 1800), 401, "1002"),
        ("signature", bearer(token(access, "other", now - 5, now + 1800)), 401, "1002"),
        ("issuer", bearer(token("other", secret, now - 5, now + 1800)), 401, "1002"),
        ("not a token", bearer("x.y.z".to_owned()), 401, "1002"),
        ("not yet", bearer(token(access, secret, now + 1, now + 1800)), 401, "1003"),
        ("over", bearer(token(access, secret, now - 1800, now)), 401, "1004"),
    ];
    for (name, header, http, code) in cases {
        let reply = play(&sensenova(), quick()).answer(ms(0), &chat(&header, message.clone()));
        assert_eq!(verdict(&reply, "/error/code"), (http, code.to_owned()), "{name}");
    }
}

#[test]
fn the_providers_clock_can_be_skewed() {
    let now = at(Duration::ZERO).wall.as_second();
    let (access, secret) = ("simulated-sensenova-access-key", "simulated-sensenova-secret-key");
    let message = json!({ "model": "m", "messages": [] });
    let header = format!("Bearer {}", token(access, secret, now - 5, now + 300));
    for (skew, code, date) in [("600s", "1004", "00:10:00"), ("-10m", "1003", "23:50:00")] {
        let mut simulator = with_faults(&sensenova(), &format!("skew={skew}"));
        let reply = simulator.answer(ms(0), &chat(&header, message.clone()));
        assert_eq!(verdict(&reply, "/error/code").1, code, "{skew}");
        let shown = reply.response.headers()["date"].to_str().unwrap();
        assert!(shown.ends_with(&format!("{date} GMT")), "{shown}");
    }
}

#[test]
fn found_secrets_are_demanded_and_never_shown() {
    let provider = agushuju();
    let defaults = SimSecrets::resolve(&provider, |_| Some(SecretString::from("")));
    assert_eq!(defaults.entries()[0].documented.as_deref(), Some("sk-simulated-agushuju"));
    let jwt = SimSecrets::resolve(&sensenova(), |_| None);
    let shown: Vec<_> = jwt.entries().iter().filter_map(|secret| secret.documented.as_deref()).collect();
    assert_eq!(shown, ["simulated-sensenova-access-key", "simulated-sensenova-secret-key"]);

    let found = SimSecrets::resolve(&provider, |_| Some(SecretString::from("sk-mine")));
    assert_eq!(found.entries()[0].documented, None);
    assert_eq!(found.get(&found.entries()[0].reference).unwrap().expose_secret(), "sk-mine");
    assert!(!format!("{found:?}").contains("sk-mine"));
    let mut simulator = Simulator::new(&provider, found, quick());
    let asked = |key: &str| super::help::get("/api/stock_basic?limit=1", "x-api-key", key);
    assert_eq!(simulator.answer(ms(0), &asked("sk-mine")).response.status(), 200);
    assert_eq!(simulator.answer(ms(9), &asked("sk-simulated-agushuju")).response.status(), 401);
    assert!(!format!("{:?}", simulator.log()).contains("sk-"));
}
