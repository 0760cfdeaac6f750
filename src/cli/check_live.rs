//! `tidemill check --live`: one call with each credential, and what the provider says to it.
//!
//! Invariant: nothing of an answer is kept, but the call counts in the quota journal like any other.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use crate::fetch::{CellEnd, Judgement};
use crate::job::{Job, Problem};
use crate::ledger::Outcome;
use crate::plan;
use crate::provider::{ThrottleWindow, Verdict, Workspace};
use crate::quota::Clock;
use crate::run::{Assigned, Call, Counted, Exit, Prepared, Previewed};

use super::look::{Answering, Looked, look};
use super::render::{count, is_plain};
use super::run::assign;
use super::signal::Signals;
use super::start::CommandError;
use super::term::say;

/// What the provider says of a credential.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Finding {
    Accepted,
    Unreadable,
    RequestRefused,
    Refused,
    QuotaUsedUp,
    TooFast,
    Trouble,
    NoAnswer,
    NotAsked,
    NoCell,
}

impl Finding {
    fn exit(self) -> Exit {
        match self {
            Self::Accepted | Self::NoCell => Exit::Done,
            Self::Unreadable | Self::RequestRefused | Self::NotAsked => Exit::Rejected,
            Self::Refused => Exit::NeedsPerson,
            Self::QuotaUsedUp | Self::TooFast => Exit::Paused,
            Self::Trouble | Self::NoAnswer => Exit::Failed,
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::Accepted => "key accepted",
            Self::Unreadable => "key accepted, but the answer is not what the job expects",
            Self::RequestRefused => "key accepted, but the first cell is refused",
            Self::Refused => "refused, a person must act",
            Self::QuotaUsedUp => "the quota is used up",
            Self::TooFast => "too many calls at the moment",
            Self::Trouble => "the provider is in trouble",
            Self::NoAnswer => "no answer",
            Self::NotAsked => "not tried, the first cell cannot be asked for",
            Self::NoCell => "not tried, the job has no cell",
        }
    }
}

/// What one credential came to.
pub(super) struct Tried {
    finding: Finding,
    provider: String,
    credential: String,
    job: String,
    cell: Option<String>,
    message: String,
    hint: Option<String>,
    /// The code, or HTTP status, that can be explained.
    code: Option<String>,
    resume_at: Option<Timestamp>,
    /// Where the job names its provider.
    at: Problem,
}

/// What all came to, and the signal that ended it before it was done.
#[derive(Default)]
pub(super) struct Live {
    pub(super) tried: Vec<Tried>,
    signal: Option<Exit>,
}

impl Live {
    /// What it means for a scheduler.
    pub(super) fn exit(&self) -> Exit {
        self.tried.iter().map(Tried::exit).chain(self.signal).fold(Exit::Done, Exit::and)
    }
}

/// One call with each credential of the jobs, for the first cell of the first job that has it.
///
/// # Errors
/// Faults of this machine.
pub(super) async fn try_live(workspace: &Workspace, prepared: Vec<Prepared>) -> Result<Live, CommandError> {
    let mut signals = Signals::watch()?;
    say("live: one call with each credential, which is paid and counts in the quota; what it fetches is thrown away");
    let mut live = Live::default();
    for (assigned, jobs) in by_credential(assign(prepared, &HashMap::new())?) {
        let clock = Clock::system();
        let Prepared { job, provider, .. } = &assigned.prepared;
        let cell = plan::cells(job, clock.now().wall, &provider.zone)?.get(0);
        let mut tried = Tried::of(&assigned.prepared, cell.as_ref().map(|cell| cell.key.to_string()));
        if let Some(cell) = cell {
            match look(assigned, (cell, 1), Answering::Provider(jobs), workspace, &clock, &mut signals).await? {
                Ok(Looked { previewed, signal }) => {
                    live.signal = signal;
                    if signal.is_some() && previewed.calls.is_empty() {
                        break;
                    }
                    tried.came_to(previewed);
                }
                Err(exit) => {
                    live.signal = Some(exit);
                    break;
                }
            }
        }
        live.tried.push(tried);
        if live.signal.is_some() {
            break;
        }
    }
    Ok(live)
}

/// The first job of each credential, with all that use it.
fn by_credential(assigned: Vec<Assigned>) -> Vec<(Assigned, Vec<Arc<Job>>)> {
    let mut credentials: Vec<(Assigned, Vec<Arc<Job>>)> = Vec::new();
    for assigned in assigned {
        let (job, fingerprint) = (Arc::clone(&assigned.prepared.job), assigned.prepared.credential.fingerprint());
        match credentials.iter_mut().find(|(first, _)| first.prepared.credential.fingerprint() == fingerprint) {
            Some((_, jobs)) => jobs.push(job),
            None => credentials.push((assigned, vec![job])),
        }
    }
    credentials
}

