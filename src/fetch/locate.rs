//! Finds values in a body without building it: each step borrows a slice of the text.

use crate::job::{Job, Paging, Pointer, Shape};
use crate::json::{Document, Kind, Malformed, Value};
use crate::provider::Provider;

use super::page::record_path;

/// Why a body cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum LocateError {
    /// Not JSON, cut short, or more than one document.
    #[error("the body is not JSON: {0}")]
    NotJson(#[from] Malformed),
    /// Which of two values is meant cannot be known.
    #[error("the body is not JSON: the key `{0}` stands twice in one object")]
    Twice(String),
    /// Neither a list nor an object where records should be.
    #[error("expected {expected} at `{at}`, found {found}")]
    NotRecords {
        /// What was declared.
        expected: &'static str,
        /// The record path.
        at: String,
        /// The JSON type found.
        found: &'static str,
    },
}

/// What stands at a path.
#[derive(Debug)]
pub enum Located<'t, 'a> {
    /// A value other than null.
    Value(Value<'t, 'a>),
    /// `null`, there or at a parent.
    Null,
    /// The parent has no such key.
    Missing(Missing<'t, 'a>),
}

/// A key that is not there. What is said of it is only made for whoever says it.
#[derive(Debug, Clone, Copy)]
pub struct Missing<'t, 'a> {
    parent: Value<'t, 'a>,
    depth: usize,
}

impl Missing<'_, '_> {
    /// The path of the first key that is not there, on the way along `pointer`.
    pub fn at(&self, pointer: &Pointer) -> String {
        Pointer(pointer.0[..=self.depth].to_vec()).to_string()
    }

    /// The keys beside it.
    pub fn have(&self) -> Vec<String> {
        let is_object = self.parent.kind() == Kind::Object;
        self.parent.children().filter(|_| is_object).map(|child| child.key().into_owned()).collect()
    }
}

/// How deep one has to look into the answers of `provider` to `job`: every path that either names, and the records.
pub fn depth(provider: &Provider, job: &Job, paging: &Paging) -> usize {
    let envelope = &provider.envelope;
    let named = envelope.code.iter().chain(&envelope.message).chain(&envelope.cost).chain(paging.pointers());
    let deepest = named.map(|pointer| pointer.0.len()).max().unwrap_or_default();
    deepest.max(record_path(provider, job).0.len() + 1)
}

/// Follows `pointer` below `value`. A key that stands twice in an object on the way is an error.
pub fn locate<'t, 'a>(value: Value<'t, 'a>, pointer: &Pointer) -> Result<Located<'t, 'a>, LocateError> {
    let mut value = value;
    for (depth, key) in pointer.0.iter().enumerate() {
        let next = match value.kind() {
            Kind::Null => return Ok(Located::Null),
            Kind::Object => match value.repeated() {
                Some(key) => return Err(LocateError::Twice(key.into_owned())),
                None => value.children().find(|child| child.key() == *key),
            },
            Kind::List => key.parse().ok().and_then(|index| value.children().nth(index)),
            Kind::Bool(_) | Kind::Whole | Kind::Fraction | Kind::Text | Kind::Escaped => None,
        };
        let Some(next) = next else { return Ok(Located::Missing(Missing { parent: value, depth })) };
        value = next;
    }
    Ok(if value.is_null() { Located::Null } else { Located::Value(value) })
}

/// The records at the record path `at`, in order. Without a `shape` a list holds many and an object is one.
pub fn records<'t, 'a>(
    value: Value<'t, 'a>,
    shape: Option<Shape>,
    at: impl Fn() -> Pointer,
) -> Result<Vec<Value<'t, 'a>>, LocateError> {
    let wrong = |expected| LocateError::NotRecords { expected, at: at().to_string(), found: value.type_name() };
    match (value.kind(), shape) {
        (Kind::List, None | Some(Shape::Objects)) => Ok(value.children().collect()),
        (Kind::Object, None | Some(Shape::Object)) => Ok(vec![value]),
        (_, Some(Shape::Objects)) => Err(wrong("a list of objects")),
        (_, Some(Shape::Object)) => Err(wrong("an object")),
        (_, None) => Err(wrong("a list or an object")),
    }
}

/// `body` as a document, as deep as one has to look.
///
/// # Errors
/// When it is no JSON, or more than one document.
pub fn document(body: &[u8], deepest: usize) -> Result<Document<'_>, LocateError> {
    Ok(Document::read(body, deepest)?)
}
