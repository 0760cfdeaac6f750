//! Text with placeholders, filled in as data: a value never becomes syntax of what it stands in.
//!
//! Invariant: a template is cut into parts once, when it is read; what is filled in is never looked at again.

use std::fmt;

use serde_json::{Map, Value};

/// A string with `{axis}` or `{axis.field}` placeholders; `{{` and `}}` stand for braces.
#[derive(Debug, Clone, PartialEq)]
pub struct Template {
    pub(crate) parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Part {
    Text(String),
    /// The name and the fields below it: `{prompt.text}` is `["prompt", "text"]`.
    Placeholder(Vec<String>),
}

/// Why a template could not be read or filled in.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum TemplateError {
    /// A brace without its partner.
    #[error("`{0}` has a brace without its partner; write `{{{{` or `}}}}` for a brace itself")]
    Unbalanced(String),
    /// A placeholder without a name, or with characters that no axis can have.
    #[error("`{{{0}}}` is no placeholder: a name is made of letters, digits, `_` and `-`, fields are joined by `.`")]
    BadName(String),
    /// The values at hand hold nothing under this name.
    #[error("no value for `{{{0}}}`")]
    Missing(String),
    /// A part of a path that no address can carry as it is.
    #[error("the path `{0}` has `.` or `..` as a segment, which would lead to another address")]
    DotSegment(String),
    /// A list or object where only text can stand.
    #[error("`{{{0}}}` is a list or a table and cannot stand inside text")]
    NotText(String),
}

/// JSON whose strings are templates.
#[derive(Debug, Clone, PartialEq)]
pub enum JsonTemplate {
    /// A number, boolean or null, as it is.
    Literal(Value),
    /// A string; when it is exactly one placeholder the value keeps its JSON type.
    Text(Template),
    /// A list.
    Array(Vec<JsonTemplate>),
    /// An object, keys in the order written. Keys are never templates.
    Object(Vec<(String, JsonTemplate)>),
}

impl Template {
    /// Reads `text`.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        let unbalanced = || TemplateError::Unbalanced(text.to_owned());
        let mut parts = Vec::new();
        let mut fixed = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            fixed.push_str(&rest[..at]);
            let tail = &rest[at..];
            if tail.starts_with("{{") || tail.starts_with("}}") {
                fixed.push_str(&tail[..1]);
                rest = &tail[2..];
                continue;
            }
            let inner = tail.strip_prefix('{').ok_or_else(unbalanced)?;
            let end = inner.find('}').ok_or_else(unbalanced)?;
            if !fixed.is_empty() {
                parts.push(Part::Text(std::mem::take(&mut fixed)));
            }
            parts.push(Part::Placeholder(names(&inner[..end])?));
            rest = &inner[end + 1..];
        }
        fixed.push_str(rest);
        if !fixed.is_empty() {
            parts.push(Part::Text(fixed));
        }
        Ok(Self { parts })
    }

    /// The placeholders, in order, as written (`prompt.text`).
    pub fn placeholders(&self) -> Vec<String> {
        self.parts
            .iter()
            .filter_map(|part| match part {
                Part::Text(_) => None,
                Part::Placeholder(names) => Some(names.join(".")),
            })
            .collect()
    }

    /// Fills in `values`; a template that is exactly one placeholder keeps the JSON type of its value.
    pub fn render(&self, values: &Map<String, Value>) -> Result<Value, TemplateError> {
        match self.parts.as_slice() {
            [Part::Placeholder(names)] => lookup(names, values).cloned(),
            _ => self.render_text(values).map(Value::String),
        }
    }

    /// Fills in `values` as text: strings as they are, numbers and booleans as JSON writes them, null as nothing.
    pub fn render_text(&self, values: &Map<String, Value>) -> Result<String, TemplateError> {
        self.render_encoded(values, str::to_owned)
    }

    /// As [`Self::render_text`], with every filled-in value passed through `encode` (the fixed text is not).
    pub fn render_encoded(
        &self,
        values: &Map<String, Value>,
        encode: impl Fn(&str) -> String,
    ) -> Result<String, TemplateError> {
        let mut out = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Placeholder(names) => match lookup(names, values)? {
                    Value::Null => {}
                    Value::String(text) => out.push_str(&encode(text)),
                    scalar @ (Value::Bool(_) | Value::Number(_)) => out.push_str(&encode(&scalar.to_string())),
                    Value::Array(_) | Value::Object(_) => return Err(TemplateError::NotText(names.join("."))),
                },
            }
        }
        Ok(out)
    }

    /// The text outside placeholders, braces already plain.
    pub(crate) fn fixed_text(&self) -> impl Iterator<Item = &str> {
        self.parts.iter().filter_map(|part| match part {
            Part::Text(text) => Some(text.as_str()),
            Part::Placeholder(_) => None,
        })
    }
}

