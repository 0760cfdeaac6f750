//! Settings given one by one: environment variables `TIDEMILL_PROVIDER__FOXDATA__BASE_URL`, and flags.

use std::collections::BTreeMap;
use std::path::PathBuf;

use config::{Source as _, ValueKind};
use serde_json::{Map, Value};

use crate::job::{Problem, Problems, Source, check};

use super::Environment;
use super::layers::Text;

const PREFIX: &str = "TIDEMILL_";

/// Variables of ours that are no settings.
#[cfg(not(debug_assertions))]
const NO_SETTINGS: &[&str] = &["TIDEMILL_LOG"];
/// The second kills a debug build at a step, see [`crate::disk`].
#[cfg(debug_assertions)]
const NO_SETTINGS: &[&str] = &["TIDEMILL_LOG", "TIDEMILL_DISK_STEP"];

/// The layer that variables of `environment` spell. An empty variable counts as not set.
pub(super) fn from_environment(environment: &Environment, schema: &schemars::Schema) -> (Text, Problems) {
    let ours = environment
        .iter()
        .filter(|(name, value)| name.starts_with(PREFIX) && !NO_SETTINGS.contains(name) && !value.is_empty());
    let settings = ours.map(|(name, value)| (name.to_owned(), name.to_owned(), value.to_owned()));
    layer("environment", settings, schema, |segments| format!("{PREFIX}{}", segments.join("__").to_uppercase()))
}

/// The layer that flags spell, each a key path such as `provider.foxdata.limits.qps` and its value.
pub(super) fn from_flags(flags: &[(String, String)], schema: &schemars::Schema) -> (Text, Problems) {
    let settings =
        flags.iter().map(|(key, value)| (key.clone(), format!("{PREFIX}{}", key.replace('.', "__")), value.clone()));
    layer("--set", settings, schema, |segments| segments.join("."))
}

fn layer(
    file: &str,
    settings: impl Iterator<Item = (String, String, String)>,
    schema: &schemars::Schema,
    spell: impl Fn(&[&str]) -> String,
) -> (Text, Problems) {
    let mut tree = Value::Object(Map::new());
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    let mut clashes = Vec::new();
    for (label, variable, text) in settings {
        let Some((segments, value)) = parse(&variable, &text) else { continue };
        let path: String = segments.iter().map(|segment| format!("/{segment}")).collect();
        if insert(&mut tree, &segments, value) {
            fit(&mut tree, &path, &text, schema);
        } else {
            let message = format!("`{label}` and another setting clash: one gives a value, the other a table");
            clashes.push(Problem::new(&path, message).key());
        }
        names.insert(path, label);
    }
    let mut source = Source::environment(tree.as_object().cloned().unwrap_or_default(), &names);
    source.file = PathBuf::from(file);
    let layer = Text::of_names(source, names.keys().cloned().collect());
    let mut problems = layer.check(schema);
    problems.0.extend(clashes.into_iter().map(|problem| layer.locate(problem)));
    for problem in &mut problems.0 {
        name_the_setting(problem, &names, &spell);
    }
    (layer, problems)
}

/// Key path and typed value of one variable, as the `config` crate reads it.
fn parse(variable: &str, text: &str) -> Option<(Vec<String>, Value)> {
    let one = std::iter::once((variable.to_owned(), text.to_owned())).collect();
    let environment = config::Environment::with_prefix("TIDEMILL")
        .prefix_separator("_")
        .separator("__")
        .try_parsing(true)
        .source(Some(one));
    let (key, value) = environment.collect().ok()?.into_iter().next()?;
    let value = match value.kind {
        ValueKind::Boolean(flag) => Value::from(flag),
        ValueKind::I64(number) => Value::from(number),
        ValueKind::Float(number) => Value::from(number),
        _ => Value::from(text),
    };
    Some((key.split('.').map(str::to_owned).collect(), value))
}

fn insert(tree: &mut Value, segments: &[String], value: Value) -> bool {
    let mut place = tree;
    for segment in segments {
        let Value::Object(table) = place else { return false };
        place = table.entry(segment.as_str()).or_insert_with(|| Value::Object(Map::new()));
    }
    let is_free = place.as_object().is_some_and(Map::is_empty);
    if is_free {
        *place = value;
    }
    is_free
}

/// A variable has no type of its own: `TIDEMILL_OUTPUT=2026` is the text `2026`.
fn fit(tree: &mut Value, path: &str, text: &str, schema: &schemars::Schema) {
    let wrong = |tree: &Value| check(schema, tree).0.iter().filter(|problem| problem.path == path).count();
    if wrong(tree) > 0
        && let Some(place) = tree.pointer_mut(path)
    {
        let typed = std::mem::replace(place, Value::from(text));
        if wrong(tree) > 0
            && let Some(place) = tree.pointer_mut(path)
        {
            *place = typed;
        }
    }
}

fn name_the_setting(problem: &mut Problem, names: &BTreeMap<String, String>, spell: impl Fn(&[&str]) -> String) {
    let below = format!("{}/", problem.path);
    let mut holding = names.iter().filter(|(path, _)| **path == problem.path || path.starts_with(&below));
    let Some((_, label)) = holding.next() else { return };
    let Some(known) = problem.message.strip_prefix("unknown key ") else {
        if !problem.message.contains(label.as_str()) {
            problem.message = format!("`{label}`: {}", problem.message);
        }
        return;
    };
    let meant = known.split("did you mean `").nth(1).and_then(|rest| rest.strip_suffix("`?"));
    problem.message = match meant {
        Some(meant) => {
            let mut segments: Vec<&str> = problem.path.split('/').skip(1).collect();
            segments.pop();
            segments.push(meant);
            format!("unknown setting `{label}`, did you mean `{}`?", spell(&segments))
        }
        None => format!("unknown setting `{label}`"),
    };
}
