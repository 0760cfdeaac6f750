//! What providers say about their limits, as they really say it.

use std::time::Duration;

use http::HeaderMap;
use http::header::{HeaderName, HeaderValue};
use jiff::Timestamp;
use proptest::prelude::*;
use tidemill::fetch::advice;
use tidemill::quota::Advice;

/// Twelve o'clock; `Date` in the table below says so, too, where it is there.
const NOON: i64 = 1_795_348_800;
const DATE: (&str, &str) = ("date", "Sun, 22 Nov 2026 12:00:00 GMT");

fn read(headers: &[(&str, &str)], now: i64) -> Advice {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(HeaderName::try_from(*name).unwrap(), HeaderValue::from_str(value).unwrap());
    }
    advice(&map, Timestamp::from_second(now).unwrap())
}

/// `left: calls / resets in / window` and `policy: calls / window`, seconds, `-` for what is not told.
fn told(advice: &Advice) -> Vec<String> {
    let seconds = |duration: Option<Duration>| match duration {
        Some(duration) => duration.as_secs_f64().to_string(),
        None => "-".to_owned(),
    };
    let left = advice.left.iter();
    let left = left.map(|left| format!("left {} / {} / {}", left.calls, seconds(left.resets_in), seconds(left.period)));
    let policies = advice.policies.iter().map(|policy| format!("policy {} / {}", policy.max, policy.period.as_secs()));
    left.chain(policies).collect()
}

type Case = (&'static str, &'static [(&'static str, &'static str)], &'static [&'static str]);

