//! A path into a JSON document.

use std::fmt;

/// The keys from the root of a document to a value in it; empty means the whole document.
///
/// Written as a JSON Pointer (`/data/result`, RFC 6901) in provider files, dotted (`data.result`) in job files.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default, PartialOrd, Ord)]
pub struct Pointer(pub Vec<String>);

impl Pointer {
    /// Reads either spelling; `""` is the whole document.
    pub fn parse(text: &str) -> Self {
        let parts = match text.strip_prefix('/') {
            Some(rest) => rest.split('/').map(|part| part.replace("~1", "/").replace("~0", "~")).collect(),
            None if text.is_empty() => Vec::new(),
            None => text.split('.').map(str::to_owned).collect(),
        };
        Self(parts)
    }

    /// This path followed by `below`.
    #[must_use]
    pub fn join(&self, below: &Self) -> Self {
        Self(self.0.iter().chain(&below.0).cloned().collect())
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for part in &self.0 {
            write!(f, "/{}", part.replace('~', "~0").replace('/', "~1"))?;
        }
        Ok(())
    }
}
