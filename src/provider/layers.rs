//! The layers of settings with their places, so that a problem of the merged tree points at the line that caused it.
//!
//! Invariant: a shown line never holds a secret that someone wrote where a reference belongs.

use std::ops::Range;

use serde_json::Value;

use crate::job::{Problem, Problems, Source, Sources, check};

use super::auth_file::SECRET_KEYS;

/// One layer's text. What looks like a secret in it is hidden wherever the text is shown.
#[derive(Debug, Clone)]
pub(super) struct Text {
    sources: Sources,
    value: Value,
    plain_secrets: Vec<String>,
    hidden: Vec<Range<usize>>,
    /// Key paths of settings given one by one; empty for files.
    names: Vec<String>,
}

const STARS_EXPLAINED: &str = "values of unknown keys are not shown, they may be secrets: those stand in the environment or in `.env`, never here";

const PLAIN_AUTH_KEYS: [&str; 9] =
    ["kind", "name", "prefix", "lifetime", "leeway", "renew_at", "env", "file", "command"];

impl Text {
    /// Takes over a file.
    pub(super) fn of_file(source: Source) -> Self {
        Self::new(source, Vec::new())
    }

    /// Takes over settings given one by one at the key paths `names`; their text shows no values.
    pub(super) fn of_names(source: Source, names: Vec<String>) -> Self {
        Self { hidden: Vec::new(), ..Self::new(source, names) }
    }

    fn new(source: Source, names: Vec<String>) -> Self {
        let value = Value::Object(source.value().clone());
        let mut sensitive = Vec::new();
        find_sensitive(&value, "", &mut sensitive);
        let sources = Sources(vec![source]);
        let span = |path: &String| Some(sources.locate(Problem::new(path, "")).location?.span);
        let hidden = sensitive.iter().filter_map(span).collect();
        let is_secret = |path: &&String| path.rsplit('/').next().is_some_and(|key| SECRET_KEYS.contains(&key));
        let plain_secrets = sensitive.iter().filter(is_secret).cloned().collect();
        Self { sources, value, plain_secrets, hidden, names }
    }

    /// A file, not settings given one by one.
    pub(super) fn is_file(&self) -> bool {
        self.names.is_empty()
    }

    /// The value at `path`, `""` being the whole tree.
    pub(super) fn get(&self, path: &str) -> Option<&Value> {
        // Keys of settings hold no `~`, and a pointer splits at `/` as key paths do.
        self.value.pointer(path)
    }

    /// `problem` with its place in this text.
    pub(super) fn locate(&self, problem: Problem) -> Problem {
        let path = problem.path.clone();
        // A table that variables spell has no line of its own: the first variable below it stands for it.
        let below = format!("{path}/");
        let mut problem = problem;
        if let Some(name) = self.names.iter().find(|name| **name == path || name.starts_with(&below)) {
            problem.path.clone_from(name);
        }
        let mut problem = self.sources.locate(problem);
        problem.path = path;
        if let Some(location) = &mut problem.location {
            for span in self.hidden.iter().cloned() {
                let stars: String =
                    location.text[span.clone()].bytes().map(|byte| if byte == b'\n' { '\n' } else { '*' }).collect();
                location.text.replace_range(span, &stars);
            }
        }
        problem
    }

    /// Every way in which this layer alone does not fit `schema`. A layer gives only what it changes: what is missing
    /// is asked of the merged tree.
    pub(super) fn check(&self, schema: &schemars::Schema) -> Problems {
        let mut found = check(schema, &self.value).0;
        found.retain(|problem| !problem.message.starts_with("missing key"));
        let unknown = found.iter().filter(|problem| problem.message.starts_with("unknown key"));
        let mut shown = self.clone();
        shown.hidden.extend(unknown.filter_map(|problem| self.span_to_hide(&problem.path)));
        let mut problems = Problems::default();
        let mut is_explained = false;
        for problem in found.into_iter().filter(|problem| !self.plain_secrets.contains(&problem.path)) {
            let is_starred = problem.message.starts_with("unknown key") && self.span_to_hide(&problem.path).is_some();
            let mut problem = shown.locate(problem);
            if is_starred && !std::mem::replace(&mut is_explained, true) {
                let help = problem.hint.take().map(|hint| format!("{hint}; ")).unwrap_or_default();
                problem.hint = Some(format!("{help}{STARS_EXPLAINED}"));
            }
            problems.push(problem);
        }
        for path in &self.plain_secrets {
            let key = path.rsplit('/').next().unwrap_or_default();
            let problem = Problem::new(path, "settings never hold a secret, only where it is found");
            problems.push(shown.locate(problem.hint(format!("write `{key} = {{ env = \"NAME\" }}`"))));
        }
        problems
    }