impl fmt::Display for Template {
    /// The spelling [`Template::parse`] reads.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in &self.parts {
            match part {
                Part::Text(text) => f.write_str(&text.replace('{', "{{").replace('}', "}}"))?,
                Part::Placeholder(names) => write!(f, "{{{}}}", names.join("."))?,
            }
        }
        Ok(())
    }
}

impl JsonTemplate {
    /// Reads every string of `value` as a template.
    pub fn parse(value: &Value) -> Result<Self, TemplateError> {
        Ok(match value {
            Value::String(text) => Self::Text(Template::parse(text)?),
            Value::Array(items) => Self::Array(items.iter().map(Self::parse).collect::<Result<_, _>>()?),
            Value::Object(object) => Self::Object(
                object
                    .iter()
                    .map(|(key, value)| Ok((key.clone(), Self::parse(value)?)))
                    .collect::<Result<_, TemplateError>>()?,
            ),
            Value::Null | Value::Bool(_) | Value::Number(_) => Self::Literal(value.clone()),
        })
    }

    /// The placeholders of every string in it.
    pub fn placeholders(&self) -> Vec<String> {
        match self {
            Self::Literal(_) => Vec::new(),
            Self::Text(template) => template.placeholders(),
            Self::Array(items) => items.iter().flat_map(Self::placeholders).collect(),
            Self::Object(entries) => entries.iter().flat_map(|(_, value)| value.placeholders()).collect(),
        }
    }

    /// Fills in `values`; they are never expanded again.
    pub fn render(&self, values: &Map<String, Value>) -> Result<Value, TemplateError> {
        Ok(match self {
            Self::Literal(value) => value.clone(),
            Self::Text(template) => template.render(values)?,
            Self::Array(items) => Value::Array(items.iter().map(|item| item.render(values)).collect::<Result<_, _>>()?),
            Self::Object(entries) => Value::Object(
                entries
                    .iter()
                    .map(|(key, value)| Ok((key.clone(), value.render(values)?)))
                    .collect::<Result<_, TemplateError>>()?,
            ),
        })
    }

    /// The JSON it was read from.
    pub fn source(&self) -> Value {
        match self {
            Self::Literal(value) => value.clone(),
            Self::Text(template) => Value::String(template.to_string()),
            Self::Array(items) => Value::Array(items.iter().map(Self::source).collect()),
            Self::Object(entries) => {
                Value::Object(entries.iter().map(|(key, value)| (key.clone(), value.source())).collect())
            }
        }
    }
}

/// True for what may name an axis, a cursor field or a field in a placeholder.
pub(crate) fn is_name(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-'))
}

fn names(inner: &str) -> Result<Vec<String>, TemplateError> {
    let names: Vec<String> = inner.split('.').map(str::to_owned).collect();
    if names.iter().all(|name| is_name(name)) { Ok(names) } else { Err(TemplateError::BadName(inner.to_owned())) }
}

/// Walks objects along `names`. No axis has a dot in its name, so `axis.field` as a key of its own holds what
/// belongs to an axis whose value is not an object: `day.from` beside `day`.
fn lookup<'a>(names: &[String], values: &'a Map<String, Value>) -> Result<&'a Value, TemplateError> {
    let walked = names.split_first().and_then(|(first, fields)| {
        fields.iter().try_fold(values.get(first)?, |value, field| value.as_object()?.get(field))
    });
    walked
        .or_else(|| values.get(&names.join(".")).filter(|_| names.len() > 1))
        .ok_or_else(|| TemplateError::Missing(names.join(".")))
}
