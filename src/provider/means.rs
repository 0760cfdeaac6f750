//! What the vendor says that an answer means, in the languages it says it.

use schemars::JsonSchema;
use serde::Deserialize;

use crate::job::{Problem, Problems};

/// The vendor's words, shortened; empty where it documents nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Means {
    /// In English.
    pub en: Option<String>,
    /// In Chinese.
    pub zh: Option<String>,
}

impl Means {
    /// True where the vendor documents nothing.
    pub fn is_empty(&self) -> bool {
        self.en.is_none() && self.zh.is_none()
    }

    /// All there is, the reader's own language first.
    pub fn texts(&self, chinese_first: bool) -> impl Iterator<Item = &str> {
        let (first, second) = if chinese_first { (&self.zh, &self.en) } else { (&self.en, &self.zh) };
        first.iter().chain(second).map(String::as_str)
    }
}

/// The mirror of `means` in a rule.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum MeansFile {
    /// In English: `"calls per second exceeded"`.
    English(String),
    /// In one language or both: `{ en = "…", zh = "…" }`.
    Languages(LanguagesFile),
}

/// The vendor's words by language.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LanguagesFile {
    /// In English.
    pub en: Option<String>,
    /// In Chinese.
    pub zh: Option<String>,
}

impl MeansFile {
    /// The checked form.
    pub(super) fn parse(self, path: &str, problems: &mut Problems) -> Means {
        let (means, is_table) = match self {
            Self::English(en) => (Means { en: Some(en), zh: None }, false),
            Self::Languages(LanguagesFile { en, zh }) => (Means { en, zh }, true),
        };
        let mut refuse = |path: String| {
            let problem = Problem::new(path, "a meaning without a word");
            problems.push(problem.hint("leave `means` out where the vendor documents nothing"));
        };
        if means.is_empty() {
            refuse(path.to_owned());
        }
        for (language, text) in [("en", &means.en), ("zh", &means.zh)] {
            if text.as_ref().is_some_and(|text| text.trim().is_empty()) {
                refuse(if is_table { format!("{path}/{language}") } else { path.to_owned() });
            }
        }
        means
    }
}
