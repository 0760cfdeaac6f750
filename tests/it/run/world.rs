//! What the provider has for a job, asked of a simulator of its own without limits, pages or credential.

use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use serde_json::{Map, Value};
use tidemill::fetch::{Body, Request, record_path};
use tidemill::job::{Job, Paging};
use tidemill::plan;
use tidemill::provider::{Auth, Limits, Provider};
use tidemill::quota::Moment;
use tidemill::simulate::{Options, SimSecrets, Simulator};

use super::parquet::row;

/// Answers what a job would, without limits.
pub(crate) struct Oracle {
    provider: Provider,
    simulator: Simulator,
    at: Moment,
}

impl Oracle {
    pub(crate) fn new(provider: &Provider, seed: u64, now: Timestamp) -> Self {
        let mut open = provider.clone();
        open.auth = Auth::None;
        // Without paging one answer holds the whole cell.
        open.paging = Paging::None;
        open.limits = Limits { windows: Vec::new(), concurrency: u32::MAX, guessed: Vec::new() };
        let secrets = SimSecrets::resolve(&open, |_| None);
        let simulator = Simulator::new(&open, secrets, Options { seed, ..Options::default() });
        Self { provider: open, simulator, at: Moment { elapsed: Duration::ZERO, wall: now } }
    }

    /// The rows of a cell.
    pub(crate) fn rows(&mut self, job: &Job, cell: &plan::Cell) -> Vec<String> {
        let values = cell.values();
        let request = Request::render(&job.request, &values).unwrap();
        let reply = self.simulator.answer(self.at, &http(&self.provider, &request));
        let body: Value = serde_json::from_slice(reply.response.body()).unwrap();
        let records = body.pointer(&record_path(&self.provider, job).to_string()).and_then(Value::as_array);
        let records = records.cloned().unwrap_or_default();
        records.into_iter().map(|record| expected_row(job, record, &values)).collect()
    }
}

/// Cell key and rows, in plan order.
pub(crate) fn planned(provider: &Provider, job: &Job, seed: u64, now: Timestamp) -> Vec<(String, Vec<String>)> {
    let mut oracle = Oracle::new(provider, seed, now);
    let cells = plan::cells(job, now, &provider.zone).unwrap();
    cells.into_iter().map(|cell| (cell.key.to_string(), oracle.rows(job, &cell))).collect()
}

fn expected_row(job: &Job, record: Value, values: &Map<String, Value>) -> String {
    let Value::Object(mut fields) = record else { panic!("a record is an object") };
    for (name, template) in &job.records.add {
        fields.insert(name.clone(), template.render(values).unwrap());
    }
    row(fields.into_iter().filter_map(|(name, value)| Some((name, text(value)?))).collect())
}

/// As the file would show it; null is nothing.
fn text(value: Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => Some(value.to_string()),
    }
}

fn http(provider: &Provider, request: &Request) -> http::Request<Bytes> {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    request.query.iter().for_each(|(name, value)| {
        query.append_pair(name, value);
    });
    let base = provider.base_url.as_str().trim_end_matches('/');
    let uri = format!("{base}{}?{}", request.path, query.finish());
    let built = http::Request::builder().method(request.method.clone()).uri(uri);
    match &request.body {
        Body::None => built.body(Bytes::new()),
        Body::Json(json) => built.header("content-type", "application/json").body(json.to_string().into()),
        Body::Form(_) => panic!("no scene sends forms"),
    }
    .unwrap()
}