    /// The value of an unknown key is nothing we know to be harmless: text, inline tables and lists are hidden. The
    /// span of a table with a header of its own is that header.
    fn span_to_hide(&self, path: &str) -> Option<Range<usize>> {
        if !self.names.is_empty() {
            return None;
        }
        let location = self.sources.locate(Problem::new(path, "")).location?;
        let text = location.text.get(location.span.clone())?;
        let is_written_here = match self.get(path)? {
            Value::String(_) => true,
            Value::Object(_) => text.starts_with('{'),
            Value::Array(_) => text.starts_with('[') && !text.starts_with("[["),
            Value::Null | Value::Bool(_) | Value::Number(_) => false,
        };
        is_written_here.then_some(location.span)
    }
}

fn find_sensitive(value: &Value, path: &str, found: &mut Vec<String>) {
    let Some(table) = value.as_object() else { return };
    let below_auth = path.split('/').any(|part| part == "auth");
    let below_headers = path.ends_with("/headers");
    for (key, value) in table {
        let path = format!("{path}/{key}");
        let is_sensitive = match value {
            Value::String(text) if key == "base_url" => text.contains(['@', '?']),
            Value::String(_) if below_headers && is_secret_header(key) => true,
            Value::String(_) | Value::Number(_) => below_auth && !PLAIN_AUTH_KEYS.contains(&key.as_str()),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => false,
        };
        if is_sensitive {
            found.push(path);
        } else {
            find_sensitive(value, &path, found);
        }
    }
}

/// Headers that carry a secret, and so are `[auth]`'s business.
pub(super) fn is_secret_header(name: &str) -> bool {
    ["authorization", "proxy-authorization", "cookie"].iter().any(|secret| name.eq_ignore_ascii_case(secret))
}

/// One layer of a provider: the table at `prefix` of a text.
#[derive(Debug, Clone)]
pub(super) struct Layer<'a> {
    /// The text it stands in.
    pub(super) text: &'a Text,
    /// Path of the provider's table in the text.
    pub(super) prefix: String,
}

impl Layer<'_> {
    /// The value at `path` of the provider.
    pub(super) fn get(&self, path: &str) -> Option<&Value> {
        self.text.get(&format!("{}{path}", self.prefix))
    }

    /// True when nothing below `path` comes from weaker layers: a list or a table with `kind` stands on the way.
    fn replaces(&self, path: &str) -> bool {
        ancestors(path).any(|path| {
            self.get(path).is_some_and(|value| value.is_array() || (!path.is_empty() && value.get("kind").is_some()))
        })
    }
}

/// Fills in the place of a problem with the merged tree of `layers`, the strongest first.
pub(super) fn locate(layers: &[Layer<'_>], mut problem: Problem) -> Problem {
    let last = layers.iter().position(|layer| layer.replaces(&problem.path)).unwrap_or(layers.len().saturating_sub(1));
    let owners = layers.get(..=last).unwrap_or(layers);
    let is_kept_secret = SECRET_KEYS.iter().any(|key| problem.path.starts_with(&format!("/auth/{key}")));
    let candidates = if is_kept_secret { layers } else { owners };
    let exact = candidates.iter().find(|layer| layer.get(&problem.path).is_some());
    let nearest =
        || ancestors(&problem.path).find_map(|path| owners.iter().rev().find(|layer| layer.get(path).is_some()));
    if let Some(layer) = exact.or_else(nearest) {
        let mut there = problem.clone();
        there.path = format!("{}{}", layer.prefix, problem.path);
        problem.location = layer.text.locate(there).location;
    }
    problem
}

/// `path` and every path above it, the longest first, `""` last.
fn ancestors(path: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(path), |path| path.rfind('/').map(|cut| &path[..cut]))
}
