//! What of a job must not change while cells are committed: one dataset never mixes answers to two questions.
//!
//! Invariant: equal jobs give equal text in every version; limits, schema, `add`, output and axis growth are not in it.

use serde_json::{Map, Value, json};

use crate::job::{BodyTemplate, Job, JsonTemplate, NextRequest, Paging, Shape};

use super::canonical::canonical;

/// Request, paging, record path and `expect` of a job, as canonical JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fingerprint(pub String);

impl Fingerprint {
    /// The fingerprint of `job`, whose own paging or else the provider's is `paging`.
    pub fn new(job: &Job, paging: &Paging) -> Self {
        let request = &job.request;
        let body = match &request.body {
            BodyTemplate::None => Value::Null,
            BodyTemplate::Json(json) => json!({ "json": json.source() }),
            BodyTemplate::Form(form) => json!({ "form": pairs(form) }),
        };
        let headers: Map<String, Value> =
            request.headers.iter().map(|(name, value)| (name.clone(), Value::from(value.to_string()))).collect();
        let expect: Map<String, Value> =
            job.records.expect.iter().map(|(name, value)| (name.clone(), Value::from(value.to_string()))).collect();
        let shape = job.records.shape.map(|shape| match shape {
            Shape::Objects => "objects",
            Shape::Object => "object",
        });
        Self(canonical(&json!({
            "provider": job.provider,
            "request.method": request.method.as_str(),
            "request.path": request.path.to_string(),
            "request.query": pairs(&request.query),
            "request.headers": headers,
            "request body": body,
            "paging": paging_json(paging),
            "records.path": job.records.path.to_string(),
            "records.shape": shape,
            "records.explode": job.records.explode,
            "records.expect": expect,
        })))
    }

    /// Its BLAKE3, as hex.
    pub fn hash(&self) -> String {
        blake3::hash(self.0.as_bytes()).to_hex().to_string()
    }

    /// The keys of a job file that differ from `before`, for the refusal. Text that is no fingerprint differs in all.
    pub fn changes(&self, before: &Self) -> Vec<String> {
        let parse = |text: &str| serde_json::from_str::<Map<String, Value>>(text).unwrap_or_default();
        let (before, now) = (parse(&before.0), parse(&self.0));
        now.iter().filter(|(key, value)| before.get(*key) != Some(*value)).map(|(key, _)| key.clone()).collect()
    }
}

fn pairs(parameters: &[(String, JsonTemplate)]) -> Value {
    Value::Object(parameters.iter().map(|(name, value)| (name.clone(), value.source())).collect())
}

fn paging_json(paging: &Paging) -> Value {
    let text = |pointer: &Option<crate::job::Pointer>| pointer.as_ref().map(ToString::to_string);
    match paging {
        Paging::None => json!({ "kind": "none" }),
        Paging::Page { page, first, size, page_size, total, has_more, parallel_pages: _ } => json!({
            "kind": "page", "page": page, "first": first, "size": size, "page_size": page_size,
            "total": text(total), "has_more": text(has_more),
        }),
        Paging::Offset { offset, limit, page_size, total, parallel_pages: _ } => json!({
            "kind": "offset", "offset": offset, "limit": limit, "page_size": page_size, "total": text(total),
        }),
        Paging::Cursor { fields, has_more, next, absent_ends: _ } => {
            let fields: Map<String, Value> =
                fields.iter().map(|(name, at)| (name.clone(), Value::from(at.to_string()))).collect();
            json!({ "kind": "cursor", "fields": fields, "has_more": text(has_more), "next": next.as_ref().map(next_json) })
        }
        Paging::NextUrl { url, absent_ends: _ } => json!({ "kind": "next_url", "url": url.to_string() }),
    }
}

fn next_json(next: &NextRequest) -> Value {
    json!({
        "method": next.method.as_str(),
        "path": next.path.to_string(),
        "query": pairs(&next.query),
        "json": next.json.as_ref().map(JsonTemplate::source),
    })
}
