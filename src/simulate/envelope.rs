//! Writes bodies the way the provider does: values at its own pointers, so that any provider file can be played.

use serde_json::{Map, Value};

use crate::job::Pointer;
use crate::provider::{Code, Provider};

use super::pages::Onward;

/// What a success says.
#[derive(Debug)]
pub(super) struct Success<'a> {
    /// A list of records, or the one object.
    pub(super) records: Value,
    /// Where they stand below the provider's record path.
    pub(super) at: Pointer,
    /// Fields at the provider's record path.
    pub(super) beside: Option<Value>,
    /// The request's own parameters.
    pub(super) parameters: &'a Map<String, Value>,
    pub(super) onward: Onward,
    /// Parts of the price.
    pub(super) credits: Vec<(&'a String, u64)>,
}

/// The body of a success.
pub(super) fn success(provider: &Provider, parts: Success<'_>) -> Value {
    let envelope = &provider.envelope;
    let mut body = Value::Object(Map::new());
    if let (Some(at), Some(code), false) = (envelope.code.first(), envelope.ok.first(), envelope.ok_when_absent) {
        put(&mut body, at, number_or_text(code));
        if let Some(at) = envelope.message.first() {
            put(&mut body, at, Value::from("success"));
        }
    }
    if let Some(at) = &provider.simulation.echo {
        put(&mut body, &Pointer::parse(at), Value::Object(parts.parameters.clone()));
    }
    if let Some(beside) = parts.beside {
        put(&mut body, &envelope.records, beside);
    }
    put(&mut body, &envelope.records.join(&parts.at), parts.records);
    if let Some(at) = &envelope.cost {
        let parent = parent(at);
        for (name, credits) in &parts.credits {
            put(&mut body, &parent.join(&Pointer(vec![(*name).clone()])), Value::from(*credits));
        }
        put(&mut body, at, Value::from(parts.credits.iter().map(|(_, credits)| credits).sum::<u64>()));
    }
    match parts.onward {
        Onward::Silent => {}
        Onward::Fields(fields) => put_fields(&mut body, fields),
    }
    if let Some(template) = &provider.simulation.success {
        merge(&mut body, &template.0);
    }
    body
}

/// The body of a refusal; `turn` chooses among the provider's ways to fill the rest of it.
pub(super) fn failure(provider: &Provider, code: Option<&str>, message: &str, turn: usize) -> Value {
    let mut body = Value::Object(Map::new());
    if let (Some(at), Some(code)) = (provider.envelope.code.first(), code) {
        put(&mut body, at, number_or_text(code));
    }
    if let Some(at) = provider.envelope.message.first() {
        put(&mut body, at, Value::from(message));
    }
    let failures = &provider.simulation.failures;
    if !failures.is_empty() {
        merge(&mut body, &failures[turn % failures.len()].0);
    }
    body
}

/// HTTP status of a code.
pub(super) fn status(code: &Code, errors_in_http_200: bool) -> u16 {
    if errors_in_http_200 { 200 } else { code.http }
}

/// Sets `value` at `at`, making objects on the way; at the root, fields join those that are there.
pub(super) fn put(body: &mut Value, at: &Pointer, value: Value) {
    let mut place = body;
    for key in &at.0 {
        if !place.is_object() {
            *place = Value::Object(Map::new());
        }
        let Value::Object(fields) = place else { return };
        place = fields.entry(key.clone()).or_insert(Value::Null);
    }
    match (place, value) {
        (Value::Object(have), Value::Object(new)) => have.extend(new),
        (place, value) => *place = value,
    }
}

/// Fields that would be alone in their object leave a null in its place, as FoxData's `next` does on the last page.
fn put_fields(body: &mut Value, fields: Vec<(Pointer, Option<Value>)>) {
    for (at, value) in fields {
        let alone = body.pointer(&parent(&at).to_string()).is_none_or(Value::is_null);
        match value {
            Some(value) => put(body, &at, value),
            None if alone => put(body, &parent(&at), Value::Null),
            None => put(body, &at, Value::Null),
        }
    }
}

fn parent(at: &Pointer) -> Pointer {
    Pointer(at.0[..at.0.len().saturating_sub(1)].to_vec())
}

fn number_or_text(code: &str) -> Value {
    code.parse::<i64>().map_or_else(|_| Value::from(code), Value::from)
}

fn merge(body: &mut Value, template: &Value) {
    match (body, template) {
        (Value::Object(have), Value::Object(new)) => {
            for (key, value) in new {
                merge(have.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (body, template) => *body = template.clone(),
    }
}
