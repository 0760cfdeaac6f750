//! All strategies of one scenario: what `--json`, the table and the page are made of.

use serde::Serialize;
use serde_json::{Map, Value};

use super::conditions::{Means, conditions, conditions_of_jobs};
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
    /// What it is about, in a sentence.
    #[serde(skip)]
    pub(super) about: &'static str,
}

const PLAYS: &str =
    "Ways to keep rate limits side by side, played in virtual time and judged by the server's own count.";
const JOBS: &str = "Jobs that ran, judged by the count of whoever answered.";

impl Report {
    /// `of` says whose limits are played; nothing if they are nobody's. Each play comes with its figures.
    pub fn new(of: &str, scenario: &Scenario, plays: Vec<(Played, Figures)>) -> Self {
        let (plays, strategies) = plays.into_iter().unzip();
        Self { conditions: map(conditions(of, scenario)), strategies, plays, about: PLAYS }
    }

    /// Of `jobs` of the provider `of` that ran by `means`, against the server of `scenario` and no longer than it says.
    pub fn of_jobs(of: &str, jobs: &[&str], means: Means, scenario: &Scenario, play: (Played, Figures)) -> Self {
        let (played, figures) = play;
        let conditions = map(conditions_of_jobs(of, jobs, means, scenario, played.length));
        Self { conditions, strategies: vec![figures], plays: vec![played], about: JOBS }
    }

    /// The conditions as text.
    pub(super) fn conditions(&self) -> impl Iterator<Item = (&str, &str)> {
        self.conditions.iter().map(|(name, value)| (name.as_str(), value.as_str().unwrap_or_default()))
    }
}

fn map(conditions: Vec<(&'static str, String)>) -> Map<String, Value> {
    conditions.into_iter().map(|(name, value)| (name.to_owned(), Value::String(value))).collect()
}
