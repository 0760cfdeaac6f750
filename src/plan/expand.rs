//! A job and a moment become cells: every combination of the axis values, the first axis slowest.
//!
//! Invariant: no two cells have the same key; the same job, day and axis files give the same cells in the same order.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::Value;

use crate::job::{Axis, DateAxis, Job, Problem, Problems};

use super::axis::{FileValue, read_axis};
use super::canonical::canonical;
use super::cell::{AxisValue, Cell, CellKey};
use super::dates::{MOST_CELLS, spans, today, write_day};

/// The cells of `job` at `now`, in plan order. Axes without a zone of their own read dates in `zone`, the provider's.
///
/// Reads axis files; problems of all axes are reported at once, each located in the job file.
pub fn cells(job: &Job, now: Timestamp, zone: &TimeZone) -> Result<Vec<Cell>, Problems> {
    let mut problems = Problems::default();
    let mut axes = Vec::new();
    for (name, axis) in &job.grid.axes {
        let path = format!("/grid/{name}");
        match axis_values(name, axis, &path, now, zone) {
            Ok(values) => {
                problems.0.extend(repeated(&values, &path));
                if job.output.partition_by.contains(name) && values.iter().any(|value| value.text().is_none()) {
                    let message = format!("axis `{name}` holds tables and cannot name a folder of `partition_by`");
                    let hint = "choose one field: `column` of a `.csv`, or `key`";
                    problems.push(Problem::new(path, message).key().hint(hint));
                }
                axes.push(values);
            }
            Err(found) => problems.0.extend(found.0),
        }
    }
    let count = axes.iter().try_fold(1_usize, |count, values| count.checked_mul(values.len()));
    if count.is_none_or(|count| count > MOST_CELLS) {
        let sizes: Vec<String> = axes.iter().map(|values| values.len().to_string()).collect();
        let message = format!("the grid has {} cells, more than the most allowed, {MOST_CELLS}", sizes.join(" × "));
        problems.push(Problem::new("/grid", message).key().hint("split the job, or narrow its axes"));
    }
    let problems = Problems(problems.0.into_iter().map(|problem| job.locate(problem)).collect());
    problems.or(()).map(|()| combine(&axes))
}

fn axis_values(
    name: &str,
    axis: &Axis,
    path: &str,
    now: Timestamp,
    zone: &TimeZone,
) -> Result<Vec<Arc<AxisValue>>, Problems> {
    let axis_name: Arc<str> = name.into();
    let plain = |value, key: Option<Value>| {
        Arc::new(AxisValue { axis: Arc::clone(&axis_name), value, key: key.map(Box::new), days: None })
    };
    match axis {
        Axis::List(values) => Ok(values.iter().map(|value| plain(value.clone(), None)).collect()),
        Axis::File(file) => {
            Ok(read_axis(file, path)?.into_iter().map(|FileValue { value, key }| plain(value, key)).collect())
        }
        Axis::Dates(dates) => {
            date_values(&axis_name, dates, now, zone).map_err(|message| Problems(vec![Problem::new(path, message)]))
        }
    }
}

fn date_values(
    name: &Arc<str>,
    axis: &DateAxis,
    now: Timestamp,
    zone: &TimeZone,
) -> Result<Vec<Arc<AxisValue>>, String> {
    let zone = match &axis.zone {
        Some(name) => TimeZone::get(name).map_err(|error| format!("unknown zone `{name}`: {error}"))?,
        None => zone.clone(),
    };
    let value = |from: String, to: String| AxisValue {
        axis: Arc::clone(name),
        value: Value::from(from.as_str()),
        key: None,
        days: Some(Box::new((from, to))),
    };
    spans(axis, today(now, &zone))?
        .into_iter()
        .map(|span| Ok(Arc::new(value(write_day(axis, span.from)?, write_day(axis, span.to)?))))
        .collect()
}

/// Values that the axis writes the same, such as the days of one month as `%Y-%m`.
fn repeated(values: &[Arc<AxisValue>], path: &str) -> Option<Problem> {
    let mut seen = HashMap::with_capacity(values.len());
    values.iter().enumerate().find_map(|(index, value)| {
        let name = canonical(value.name());
        seen.insert(name.clone(), index)
            .map(|_| Problem::new(path, format!("two values of the axis are `{}`", name.trim_matches('"'))))
    })
}

fn combine(axes: &[Vec<Arc<AxisValue>>]) -> Vec<Cell> {
    let count = axes.iter().map(Vec::len).product();
    // `"name":value` of each value, written once and not once a cell.
    let spelled: Vec<Vec<String>> = axes
        .iter()
        .map(|values| {
            values.iter().map(|value| format!("{}:{}", Value::from(&*value.axis), canonical(value.name()))).collect()
        })
        .collect();
    let mut by_name: Vec<usize> = (0..axes.len()).collect();
    by_name.sort_by_key(|at| axes[*at].first().map(|value| Arc::clone(&value.axis)));
    let mut cells = Vec::with_capacity(count);
    let mut at = vec![0; axes.len()];
    for _ in 0..count {
        let length = 2 + by_name.iter().map(|axis| spelled[*axis][at[*axis]].len() + 1).sum::<usize>();
        let mut key = String::with_capacity(length);
        key.push('{');
        for (position, axis) in by_name.iter().enumerate() {
            if position > 0 {
                key.push(',');
            }
            key.push_str(&spelled[*axis][at[*axis]]);
        }
        key.push('}');
        let values = axes.iter().zip(&at).map(|(values, at)| Arc::clone(&values[*at])).collect();
        cells.push(Cell::with_key(CellKey(key), values));
        for (values, at) in axes.iter().zip(&mut at).rev() {
            *at += 1;
            if *at < values.len() {
                break;
            }
            *at = 0;
        }
    }
    cells
}
