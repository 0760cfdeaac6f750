//! A job and a moment become cells: every combination of the axis values, the first axis slowest.
//!
//! Invariant: no two cells have the same key; the same job, day and axis files give the same cells in the same order.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value;

use crate::job::{Axis, DateAxis, Job, Problem, Problems};

use super::axis::read_axis;
use super::cells::Cells;
use super::dates::{MOST_CELLS, spans, today, write_day};
use super::grid::{AxisValue, Grid, GridAxis};

/// The cells of `job` at `now`, in plan order. Axes without a zone of their own read dates in `zone`, the provider's.
///
/// Reads axis files; problems of all axes are reported at once, each located in the job file.
pub fn cells(job: &Job, now: Timestamp, zone: &TimeZone) -> Result<Cells, Problems> {
    let mut problems = Problems::default();
    let mut axes = Vec::new();
    for (name, axis) in &job.grid.axes {
        let path = format!("/grid/{name}");
        match grid_axis(name, axis, &path, (now, zone), &mut problems) {
            Ok(values) => {
                if job.output.partition_by.contains(name) && values.has_tables() {
                    let message = format!("axis `{name}` holds tables and cannot name a folder of `partition_by`");
                    let hint = "choose one field: `column` of a `.csv`, or `key`";
                    problems.push(Problem::new(path, message).key().hint(hint));
                }
                axes.push(values);
            }
            Err(found) => problems.0.extend(found.0),
        }
    }
    let count = axes.iter().try_fold(1_usize, |count, axis| count.checked_mul(axis.len()));
    if count.is_none_or(|count| count > MOST_CELLS) {
        let sizes: Vec<String> = axes.iter().map(|axis| axis.len().to_string()).collect();
        let message = format!("the grid has {} cells, more than the most allowed, {MOST_CELLS}", sizes.join(" × "));
        problems.push(Problem::new("/grid", message).key().hint("split the job, or narrow its axes"));
    }
    let problems = Problems(problems.0.into_iter().map(|problem| job.locate(problem)).collect());
    problems.or(()).map(|()| Cells::new(Grid::new(axes)))
}

/// The values of one axis; two that it writes the same, such as the days of one month as `%Y-%m`, are a problem.
fn grid_axis(
    name: &str,
    axis: &Axis,
    path: &str,
    (now, zone): (Timestamp, &TimeZone),
    problems: &mut Problems,
) -> Result<GridAxis, Problems> {
    let values: Vec<AxisValue> = match axis {
        Axis::File(file) => return read_axis(file, name, path),
        Axis::List(values) => values.iter().cloned().map(AxisValue::from).collect(),
        Axis::Dates(dates) => {
            date_values(dates, now, zone).map_err(|message| Problems(vec![Problem::new(path, message)]))?
        }
    };
    let mut found = GridAxis::new(name);
    let mut twice = None;
    for value in values {
        if let Err((first, _)) = found.add(value) {
            twice.get_or_insert(first);
        }
    }
    found.close();
    let message = |first| format!("two values of the axis are `{}`", found.text(first));
    problems.0.extend(twice.map(|first| Problem::new(path, message(first))));
    Ok(found)
}

fn date_values(axis: &DateAxis, now: Timestamp, zone: &TimeZone) -> Result<Vec<AxisValue>, String> {
    let zone = match &axis.zone {
        Some(name) => TimeZone::get(name).map_err(|error| format!("unknown zone `{name}`: {error}"))?,
        None => zone.clone(),
    };
    let value = |from: String, to: String| AxisValue {
        value: Value::from(from.as_str()),
        key: None,
        days: Some(Box::new((from, to))),
    };
    spans(axis, today(now, &zone))?
        .into_iter()
        .map(|span| Ok(value(write_day(axis, span.from)?, write_day(axis, span.to)?)))
        .collect()
}
