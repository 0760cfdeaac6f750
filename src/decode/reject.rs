//! Why one record is refused; the caller knows its page and index.

use std::fmt::Display;

/// A record that does not fit the schema exactly.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason} at `{path}`")]
pub struct Reject {
    /// JSON Pointer below the record (`/prices/3/amount`); empty means the record itself.
    pub path: String,
    /// What was found and what would fit.
    pub reason: String,
}

impl Reject {
    pub(super) fn new(reason: impl Into<String>) -> Self {
        Self { path: String::new(), reason: reason.into() }
    }

    /// The same, seen from the object or list that holds the value under `part`.
    pub(super) fn below(mut self, part: impl Display) -> Self {
        let part = part.to_string().replace('~', "~0").replace('/', "~1");
        self.path = format!("/{part}{}", self.path);
        self
    }
}

/// A value for people: in backticks, long ones cut, because one bad record may be megabytes.
pub(super) fn show(text: &str) -> String {
    const LONGEST: usize = 60;
    match text.char_indices().nth(LONGEST) {
        Some((cut, _)) => format!("`{}…`", &text[..cut]),
        None => format!("`{text}`"),
    }
}
