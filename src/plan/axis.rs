//! Reads the values of a file axis from disk [io].
//!
//! Invariant: every line becomes a value or a problem with its number; no two values have the same name.

use std::path::Path;

use serde_json::{Map, Value};

use crate::job::{FileAxis, FileKind, Problem, Problems, nearest};

use super::grid::{AxisValue, GridAxis};

/// A broken file is shown by its first lines, not by a million messages.
const MOST_PROBLEMS: usize = 20;

/// The axis `name` with the values in the order of the file; problems stand at `path` (`/grid/app`) of the job file.
pub(super) fn read_axis(axis: &FileAxis, name: &str, path: &str) -> Result<GridAxis, Problems> {
    let bytes = std::fs::read(&axis.path).map_err(|error| {
        let message = format!("cannot read `{}`: {error}", axis.path.display());
        let hint = "the file is looked for from the folder of the job file";
        Problems(vec![Problem::new(format!("{path}/file"), message).hint(hint)])
    })?;
    let (problems, values) = (Problems::default(), GridAxis::new(name));
    let mut reader = Reader { axis, path, problems, left_out: 0, values, lines: Vec::new() };
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    match &axis.kind {
        FileKind::Csv { column } => reader.csv(bytes, column.as_deref()),
        FileKind::Lines => reader.lines(bytes, |text| Ok(Value::from(text))),
        FileKind::JsonLines => reader.lines(bytes, json_line),
    }
    reader.finish()
}

struct Reader<'a> {
    axis: &'a FileAxis,
    path: &'a str,
    problems: Problems,
    left_out: usize,
    values: GridAxis,
    /// Where each value stands.
    lines: Vec<u64>,
}

impl Reader<'_> {
    fn finish(mut self) -> Result<GridAxis, Problems> {
        self.values.close();
        if self.lines.is_empty() && self.problems.0.is_empty() {
            self.wrong("file", "has no values", "write at least one, or remove the axis");
        }
        if self.left_out > 0 {
            let more = format!("{} more problems in `{}`", self.left_out, file_name(&self.axis.path));
            self.problems.push(Problem::new(format!("{}/file", self.path), more));
        }
        self.problems.or(self.values)
    }

    fn wrong(&mut self, key: &str, what: impl AsRef<str>, hint: impl Into<String>) {
        if self.problems.0.len() >= MOST_PROBLEMS {
            self.left_out += 1;
            return;
        }
        let message = format!("`{}` {}", file_name(&self.axis.path), what.as_ref());
        let problem = Problem::new(format!("{}/{key}", self.path), message);
        let hint = hint.into();
        self.problems.push(if hint.is_empty() { problem } else { problem.hint(hint) });
    }

    fn add(&mut self, value: Value, line: u64) {
        let key = match &self.axis.key {
            None => None,
            Some(field) => match value.get(field) {
                Some(key @ (Value::String(_) | Value::Number(_) | Value::Bool(_))) => Some(key.clone()),
                Some(_) | None => {
                    let what = format!("line {line}: no plain value in `{field}`, which `key` names");
                    return self.wrong("key", what, "");
                }
            },
        };
        match self.values.add(AxisValue { value, key, days: None }) {
            Ok(()) => self.lines.push(line),
            Err((same, name)) => {
                let (shown, first) = (name.as_str().map_or_else(|| name.to_string(), str::to_owned), self.lines[same]);
                let what = format!("line {line}: `{}` stands on line {first} already", shorten(&shown));
                self.wrong("file", what, "every value makes one cell: remove one of them");
            }
        }
    }

    fn lines(&mut self, bytes: &[u8], read: impl Fn(&str) -> Result<Value, String>) {
        for (line, bytes) in (1_u64..).zip(bytes.split(|byte| *byte == b'\n')) {
            let Ok(text) = str::from_utf8(bytes) else {
                self.wrong("file", format!("line {line}: not UTF-8"), "save the file as UTF-8");
                continue;
            };
            let text = text.trim();
            if text.is_empty() {
                continue;
            }
            match read(text) {
                Ok(value) => self.add(value, line),
                Err(what) => self.wrong("file", format!("line {line}: {what}"), ""),
            }
        }
    }

    fn csv(&mut self, bytes: &[u8], column: Option<&str>) {
        let mut csv = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(bytes);
        let header: Vec<String> = match csv.headers() {
            Ok(header) => header.iter().map(str::to_owned).collect(),
            Err(error) => return self.wrong("file", format!("line 1: {error}"), "save the file as UTF-8"),
        };
        if let Some(name) =
            header.iter().enumerate().find(|(at, name)| header[..*at].contains(name)).map(|(_, name)| name)
        {
            return self.wrong("file", format!("has the column `{name}` twice"), "rename one of them");
        }
        let column = match column {
            None => None,
            Some(name) => match header.iter().position(|known| known == name) {
                Some(index) => Some((index, name)),
                None => return self.missing("column", name, &header),
            },
        };
        if let Some(key) = &self.axis.key
            && !header.contains(key)
        {
            return self.missing("key", key, &header);
        }
        for record in csv.records() {
            let record = match record {
                Ok(record) => record,
                Err(error) => {
                    self.wrong("file", csv_error(&error, header.len()), "");
                    continue;
                }
            };
            let line = record.position().map_or(0, csv::Position::line);
            match column {
                Some((index, name)) => match &record[index] {
                    "" => self.wrong("file", format!("line {line}: no value in column `{name}`"), "remove the row"),
                    text => self.add(Value::from(text), line),
                },
                None => {
                    let row: Map<String, Value> =
                        header.iter().zip(&record).map(|(name, text)| (name.clone(), Value::from(text))).collect();
                    self.add(Value::Object(row), line);
                }
            }
        }
    }

    fn missing(&mut self, key: &str, name: &str, header: &[String]) {
        let known = header.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
        if header.is_empty() {
            return self.wrong("file", "is empty", "its first line names the columns");
        }
        let what = match nearest(name, header.iter().map(String::as_str)) {
            Some(meant) => format!("has no column `{name}`, did you mean `{meant}`?"),
            None => format!("has no column `{name}`"),
        };
        self.wrong(key, what, format!("known: {known}"));
    }
}

