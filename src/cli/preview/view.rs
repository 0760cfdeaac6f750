//! The facts of a preview, of what was asked and answered. Pure.

use bytes::Bytes;
use serde_json::{Value, json};

use crate::fetch::{CellEnd, depth, document, page_records, record_path};
use crate::job::{ColumnType, Job, Paging};
use crate::ledger::Outcome;
use crate::plan::Cell;
use crate::provider::{Provider, ThrottleWindow, Verdict};
use crate::run::{Call, Exit, Previewed, Sample, sample};

use super::paging::{Came, Way, judge};
use super::paths::{explain, place};

/// Everything a preview shows.
#[derive(Debug)]
pub(super) struct View {
    /// Every call, in order.
    pub(super) calls: Vec<Asked>,
    /// The way from page to page; nothing where no answer was read.
    pub(super) paging: Option<String>,
    /// Where records are looked for.
    pub(super) at: String,
    /// Every column.
    pub(super) columns: Vec<Column>,
    /// What the pages hold.
    pub(super) sample: Sample,
    /// What went wrong, and what to do about it.
    pub(super) troubles: Vec<String>,
    /// How it ended.
    pub(super) exit: Exit,
}

/// One call.
#[derive(Debug)]
pub(super) struct Asked {
    /// What was asked, and what came.
    pub(super) call: Call,
    /// Records on the page, if it is one.
    pub(super) records: Option<u64>,
}

/// One column, and where its type comes from.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Column {
    /// The name.
    pub(super) name: String,
    /// Its type in a file; none while it was only null.
    pub(super) kind: Option<ColumnType>,
    /// Whether the job file declares it.
    pub(super) is_declared: bool,
    /// What the records alone show.
    pub(super) seen: Seen,
}

/// What the records show of a column.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// Values of this type.
    As(ColumnType),
    /// Nothing but null.
    OnlyNull,
    /// Nothing at all.
    Nowhere,
}

impl View {
    /// Makes facts of what came; `rows` rows at the most.
    pub(super) fn of(
        job: &Job,
        provider: &Provider,
        cell: &Cell,
        Previewed { calls, end, .. }: &Previewed,
        rows: usize,
    ) -> Self {
        let paging = job.paging.as_ref().unwrap_or(&provider.paging);
        let path = record_path(provider, job);
        let (mut asked, mut pages, mut bodies, mut troubles) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for call in calls {
            let page = accepted(call).and_then(|body| Page::read(job, provider, body, paging, &mut troubles));
            let records = page.as_ref().and_then(|page| page.records.as_ref()).map(|records| records.len() as u64);
            asked.push(Asked { call: call.clone(), records });
            pages.extend(page.map(|page| (page, call)));
        }
        for (page, call) in &pages {
            let is_new = bodies.iter().all(|(_, known): &(Bytes, &Option<Vec<String>>)| *known != &page.records);
            if page.records.as_ref().is_some_and(|records| !records.is_empty()) && is_new {
                bodies.extend(call.answer.clone().map(|body| (body, &page.records)));
            }
        }
        let bodies: Vec<Bytes> = bodies.into_iter().map(|(body, _)| body).collect();
        let sample = sample(job, provider, cell, &bodies, rows).unwrap_or_else(|error| {
            troubles.push(error.to_string());
            Sample::default()
        });
        let came: Vec<Came<'_>> = pages
            .iter()
            .map(|(page, _)| Came { body: &page.body, records: page.records.as_deref().unwrap_or_default() })
            .collect();
        let is_refused = calls.last().is_some_and(|call| accepted(call).is_none());
        let way = match end {
            Some(CellEnd::Settled(Outcome::Records | Outcome::Empty { .. })) => Way::Ended,
            _ if is_refused => Way::Refused,
            None => Way::Cut,
            Some(_) => Way::Broken,
        };
        let is_read = pages.iter().any(|(page, _)| page.records.is_some());
        let paging = is_read.then(|| judge(paging, &path, &came, way));
        // What comes twice is told with the way from page to page.
        let is_new = troubles.is_empty() && bodies.len() == came.iter().filter(|page| !page.records.is_empty()).count();
        troubles.extend(trouble(end.as_ref(), is_new, calls.is_empty()));
        let exit = exit(end.as_ref(), calls.last(), sample.rejected);
        Self { calls: asked, paging, at: place(&path), columns: columns(job, &sample), sample, troubles, exit }
    }

