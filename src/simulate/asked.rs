//! A request as the provider sees it: path below the base URL and one flat set of parameters.

use std::fmt::Write as _;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, header};
use serde_json::{Map, Value};
use url::form_urlencoded;

/// A request, read.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) method: Method,
    /// Below the base path, with a leading slash; `None` outside of it.
    pub(super) path: Option<String>,
    pub(super) headers: HeaderMap,
    pub(super) query: Map<String, Value>,
    pub(super) json: Map<String, Value>,
    pub(super) form: Map<String, Value>,
    /// The body claims to be JSON and is no JSON object.
    pub(super) broken_body: bool,
    /// Scheme, host and port the client used, for links.
    pub(super) origin: String,
}

impl Asked {
    /// Reads `request`; `base_path` is the path of the provider's base URL.
    pub(super) fn read(request: &Request<Bytes>, base_path: &str) -> Self {
        let uri = request.uri();
        let path = uri
            .path()
            .strip_prefix(base_path.trim_end_matches('/'))
            .filter(|rest| rest.is_empty() || rest.starts_with('/'))
            .map(str::to_owned);
        let mut asked = Self {
            method: request.method().clone(),
            path,
            headers: request.headers().clone(),
            query: pairs(uri.query().unwrap_or_default().as_bytes()),
            json: Map::new(),
            form: Map::new(),
            broken_body: false,
            origin: origin(request),
        };
        let body = request.body();
        let kind = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
        if kind.starts_with("application/x-www-form-urlencoded") {
            asked.form = pairs(body);
        } else if !body.is_empty() {
            match serde_json::from_slice(body) {
                Ok(object) => asked.json = object,
                Err(_) => asked.broken_body = true,
            }
        }
        asked
    }

    /// All parameters, the body's over the query's.
    pub(super) fn parameters(&self) -> Map<String, Value> {
        let mut all = self.query.clone();
        all.extend(self.form.clone());
        all.extend(self.json.clone());
        all
    }
}

/// One text for equal requests: method, path, parameters in name order, numbers and their texts alike.
pub(super) fn key(method: &Method, path: &str, parameters: &Map<String, Value>) -> String {
    let mut names: Vec<&String> = parameters.keys().collect();
    names.sort_unstable();
    let mut key = format!("{method} {path}");
    for name in names {
        let value = parameters.get(name).map(text_of).unwrap_or_default();
        // Lengths keep two parameters from reading like one.
        // Writing to a String cannot fail.
        write!(key, "\n{}:{name}={}:{value}", name.len(), value.len()).unwrap_or_default();
    }
    key
}

/// A value as a query would carry it.
pub(super) fn text_of(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}

/// A parameter as a whole number, whatever its JSON type.
pub(super) fn number_of(parameters: &Map<String, Value>, name: &str) -> Option<u64> {
    parameters.get(name).and_then(|value| text_of(value).parse().ok())
}

fn pairs(text: &[u8]) -> Map<String, Value> {
    form_urlencoded::parse(text).map(|(name, value)| (name.into_owned(), Value::String(value.into_owned()))).collect()
}

fn origin(request: &Request<Bytes>) -> String {
    let uri = request.uri();
    let host = request.headers().get(header::HOST).and_then(|value| value.to_str().ok());
    match (uri.authority(), host) {
        (Some(authority), _) => format!("{}://{authority}", uri.scheme_str().unwrap_or("http")),
        (None, Some(host)) => format!("http://{host}"),
        (None, None) => String::new(),
    }
}
