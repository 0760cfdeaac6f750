//! The `[grid]` table: what is written becomes axes, and the names that placeholders may use.

use std::collections::HashMap;
use std::path::Path;

use jiff::civil::{Date, date};
use serde_json::Value;

use super::file::{AxisFile, DatesFile, FileFile, OrderFile};
use super::names::Fields;
use super::ordered::Ordered;
use super::template::is_name;
use super::{Axis, DateAxis, DateBound, DateStep, FileAxis, FileKind, Grid, Problem, Problems, unknown_zone};

/// Checks the axes; files among them are looked for from `folder`, the folder of the job file.
pub(crate) fn parse_grid(axes: Ordered<AxisFile>, folder: &Path, problems: &mut Problems) -> Grid {
    let mut grid = Grid::default();
    for (name, axis) in axes.0 {
        let path = format!("/grid/{name}");
        if !is_name(&name) {
            let message = format!("`{name}` is no name for an axis");
            problems.push(Problem::new(path.as_str(), message).key().hint("use letters, digits, `_` and `-`"));
        }
        let axis = match axis {
            AxisFile::List(values) => Some(list(values, &path, problems)),
            AxisFile::Dates(dates) => parse_dates(dates, &path, problems).map(Axis::Dates),
            AxisFile::File(file) => parse_file(file, folder, &path, problems).map(Axis::File),
        };
        grid.axes.extend(axis.map(|axis| (name, axis)));
    }
    grid
}

/// What may follow the name of `axis` in a placeholder.
pub(crate) fn fields(axis: &Axis) -> Fields {
    match axis {
        Axis::List(values) => {
            let tables: Vec<_> = values.iter().filter_map(Value::as_object).collect();
            match tables.split_first() {
                // A field has to be there for every value.
                Some((first, rest)) if tables.len() == values.len() => Fields::Only(
                    first.keys().filter(|key| rest.iter().all(|table| table.contains_key(*key))).cloned().collect(),
                ),
                Some(_) | None => Fields::None,
            }
        }
        Axis::Dates(_) => Fields::Only(vec!["from".to_owned(), "to".to_owned()]),
        Axis::File(FileAxis { kind: FileKind::Csv { column: Some(_) } | FileKind::Lines, .. }) => Fields::None,
        Axis::File(FileAxis { kind: FileKind::Csv { column: None } | FileKind::JsonLines, .. }) => Fields::Unknown,
    }
}