    /// The columns that a job file may take over, name and type, and why others cannot be.
    pub(super) fn to_save(&self) -> (Vec<(String, String)>, Vec<String>) {
        let (mut columns, mut left_out) = (Vec::new(), Vec::new());
        for Column { name, kind, .. } in self.columns.iter().filter(|column| !column.is_declared) {
            match kind {
                None => left_out.push(format!("`{name}`, only null so far")),
                // Field names come from the provider and may hold what the spelling of types gives a meaning to.
                Some(kind) if ColumnType::parse(&kind.to_string()).as_ref() != Ok(kind) => {
                    left_out.push(format!("`{name}`, whose type cannot be written in a job file"));
                }
                Some(kind) => columns.push((name.clone(), kind.to_string())),
            }
        }
        (columns, left_out)
    }

    /// The same for programs.
    pub(super) fn json(&self, job: &Job, cell: &Cell, warnings: &[String]) -> Value {
        let calls = self.calls.iter().map(|Asked { call, records }| {
            json!({
                "request": call.request,
                "body": call.body,
                "http": call.judgement.http,
                "code": call.judgement.code,
                "message": call.judgement.message,
                "verdict": word(&call.judgement.verdict),
                "hint": call.judgement.hint,
                "records": records,
                "ms": u64::try_from(call.latency.as_millis()).unwrap_or(u64::MAX),
            })
        });
        let columns = self.columns.iter().map(|column| {
            json!({
                "name": column.name,
                "type": column.kind.as_ref().map(ToString::to_string),
                "declared": column.is_declared,
                "in_data": match &column.seen {
                    Seen::As(kind) => Some(kind.to_string()),
                    Seen::OnlyNull | Seen::Nowhere => None,
                },
                "only_null": column.seen == Seen::OnlyNull,
            })
        });
        let names: Vec<&String> = self.sample.inferred.schema.columns.iter().map(|(name, _)| name).collect();
        let rows = self.sample.rows.iter().map(|row| {
            let fields = names.iter().zip(row).map(|(name, value)| ((*name).clone(), json!(value)));
            Value::Object(fields.collect())
        });
        let rejected = self
            .sample
            .samples
            .iter()
            .map(|one| json!({ "page": one.page + 1, "index": one.index, "path": one.path, "reason": one.reason }));
        json!({
            "exit_code": self.exit.code(),
            "job": job.name.as_str(),
            "provider": job.provider,
            "cell": cell.values(),
            "calls": calls.collect::<Vec<_>>(),
            "paging": self.paging,
            "records_at": self.at,
            "records": self.sample.records,
            "rejected": self.sample.rejected,
            "rejections": rejected.collect::<Vec<_>>(),
            "columns": columns.collect::<Vec<_>>(),
            "rows": rows.collect::<Vec<_>>(),
            "troubles": self.troubles,
            "warnings": warnings,
        })
    }
}

/// An answer that says success.
struct Page {
    body: Value,
    /// None where the record path leads nowhere.
    records: Option<Vec<String>>,
}

impl Page {
    fn read(job: &Job, provider: &Provider, body: &[u8], paging: &Paging, troubles: &mut Vec<String>) -> Option<Self> {
        // Numbers beyond reason are no reason to see nothing.
        let value: Value = serde_json::from_slice(body).unwrap_or_default();
        let document = document(body, depth(provider, job, paging)).ok()?;
        let records = match page_records(provider, job, &document) {
            Ok(records) => Some(records.iter().map(|record| record.raw().to_owned()).collect()),
            Err(error) => {
                let lines = explain(&value, &provider.envelope.records, &job.records.path);
                troubles.extend(if lines.is_empty() { vec![error.to_string()] } else { lines });
                None
            }
        };
        Some(Self { body: value, records })
    }
}

fn accepted(call: &Call) -> Option<&Bytes> {
    call.answer.as_ref().filter(|_| call.judgement.verdict == Verdict::Accept)
}

