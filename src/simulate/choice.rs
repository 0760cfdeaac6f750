//! What is wrong with a choice somebody typed: how limits are kept, where calls are counted, how long answers take.

/// A text that names none of the choices.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{found}` is no {what}: write {allowed}")]
pub struct ChoiceError {
    what: &'static str,
    found: String,
    allowed: &'static str,
}

impl ChoiceError {
    /// `found` is no `what`; `allowed` says what is.
    pub(super) fn new(what: &'static str, found: &str, allowed: &'static str) -> Self {
        Self { what, found: found.to_owned(), allowed }
    }
}
