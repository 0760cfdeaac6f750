//! What every answer means: each code, each HTTP status and every odd body, for each preset, one line each.
//!
//! The snapshots are read against the vendors' tables; a changed line is a changed promise.

use std::fmt::Write;

use proptest::prelude::*;
use tidemill::fetch::{Judgement, classify};
use tidemill::json::Document;
use tidemill::provider::{AfterRetries, Provider, Verdict};

use super::code_table::{AGUSHUJU, FOXDATA, SENSENOVA, SENSENOVA_TEXTS};
use super::given::{own, provider};

pub(crate) fn word(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Accept => "accept".into(),
        Verdict::Empty { unconfirmed: true } => "empty, unconfirmed".into(),
        Verdict::Empty { unconfirmed: false } => "empty".into(),
        Verdict::Pending { every, cap, deadline } => format!("pending {every:?} to {cap:?}, until {deadline:?}"),
        Verdict::Retry { max_attempts, delay, cap, then } => {
            let then = match then {
                AfterRetries::Pending => "pending",
                AfterRetries::Stop => "stop",
            };
            format!("retry {max_attempts} attempts, {delay:?} to {cap:?}, then {then}")
        }
        Verdict::Throttle(window) => format!("throttle {}", format!("{window:?}").to_lowercase()),
        Verdict::Reauthorize { max_attempts } => format!("reauthorize {max_attempts}"),
        Verdict::Reject => "reject".into(),
        Verdict::Stop => "stop".into(),
    }
}

fn judgement(provider: &Provider, http: u16, body: &str, path: &str, next_page: bool) -> Judgement {
    let document = Document::read(body.as_bytes(), 9).ok();
    classify(provider, http, (body.as_bytes(), document.as_ref()), path, next_page)
}

fn judge(provider: &Provider, http: u16, body: &str, next_page: bool) -> String {
    word(&judgement(provider, http, body, "/app/rank", next_page).verdict)
}

/// The verdict on `code`, the same for each of `bodies` (`CODE` and `TEXT` are filled in) and as number and as text.
fn one(provider: &Provider, bodies: &[&str], http: u16, code: &str, text: &str, next_page: bool) -> String {
    let quoted = format!("\"{code}\"");
    let spellings = if code.parse::<i64>().is_ok() { vec![code, &quoted] } else { vec![quoted.as_str()] };
    let mut words: Vec<String> = Vec::new();
    for body in bodies {
        for spelling in &spellings {
            words.push(judge(provider, http, &body.replace("CODE", spelling).replace("TEXT", text), next_page));
        }
    }
    words.dedup();
    assert_eq!(words.len(), 1, "http {http} code {code} text {text}: the spelling changes the verdict: {words:?}");
    words.remove(0)
}

