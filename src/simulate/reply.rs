//! Writes an outcome as the provider would: code, message, HTTP status and headers.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;
use serde_json::Value;

use crate::provider::{Cause, CodeMatch, Scope, Verdict};

use super::envelope;
use super::simulator::Simulator;

/// What becomes of a request.
pub(super) enum Outcome {
    Success { body: Value, records: u64, credits: u64 },
    Refused { cause: Cause, detail: Option<String>, opens_in: Option<Duration> },
    Code(String),
    Html(u16),
}

/// An outcome, written.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) code: Option<String>,
    pub(super) body: Bytes,
    pub(super) retry_after: Option<u64>,
    pub(super) html: bool,
}

impl Simulator {
    pub(super) fn write(&self, outcome: &Outcome) -> Answer {
        match outcome {
            Outcome::Success { body, .. } => Answer {
                status: 200,
                code: self.provider.envelope.ok.first().cloned(),
                body: body.to_string().into(),
                retry_after: None,
                html: false,
            },
            Outcome::Refused { cause, detail, opens_in } => match self.code_of(*cause) {
                Some(code) => self.write_code(code, detail.as_deref(), *opens_in),
                None => self.write_bare(*cause, *opens_in),
            },
            Outcome::Code(code) => self.write_code(code, None, None),
            Outcome::Html(status) => Answer {
                status: *status,
                code: None,
                body: format!("<html><head><title>{status}</title></head><body><h1>{status}</h1></body></html>").into(),
                retry_after: None,
                html: true,
            },
        }
    }

    fn write_code(&self, name: &str, detail: Option<&str>, opens_in: Option<Duration>) -> Answer {
        let Some(code) = self.provider.simulation.codes.get(name) else { return self.write_bare(Cause::Path, None) };
        let message = detail.map_or_else(|| code.message.clone(), |detail| format!("{}: {detail}", code.message));
        let turn = usize::try_from(self.stats.requests).unwrap_or_default();
        let in_200 = self.options.errors_in_http_200.unwrap_or(self.provider.simulation.errors_in_http_200);
        Answer {
            status: envelope::status(code, in_200),
            code: Some(name.to_owned()),
            body: envelope::failure(&self.provider, Some(name), &message, turn).to_string().into(),
            retry_after: code.retry_after.then(|| whole_seconds(opens_in.unwrap_or(Duration::from_secs(1)))),
            html: false,
        }
    }

    /// A refusal the provider has no code for: HTTP alone says it.
    fn write_bare(&self, cause: Cause, opens_in: Option<Duration>) -> Answer {
        let (status, message) = match cause {
            Cause::AuthMissing | Cause::AuthInvalid | Cause::AuthNotYetValid | Cause::AuthExpired => {
                (401, "not authorized")
            }
            Cause::Second | Cause::Minute | Cause::Day | Cause::Concurrency => (429, "too many requests"),
            Cause::Parameters | Cause::Cursor => (400, "bad request"),
            Cause::Path => (404, "not found"),
        };
        Answer {
            status,
            code: None,
            body: envelope::failure(&self.provider, None, message, 0).to_string().into(),
            retry_after: opens_in.map(whole_seconds),
            html: false,
        }
    }

    /// The code a cause has, or that of the nearest cause that has one.
    fn code_of(&self, cause: Cause) -> Option<&str> {
        let codes = &self.provider.simulation.codes;
        let own = codes.iter().find(|(_, code)| code.when.contains(&cause)).map(|(name, _)| name.as_str());
        own.or_else(|| match cause {
            Cause::AuthExpired | Cause::AuthNotYetValid => self.code_of(Cause::AuthInvalid),
            Cause::AuthInvalid => self.code_of(Cause::AuthMissing),
            Cause::Cursor => self.code_of(Cause::Parameters),
            Cause::Second | Cause::Day => self.code_of(Cause::Minute),
            Cause::Minute => None,
            Cause::Concurrency => self.code_of(Cause::Second),
            Cause::AuthMissing | Cause::Parameters | Cause::Path => None,
        })
    }

    /// The provider's own rules say that nothing may be sent after this answer.
    pub(super) fn is_fatal(&self, answer: &Answer, following: bool, path: &str) -> bool {
        let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let message = self
            .provider
            .envelope
            .message
            .iter()
            .find_map(|at| body.pointer(&at.to_string()).and_then(Value::as_str))
            .unwrap_or_default();
        let matches = |wanted: &CodeMatch| match (wanted, &answer.code) {
            (CodeMatch::Missing, code) => code.is_none(),
            (CodeMatch::Exact(wanted), Some(code)) => wanted == code,
            (CodeMatch::Range(range), Some(code)) => code.parse().is_ok_and(|number| range.contains(&number)),
            (CodeMatch::Exact(_) | CodeMatch::Range(_), None) => false,
        };
        let rule = self.provider.rules.iter().find(|rule| {
            let scoped = match &rule.on {
                Scope::Any => true,
                Scope::NextPage => following,
                Scope::Path(start) => path.starts_with(start.as_str()),
            };
            scoped
                && (rule.http.is_empty() || rule.http.iter().any(|range| range.contains(&answer.status)))
                && (rule.code.is_empty() || rule.code.iter().any(matches))
                && rule.message.as_ref().is_none_or(|regex| regex.is_match(message))
        });
        rule.is_some_and(|rule| rule.verdict == Verdict::Stop)
    }

    pub(super) fn respond(&self, answer: Answer, wall: Timestamp) -> Response<Bytes> {
        let mut response = Response::new(answer.body);
        *response.status_mut() = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let kind = if answer.html { "text/html; charset=utf-8" } else { "application/json; charset=utf-8" };
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        let date = DateTimePrinter::new().timestamp_to_rfc9110_string(&wall);
        if let Some(date) = date.ok().and_then(|date| HeaderValue::try_from(date).ok()) {
            headers.insert(header::DATE, date);
        }
        if let Some(seconds) = answer.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Ok(id) = HeaderValue::try_from(format!("simulated-{}", self.stats.requests)) {
            headers.insert("x-request-id", id);
        }
        response
    }
}

/// Rounded up: a client that waits exactly so long finds the window open.
fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}
