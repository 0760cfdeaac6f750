//! Which folders of a date axis are recent enough to be fetched again.

use std::collections::HashSet;

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};

use crate::job::{Axis, Job};

use super::dates::{spans, today, write_day};

/// The values of the date axis `of`, as they name folders, whose last day is at most `days` days before today. Empty
/// when the axis has none today; `zone` is that of the provider, for an axis without its own.
pub fn recent(job: &Job, of: &str, days: u32, now: Timestamp, zone: &TimeZone) -> HashSet<String> {
    let dates = job.grid.axes.iter().find_map(|(name, axis)| match axis {
        Axis::Dates(dates) if name == of => Some(dates),
        Axis::Dates(_) | Axis::List(_) | Axis::File(_) => None,
    });
    let Some(axis) = dates else { return HashSet::new() };
    let zone = axis.zone.as_ref().and_then(|name| TimeZone::get(name).ok()).unwrap_or_else(|| zone.clone());
    let today = today(now, &zone);
    let Ok(first) = today.checked_sub(i64::from(days).days()) else { return HashSet::new() };
    let recent = spans(axis, today).unwrap_or_default().into_iter().filter(|span| span.to >= first);
    recent.filter_map(|span| write_day(axis, span.from).ok()).collect()
}
