//! The provider as a state machine: a request and the time go in, an answer comes out.
//!
//! Invariant: no clock, no chance but the seed, no I/O; a request counts at the instant its processing starts.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response};
use serde_json::{Map, Value};

use crate::job::{Paging, Pointer};
use crate::provider::{Cause, Endpoint, Limits, OtherPaths, Provider};
use crate::quota::Moment;

use super::asked::Asked;
use super::auth;
use super::enforce::{Enforcer, Rules};
use super::envelope::{self, Success};
use super::fault::{Faults, What};
use super::latency::Latency;
use super::mix::mix;
use super::pages::{self, Cursors, Meant, Page};
use super::record::{Entry, Stats};
use super::reply::{Answer, Outcome};
use super::rows::Rows;
use super::secrets::SimSecrets;

/// A request that hangs is given up by the provider's own gateway after so long.
const GATEWAY_TIMEOUT: Duration = Duration::from_secs(60);
/// A client without a timeout would wait so long for a hanging answer.
const HANG: Duration = Duration::from_secs(600);
/// What `slow` adds.
const SLOW: Duration = Duration::from_secs(3);

/// How a provider is played.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Same seed, same records, latencies and chances.
    pub seed: u64,
    /// How long answers take.
    pub latency: Latency,
    /// What goes wrong.
    pub faults: Faults,
    /// Limits to enforce instead of the provider's own.
    pub limits: Option<Limits>,
    /// How the limits are kept.
    pub rules: Rules,
    /// Overrides the provider file: errors leave with HTTP 200.
    pub errors_in_http_200: Option<bool>,
    /// Keeps one [`Entry`] per request; without it the log stays empty.
    pub log: bool,
}

/// What the provider does to the connection instead of answering properly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WireFault {
    /// The connection ends without an answer; the request was processed.
    #[error("the connection was reset before the answer")]
    Reset,
    /// The connection ends in the middle of the body.
    #[error("the connection was closed in the middle of the body")]
    CutBody,
    /// No answer comes for ten minutes, then the connection ends.
    #[error("no answer came")]
    Hang,
}

/// An answer.
#[derive(Debug)]
pub struct Reply {
    /// Status, headers (`Date` by the provider's own clock) and body.
    pub response: Response<Bytes>,
    /// It leaves so long after the request came.
    pub latency: Duration,
    /// It does not arrive whole.
    pub fault: Option<WireFault>,
}

/// A provider being played.
#[derive(Debug)]
pub struct Simulator {
    pub(super) provider: Provider,
    secrets: SimSecrets,
    pub(super) options: Options,
    enforcer: Enforcer,
    cursors: Cursors,
    /// How often each following page was asked for.
    askings: HashMap<u64, u64>,
    /// Requests before the script that is played now.
    scripted_from: u64,
    bought: HashSet<u64>,
    fatal_from: Option<Duration>,
    log: Vec<Entry>,
    pub(super) stats: Stats,
}

/// A request, read as far as it can be without judging it.
struct Seen {
    asked: Asked,
    path: String,
    /// Without the credential.
    parameters: Map<String, Value>,
    hash: u64,
    /// `None` when no such page was ever offered.
    page: Option<Page>,
}

impl Simulator {
    /// Plays `provider`, demanding `secrets`.
    pub fn new(provider: &Provider, secrets: SimSecrets, options: Options) -> Self {
        let limits = options.limits.as_ref().unwrap_or(&provider.limits);
        Self {
            enforcer: Enforcer::new(limits, &options.rules),
            provider: provider.clone(),
            secrets,
            options,
            cursors: Cursors::default(),
            askings: HashMap::new(),
            scripted_from: 0,
            bought: HashSet::new(),
            fatal_from: None,
            log: Vec::new(),
            stats: Stats::default(),
        }
    }

