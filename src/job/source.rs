//! Where a key stands: TOML text with the span of every key and value, and the layers a settings tree came from.
//!
//! Layers are merged without spans, so a problem names a key path and the topmost layer that holds it is asked.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value};
use toml::de::{DeTable, DeValue};

use super::problem::{Location, Problem};

/// One layer of settings: a TOML text, or the environment variables that name settings.
#[derive(Debug, Clone, PartialEq)]
pub struct Source {
    /// The file as the user named it, or a label such as `preset foxdata`.
    pub file: PathBuf,
    text: String,
    spans: BTreeMap<String, Spans>,
    value: Map<String, Value>,
    /// A file has lines that a person can go to.
    is_file: bool,
}

#[derive(Debug, Clone, PartialEq)]
struct Spans {
    key: Range<usize>,
    value: Range<usize>,
}

impl Source {
    /// Reads TOML `text`; a syntax error is one [`Problem`] with its place.
    ///
    /// TOML dates become strings: settings and templates know only text.
    pub fn parse(file: &Path, text: &str) -> Result<Self, Problem> {
        let mut source = Self {
            file: file.to_owned(),
            text: text.to_owned(),
            spans: BTreeMap::new(),
            value: Map::new(),
            is_file: true,
        };
        let table = DeTable::parse(text).map_err(|error| {
            let span = error.span().unwrap_or(0..0);
            Problem::new("", error.message().to_owned()).at(source.location(span))
        })?;
        let mut spans = BTreeMap::new();
        source.value = table_value(table.get_ref(), "", &mut spans);
        source.spans = spans;
        Ok(source)
    }

    /// A layer of settings given one by one, such as environment variables: `value` is the tree they spell, `names` the
    /// variable of each key path.
    pub fn environment(value: Map<String, Value>, names: &BTreeMap<String, String>) -> Self {
        Self::listed(Path::new("environment"), value, names)
    }

    /// A tree that was built in code: its places are the paths of its keys, such as `request.path`.
    pub fn built(label: &Path, value: Map<String, Value>) -> Self {
        let mut names = BTreeMap::new();
        name_all(&value, "", &mut names);
        Self::listed(label, value, &names)
    }

    fn listed(file: &Path, value: Map<String, Value>, names: &BTreeMap<String, String>) -> Self {
        let mut text = String::new();
        let mut spans = BTreeMap::new();
        for (path, name) in names {
            let start = text.len();
            text.push_str(name);
            spans.insert(path.clone(), Spans { key: start..text.len(), value: start..text.len() });
            text.push('\n');
        }
        Self { file: file.to_owned(), text, spans, value, is_file: false }
    }

    /// The tree as JSON values.
    pub fn value(&self) -> &Map<String, Value> {
        &self.value
    }

    /// The first `part` within `span`; all of it where the file spells that otherwise, as an escape.
    fn narrowed(&self, span: Range<usize>, part: Option<&str>) -> Range<usize> {
        let found = part.and_then(|part| {
            let at = span.start + self.text.get(span.clone())?.find(part)?;
            Some(at..at + part.len())
        });
        found.unwrap_or(span)
    }

    fn location(&self, span: Range<usize>) -> Location {
        let before = &self.text[..span.start.min(self.text.len())];
        let line = if self.is_file { before.matches('\n').count() + 1 } else { 0 };
        let column = before.rsplit('\n').next().map_or(0, |tail| tail.chars().count()) + 1;
        Location { file: self.file.clone(), text: self.text.clone(), span, line, column }
    }
}

/// Gives each key of `table`, which stands at `path`, its name.
fn name_all(table: &Map<String, Value>, path: &str, names: &mut BTreeMap<String, String>) {
    for (key, value) in table {
        let path = format!("{path}/{key}");
        names.insert(path.clone(), path.trim_start_matches('/').replace('/', "."));
        if let Value::Object(table) = value {
            name_all(table, &path, names);
        }
    }
}

/// The layers of one tree, the strongest first.
#[derive(Debug, Clone, PartialEq)]
pub struct Sources(pub Vec<Source>);

impl Sources {
    /// Fills in where `problem` stands: the strongest layer that holds its path, else the nearest parent of it.
    pub fn locate(&self, problem: Problem) -> Problem {
        let mut path = problem.path.as_str();
        let mut at_key = problem.at_key;
        loop {
            for source in &self.0 {
                if let Some(spans) = source.spans.get(path) {
                    let span = if at_key { spans.key.clone() } else { spans.value.clone() };
                    let location = source.location(source.narrowed(span, problem.part.as_deref()));
                    return problem.at(location);
                }
            }
            match path.rfind('/') {
                Some(cut) => path = &path[..cut],
                None => break,
            }
            // A missing key is shown at the head of the table that lacks it.
            at_key = true;
        }
        match self.0.first() {
            Some(source) => {
                let location = source.location(0..0);
                problem.at(location)
            }
            None => problem,
        }
    }
}

fn table_value(table: &DeTable<'_>, path: &str, spans: &mut BTreeMap<String, Spans>) -> Map<String, Value> {
    let mut object = Map::new();
    // The parser sorts keys by name; axes, columns and parameters mean the order they were written in.
    let mut entries: Vec<_> = table.iter().collect();
    entries.sort_by_key(|(key, _)| key.span().start);
    for (key, value) in entries {
        let path = format!("{path}/{}", key.get_ref());
        spans.insert(path.clone(), Spans { key: key.span(), value: value.span() });
        object.insert(key.get_ref().to_string(), de_value(value.get_ref(), &path, spans));
    }
    object
}

fn de_value(value: &DeValue<'_>, path: &str, spans: &mut BTreeMap<String, Spans>) -> Value {
    match value {
        DeValue::String(text) => Value::String(text.to_string()),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .map_or_else(|_| Value::String(number.as_str().to_owned()), Value::from),
        DeValue::Float(number) => {
            // JSON has no `nan` and `inf`: kept as text they are refused by name wherever a number is asked for.
            number
                .as_str()
                .parse()
                .ok()
                .and_then(serde_json::Number::from_f64)
                .map_or_else(|| Value::String(number.as_str().to_owned()), Value::Number)
        }
        DeValue::Boolean(flag) => Value::Bool(*flag),
        DeValue::Datetime(date) => Value::String(date.to_string()),
        DeValue::Array(items) => Value::Array(
            items
                .iter()
                .enumerate()
                .map(|(index, item)| {
                    let path = format!("{path}/{index}");
                    spans.insert(path.clone(), Spans { key: item.span(), value: item.span() });
                    de_value(item.get_ref(), &path, spans)
                })
                .collect(),
        ),
        DeValue::Table(table) => Value::Object(table_value(table, path, spans)),
    }
}
