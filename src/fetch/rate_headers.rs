//! What answers say about limits, in the dialects that are in use.
//!
//! | headers | from |
//! |---|---|
//! | `X-RateLimit-Limit`, `-Remaining`, `-Reset`; also `X-Rate-Limit-*` | custom; GitHub, Okta, many more |
//! | the same with the period behind: `X-RateLimit-Remaining-Minute` | Kong |
//! | `RateLimit-Limit`, `-Remaining`, `-Reset`; `RateLimit-Policy: 10;w=1` | draft-ietf-httpapi-ratelimit-headers-00 to -06 |
//! | `RateLimit: limit=100, remaining=50, reset=5` | the same, -07 |
//! | `RateLimit: "name";r=50;t=30`, `RateLimit-Policy: "name";q=100;w=60` | the same, -08 to -11 |
//!
//! Invariant: whatever stands there, reading it never fails; what is not understood gives nothing, and what does not
//! count calls (`qu="content-bytes"`, `-Remaining-Tokens`) is not taken for calls.

use std::collections::BTreeMap;
use std::time::Duration;

use http::HeaderMap;
use jiff::Timestamp;

use crate::quota::{Advice, Left, Policy};

use super::headers::date;

/// A reset above this is a date in epoch seconds: nobody waits for 31 years.
const EPOCH_SECONDS: f64 = 1e9;
/// A reset above this is a date in epoch milliseconds.
const EPOCH_MILLIS: f64 = 1e12;
/// What the names of the older headers begin with.
const FAMILIES: [&str; 3] = ["ratelimit-", "x-ratelimit-", "x-rate-limit-"];

/// What the answer says about the limits. Dates count from its own `Date`, since the two come from one clock, else from
/// `now`.
pub fn advice(headers: &HeaderMap, now: Timestamp) -> Advice {
    let date = date(headers);
    let mut told = Told::default();
    for name in headers.keys().filter(|name| is_about_limits(name.as_str())) {
        let values: Vec<&str> = headers.get_all(name).iter().filter_map(|value| value.to_str().ok()).collect();
        told.hear(name.as_str(), &values.join(","));
    }
    let policies = told.policies();
    let left = told.left(&policies, date.unwrap_or(now));
    Advice { date, left: distinct(left), policies: distinct(policies.into_iter().map(|named| named.policy).collect()) }
}

fn is_about_limits(name: &str) -> bool {
    name == "ratelimit" || FAMILIES.iter().any(|family| name.starts_with(family))
}

/// Providers on their way from one dialect to the next say things twice.
fn distinct<T: PartialEq>(all: Vec<T>) -> Vec<T> {
    let mut once = Vec::with_capacity(all.len());
    for one in all {
        if !once.contains(&one) {
            once.push(one);
        }
    }
    once
}

/// What was heard, sorted by what it is about.
#[derive(Default)]
struct Told {
    /// Members of `RateLimit`.
    left: Vec<Member>,
    /// Members of `RateLimit-Policy`.
    policies: Vec<Member>,
    /// The older headers, by family and by the period behind the name.
    older: BTreeMap<(usize, Option<Duration>), Older>,
}

/// The older headers, one number each.
#[derive(Default)]
struct Older {
    limit: Vec<Member>,
    remaining: Option<f64>,
    reset: Option<f64>,
}

/// A policy and what its members are called elsewhere.
struct Named {
    name: String,
    policy: Policy,
}

impl Told {
    fn hear(&mut self, name: &str, text: &str) {
        if name == "ratelimit" {
            for member in members(text) {
                match member.item.split_once('=') {
                    Some((key, value)) => self.hear(&format!("ratelimit-{}", key.trim()), value),
                    None => self.left.push(member),
                }
            }
            return;
        }
        let Some((family, rest)) =
            FAMILIES.iter().enumerate().find_map(|(at, family)| Some((at, name.strip_prefix(family)?)))
        else {
            return;
        };
        if rest == "policy" {
            self.policies.extend(members(text));
            return;
        }
        let (kind, period) = match rest.split_once('-') {
            None => (rest, None),
            Some((kind, suffix)) => match period(suffix) {
                Some(period) => (kind, Some(period)),
                // Tokens, bytes, one of several resources: not our calls, or not all of them.
                None => return,
            },
        };
        let members = members(text);
        let mut numbers = members.iter().filter_map(|member| number(&member.item));
        match kind {
            "limit" => self.older(family, period).limit = members,
            // Of several, the least is safe.
            "remaining" => self.older(family, period).remaining = numbers.min_by(f64::total_cmp),
            "reset" if members.len() == 1 => self.older(family, period).reset = numbers.next_back(),
            _ => {}
        }
    }

    fn older(&mut self, family: usize, period: Option<Duration>) -> &mut Older {
        self.older.entry((family, period)).or_default()
    }

