//! Providers by hand around the `[simulate]` tables of the presets, and short ways to ask them.

#![expect(clippy::unwrap_used, reason = "a helper of tests fails the test")]

use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use tidemill::job::{JsonTemplate, NextRequest, Paging, Pointer, Template};
use tidemill::provider::{
    Auth, CodeMatch, Envelope, Limits, Means, Provider, Rule, Scope, SecretRef, Simulation, Verdict, Window,
};
use tidemill::quota::Moment;
use tidemill::simulate::{Faults, Latency, Options, Reply, SimSecrets, Simulator};

pub(crate) const WALL: &str = "2026-03-01T00:00:00Z";

pub(crate) fn at(elapsed: Duration) -> Moment {
    let wall: Timestamp = WALL.parse().unwrap();
    Moment { elapsed, wall: wall.checked_add(elapsed).unwrap() }
}

pub(crate) fn ms(number: u64) -> Moment {
    at(Duration::from_millis(number))
}

/// Read the way the provider's loader does it: TOML, then a JSON tree, then the type.
pub(crate) fn simulation(preset: &str) -> Simulation {
    let table: toml::Table = preset.parse().unwrap();
    serde_json::from_value(serde_json::to_value(&table["simulate"]).unwrap()).unwrap()
}

fn env(name: &str) -> SecretRef {
    SecretRef::Env(name.to_owned())
}

fn provider(name: &str, base_url: &str, auth: Auth, simulation: Simulation) -> Provider {
    Provider {
        name: name.to_owned(),
        base_url: base_url.parse().unwrap(),
        zone: TimeZone::get("Asia/Shanghai").unwrap(),
        auth,
        headers: Vec::new(),
        envelope: envelope("/code", "/msg", &["0"], "/data"),
        ignores_unknown: false,
        rules: Vec::new(),
        limits: open_limits(),
        paging: Paging::None,
        max_wait: Duration::from_secs(300),
        timeout: Duration::from_secs(60),
        max_body: 1 << 26,
        simulation,
    }
}

fn envelope(code: &str, message: &str, ok: &[&str], records: &str) -> Envelope {
    Envelope {
        code: vec![Pointer::parse(code)],
        message: vec![Pointer::parse(message)],
        ok: ok.iter().map(|code| (*code).to_owned()).collect(),
        ok_when_absent: false,
        records: Pointer::parse(records),
        cost: None,
    }
}

/// Limits that do not matter.
pub(crate) fn open_limits() -> Limits {
    Limits { windows: Vec::new(), concurrency: 1_000_000, guessed: Vec::new() }
}

pub(crate) fn rolling(max: u32, seconds: u64) -> Window {
    Window::rolling(max, Duration::from_secs(seconds))
}

pub(crate) fn foxdata() -> Provider {
    let auth = Auth::Header { name: "x-openapi-key".to_owned(), prefix: String::new(), value: env("FOXDATA_API_KEY") };
    let simulation = simulation(include_str!("../../../src/provider/presets/foxdata.toml"));
    let mut provider = provider("foxdata", "https://api.foxdata.com/apiv1/open-api", auth, simulation);
    provider.envelope = envelope("/code", "/msg", &["200"], "/data/result");
    provider.envelope.cost = Some(Pointer::parse("/data/creditsCost/totalCostCredits"));
    let query = |name: &str| (name.to_owned(), JsonTemplate::parse(&json!(format!("{{{name}}}"))).unwrap());
    provider.paging = Paging::Cursor {
        fields: vec![
            ("taskId".to_owned(), Pointer::parse("/data/next/taskId")),
            ("pageKey".to_owned(), Pointer::parse("/data/next/pageKey")),
        ],
        has_more: None,
        absent_ends: false,
        next: Some(NextRequest {
            method: Method::GET,
            path: Template::parse("/common/next-page").unwrap(),
            query: vec![query("taskId"), query("pageKey")],
            json: None,
        }),
    };
    provider.rules = vec![stop("60005")];
    provider
}

fn stop(code: &str) -> Rule {
    Rule {
        http: Vec::new(),
        code: vec![CodeMatch::Exact(code.to_owned())],
        message: None,
        on: Scope::Any,
        verdict: Verdict::Stop,
        means: Means::default(),
        hint: None,
    }
}