    /// Answers a request whose processing starts `now`. Requests must come in the order of `now`.
    pub fn answer(&mut self, now: Moment, request: &Request<Bytes>) -> Reply {
        self.stats.requests += 1;
        if self.fatal_from.is_some_and(|from| from < now.elapsed) {
            self.stats.after_fatal += 1;
        }
        let now = self.by_own_clock(now);
        let in_flight = self.enforcer.in_flight(now);
        let seen = self.see(request);
        let faults = self.faults(&seen);
        let chance = mix(mix(self.options.seed, 0x6c61), self.stats.requests);
        let allowed = auth::check(&self.provider, &self.secrets, &seen.asked, now.wall);
        let admitted = allowed.map(|()| self.enforcer.admit(now));
        let counted = matches!(admitted, Ok(Ok(()))) || (admitted.is_ok() && self.options.rules.count_refusals);

        let outcome = match (faults.iter().find(|what| **what != What::Slow), admitted) {
            (Some(What::Code(code)), _) => Outcome::Code(code.clone()),
            (Some(What::Html(status)), _) => Outcome::Html(*status),
            (Some(What::Expire), _) => refused(Cause::AuthExpired),
            (_, Err(failure)) => refused(failure.cause()),
            (_, Ok(Err(refusal))) => {
                Outcome::Refused { cause: refusal.cause, detail: None, opens_in: Some(refusal.opens_in) }
            }
            (Some(What::Forget), Ok(Ok(()))) if self.is_following(&seen) => {
                self.cursors.forget(&seen.asked.method, &seen.path, &seen.parameters);
                refused(Cause::Cursor)
            }
            (_, Ok(Ok(()))) => self.play(&seen),
        };

        let legs = self.options.latency.legs(chance);
        let mut latency = if counted { legs.there + legs.work + legs.back } else { self.options.latency.refusal() };
        if faults.contains(&What::Slow) {
            latency += SLOW;
        }
        let fault = faults.iter().find_map(wire_fault);
        if fault == Some(WireFault::Hang) {
            latency = HANG;
        }
        if counted {
            self.enforcer.occupy(now.elapsed + latency.min(GATEWAY_TIMEOUT));
        }
        let answer = self.write(&outcome);
        self.count(now, &seen, &outcome, &answer, latency, fault);
        if self.options.log {
            self.log.push(Entry {
                at: now,
                method: seen.asked.method.clone(),
                path: seen.path.clone(),
                code: answer.code.clone(),
                http: answer.status,
                counted,
                in_flight,
            });
        }
        Reply { response: self.respond(answer, now.wall), latency, fault }
    }

    /// From now on this goes wrong, and nothing of the script before; the next request is number 1 of it.
    pub fn script(&mut self, faults: Faults) {
        self.options.faults = faults;
        self.scripted_from = self.stats.requests;
        self.askings.clear();
    }

    /// All requests so far, if [`Options::log`] asks for it. Times are by the provider's own clock.
    pub fn log(&self) -> &[Entry] {
        &self.log
    }

    /// Totals so far.
    pub fn stats(&self) -> Stats {
        Stats { windows: self.enforcer.stats(), ..self.stats.clone() }
    }

    /// Who is played.
    pub fn provider(&self) -> &Provider {
        &self.provider
    }

    /// The secrets demanded.
    pub fn secrets(&self) -> &SimSecrets {
        &self.secrets
    }

    fn by_own_clock(&self, now: Moment) -> Moment {
        Moment { wall: now.wall.checked_add(self.options.faults.skew()).unwrap_or(now.wall), ..now }
    }

    fn see(&self, request: &Request<Bytes>) -> Seen {
        let asked = Asked::read(request, self.provider.base_url.path());
        let path = asked.path.clone().unwrap_or_else(|| request.uri().path().to_owned());
        let mut parameters = asked.parameters();
        auth::strip(&self.provider, &mut parameters);
        let hash = pages::hash(&asked.method, &path, &parameters);
        let page = match self.cursors.read(&self.provider.paging, &asked.method, &path, parameters.clone()) {
            Meant::Page(page) => Some(page),
            Meant::UnknownCursor => None,
        };
        Seen { asked, path, parameters, hash, page }
    }

    fn is_following(&self, seen: &Seen) -> bool {
        seen.page.as_ref().is_none_or(|page| page.following)
    }

    fn faults(&mut self, seen: &Seen) -> Vec<What> {
        if self.options.faults == Faults::default() {
            return Vec::new();
        }
        let asking = self.is_following(seen).then(|| {
            let asking = self.askings.entry(seen.hash).or_default();
            *asking += 1;
            *asking
        });
        // Another share of the requests than the script before would hit.
        let seed = self.options.seed ^ self.scripted_from;
        self.options.faults.decide(seed, self.stats.requests - self.scripted_from, asking)
    }

