//! What is asked, as plain data without any secret: signing happens at the last moment, to another type.

use std::fmt;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value};

use crate::job::{BodyTemplate, JsonTemplate, NextRequest, RequestTemplate, Template, TemplateError};

/// Characters a path segment keeps as they are (RFC 3986 "unreserved").
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// One request below a provider's base URL.
#[derive(Debug, Clone, PartialEq)]
pub struct Request {
    /// Its method.
    pub method: http::Method,
    /// Percent-encoded path below the base URL, beginning with `/`.
    pub path: String,
    /// Query parameters, not yet encoded.
    pub query: Vec<(String, String)>,
    /// Extra headers.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Body,
    /// True for a request for a following page: some codes mean something else there.
    pub next_page: bool,
}

/// A body, not yet encoded.
#[derive(Debug, Clone, PartialEq)]
pub enum Body {
    /// None.
    None,
    /// JSON.
    Json(Value),
    /// Form fields.
    Form(Vec<(String, String)>),
}

impl Request {
    /// The first request of a cell.
    pub fn render(template: &RequestTemplate, values: &Map<String, Value>) -> Result<Self, TemplateError> {
        Ok(Self {
            method: template.method.clone(),
            path: path(&template.path, values)?,
            query: pairs(&template.query, values)?,
            headers: template
                .headers
                .iter()
                .map(|(name, value)| Ok((name.clone(), value.render_text(values)?)))
                .collect::<Result<_, TemplateError>>()?,
            body: match &template.body {
                BodyTemplate::None => Body::None,
                BodyTemplate::Json(json) => Body::Json(json.render(values)?),
                BodyTemplate::Form(fields) => Body::Form(pairs(fields, values)?),
            },
            next_page: false,
        })
    }

    /// A request of its own for a following page, filled in with the fields of a cursor.
    pub fn render_next(template: &NextRequest, cursor: &Map<String, Value>) -> Result<Self, TemplateError> {
        Ok(Self {
            method: template.method.clone(),
            path: path(&template.path, cursor)?,
            query: pairs(&template.query, cursor)?,
            headers: Vec::new(),
            body: match &template.json {
                Some(json) => Body::Json(json.render(cursor)?),
                None => Body::None,
            },
            next_page: true,
        })
    }

    /// Sets a parameter where the request's own are: a form or JSON body if it has one, else the query.
    pub fn set_parameter(&mut self, name: &str, value: &Value) {
        match &mut self.body {
            Body::Json(Value::Object(object)) => {
                object.insert(name.to_owned(), value.clone());
            }
            Body::Form(fields) => set_pair(fields, name, text(value)),
            Body::None | Body::Json(_) => set_pair(&mut self.query, name, text(value)),
        }
    }

    /// First 16 bytes of BLAKE3 over method, path, query and body: the same question gives the same bytes.
    pub fn fingerprint(&self) -> [u8; 16] {
        let (method, path, query) = (self.method.as_str(), &self.path, &self.query);
        let text = match &self.body {
            Body::None => serde_json::to_string(&(method, path, query, ())),
            Body::Json(value) => serde_json::to_string(&(method, path, query, value)),
            Body::Form(fields) => serde_json::to_string(&(method, path, query, fields)),
        };
        // Text and JSON always are JSON.
        let text = text.unwrap_or_default();
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&blake3::hash(text.as_bytes()).as_bytes()[..16]);
        bytes
    }
}

impl fmt::Display for Request {
    /// For people; holds no secret since none is in the request.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)?;
        for (index, (name, value)) in self.query.iter().enumerate() {
            write!(f, "{}{name}={value}", if index == 0 { '?' } else { '&' })?;
        }
        Ok(())
    }
}

/// Text of a scalar: strings bare, all else as JSON writes it, null as nothing.
pub(crate) fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

fn path(template: &Template, values: &Map<String, Value>) -> Result<String, TemplateError> {
    let path = template.render_encoded(values, |value| utf8_percent_encode(value, SEGMENT).to_string())?;
    if path.split('/').any(is_dot_segment) {
        return Err(TemplateError::DotSegment(path));
    }
    Ok(if path.starts_with('/') { path } else { format!("/{path}") })
}

/// `.` and `..` walk through a path instead of standing in it, also percent-encoded (WHATWG URL, "double-dot URL path
/// segment"): a value that is one would ask for another endpoint.
fn is_dot_segment(segment: &str) -> bool {
    matches!(segment.replace("%2e", ".").replace("%2E", ".").as_str(), "." | "..")
}

fn pairs(
    templates: &[(String, JsonTemplate)],
    values: &Map<String, Value>,
) -> Result<Vec<(String, String)>, TemplateError> {
    let mut pairs = Vec::with_capacity(templates.len());
    for (name, template) in templates {
        match template.render(values)? {
            Value::Array(items) => pairs.extend(items.iter().map(|item| (name.clone(), text(item)))),
            value => pairs.push((name.clone(), text(&value))),
        }
    }
    Ok(pairs)
}

fn set_pair(pairs: &mut Vec<(String, String)>, name: &str, value: String) {
    match pairs.iter_mut().find(|(known, _)| known == name) {
        Some((_, old)) => *old = value,
        None => pairs.push((name.to_owned(), value)),
    }
}