const REAL: &[Case] = &[
    (
        "GitHub",
        &[
            DATE,
            ("x-ratelimit-limit", "5000"),
            ("x-ratelimit-remaining", "4987"),
            ("x-ratelimit-used", "13"),
            ("x-ratelimit-resource", "core"),
            ("x-ratelimit-reset", "1795350600"),
        ],
        &["left 4987 / 1800 / -"],
    ),
    (
        "Kong",
        &[
            ("X-RateLimit-Limit-Second", "5"),
            ("X-RateLimit-Remaining-Second", "4"),
            ("X-RateLimit-Limit-Minute", "10"),
            ("X-RateLimit-Remaining-Minute", "9"),
            ("X-RateLimit-Limit-Month", "3000"),
            ("X-RateLimit-Remaining-Month", "2999"),
            ("RateLimit-Limit", "10"),
            ("RateLimit-Remaining", "9"),
            ("RateLimit-Reset", "47"),
        ],
        &[
            "left 9 / 47 / 60",
            "left 4 / - / 1",
            "left 9 / - / 60",
            "left 2999 / - / 2592000",
            "policy 5 / 1",
            "policy 10 / 60",
            "policy 3000 / 2592000",
        ],
    ),
    (
        "Cloudflare",
        &[("ratelimit", "\"default\";r=50;t=30"), ("ratelimit-policy", "\"default\";q=100;w=60")],
        &["left 50 / 30 / 60", "policy 100 / 60"],
    ),
    (
        "draft 11, several policies",
        &[
            ("ratelimit-policy", "\"hour\";q=1000;w=3600, \"day\";q=5000;w=86400;pk=:dHJpYWwxMjEzMjM=:"),
            ("ratelimit", "\"day\";r=100;t=36000;pk=:dHJpYWwxMjEzMjM=:, \"free\";r=7"),
        ],
        &["left 100 / 36000 / 86400", "left 7 / - / -", "policy 1000 / 3600", "policy 5000 / 86400"],
    ),
    (
        "draft 11, other units",
        &[
            ("ratelimit-policy", "\"bytes\";q=65535;qu=\"content-bytes\";w=10,\"calls\";qu=\"requests\";q=5;w=1"),
            ("ratelimit", "\"bytes\";r=12;t=3,\"calls\";r=4;t=1"),
        ],
        &["left 4 / 1 / 1", "policy 5 / 1"],
    ),
    (
        "draft 11, awkward names",
        &[("ratelimit-policy", r#""a,b;c\"d";q=10;w=5"#), ("ratelimit", r#" "a,b;c\"d" ; r=3 ; t=2 "#)],
        &["left 3 / 2 / 5", "policy 10 / 5"],
    ),
    (
        "Hugging Face",
        &[("ratelimit", "\"api\";r=495;t=140"), ("ratelimit-policy", "\"fixed window\";\"api\";q=500;w=300")],
        &["left 495 / 140 / -", "policy 500 / 300"],
    ),
    ("concurrency as a policy", &[("x-ratelimit-policy", "\"concurrent-requests\";q=30")], &[]),
    (
        "draft 07",
        &[("ratelimit", "limit=100, remaining=50, reset=5"), ("ratelimit-policy", "100;w=60, 1000;w=3600")],
        &["left 50 / 5 / 60", "policy 100 / 60", "policy 1000 / 3600"],
    ),
    (
        "draft 06",
        &[
            ("ratelimit-limit", "10"),
            ("ratelimit-policy", "10;w=1;burst=1000, 1000;w=3600;comment=\"sliding window\""),
            ("ratelimit-remaining", "9"),
            ("ratelimit-reset", "1"),
        ],
        &["left 9 / 1 / 1", "policy 10 / 1", "policy 1000 / 3600"],
    ),
    (
        "the limit as a list (WHOOP)",
        &[
            ("x-ratelimit-limit", "100, 100;window=60, 10000;window=86400"),
            ("x-ratelimit-remaining", "98"),
            ("x-ratelimit-reset", "3"),
        ],
        &["left 98 / 3 / 60", "policy 100 / 60", "policy 10000 / 86400"],
    ),
    (
        "the limit as a list, said twice",
        &[("x-ratelimit-limit", "100"), ("x-ratelimit-limit", "100;w=60"), ("x-ratelimit-remaining", "0")],
        &["left 0 / - / 60", "policy 100 / 60"],
    ),
    (
        "Okta",
        &[DATE, ("x-rate-limit-limit", "600"), ("x-rate-limit-remaining", "598"), ("x-rate-limit-reset", "1795348830")],
        &["left 598 / 30 / -"],
    ),
    (
        "milliseconds",
        &[DATE, ("x-ratelimit-remaining", "1"), ("x-ratelimit-reset", "1795348830500")],
        &["left 1 / 30.5 / -"],
    ),
    (
        "fractions (Discord, Reddit)",
        &[DATE, ("x-ratelimit-remaining", "599.0"), ("x-ratelimit-reset", "1795348801.5")],
        &["left 599 / 1.5 / -"],
    ),
    (
        "two dialects that agree",
        &[
            ("x-ratelimit-remaining", "3"),
            ("x-ratelimit-reset", "9"),
            ("ratelimit-remaining", "3"),
            ("ratelimit-reset", "9"),
        ],
        &["left 3 / 9 / -"],
    ),
    (
        "tokens are no calls (OpenAI)",
        &[
            ("x-ratelimit-limit-tokens", "150000"),
            ("x-ratelimit-remaining-tokens", "149984"),
            ("x-ratelimit-reset-tokens", "6m0s"),
        ],
        &[],
    ),
    ("Stripe", &[DATE, ("content-type", "application/json"), ("request-id", "req_1")], &[]),
    ("two gateways", &[("x-ratelimit-remaining", "7"), ("x-ratelimit-remaining", "98")], &["left 7 / - / -"]),
];

#[test]
fn real_headers_are_understood() {
    for (name, headers, expected) in REAL {
        assert_eq!(told(&read(headers, NOON)), *expected, "{name}");
    }
}

#[test]
fn a_reset_is_a_date_or_a_wait() {
    let late = NOON + 60;
    let table = [
        // The answer's own clock decides, ours (a minute ahead) only where it has none.
        ("1795348830", true, Some(30.0)),
        ("1795348870", false, Some(10.0)),
        ("1795348870000", false, Some(10.0)),
        ("1795348799", true, Some(0.0)),
        ("999999999", true, Some(999_999_999.0)),
        ("0", true, Some(0.0)),
        ("0.25", true, Some(0.25)),
        (".5", true, Some(0.5)),
        ("-5", true, None),
        ("+5", true, None),
        ("1e3", true, None),
        ("inf", true, None),
        ("NaN", true, None),
        ("30, 60", true, None),
        ("30s", true, None),
        ("", true, None),
        ("Sun, 22 Nov 2026 12:00:30 GMT", true, None),
    ];
    for (reset, dated, expected) in table {
        let mut headers = vec![("x-ratelimit-remaining", "5"), ("x-ratelimit-reset", reset)];
        headers.extend(dated.then_some(DATE));
        let found = read(&headers, late);
        assert_eq!(found.left[0].resets_in, expected.map(Duration::from_secs_f64), "{reset:?}");
        assert_eq!(found.date.map(Timestamp::as_second), dated.then_some(NOON));
    }
}

#[test]
fn nonsense_gives_nothing() {
    for text in ["-1", "many", "", "1e9", "0x10", "\"5\";", ";w=60", "=", "\"", "\\", ",,,", "1..2"] {
        let headers =
            [("x-ratelimit-limit", text), ("ratelimit", text), ("ratelimit-policy", text), ("x-ratelimit-reset", text)];
        assert_eq!(told(&read(&headers, NOON)), [""; 0], "{text:?}");
    }
    assert_eq!(told(&read(&[("ratelimit-policy", "100;w=0, \"a\";q=5, \"b\";w=5")], NOON)), [""; 0]);
    let huge = [("ratelimit-policy", "99999999999;w=60"), ("ratelimit-remaining", "99999999999")];
    assert_eq!(told(&read(&huge, NOON)), ["left 4294967295 / - / -", "policy 4294967295 / 60"]);
}

/// Header names that are looked at, and some beside them.
const NAMES: [&str; 12] = [
    "ratelimit",
    "ratelimit-policy",
    "ratelimit-limit",
    "ratelimit-remaining",
    "ratelimit-reset",
    "x-ratelimit-limit",
    "x-ratelimit-remaining-minute",
    "x-ratelimit-reset-month",
    "x-rate-limit-",
    "x-ratelimit-policy-",
    "date",
    "retry-after",
];

proptest! {
    /// Whatever bytes stand in whichever headers, in whatever year.
    #[test]
    fn reading_never_fails(
        headers in prop::collection::vec(
            (prop::sample::select(&NAMES[..]), prop_oneof![
                prop::collection::vec(any::<u8>(), 0..60),
                "[0-9.,;=\"\\\\a-z \\-:]{0,40}".prop_map(String::into_bytes),
                "(\"[a-z,;]{0,4}\"|[0-9]{1,20})(;(q|w|r|t|qu)=[0-9.\"]{0,22}){0,4}".prop_map(String::into_bytes),
            ]),
            0..8,
        ),
        now in Timestamp::MIN.as_second()..=Timestamp::MAX.as_second(),
    ) {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            if let Ok(value) = HeaderValue::from_bytes(&value) {
                map.append(name, value);
            }
        }
        let advice = advice(&map, Timestamp::from_second(now).unwrap());
        prop_assert!(advice.policies.iter().all(|policy| !policy.period.is_zero()));
        prop_assert_eq!(told(&advice).len(), advice.left.len() + advice.policies.len());
    }
}