    /// The answer of an endpoint to an allowed request.
    fn play(&mut self, seen: &Seen) -> Outcome {
        if seen.asked.path.is_none() {
            return refused(Cause::Path);
        }
        let Some(page) = &seen.page else { return refused(Cause::Cursor) };
        let simulation = &self.provider.simulation;
        let endpoint = simulation.endpoints.iter().find(|endpoint| endpoint.path == page.path);
        if !is_served(simulation.other_paths, endpoint, &page.method) {
            return refused(Cause::Path);
        }
        if seen.asked.broken_body {
            return refused_parameter("the body is no JSON object");
        }
        let rows = match Rows::new(self.options.seed, &page.path, endpoint, &page.parameters) {
            Ok(rows) => rows,
            Err(bad) => return refused_parameter(&format!("parameter {} is missing or wrong", bad.0)),
        };
        let single = rows.single();
        let paging = if single { &Paging::None } else { &self.provider.paging };
        let slice = pages::slice(paging, page, endpoint.and_then(|endpoint| endpoint.page_size), rows.total);
        let mut records = rows.make(slice.range.clone());
        let count = records.len() as u64;
        let base = format!("{}{}", seen.asked.origin, self.provider.base_url.path().trim_end_matches('/'));
        let onward = self.cursors.onward(self.options.seed, paging, page, &slice, &base);
        let credits = endpoint.and_then(|endpoint| endpoint.credits.as_ref()).unwrap_or(&simulation.credits);
        let body = envelope::success(
            &self.provider,
            Success {
                records: if single { records.pop().unwrap_or(Value::Null) } else { Value::Array(records) },
                at: endpoint.map_or_else(Pointer::default, |endpoint| Pointer::parse(&endpoint.records)),
                beside: rows.beside(),
                parameters: &page.parameters,
                onward,
                credits: credits.iter().map(|(name, credits)| (name, *credits)).collect(),
            },
        );
        Outcome::Success { body, records: count, credits: credits.values().sum() }
    }

    fn count(
        &mut self,
        now: Moment,
        seen: &Seen,
        outcome: &Outcome,
        answer: &Answer,
        latency: Duration,
        fault: Option<WireFault>,
    ) {
        match outcome {
            Outcome::Success { records, credits, .. } => {
                self.stats.credits += credits;
                // An answer that was lost on the wire has to be asked for again: that is no waste of the client's.
                if fault.is_none() {
                    self.stats.successes += 1;
                    self.stats.records += records;
                    self.stats.duplicates += u64::from(!self.bought.insert(seen.hash));
                }
            }
            Outcome::Refused { .. } | Outcome::Code(_) | Outcome::Html(_) => {
                let name = answer.code.clone().unwrap_or_else(|| format!("http {}", answer.status));
                *self.stats.refusals.entry(name).or_default() += 1;
                if fault.is_none() && self.is_fatal(answer, self.is_following(seen), &seen.path) {
                    let answered = now.elapsed + latency;
                    self.fatal_from = Some(self.fatal_from.map_or(answered, |earlier| earlier.min(answered)));
                }
            }
        }
    }
}

/// Whether anything is served under this path with this method; following pages carry the first request's.
fn is_served(other_paths: OtherPaths, endpoint: Option<&Endpoint>, method: &Method) -> bool {
    match endpoint {
        Some(endpoint) => endpoint.methods.is_empty() || endpoint.methods.iter().any(|own| own == method.as_str()),
        None => other_paths == OtherPaths::Generic,
    }
}

fn refused(cause: Cause) -> Outcome {
    Outcome::Refused { cause, detail: None, opens_in: None }
}

fn refused_parameter(detail: &str) -> Outcome {
    Outcome::Refused { cause: Cause::Parameters, detail: Some(detail.to_owned()), opens_in: None }
}

fn wire_fault(what: &What) -> Option<WireFault> {
    match what {
        What::Reset => Some(WireFault::Reset),
        What::Cut => Some(WireFault::CutBody),
        What::Hang => Some(WireFault::Hang),
        What::Code(_) | What::Html(_) | What::Slow | What::Forget | What::Expire => None,
    }
}