fn columns(job: &Job, sample: &Sample) -> Vec<Column> {
    let seen = |name: &str| match sample.undeclared.schema.get(name) {
        Some(kind) => Seen::As(kind.clone()),
        None if sample.undeclared.untyped.iter().any(|known| known == name) => Seen::OnlyNull,
        None => Seen::Nowhere,
    };
    let is_declared = |name: &str| job.columns.iter().any(|(known, _)| known == name);
    let typed = sample.inferred.schema.columns.iter().map(|(name, kind)| (name, Some(kind.clone())));
    let untyped = sample.inferred.untyped.iter().map(|name| (name, None));
    let column = |(name, kind): (&String, Option<ColumnType>)| Column {
        name: name.clone(),
        kind,
        is_declared: is_declared(name),
        seen: seen(name),
    };
    typed.chain(untyped).map(column).collect()
}

/// What no line of a call says already.
fn trouble(end: Option<&CellEnd>, is_new: bool, is_silent: bool) -> Option<String> {
    match end? {
        // Refused by our own reading of an answer, or before anything was asked.
        CellEnd::Settled(Outcome::Rejected { code, message }) => {
            let is_ours = ["page", "request", "template", "short"].contains(&code.as_str());
            (is_ours && is_new).then(|| message.clone())
        }
        CellEnd::Parked { resume_at, reason, .. } => Some(format!("{reason}; it can go on from {resume_at:.0}")),
        CellEnd::Pending { reason } | CellEnd::Stopped { reason } => is_silent.then(|| reason.clone()),
        CellEnd::Settled(_) | CellEnd::Interrupted => None,
    }
}

fn exit(end: Option<&CellEnd>, last: Option<&Call>, rejected: u64) -> Exit {
    let exit = match (end, last.map(|call| &call.judgement.verdict)) {
        (None, Some(Verdict::Retry { .. } | Verdict::Pending { .. })) => Exit::Failed,
        (None, Some(Verdict::Throttle(_))) => Exit::Paused,
        (None, Some(Verdict::Reauthorize { .. })) => Exit::NeedsPerson,
        (None, _) | (Some(CellEnd::Settled(Outcome::Records | Outcome::Empty { .. })), _) => Exit::Done,
        (Some(CellEnd::Settled(Outcome::Rejected { .. })), _) => Exit::Rejected,
        (Some(CellEnd::Pending { .. }), _) => Exit::Failed,
        (Some(CellEnd::Parked { .. }), _) => Exit::Paused,
        (Some(CellEnd::Stopped { .. }), _) => Exit::NeedsPerson,
        (Some(CellEnd::Interrupted), _) => Exit::Interrupted,
    };
    if exit == Exit::Done && rejected > 0 { Exit::Rejected } else { exit }
}

/// A verdict in one word.
pub(super) fn word(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Accept => "accept",
        Verdict::Empty { .. } => "empty",
        Verdict::Pending { .. } => "pending",
        Verdict::Retry { .. } => "retry",
        Verdict::Throttle(_) => "throttle",
        Verdict::Reauthorize { .. } => "reauthorize",
        Verdict::Reject => "reject",
        Verdict::Stop => "stop",
    }
}

/// What a run does about it.
pub(super) fn meaning(verdict: &Verdict) -> Option<String> {
    let text = match verdict {
        Verdict::Accept => return None,
        Verdict::Empty { unconfirmed: false } => "a success that says there is nothing".to_owned(),
        Verdict::Empty { unconfirmed: true } => "nothing, or nothing yet; `run --retry-failed` asks again".to_owned(),
        Verdict::Pending { .. } => "not ready yet; a run asks again later".to_owned(),
        Verdict::Retry { max_attempts, .. } => {
            format!("a fault that may pass; a run makes up to {max_attempts} attempts")
        }
        Verdict::Throttle(ThrottleWindow::Day) => "the day is used up; a run pauses until the next one".to_owned(),
        Verdict::Throttle(window) => {
            let limit = match window {
                ThrottleWindow::Second => "calls per second",
                ThrottleWindow::Minute => "calls per minute",
                ThrottleWindow::Concurrency => "requests in flight",
                ThrottleWindow::Day => "calls per day",
            };
            format!("the limit of {limit} was hit; a run waits and goes on slower")
        }
        Verdict::Reauthorize { .. } => "the credential was not taken; a run signs anew and asks again".to_owned(),
        Verdict::Reject => "this cell cannot succeed as it is asked; a run lists it and goes on".to_owned(),
        Verdict::Stop => "nothing more may be sent to this provider until a person acts".to_owned(),
    };
    Some(text)
}