pub(crate) fn agushuju() -> Provider {
    let auth =
        Auth::Header { name: "Authorization".to_owned(), prefix: "Bearer ".to_owned(), value: env("AGUSHUJU_API_KEY") };
    let simulation = simulation(include_str!("../../../src/provider/presets/agushuju.toml"));
    let mut provider = provider("agushuju", "https://www.agushuju.com/api", auth, simulation);
    provider.paging = Paging::Offset {
        offset: "offset".to_owned(),
        limit: "limit".to_owned(),
        page_size: 1000,
        total: Some(Pointer::parse("/count")),
        parallel_pages: 1,
    };
    provider
}

pub(crate) fn sensenova() -> Provider {
    let auth = Auth::Jwt {
        access_key: env("SENSENOVA_ACCESS_KEY"),
        secret_key: env("SENSENOVA_SECRET_KEY"),
        lifetime: Duration::from_secs(1800),
        leeway: Duration::from_secs(5),
        renew_at: 0.8,
    };
    let simulation = simulation(include_str!("../../../src/provider/presets/sensenova.toml"));
    let mut provider = provider("sensenova", "https://api.sensenova.cn/v1", auth, simulation);
    provider.envelope = envelope("/error/code", "/error/message", &["0", "200"], "/data");
    provider.envelope.ok_when_absent = true;
    provider.rules = vec![stop("1101")];
    provider
}

/// A provider that says nothing about the simulator.
pub(crate) fn plain(paging: Paging) -> Provider {
    let mut provider = provider("plain", "https://api.example.com/v9", Auth::None, Simulation::default());
    provider.paging = paging;
    provider
}

pub(crate) fn quick() -> Options {
    Options { latency: Latency::fixed(Duration::from_millis(1)), log: true, ..Options::default() }
}

pub(crate) fn play(provider: &Provider, options: Options) -> Simulator {
    Simulator::new(provider, SimSecrets::resolve(provider, |_| None), options)
}

pub(crate) fn with_faults(provider: &Provider, script: &str) -> Simulator {
    let faults = Faults::parse(script, provider).unwrap();
    play(provider, Options { faults, ..quick() })
}

pub(crate) fn rank(app: &str) -> Request<Bytes> {
    fox("/app/rank", json!({ "appId": app, "region": "US", "date": "2026-01-02" }))
}

pub(crate) fn fox(path: &str, body: Value) -> Request<Bytes> {
    Request::post(format!("/apiv1/open-api{path}"))
        .header("x-openapi-key", "sk-simulated-foxdata")
        .header("content-type", "application/json")
        .body(body.to_string().into())
        .unwrap()
}

pub(crate) fn get(uri: &str, name: &str, value: &str) -> Request<Bytes> {
    Request::get(uri).header(name, value).body(Bytes::new()).unwrap()
}

pub(crate) fn agu(path_and_query: &str) -> Request<Bytes> {
    get(&format!("/api{path_and_query}"), "authorization", "Bearer sk-simulated-agushuju")
}

pub(crate) fn token(access: &str, secret: &str, nbf: i64, exp: i64) -> String {
    jsonwebtoken::encode(
        &jsonwebtoken::Header::new(jsonwebtoken::Algorithm::HS256),
        &json!({ "iss": access, "nbf": nbf, "exp": exp }),
        &jsonwebtoken::EncodingKey::from_secret(secret.as_bytes()),
    )
    .unwrap()
}

pub(crate) fn chat(token: &str, body: Value) -> Request<Bytes> {
    Request::post("/v1/llm/chat-completions")
        .header("authorization", token)
        .header("content-type", "application/json")
        .body(body.to_string().into())
        .unwrap()
}

pub(crate) fn chat_now() -> Request<Bytes> {
    let now = at(Duration::ZERO).wall.as_second();
    let token = token("simulated-sensenova-access-key", "simulated-sensenova-secret-key", now - 5, now + 1800);
    chat(
        &format!("Bearer {token}"),
        json!({ "model": "SenseChat-5", "messages": [{ "role": "user", "content": "嗨" }] }),
    )
}

pub(crate) fn body(reply: &Reply) -> Value {
    serde_json::from_slice(reply.response.body()).unwrap()
}

/// HTTP status and the code at `pointer`, as text.
pub(crate) fn verdict(reply: &Reply, pointer: &str) -> (u16, String) {
    let code = body(reply).pointer(pointer).map(ToString::to_string).unwrap_or_default();
    (reply.response.status().as_u16(), code)
}
