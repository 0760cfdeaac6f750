//! One line of a provider's error table.

use std::ops::RangeInclusive;

use regex::Regex;

use super::{Means, Verdict};

/// Conditions, all of which must hold, and what they mean. Rules are asked in order; the first match wins.
#[derive(Debug, Clone)]
pub struct Rule {
    /// HTTP status is one of these; empty: any.
    pub http: Vec<RangeInclusive<u16>>,
    /// The code in the body is one of these; empty: any, also none.
    pub code: Vec<CodeMatch>,
    /// The message matches.
    pub message: Option<Regex>,
    /// Which requests it applies to.
    pub on: Scope,
    /// What it means for us.
    pub verdict: Verdict,
    /// What the vendor says it means.
    pub means: Means,
    /// What a person should know or do, shown with the provider's own words.
    pub hint: Option<String>,
}

/// A code in a body; `3` and `"3"` are the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CodeMatch {
    /// Equal as text.
    Exact(String),
    /// A whole number within.
    Range(RangeInclusive<i64>),
    /// The body has no code.
    Missing,
}

/// Which requests a rule is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// All.
    Any,
    /// Requests for a following page (a server-side task may not be ready).
    NextPage,
    /// Requests whose path starts so.
    Path(String),
}
