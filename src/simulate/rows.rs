//! The records an endpoint has for a request: deterministic, so that any page can be made without the others.
//!
//! Invariant: a record is a function of (seed, path, request parameters without paging, index) alone.

use std::ops::Range;

use http::Method;
use jiff::civil::Date;
use serde_json::{Map, Value};

use crate::provider::{Endpoint, Keys, RecordShape};

use super::asked::{key, text_of};
use super::generate::{self, Context};
use super::mix::{mix, mix_text};

/// Records where a provider declares no endpoint: enough for a few pages.
const GENERIC_ROWS: [u64; 2] = [20, 60];

/// All records of one request, not yet made.
#[derive(Debug)]
pub(super) struct Rows<'a> {
    endpoint: Option<&'a Endpoint>,
    parameters: &'a Map<String, Value>,
    hash: u64,
    /// `None`: no catalogue; one that is asked for and does not exist leaves it empty.
    keys: Option<Vec<String>>,
    days: Option<Vec<Date>>,
    pub(super) total: u64,
}

/// A parameter does not fit the endpoint: its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BadParameter(pub(super) String);

impl<'a> Rows<'a> {
    /// The records of `endpoint` (`None`: a generic one) for `parameters`, which hold no paging and no credential.
    pub(super) fn new(
        seed: u64,
        path: &str,
        endpoint: Option<&'a Endpoint>,
        parameters: &'a Map<String, Value>,
    ) -> Result<Self, BadParameter> {
        // The method says nothing about the records.
        let hash = mix_text(seed, &key(&Method::GET, path, parameters));
        let mut rows = Self { endpoint, parameters, hash, keys: None, days: None, total: 0 };
        let Some(endpoint) = endpoint else {
            rows.total = generate::count(hash, GENERIC_ROWS[0], GENERIC_ROWS[1]);
            return Ok(rows);
        };
        for name in &endpoint.require {
            if parameters.get(name).is_none_or(|value| value.is_null() || text_of(value).is_empty()) {
                return Err(BadParameter(name.clone()));
            }
        }
        for name in &endpoint.dates {
            if parameters.get(name).is_some_and(|value| generate::date(value).is_none()) {
                return Err(BadParameter(name.clone()));
            }
        }
        if let Some(days) = &endpoint.days {
            let days = generate::days(days, parameters).ok_or_else(|| BadParameter(days.from.join(" or ")))?;
            rows.days = Some(days);
        }
        rows.keys = endpoint.keys.as_ref().map(|keys| catalogue(keys, parameters));
        rows.total = match (&rows.keys, &rows.days, endpoint.rows) {
            (None, None, None) => 1,
            (None, None, Some([low, high])) => generate::count(hash, low, high),
            (keys, days, _) => {
                keys.as_ref().map_or(1, |keys| keys.len() as u64) * days.as_ref().map_or(1, |days| days.len() as u64)
            }
        };
        Ok(rows)
    }

    /// The records of `range`, cut to those that exist.
    pub(super) fn make(&self, range: Range<u64>) -> Vec<Value> {
        (range.start..range.end.min(self.total)).map(|index| self.record(index)).collect()
    }

    /// An endpoint whose answer is one object.
    pub(super) fn single(&self) -> bool {
        self.endpoint.is_some_and(|endpoint| endpoint.shape == RecordShape::Object)
    }

    /// Fields that stand once per answer.
    pub(super) fn beside(&self) -> Option<Value> {
        let endpoint = self.endpoint.filter(|endpoint| !endpoint.beside.is_empty())?;
        Some(generate::object(&endpoint.beside, self.context(0)))
    }

    fn record(&self, index: u64) -> Value {
        match self.endpoint {
            Some(endpoint) => generate::object(&endpoint.columns, self.context(index)),
            None => self.generic(index),
        }
    }

    fn context(&self, index: u64) -> Context<'_> {
        let days = self.days.as_ref().map_or(1, |days| days.len().max(1) as u64);
        let day = self.days.as_ref().and_then(|all| all.get((index % days) as usize)).copied();
        let key = self.keys.as_ref().and_then(|keys| keys.get((index / days) as usize)).map(String::as_str);
        Context { parameters: self.parameters, hash: mix(self.hash, index), index, day, key }
    }

    fn generic(&self, index: u64) -> Value {
        let hash = mix(self.hash, index);
        let scalar = |value: &Value| !value.is_array() && !value.is_object();
        let mut record: Map<String, Value> = self
            .parameters
            .iter()
            .filter(|(_, value)| scalar(value))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        record.insert("id".to_owned(), Value::from(index + 1));
        record.insert("name".to_owned(), Value::from(format!("名称{}", index + 1)));
        record.insert("value".to_owned(), Value::from(generate::count(hash, 0, 10_000)));
        Value::Object(record)
    }
}

fn catalogue(keys: &Keys, parameters: &Map<String, Value>) -> Vec<String> {
    match parameters.get(&keys.parameter).map(text_of) {
        Some(asked) if asked.ends_with(&keys.suffix) => vec![asked],
        Some(_) => Vec::new(),
        None => (1..=keys.count).map(|number| format!("{number:0width$}{}", keys.suffix, width = keys.width)).collect(),
    }
}
