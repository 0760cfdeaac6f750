//! `tidemill check --live`: one call with each credential, and what the provider says to it.
//!
//! Invariant: nothing of an answer is kept, but the call counts in the quota journal like any other.

use std::collections::HashMap;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};

use crate::fetch::{Judgement, Page, Probed};
use crate::job::Problem;
use crate::provider::{ThrottleWindow, Verdict, Workspace};
use crate::quota::{Clock, Refusal};
use crate::run::{Assigned, Exit, Folders, Prepared, Probe, probe_each};

use super::render::{count, is_plain};
use super::run::assign;
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
    NoCell,
}

impl Finding {
    fn exit(self) -> Exit {
        match self {
            Self::Accepted | Self::NoCell => Exit::Done,
            Self::Unreadable | Self::RequestRefused => Exit::Rejected,
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

/// One call with each credential of the jobs.
///
/// # Errors
/// Faults of this machine.
pub(super) async fn try_live(workspace: &Workspace, prepared: Vec<Prepared>) -> Result<Vec<Tried>, CommandError> {
    say("live: one call with each credential, which is paid and counts in the quota; what it fetches is thrown away");
    let folders = Folders::of(&workspace.settings, &workspace.environment);
    let assigned = assign(prepared, &HashMap::new())?;
    let probes = probe_each(&assigned, &folders, &Clock::system()).await?;
    Ok(probes.into_iter().filter_map(|probe| Some(Tried::of(assigned.get(probe.job)?, probe))).collect())
}

impl Tried {
    fn of(Assigned { prepared, .. }: &Assigned, probe: Probe) -> Self {
        let Prepared { job, provider, credential } = prepared;
        let mut tried = Self {
            finding: Finding::NoCell,
            provider: provider.name.clone(),
            credential: credential.fingerprint(),
            job: job.name.to_string(),
            cell: probe.cell,
            message: "its grid is empty".to_owned(),
            hint: None,
            code: None,
            resume_at: None,
            at: job.problem("/provider", ""),
        };
        match probe.probed {
            None => {}
            Some(Probed::Asked { judgement, page, latency }) => {
                let page = page.map(|page| page.map_err(|error| credential.redact(&error.to_string())));
                tried.judged(judgement, page, latency.as_millis());
            }
            Some(Probed::Held(refusal)) => tried.held(&refusal),
        }
        tried
    }

    fn judged(&mut self, judgement: Judgement, page: Option<Result<Page, String>>, millis: u128) {
        let is_answered = judgement.http != 0;
        self.message = judgement.to_string();
        self.finding = match &judgement.verdict {
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
            self.code = judgement.code.or_else(|| Some(judgement.http.to_string())).filter(|code| is_plain(code));
        }
        match page {
            Some(Ok(page)) => {
                let credits = page.credits.map(|credits| format!(", {}", count(credits, "credit"))).unwrap_or_default();
                self.message = format!("{} on the first page{credits}, in {millis} ms", count(page.records, "record"));
            }
            Some(Err(error)) => {
                self.finding = Finding::Unreadable;
                self.message = error;
            }
            None => {}
        }
        self.hint = judgement.hint;
    }

    fn held(&mut self, refusal: &Refusal) {
        self.message = refusal.to_string();
        self.finding = match refusal {
            Refusal::Parked { resume_at, .. } => {
                self.resume_at = Some(*resume_at);
                Finding::QuotaUsedUp
            }
            Refusal::Stopped { .. } => Finding::Refused,
            Refusal::Broken { .. } => Finding::Trouble,
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
