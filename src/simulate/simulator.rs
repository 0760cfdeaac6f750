//! The provider as a state machine: a request and the time go in, an answer comes out.
//!
//! Invariant: no clock, no chance but the seed, no I/O. When a request is decided, and how long it takes, is in `trip`.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request};
use serde_json::{Map, Value};

use crate::job::{Paging, Pointer};
use crate::provider::{Cause, Endpoint, OtherPaths, Provider};

use super::asked::Asked;
use super::auth;
use super::enforce::Enforcer;
use super::envelope::{self, Success};
use super::fault::{Faults, What};
use super::options::Options;
use super::pages::{self, Cursors, Meant, Page};
use super::record::{Entry, Stats};
use super::reply::{Answer, Outcome};
use super::rows::Rows;
use super::secrets::SimSecrets;
use super::trip::WireFault;

/// A provider being played.
#[derive(Debug)]
pub struct Simulator {
    pub(super) provider: Provider,
    pub(super) secrets: SimSecrets,
    pub(super) options: Options,
    pub(super) enforcer: Enforcer,
    pub(super) cursors: Cursors,
    /// How often each following page was asked for.
    askings: HashMap<u64, u64>,
    /// Requests before the script that is played now.
    scripted_from: u64,
    bought: HashSet<u64>,
    /// When the first answer was back after which nothing may be sent.
    pub(super) fatal_from: Option<Duration>,
    /// Requests that have left a client.
    pub(super) departed: u64,
    pub(super) log: Vec<Entry>,
    pub(super) stats: Stats,
}

/// A request, read as far as it can be without judging it.
pub(super) struct Seen {
    pub(super) asked: Asked,
    pub(super) path: String,
    /// Without the credential.
    pub(super) parameters: Map<String, Value>,
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
            departed: 0,
            log: Vec::new(),
            stats: Stats::default(),
        }
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

    /// The same, which are forgotten: a log of days need not fit into memory.
    pub fn take_log(&mut self) -> Vec<Entry> {
        std::mem::take(&mut self.log)
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

    pub(super) fn see(&self, request: &Request<Bytes>) -> Seen {
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

    pub(super) fn is_following(&self, seen: &Seen) -> bool {
        seen.page.as_ref().is_none_or(|page| page.following)
    }

    pub(super) fn faults(&mut self, seen: &Seen) -> Vec<What> {
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
    pub(super) fn play(&mut self, seen: &Seen) -> Outcome {
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

    /// Adds an answer that is back at `answered` to the totals.
    pub(super) fn tally(
        &mut self,
        answered: Duration,
        seen: &Seen,
        outcome: &Outcome,
        answer: &Answer,
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

pub(super) fn refused(cause: Cause) -> Outcome {
    Outcome::Refused { cause, detail: None, opens_in: None }
}

fn refused_parameter(detail: &str) -> Outcome {
    Outcome::Refused { cause: Cause::Parameters, detail: Some(detail.to_owned()), opens_in: None }
}
