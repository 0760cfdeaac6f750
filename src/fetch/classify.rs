//! What an answer means: the code in the body decides, then the HTTP status. Pure.

use std::fmt;
use std::time::Duration;

use crate::job::Pointer;
use crate::json::{Document, Kind, Value};
use crate::provider::{AfterRetries, CodeMatch, Envelope, Provider, Rule, Scope, ThrottleWindow, Verdict};

use super::locate::{Located, locate};

/// A verdict with the words of the provider that led to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// What it means for us.
    pub verdict: Verdict,
    /// HTTP status.
    pub http: u16,
    /// The code in the body, as text.
    pub code: Option<String>,
    /// The message in the body, or what was wrong with the body.
    pub message: String,
    /// What a person should know or do.
    pub hint: Option<String>,
}

impl fmt::Display for Judgement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.code {
            // There was no answer; the message says why.
            None if self.http == 0 => return f.write_str(&self.message),
            Some(code) => write!(f, "HTTP {} with code {code}", self.http)?,
            None => write!(f, "HTTP {} without a code", self.http)?,
        }
        if self.message.is_empty() { Ok(()) } else { write!(f, ": {}", self.message) }
    }
}

/// The default for faults no rule names: HTTP says "later", or the body is no JSON although HTTP says success.
const LATER: Verdict = Verdict::Retry {
    max_attempts: 5,
    delay: Duration::from_secs(1),
    cap: Duration::from_secs(60),
    then: AfterRetries::Pending,
};

/// Judges an answer to a request for `path`, which is for a following page if `next_page`; its body is a `document`
/// unless it is no JSON.
pub fn classify(
    provider: &Provider,
    http: u16,
    (body, document): (&[u8], Option<&Document<'_>>),
    path: &str,
    next_page: bool,
) -> Judgement {
    let read = document.map(|document| read(&provider.envelope, document.root()));
    let asked = Asked { http, path, next_page };
    let success = (200..300).contains(&http);
    let is_json = read.is_some();
    let Read { code, unreadable, message } = read.unwrap_or_else(|| Read {
        code: None,
        unreadable: true,
        message: format!("the body is not JSON: `{}`", head(body)),
    });
    let ok = match &code {
        Some(code) => provider.envelope.ok.contains(code),
        None => !unreadable && (provider.envelope.ok_when_absent || provider.envelope.code.is_empty()),
    };
    if ok && success {
        return Judgement { verdict: Verdict::Accept, http, code, message, hint: None };
    }
    // A code that means success on a failed HTTP status says nothing about the failure.
    let silent = code.is_none() || ok;
    let (verdict, hint) =
        match provider.rules.iter().find(|rule| matches(rule, &asked, code.as_deref(), silent, &message)) {
            Some(rule) => (rule.verdict.clone(), rule.hint.as_deref()),
            None => unnamed(http, silent, is_json),
        };
    Judgement { verdict, http, code, message, hint: hint.map(str::to_owned) }
}

/// What an answer means that no rule of its provider names, and a hint: `silent` when its body has no code, or one that
/// means success on a failed HTTP status.
pub fn unnamed(http: u16, silent: bool, is_json: bool) -> (Verdict, Option<&'static str>) {
    match http {
        200..=299 if !is_json => (LATER, None),
        429 if silent => (Verdict::Throttle(ThrottleWindow::Second), None),
        408 | 425 | 500..=599 if silent => (LATER, None),
        401 | 402 | 403 | 407 if silent => {
            (Verdict::Stop, Some("by its HTTP status alone this is about the key, the account or a proxy on the way"))
        }
        _ => (Verdict::Reject, Some("no rule of the provider file names this answer; add one to `rules_first`")),
    }
}

struct Asked<'a> {
    http: u16,
    path: &'a str,
    next_page: bool,
}

fn matches(rule: &Rule, asked: &Asked<'_>, code: Option<&str>, silent: bool, message: &str) -> bool {
    let scope = match &rule.on {
        Scope::Any => true,
        Scope::NextPage => asked.next_page,
        Scope::Path(prefix) => asked.path.starts_with(prefix.as_str()),
    };
    scope
        && (rule.http.is_empty() || rule.http.iter().any(|range| range.contains(&asked.http)))
        && (rule.code.is_empty() || rule.code.iter().any(|wanted| code_matches(wanted, code, silent)))
        && rule.message.as_ref().is_none_or(|pattern| pattern.is_match(message))
}

fn code_matches(wanted: &CodeMatch, code: Option<&str>, silent: bool) -> bool {
    match (wanted, code) {
        (CodeMatch::Missing, _) => silent,
        (CodeMatch::Exact(wanted), Some(code)) => wanted == code,
        (CodeMatch::Range(range), Some(code)) => code.parse().is_ok_and(|number: i64| range.contains(&number)),
        (CodeMatch::Exact(_) | CodeMatch::Range(_), None) => false,
    }
}

struct Read {
    code: Option<String>,
    /// A code may be there, but cannot be read: the answer is no success even where successes carry none.
    unreadable: bool,
    message: String,
}

fn read(envelope: &Envelope, document: Value<'_, '_>) -> Read {
    let code = first(document, &envelope.code);
    let unreadable = code.is_none() && envelope.code.iter().any(|place| is_unreadable(document, place));
    let is_scalar = !matches!(document.kind(), Kind::Object | Kind::List);
    let unreadable = unreadable || (is_scalar && !envelope.code.is_empty());
    Read { code, unreadable, message: first(document, &envelope.message).unwrap_or_default() }
}

/// The first place that holds a scalar, as text: `3` and `"3"` are the same code.
fn first(document: Value<'_, '_>, places: &[Pointer]) -> Option<String> {
    places.iter().find_map(|place| match locate(document, place).ok()? {
        Located::Value(value) => match value.kind() {
            Kind::Text | Kind::Escaped => value.text().map(|text| text.into_owned()),
            Kind::Whole | Kind::Fraction | Kind::Bool(_) => Some(value.raw().to_owned()),
            Kind::Null | Kind::List | Kind::Object => None,
        },
        Located::Null | Located::Missing(_) => None,
    })
}

/// True where no scalar was found at `place` although something is there: a key that stands twice, a list or an object
/// instead of a code, or an `error` object with anything in it but a code.
fn is_unreadable(document: Value<'_, '_>, place: &Pointer) -> bool {
    match locate(document, place) {
        Err(_) | Ok(Located::Value(_)) => true,
        Ok(Located::Null | Located::Missing(_)) => is_filled_object(document, place),
    }
}

/// The object that should hold the code at `place`, below the root, has keys.
fn is_filled_object(document: Value<'_, '_>, place: &Pointer) -> bool {
    let Some((_, parents)) = place.0.split_last().filter(|(_, parents)| !parents.is_empty()) else { return false };
    match locate(document, &Pointer(parents.to_vec())) {
        Ok(Located::Value(parent)) => parent.kind() == Kind::Object && !parent.is_hollow(),
        Ok(Located::Null | Located::Missing(_)) => false,
        Err(_) => true,
    }
}

fn head(body: &[u8]) -> String {
    String::from_utf8_lossy(&body[..body.len().min(400)]).split_whitespace().collect::<Vec<_>>().join(" ")
}
