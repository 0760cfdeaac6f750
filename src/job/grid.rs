//! The axes of a job: every combination of their values is one cell.

use std::path::PathBuf;

use serde_json::Value;

/// The axes, in the order of the file.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Grid {
    /// Name and values of each axis. No axis at all means exactly one cell.
    pub axes: Vec<(String, Axis)>,
}

/// Where the values of one axis come from.
#[derive(Debug, Clone, PartialEq)]
pub enum Axis {
    /// Written in the job file.
    List(Vec<Value>),
    /// Calendar days or longer steps.
    Dates(DateAxis),
    /// Read from a file when the job is planned.
    File(FileAxis),
}

/// Dates from one bound to the other, both included.
#[derive(Debug, Clone, PartialEq)]
pub struct DateAxis {
    /// First day.
    pub from: DateBound,
    /// Last day.
    pub to: DateBound,
    /// Distance of one value to the next. A value of more than one day also has `{axis.from}` and `{axis.to}`.
    pub step: DateStep,
    /// IANA zone in which `today` is read; the provider's when absent.
    pub zone: Option<String>,
    /// strftime format of the value; `%Y-%m-%d` when absent.
    pub format: Option<String>,
    /// Newest first when true: partitions are then worked through from the latest.
    pub newest_first: bool,
}

/// One end of a date range.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DateBound {
    /// A fixed day.
    Day(jiff::civil::Date),
    /// Days from today: `today` is 0, `yesterday` and `-1d` are -1.
    FromToday(i32),
}

/// Length of one value of a date axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DateStep {
    /// `1d`, `7d`, `1w` (seven days).
    Days(u32),
    /// `1mo`, `3mo`; `1y` is twelve.
    Months(u32),
}

/// A file beside the job file, one value a line or row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileAxis {
    /// The file, already resolved against the folder of the job file.
    pub path: PathBuf,
    /// How to read it.
    pub kind: FileKind,
    /// The field that names the cell; without it the whole row does.
    pub key: Option<String>,
}

/// How an axis file is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileKind {
    /// `.csv` with a header; with `column` the values are that column's strings, else whole rows as objects of strings.
    Csv {
        /// The one column to read.
        column: Option<String>,
    },
    /// `.txt`, one string a line; empty lines are skipped.
    Lines,
    /// `.jsonl`, one JSON value a line.
    JsonLines,
}