fn list(values: Vec<Value>, path: &str, problems: &mut Problems) -> Axis {
    if values.is_empty() {
        let hint = "write at least one value, or remove the axis";
        problems.push(Problem::new(path, "an empty list makes no cell at all").hint(hint));
    }
    let mut seen: HashMap<String, usize> = HashMap::new();
    for (index, value) in values.iter().enumerate() {
        let at = format!("{path}/{index}");
        if value.is_array() || value.as_str().is_some_and(str::is_empty) {
            problems.push(Problem::new(
                at.as_str(),
                "an axis value is a string, a number, true, false or a table, not empty and no list",
            ));
        }
        if let Some(first) = seen.insert(value.to_string(), index) {
            let message = format!("`{}` stands twice in the list", plain(value));
            problems.push(Problem::new(at, message).hint(format!("it is value {} already", first + 1)));
        }
    }
    Axis::List(values)
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn parse_dates(file: DatesFile, path: &str, problems: &mut Problems) -> Option<DateAxis> {
    let mut read = |key: &str, text: &str| {
        let bound = parse_bound(text);
        if bound.is_none() {
            let message = format!("`{text}` is no day");
            let hint = "allowed: `2026-01-31`, `today`, `yesterday`, `-7d`";
            problems.push(Problem::new(format!("{path}/{key}"), message).hint(hint));
        }
        bound
    };
    let bounds = read("from", &file.from).zip(read("to", &file.to));
    if let Some((DateBound::Day(from), DateBound::Day(to))) = bounds
        && from > to
    {
        let message = format!("the range is reversed: `{from}` is after `{to}`");
        let hint = "`from` is always the earlier day; for the latest first write `order = \"newest\"`";
        problems.push(Problem::new(format!("{path}/from"), message).hint(hint));
    }
    if let Some((DateBound::FromToday(from), DateBound::FromToday(to))) = bounds
        && from > to
    {
        let message = format!("the range is reversed: `{}` is after `{}`", file.from, file.to);
        problems.push(Problem::new(format!("{path}/from"), message).hint("`from` is always the earlier day"));
    }
    let step = match &file.step {
        None => Some(DateStep::Days(1)),
        Some(text) => {
            let step = parse_step(text);
            if step.is_none() {
                let message = format!("`{text}` is no step");
                let hint = "allowed: a whole number and `d`, `w`, `mo` or `y`: `1d`, `7d`, `1w`, `1mo`, `1y`";
                problems.push(Problem::new(format!("{path}/step"), message).hint(hint));
            }
            step
        }
    };
    if let Some(zone) = &file.zone
        && jiff::tz::TimeZone::get(zone).is_err()
    {
        problems.push(unknown_zone(zone, format!("{path}/zone")));
    }
    if let Some(format) = &file.format {
        problems.0.extend(wrong_format(format, &format!("{path}/format")));
    }
    let (from, to) = bounds?;
    if matches!(from, DateBound::FromToday(_)) && step.is_some_and(|step| step != DateStep::Days(1)) {
        let message =
            format!("`{}` moves every day, and spans longer than a day would move with it and overlap", file.from);
        let hint = "begin on a fixed day; with `step = \"1d\"` a moving `from` is fine";
        problems.push(Problem::new(format!("{path}/from"), message).hint(hint));
        return None;
    }
    let newest_first = file.order == OrderFile::Newest;
    Some(DateAxis { from, to, step: step?, zone: file.zone, format: file.format, newest_first })
}

fn wrong_format(format: &str, path: &str) -> Option<Problem> {
    let write = |day: Date| jiff::fmt::strtime::format(format, day);
    match (write(date(2026, 1, 31)), write(date(2031, 12, 1))) {
        (Ok(one), Ok(other)) if one != other => None,
        (Ok(_), Ok(_)) => Some(
            Problem::new(path, format!("`{format}` writes every day the same")).hint("write `%Y-%m-%d` or `%Y%m%d`"),
        ),
        (Err(error), _) | (_, Err(error)) => Some(
            Problem::new(path, format!("`{format}` cannot write a day: {error}")).hint("write `%Y-%m-%d` or `%Y%m%d`"),
        ),
    }
}

fn parse_bound(text: &str) -> Option<DateBound> {
    match text {
        "today" => return Some(DateBound::FromToday(0)),
        "yesterday" => return Some(DateBound::FromToday(-1)),
        _ => {}
    }
    if let Some(days) = text.strip_prefix('-').and_then(|rest| rest.strip_suffix('d')) {
        // Two hundred years is further back than any API; more would leave the calendar.
        return whole(days)
            .filter(|days| *days <= 73_000)
            .and_then(|days| i32::try_from(days).ok())
            .map(|days| DateBound::FromToday(-days));
    }
    // Exactly `YYYY-MM-DD`: a time of day would be dropped without a word.
    (text.len() == 10).then(|| text.parse::<Date>().ok()).flatten().map(DateBound::Day)
}

fn parse_step(text: &str) -> Option<DateStep> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, unit) = text.split_at(digits);
    let number = whole(number).filter(|number| (1..=36_500).contains(number))?;
    match unit {
        "d" => Some(DateStep::Days(number)),
        "w" => Some(DateStep::Days(number * 7)),
        "mo" => Some(DateStep::Months(number)),
        "y" => Some(DateStep::Months(number * 12)),
        _ => None,
    }
}

fn whole(text: &str) -> Option<u32> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

fn parse_file(file: FileFile, folder: &Path, path: &str, problems: &mut Problems) -> Option<FileAxis> {
    let at = |key: &str| format!("{path}/{key}");
    let extension = Path::new(&file.file).extension().and_then(|extension| extension.to_str()).map(str::to_lowercase);
    let kind = match extension.as_deref() {
        Some("csv") => FileKind::Csv { column: file.column.clone() },
        Some("txt") => FileKind::Lines,
        Some("jsonl" | "ndjson") => FileKind::JsonLines,
        Some("parquet") => {
            let message = format!("`{}`: Parquet files cannot be an axis yet", file.file);
            problems.push(Problem::new(at("file"), message).hint("allowed now: `.csv`, `.txt`, `.jsonl`"));
            return None;
        }
        Some(_) | None => {
            let message = format!("`{}` is no file an axis can be read from", file.file);
            problems.push(Problem::new(at("file"), message).hint("allowed: `.csv`, `.txt`, `.jsonl`"));
            return None;
        }
    };
    if file.column.is_some() && !matches!(kind, FileKind::Csv { .. }) {
        let message = "only a `.csv` file has columns";
        problems.push(Problem::new(at("column"), message).key().hint("remove `column`; fields are `{axis.field}`"));
    }
    if file.key.is_some() && matches!(kind, FileKind::Lines | FileKind::Csv { column: Some(_) }) {
        let message = "`key` chooses a field of a row, but the values of this axis are plain";
        problems.push(Problem::new(at("key"), message).key().hint("remove `key`: the value itself names the cell"));
    }
    Some(FileAxis { path: folder.join(&file.file), kind, key: file.key })
}