impl Tried {
    fn of(Prepared { job, provider, credential }: &Prepared, cell: Option<String>) -> Self {
        Self {
            finding: Finding::NoCell,
            provider: provider.name.clone(),
            credential: credential.fingerprint(),
            job: job.name.to_string(),
            cell,
            message: "its grid is empty".to_owned(),
            hint: None,
            code: None,
            resume_at: None,
            at: job.problem("/provider", ""),
        }
    }

    fn came_to(&mut self, Previewed { mut calls, end, .. }: Previewed) {
        match calls.pop() {
            Some(call) => self.judged(call, end),
            None => self.held(end),
        }
    }

    fn judged(&mut self, Call { judgement, page, latency, .. }: Call, end: Option<CellEnd>) {
        let Judgement { verdict, http, code, hint, .. } = &judgement;
        let is_answered = *http != 0;
        self.message = judgement.to_string();
        self.finding = match verdict {
            Verdict::Accept | Verdict::Empty { .. } | Verdict::Pending { .. } => Finding::Accepted,
            Verdict::Reject if is_answered => Finding::RequestRefused,
            Verdict::Retry { .. } if is_answered => Finding::Trouble,
            Verdict::Reject | Verdict::Retry { .. } => Finding::NoAnswer,
            Verdict::Throttle(ThrottleWindow::Day) => Finding::QuotaUsedUp,
            Verdict::Throttle(ThrottleWindow::Second | ThrottleWindow::Minute | ThrottleWindow::Concurrency) => {
                Finding::TooFast
            }
            Verdict::Reauthorize { .. } | Verdict::Stop => Finding::Refused,
        };
        if self.finding != Finding::Accepted && is_answered {
            self.code = code.clone().or_else(|| Some(http.to_string())).filter(|code| is_plain(code));
        }
        self.hint.clone_from(hint);
        if let Some(page) = page {
            self.message = shown(page, latency);
        }
        // The provider says success, and our own reading of it does not.
        if let (Verdict::Accept, Some(CellEnd::Settled(Outcome::Rejected { message, .. }))) = (verdict, end) {
            self.finding = Finding::Unreadable;
            self.message = message;
        }
    }

    /// No call left.
    fn held(&mut self, end: Option<CellEnd>) {
        (self.finding, self.message) = match end {
            Some(CellEnd::Parked { resume_at, reason, .. }) => {
                self.resume_at = Some(resume_at);
                (Finding::QuotaUsedUp, format!("{reason}; it can go on from {resume_at:.0}"))
            }
            Some(CellEnd::Settled(Outcome::Rejected { message, .. })) => (Finding::NotAsked, message),
            Some(CellEnd::Stopped { reason }) => (Finding::Refused, reason),
            Some(CellEnd::Pending { reason }) => (Finding::Trouble, reason),
            // Whatever that may be: it is no success.
            Some(CellEnd::Settled(Outcome::Records | Outcome::Empty { .. }) | CellEnd::Interrupted) | None => {
                (Finding::Trouble, "no call left".to_owned())
            }
        };
    }

    /// What it means for a scheduler.
    pub(super) fn exit(&self) -> Exit {
        self.finding.exit()
    }

    /// For a person.
    pub(super) fn text(&self) -> String {
        let credential = self.credential.get(..8).unwrap_or_default();
        let mut text = format!("{} (credential {credential}…): {}\n", self.provider, self.finding.title());
        let cell = self.cell.as_deref().map(|cell| format!(", cell {cell}")).unwrap_or_default();
        text.push_str(&format!("  job {}{cell}: {}\n", self.job, self.message));
        self.hint.iter().for_each(|hint| text.push_str(&format!("  {hint}\n")));
        if let Some(code) = &self.code {
            text.push_str(&format!("  what that means: tidemill explain {} {code}\n", self.provider));
        }
        text
    }

    /// For a program.
    pub(super) fn json(&self) -> Value {
        json!({
            "provider": self.provider, "credential": self.credential, "job": self.job, "cell": self.cell,
            "finding": self.finding, "exit": self.exit(), "message": self.message, "hint": self.hint, "code": self.code,
            "resume_at": self.resume_at,
        })
    }

    /// As what is wrong with the job that was asked for.
    pub(super) fn problem(&self) -> Problem {
        let mut problem = self.at.clone();
        problem.message = format!("{}: {}: {}", self.provider, self.finding.title(), self.message);
        problem.hint.clone_from(&self.hint);
        problem
    }
}

fn shown(Counted { records, credits }: Counted, latency: Duration) -> String {
    let cost = if credits > 0 { format!(", {}", count(credits, "credit")) } else { String::new() };
    format!("{} on the first page{cost}, in {} ms", count(records, "record"), latency.as_millis())
}
