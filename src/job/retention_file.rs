//! `refetch` and `[archive]` as they are written, and what they mean: what is asked for again, and how long raw pages
//! are kept after their file is published.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::duration::parse_duration;
use super::{Archive, Axis, Grid, Problem, Problems, Refetch};

const DAY: Duration = Duration::from_hours(24);
/// Long enough to see on Monday what a job file should have said on Friday.
const KEEP: Duration = Duration::from_hours(7 * 24);

const UNITS: [(&str, u64); 9] = [
    ("B", 1),
    ("kB", 1000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
];

/// When what is published is fetched again.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum RefetchFile {
    /// `never` or `always`.
    Word(RefetchWord),
    /// The last days of a date axis.
    Last(LastFile),
    /// What was published some time ago.
    After(AfterFile),
}

/// All or nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RefetchWord {
    /// Not unless a person asks for it.
    Never,
    /// In every run.
    Always,
}

/// The last days of a date axis, as `{ last = "3d", of = "day" }`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LastFile {
    /// How many days before today count, such as `3d`; whole days.
    pub last: String,
    /// The date axis; it must be in `partition_by`.
    pub of: String,
}

/// What was published some time ago, as `{ after = "12h" }`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AfterFile {
    /// The age from which on a file is fetched again, such as `12h`.
    pub after: String,
}

/// How long raw pages are kept once their file is published: `tidemill replay` builds on them.
#[derive(Debug, Clone, Default, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ArchiveFile {
    /// A length of time, `7d` when absent; `"0"` keeps none.
    pub keep: Option<Value>,
    /// At most so many bytes in all, as a number or as text such as `2GB`: the oldest go first; no bound when absent.
    pub max_bytes: Option<Value>,
}

/// Checks `refetch`; `partition_by` are the folders of the output.
pub(super) fn parse_refetch(
    file: Option<RefetchFile>,
    grid: &Grid,
    partition_by: &[String],
    problems: &mut Problems,
) -> Refetch {
    match file {
        None | Some(RefetchFile::Word(RefetchWord::Never)) => Refetch::Never,
        Some(RefetchFile::Word(RefetchWord::Always)) => Refetch::Always,
        Some(RefetchFile::After(AfterFile { after })) => match parse_duration(&after) {
            Ok(after) => Refetch::After(after),
            Err(message) => {
                problems.push(Problem::new("/refetch/after", message));
                Refetch::Never
            }
        },
        Some(RefetchFile::Last(LastFile { last, of })) => {
            let is_dates = |(name, axis): &(String, Axis)| *name == of && matches!(axis, Axis::Dates(_));
            if !grid.axes.iter().any(is_dates) {
                let dates = grid.axes.iter().filter(|(_, axis)| matches!(axis, Axis::Dates(_)));
                let dates: Vec<String> = dates.map(|(name, _)| format!("`{name}`")).collect();
                let known = if dates.is_empty() { "this job has none".to_owned() } else { dates.join(", ") };
                let message = format!("`{of}` is no date axis");
                problems.push(Problem::new("/refetch/of", message).hint(format!("date axes: {known}")));
            } else if !partition_by.contains(&of) {
                let message = format!("`{of}` is not in `partition_by`: a file is fetched again whole or not at all");
                problems.push(Problem::new("/refetch/of", message).hint(format!("write `partition_by = [\"{of}\"]`")));
            }
            match days(&last) {
                Ok(days) => Refetch::Last { days, of },
                Err(message) => {
                    problems.push(Problem::new("/refetch/last", message));
                    Refetch::Never
                }
            }
        }
    }
}

/// Checks `[archive]`.
pub(super) fn parse_archive(file: &ArchiveFile, problems: &mut Problems) -> Archive {
    let mut read = |key: &str, value: &Option<Value>, parse: fn(&Value) -> Result<u64, String>| {
        value.as_ref().and_then(|value| {
            parse(value).map_err(|message| problems.push(Problem::new(format!("/archive/{key}"), message))).ok()
        })
    };
    let keep = read("keep", &file.keep, millis).map_or(KEEP, Duration::from_millis);
    let max_bytes = read("max_bytes", &file.max_bytes, bytes);
    Archive { keep, max_bytes }
}

fn days(text: &str) -> Result<u32, String> {
    let length = parse_duration(text)?;
    let days = length.as_secs() / DAY.as_secs();
    match u32::try_from(days) {
        Ok(days @ 1..=36_500) if length == DAY * days => Ok(days),
        Ok(_) | Err(_) => Err(format!("`{text}` is no number of days from `1d` to `36500d`")),
    }
}

fn millis(value: &Value) -> Result<u64, String> {
    match value {
        Value::Number(number) if number.as_u64() == Some(0) => Ok(0),
        Value::String(text) if text.trim() == "0" => Ok(0),
        Value::String(text) => parse_duration(text).map(|keep| u64::try_from(keep.as_millis()).unwrap_or(u64::MAX)),
        other => Err(format!("`{other}` is no length of time; write `7d`, or `0` to keep none")),
    }
}

fn bytes(value: &Value) -> Result<u64, String> {
    let wrong = || format!("`{}` is no size; write `500MB` or `2GB`", value.to_string().trim_matches('"'));
    match value {
        Value::Number(number) => number.as_u64().ok_or_else(wrong),
        Value::String(text) => {
            let text = text.trim();
            let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            let (number, unit) = text.split_at(digits);
            let (_, size) = UNITS.iter().find(|(name, _)| *name == unit.trim()).ok_or_else(wrong)?;
            number.parse::<u64>().ok().and_then(|number| number.checked_mul(*size)).ok_or_else(wrong)
        }
        _ => Err(wrong()),
    }
}
