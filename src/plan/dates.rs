//! A date axis and today become days or longer spans.
//!
//! Invariant: the spans touch, never overlap and never reach past `to`. A span is named by its first day for ever, so
//! none is ever cut: bought half, its other half would never be asked for. A range that follows today leaves its last
//! span out until that is over; one that ends on a fixed day must end with a span.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, ToSpan as _};

use crate::job::{DateAxis, DateBound, DateStep};

/// The plan of one job has at most so many cells.
pub(crate) const MOST_CELLS: usize = 10_000_000;

const FORMAT: &str = "%Y-%m-%d";

/// One value of a date axis.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DateSpan {
    /// First day.
    pub from: Date,
    /// Last day, included.
    pub to: Date,
}

/// The calendar day of `now` in `zone`.
pub fn today(now: Timestamp, zone: &TimeZone) -> Date {
    now.to_zoned(zone.clone()).date()
}

/// The spans of `axis`, in its order; the error says why there are none.
pub fn spans(axis: &DateAxis, today: Date) -> Result<Vec<DateSpan>, String> {
    let from = day(axis.from, today)?;
    let to = day(axis.to, today)?;
    if from > to {
        return Err(format!("the range is empty today ({today}): it begins on `{from}` and ends on `{to}`"));
    }
    let mut spans = Vec::new();
    let mut start = from;
    while start <= to {
        // Counted from the first day each time: steps of a month from the 31st would drift otherwise.
        let next = from.checked_add(distance(axis.step, spans.len() + 1)?);
        let end = next.ok().and_then(|next| next.yesterday().ok()).unwrap_or(Date::MAX);
        if end > to {
            match axis.to {
                DateBound::FromToday(_) => break,
                DateBound::Day(_) => return Err(cut(from, start, end, to)),
            }
        }
        spans.push(DateSpan { from: start, to: end });
        match end.tomorrow() {
            Ok(next) => start = next,
            Err(_) => break,
        }
    }
    if spans.is_empty() {
        return Err(format!("the first span, from `{from}`, is not over on `{to}`"));
    }
    if axis.newest_first {
        spans.reverse();
    }
    Ok(spans)
}

fn cut(from: Date, start: Date, end: Date, to: Date) -> String {
    let earlier = match start.yesterday() {
        Ok(before) if start > from => format!("`{before}` or "),
        Ok(_) | Err(_) => String::new(),
    };
    format!(
        "the last span begins on `{start}` and would be cut off on `{to}`, and days added later would never be asked \
         for: end the range on {earlier}`{end}`"
    )
}

/// `day` as the axis writes it.
pub fn write_day(axis: &DateAxis, day: Date) -> Result<String, String> {
    let format = axis.format.as_deref().unwrap_or(FORMAT);
    jiff::fmt::strtime::format(format, day).map_err(|error| format!("`{format}` cannot write `{day}`: {error}"))
}

fn day(bound: DateBound, today: Date) -> Result<Date, String> {
    match bound {
        DateBound::Day(day) => Ok(day),
        DateBound::FromToday(days) => {
            today.checked_add(days.days()).map_err(|_| format!("{days} days from `{today}` is outside the calendar"))
        }
    }
}

fn distance(step: DateStep, steps: usize) -> Result<Span, String> {
    let far = || "the range is outside the calendar".to_owned();
    let steps = i64::try_from(steps).map_err(|_| far())?;
    let span = match step {
        DateStep::Days(days) => Span::new().try_days(steps.saturating_mul(i64::from(days))),
        DateStep::Months(months) => Span::new().try_months(steps.saturating_mul(i64::from(months))),
    };
    // A span jiff cannot hold is longer than its calendar; the longest it can hold ends the range as well.
    span.or_else(|_| Span::new().try_years(19_998)).map_err(|_| far())
}