fn json_line(text: &str) -> Result<Value, String> {
    let value: Value = serde_json::from_str(text).map_err(|error| {
        let text = error.to_string();
        // serde counts lines too, but here each is a document of its own.
        format!("no JSON: {}", text.split(" at line ").next().unwrap_or(&text))
    })?;
    if let Some(digits) = inexact(text) {
        return Err(format!("`{digits}` is too large a number to be kept exactly; write it as a string"));
    }
    match value {
        Value::Null | Value::Array(_) => Err("a line is a string, a number, true, false or an object".to_owned()),
        Value::String(text) if text.is_empty() => Err("an empty string names nothing".to_owned()),
        Value::String(_) | Value::Bool(_) | Value::Number(_) | Value::Object(_) => Ok(value),
    }
}

/// A whole number in valid JSON `text` that 64 bits cannot hold: it would silently become another one.
fn inexact(text: &str) -> Option<&str> {
    let mut in_string = false;
    let mut escaped = false;
    let mut number: Option<usize> = None;
    for (at, c) in text.char_indices().chain([(text.len(), ' ')]) {
        if in_string {
            in_string = escaped || c != '"';
            escaped = c == '\\' && !escaped;
            continue;
        }
        match (number, c) {
            (None, '0'..='9' | '-') => number = Some(at),
            (Some(_), '0'..='9' | '.' | 'e' | 'E' | '+' | '-') => {}
            (Some(start), _) => {
                let digits = &text[start..at];
                let whole = !digits.contains(['.', 'e', 'E']);
                if whole && digits.parse::<i64>().is_err() && digits.parse::<u64>().is_err() {
                    return Some(digits);
                }
                number = None;
            }
            (None, _) => {}
        }
        in_string = c == '"';
    }
    None
}

fn csv_error(error: &csv::Error, columns: usize) -> String {
    let line = error.position().map_or(0, csv::Position::line);
    match error.kind() {
        csv::ErrorKind::UnequalLengths { len, .. } => {
            format!("line {line}: {len} fields, but the header has {columns}")
        }
        csv::ErrorKind::Utf8 { .. } => format!("line {line}: not UTF-8"),
        _ => format!("line {line}: {error}"),
    }
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

fn shorten(text: &str) -> String {
    let short: String = text.chars().take(60).collect();
    if short.len() < text.len() { format!("{short}…") } else { short }
}
