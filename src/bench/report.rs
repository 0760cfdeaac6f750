//! All strategies of one scenario: what `--json`, the table and the page are made of.

use serde::Serialize;
use serde_json::{Map, Value};

use super::conditions::conditions;
use super::engine::Played;
use super::figures::Figures;
use super::scenario::Scenario;

/// What was played and what came of it.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// The conditions, by name, in the order they are shown.
    pub conditions: Map<String, Value>,
    /// One per strategy.
    pub strategies: Vec<Figures>,
    /// The plays behind the figures, in the same order.
    #[serde(skip)]
    pub plays: Vec<Played>,
}

impl Report {
    /// `of` says whose limits are played; nothing if they are nobody's. Each play comes with its figures.
    pub fn new(of: &str, scenario: &Scenario, plays: Vec<(Played, Figures)>) -> Self {
        let conditions =
            conditions(of, scenario).into_iter().map(|(name, value)| (name.to_owned(), Value::String(value))).collect();
        let (plays, strategies) = plays.into_iter().unzip();
        Self { conditions, strategies, plays }
    }

    /// The conditions as text.
    pub(super) fn conditions(&self) -> impl Iterator<Item = (&str, &str)> {
        self.conditions.iter().map(|(name, value)| (name.as_str(), value.as_str().unwrap_or_default()))
    }
}