    fn policies(&self) -> Vec<Named> {
        let listed = self.policies.iter().chain(self.older.values().flat_map(|older| &older.limit));
        let listed = listed.filter(|member| member.counts_calls()).filter_map(|member| {
            let max = number(member.parameter(&["q"]).unwrap_or(&member.item))?;
            let policy = Policy { max: whole(max), period: seconds(number(member.parameter(&["w", "window"])?)?)? };
            (!policy.period.is_zero()).then(|| Named { name: member.item.clone(), policy })
        });
        let suffixed = self.older.iter().filter_map(|((_, period), older)| {
            let max = whole(number(&older.limit.first()?.item)?);
            Some(Named { name: String::new(), policy: Policy { max, period: (*period)? } })
        });
        listed.chain(suffixed).collect()
    }

    fn left(&self, policies: &[Named], clock: Timestamp) -> Vec<Left> {
        let foreign = |name: &str| self.policies.iter().any(|member| member.item == name && !member.counts_calls());
        let of = |fits: &dyn Fn(&Named) -> bool| {
            let periods = policies.iter().filter(|named| fits(named)).map(|named| named.policy.period);
            let periods = distinct(periods.collect());
            // Two windows of one name or size: nobody knows which is meant.
            periods.first().copied().filter(|_| periods.len() == 1)
        };
        let current = self.left.iter().filter(|member| !foreign(&member.item)).filter_map(|member| {
            Some(Left {
                calls: whole(number(member.parameter(&["r"])?)?),
                resets_in: member.parameter(&["t"]).and_then(number).and_then(seconds),
                period: of(&|named| named.name == member.item),
            })
        });
        let older = self.older.iter().filter_map(|((_, period), older)| {
            let limit = older.limit.first().and_then(|member| number(&member.item)).map(whole);
            Some(Left {
                calls: whole(older.remaining?),
                resets_in: older.reset.and_then(|reset| until(reset, clock)),
                period: period.or_else(|| of(&|named| Some(named.policy.max) == limit)),
            })
        });
        current.chain(older).collect()
    }
}

/// One member of a list (RFC 9651, 3.1): an item and its parameters, all as text without quotes.
struct Member {
    item: String,
    parameters: Vec<(String, String)>,
}

impl Member {
    fn parameter(&self, names: &[&str]) -> Option<&str> {
        self.parameters.iter().find(|(key, _)| names.contains(&key.as_str())).map(|(_, value)| value.as_str())
    }

    /// Its quota unit, calls if it names none.
    fn counts_calls(&self) -> bool {
        self.parameter(&["qu"]).is_none_or(|unit| unit == "requests")
    }
}

fn members(text: &str) -> Vec<Member> {
    let parts = split(text, ',').into_iter().map(|member| {
        let mut parts = split(member, ';').into_iter();
        let item = unquoted(parts.next().unwrap_or_default());
        let parameters = parts
            .filter_map(|part| part.split_once('='))
            .map(|(key, value)| (key.trim().to_ascii_lowercase(), unquoted(value)));
        Member { item, parameters: parameters.collect() }
    });
    parts.filter(|member| !member.item.is_empty()).collect()
}

/// Splits where `at` stands outside of quotes.
fn split(text: &str, at: char) -> Vec<&str> {
    let (mut quoted, mut escaped) = (false, false);
    text.split(|letter| {
        let ends = letter == at && !quoted;
        quoted ^= letter == '"' && !escaped;
        escaped = quoted && letter == '\\' && !escaped;
        ends
    })
    .collect()
}

fn unquoted(text: &str) -> String {
    let text = text.trim();
    let inner = text.strip_prefix('"').and_then(|text| text.strip_suffix('"'));
    inner.unwrap_or(text).replace("\\\"", "\"").replace("\\\\", "\\")
}

/// A number without sign or exponent.
fn number(text: &str) -> Option<f64> {
    let text = text.trim();
    let plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    text.parse().ok().filter(|_| plain)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a cast of a float stops at the ends")]
fn whole(number: f64) -> u32 {
    number as u32
}

fn seconds(number: f64) -> Option<Duration> {
    Duration::try_from_secs_f64(number).ok()
}

/// How long until a reset: a date, or seconds from now. One that has passed is now.
fn until(reset: f64, clock: Timestamp) -> Option<Duration> {
    let date = match reset {
        millis if millis > EPOCH_MILLIS => millis / 1000.0,
        date if date > EPOCH_SECONDS => date,
        wait => return seconds(wait),
    };
    let now = seconds(clock.as_duration().as_secs_f64())?;
    Some(seconds(date)?.saturating_sub(now))
}

/// The period that a name ends with.
fn period(suffix: &str) -> Option<Duration> {
    let seconds = match suffix {
        "second" => 1,
        "minute" => 60,
        "hour" => 3600,
        "day" => 86_400,
        "month" => 30 * 86_400,
        "year" => 365 * 86_400,
        _ => return None,
    };
    Some(Duration::from_secs(seconds))
}