const BODIES: &[(&str, &str)] = &[
    ("empty body", ""),
    ("HTML", "<html><body>Bad gateway</body></html>"),
    ("JSON without a code", r#"{"msg":"m","message":"m"}"#),
    ("JSON null", "null"),
    ("cut short", r#"{"code":200,"data":{"#),
];

const ODD_CODES: &[&str] =
    &["null", "true", "false", "200.0", "0.0", "2e2", "\"\"", "\" 0\"", "{}", "{\"code\":0}", "[0]", "[]", "-1"];

/// Everything that is not a code of a table.
fn without_codes(provider: &Provider, envelope: &str, out: &mut String) {
    // Bodies that are judged alike stand in one table.
    type Ranges = Vec<(u16, u16, String)>;
    let mut tables: Vec<(Vec<&str>, Ranges)> = Vec::new();
    for (name, body) in BODIES {
        let mut ranges: Vec<(u16, u16, String)> = Vec::new();
        for http in 100..=599 {
            let here = judge(provider, http, body, false);
            match ranges.last_mut() {
                Some((_, to, verdict)) if *verdict == here => *to = http,
                Some(_) | None => ranges.push((http, http, here)),
            }
        }
        match tables.iter_mut().find(|(_, known)| *known == ranges) {
            Some((names, _)) => names.push(name),
            None => tables.push((vec![name], ranges)),
        }
    }
    for (names, ranges) in tables {
        for (from, to, verdict) in ranges {
            let range = if from == to { from.to_string() } else { format!("{from}-{to}") };
            writeln!(out, "http {range} {} -> {verdict}", names.join(" | ")).unwrap();
        }
    }
    for code in ODD_CODES {
        for http in [200, 429, 503] {
            let body = envelope.replace("CODE", code).replace("TEXT", "m");
            writeln!(out, "http {http} code `{code}` -> {}", judge(provider, http, &body, false)).unwrap();
        }
    }
}

#[test]
fn foxdata() {
    let foxdata = provider("", "foxdata");
    let bodies = [r#"{"code":CODE,"msg":"TEXT","data":null}"#, r#"{"msg":"TEXT","data":[],"code":CODE}"#];
    let mut out = String::new();
    for (code, https) in FOXDATA {
        for http in *https {
            for (place, next_page) in [("", false), (" on the next page", true)] {
                let verdict = one(&foxdata, &bodies, *http, code, "any", next_page);
                if !next_page || verdict != one(&foxdata, &bodies, *http, code, "any", false) {
                    writeln!(out, "http {http} code {code}{place} -> {verdict}").unwrap();
                }
            }
        }
    }
    without_codes(&foxdata, bodies[0], &mut out);
    insta::assert_snapshot!("foxdata", out);
}

#[test]
fn agushuju() {
    let agushuju = provider("", "agushuju");
    let body = r#"{"code":CODE,"msg":"TEXT","data":null}"#;
    let mut out = String::new();
    for (code, https) in AGUSHUJU {
        for http in *https {
            let verdict = one(&agushuju, &[body], *http, code, "any", false);
            writeln!(out, "http {http} code {code} -> {verdict}").unwrap();
        }
    }
    without_codes(&agushuju, body, &mut out);
    insta::assert_snapshot!("agushuju", out);
}

#[test]
fn sensenova() {
    let sensenova = provider("", "sensenova");
    let nested = r#"{"error":{"code":CODE,"message":"TEXT","details":[]}}"#;
    let bodies =
        [nested, r#"{"code":CODE,"message":"TEXT"}"#, r#"{"status":{"code":CODE,"message":"TEXT"},"data":{}}"#];
    let mut out = String::new();
    for (code, https) in SENSENOVA {
        for http in *https {
            let verdict = one(&sensenova, &bodies, *http, code, "any", false);
            writeln!(out, "http {http} code {code} -> {verdict}").unwrap();
        }
    }
    for (http, code, text) in SENSENOVA_TEXTS {
        let verdict = one(&sensenova, &bodies[..2], *http, code, text, false);
        writeln!(out, "http {http} code {code} `{text}` -> {verdict}").unwrap();
    }
    for body in [
        r#"{"data":{"choices":[]}}"#,
        "null",
        "5",
        r#"[{"bare":"list"}]"#,
        r#"{"data":null,"error":null}"#,
        r#"{"data":null,"error":{}}"#,
        r#"{"data":null,"error":{"message":"rpm exhausted"}}"#,
        r#"{"data":null,"error":{"message":"m","code":null}}"#,
        r#"{"data":null,"error":{"code":{"n":1101}}}"#,
        r#"{"data":null,"error":{"code":1101,"code":0}}"#,
        r#"{"data":null,"error":{"code":1101},"error":null}"#,
        r#"{"data":null,"error":{"code":1101},"code":0}"#,
    ] {
        writeln!(out, "http 200 {body} -> {}", judge(&sensenova, 200, body, false)).unwrap();
    }
    without_codes(&sensenova, nested, &mut out);
    insta::assert_snapshot!("sensenova", out);
}

/// What people must act on says what to do.
#[test]
fn every_stop_of_a_preset_has_a_hint() {
    for name in ["foxdata", "agushuju", "sensenova"] {
        for rule in provider("", name).rules {
            let needs_a_person = match rule.verdict {
                Verdict::Stop | Verdict::Reauthorize { .. } => true,
                Verdict::Retry { then, .. } => then == AfterRetries::Stop,
                Verdict::Accept | Verdict::Empty { .. } | Verdict::Pending { .. } => false,
                Verdict::Throttle(_) | Verdict::Reject => false,
            };
            assert!(!needs_a_person || rule.hint.is_some(), "{name}: {:?}", rule.code);
        }
    }
}

#[test]
fn http_decides_where_no_rule_and_no_code_does() {
    let plain = own("[provider.own.envelope]\ncode = \"/code\"\nok = [0]\n");
    for (http, body, expected) in [
        (200, r#"{"code":0}"#, "accept"),
        (204, "", "retry 5 attempts, 1s to 60s, then pending"),
        (429, r#"{"code":0}"#, "throttle second"),
        (429, r#"{"code":7}"#, "reject"),
        (503, r#"{"code":0}"#, "retry 5 attempts, 1s to 60s, then pending"),
        (503, r#"{"code":7}"#, "reject"),
        (402, "", "stop"),
        (402, r#"{"code":0}"#, "stop"),
        (302, "", "reject"),
        (404, "", "reject"),
        (200, r#"{"code":0,"code":7}"#, "reject"),
        (200, r#"{"Code":0}"#, "reject"),
    ] {
        assert_eq!(judge(&plain, http, body, false), expected, "{http} {body}");
    }
    let bare = own("");
    assert_eq!(judge(&bare, 200, "[]", false), "accept");
    assert_eq!(judge(&bare, 500, "[]", false), "retry 5 attempts, 1s to 60s, then pending");
}

#[test]
fn conditions_of_a_rule_are_anded_and_the_first_match_wins() {
    let ruled = own(r#"
[provider.own.envelope]
code = "/code"
message = "/msg"
ok = [0]
[[provider.own.rules]]
code = "10..19"
http = [200, "500..599"]
message = "(?i)slow"
verdict = "throttle"
window = "day"
[[provider.own.rules]]
code = 12
path = "/app/r"
verdict = "empty"
[[provider.own.rules]]
code = 12
verdict = "stop"
"#);
    let at = |http, body: &str, path: &str| word(&judgement(&ruled, http, body, path, false).verdict);
    let both = r#"{"code":12,"msg":"too SLOW"}"#;
    assert_eq!(at(200, both, "/x"), "throttle day");
    assert_eq!(at(503, both, "/x"), "throttle day");
    assert_eq!(at(429, both, "/x"), "stop", "another status");
    assert_eq!(at(200, r#"{"code":"12","msg":"m"}"#, "/x"), "stop", "another message");
    assert_eq!(at(200, r#"{"code":12}"#, "/app/rank"), "empty", "the path is its own");
    assert_eq!(at(200, r#"{"code":20,"msg":"slow"}"#, "/x"), "reject", "out of the range");
}

#[test]
fn a_judgement_tells_what_the_provider_said() {
    let foxdata = provider("", "foxdata");
    let told = |http, body: &str| judgement(&foxdata, http, body, "/x", false).to_string();
    assert_eq!(told(200, r#"{"code":"60005","msg":"no credits"}"#), "HTTP 200 with code 60005: no credits");
    assert_eq!(told(404, "{}"), "HTTP 404 without a code");
    let html = format!("<html>\n  <p>{}", "é".repeat(300));
    let shown = told(502, &html);
    assert!(shown.starts_with("HTTP 502 without a code: the body is not JSON: `<html> <p>é"), "{shown}");
    assert!(shown.len() < 500, "a page of HTML is cut: {}", shown.len());
}

proptest! {
    /// Neither a page nor an empty one: a code that no table names.
    #[test]
    fn an_unknown_code_is_never_success(
        code in prop_oneof![any::<i64>().prop_map(|number| number.to_string()), "[a-zA-Z.]{1,12}".prop_map(|t| format!("\"{t}\""))],
        http in 100_u16..600,
        next_page: bool,
    ) {
        prop_assume!(!matches!(code.as_str(), "0" | "200" | "60008"));
        for (name, body) in [
            ("foxdata", format!(r#"{{"code":{code},"data":{{"result":[]}}}}"#)),
            ("agushuju", format!(r#"{{"code":{code},"data":[]}}"#)),
            ("sensenova", format!(r#"{{"error":{{"code":{code}}},"data":{{}}}}"#)),
        ] {
            let verdict = PRESETS.with(|presets| judge(&presets[name], http, &body, next_page));
            prop_assert!(!verdict.starts_with("accept") && !verdict.starts_with("empty"), "{} {} {}", name, body, verdict);
        }
    }

    /// A success code counts on HTTP success only.
    #[test]
    fn a_success_code_on_a_failed_status_is_no_success(http in 100_u16..600) {
        for (name, body) in [
            ("foxdata", r#"{"code":200,"data":{"result":[]}}"#),
            ("agushuju", r#"{"code":0,"data":[]}"#),
            ("sensenova", r#"{"data":{}}"#),
        ] {
            let verdict = PRESETS.with(|presets| judge(&presets[name], http, body, false));
            prop_assert_eq!(verdict == "accept", (200..300).contains(&http), "{} {} {}", name, http, verdict);
        }
    }
}

thread_local! {
    static PRESETS: std::collections::BTreeMap<&'static str, Provider> =
        ["foxdata", "agushuju", "sensenova"].map(|name| (name, provider("", name))).into();
}
