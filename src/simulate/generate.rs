//! Makes the values of columns: each is a pure function of the record's hash, its day and key, and the request.

use jiff::ToSpan;
use jiff::civil::{Date, Weekday};
use serde_json::{Map, Number, Value};

use crate::provider::{Column, ColumnKind, Days};

use super::asked::text_of;
use super::mix::{mix, mix_text, within};

/// No date range of a request is played longer than this, whatever it asks for.
const DAYS_MAX: usize = 40_000;

/// What the values of one record depend on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Context<'a> {
    pub(super) parameters: &'a Map<String, Value>,
    /// Hash of seed, path, parameters and index.
    pub(super) hash: u64,
    pub(super) index: u64,
    pub(super) day: Option<Date>,
    pub(super) key: Option<&'a str>,
}

/// The object that `columns` make.
pub(super) fn object(columns: &[Column], context: Context<'_>) -> Value {
    let value = |column: &Column| {
        let hash = mix_text(context.hash, &column.name);
        if column.null_every > 0 && mix(hash, 1).is_multiple_of(column.null_every) {
            return Value::Null;
        }
        value(column, Context { hash, ..context })
    };
    Value::Object(columns.iter().map(|column| (column.name.clone(), value(column))).collect())
}

/// The days `days` and the request's parameters stand for; `None` when a parameter is no date.
pub(super) fn days(days: &Days, parameters: &Map<String, Value>) -> Option<Vec<Date>> {
    let bound = |names: &[String], default: &str| match names.iter().find_map(|name| parameters.get(name)) {
        Some(value) => date(value),
        None => default.parse().ok(),
    };
    let (first, last) = (bound(&days.from, &days.first)?, bound(&days.to, &days.last)?);
    let all = first.series(1.day()).take_while(|day| *day <= last).take(DAYS_MAX);
    let open = |day: &Date| !days.weekdays || !matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday);
    Some(all.filter(open).collect())
}

/// A parameter as a date: `2026-01-31` or `20260131`.
pub(super) fn date(value: &Value) -> Option<Date> {
    text_of(value).parse().ok()
}

/// A parameter by dotted path.
pub(super) fn parameter<'a>(parameters: &'a Map<String, Value>, path: &str) -> Option<&'a Value> {
    let mut parts = path.split('.');
    let mut value = parameters.get(parts.next()?)?;
    for part in parts {
        value = match value {
            Value::Array(items) => items.get(part.parse::<usize>().ok()?)?,
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Object(_) => value.get(part)?,
        };
    }
    Some(value)
}

fn value(column: &Column, context: Context<'_>) -> Value {
    let hash = context.hash;
    match column.kind {
        ColumnKind::Constant => column.value.clone().unwrap_or(Value::Null),
        ColumnKind::Echo => echo(column, context),
        ColumnKind::Integer => whole(within(hash, column.from, column.to), column.text),
        ColumnKind::Id => {
            whole(column.from.saturating_add(i64::try_from(context.index).unwrap_or(i64::MAX)), column.text)
        }
        ColumnKind::Decimal => decimal(column, hash),
        ColumnKind::Choice if column.of.is_empty() => Value::Null,
        ColumnKind::Choice => column.of[(hash % column.of.len() as u64) as usize].clone(),
        ColumnKind::Digits => {
            let number = within(hash, column.from, column.to);
            Value::String(format!("{}{number:0width$}{}", column.prefix, column.suffix, width = column.width))
        }
        ColumnKind::Key => context.key.map_or(Value::Null, Value::from),
        ColumnKind::Day => context.day.map_or(Value::Null, |day| Value::String(day.to_string())),
        ColumnKind::Timestamp => timestamp(column, context),
        ColumnKind::Bool => Value::Bool(hash & 1 == 1),
        ColumnKind::Object => object(&column.columns, context),
        ColumnKind::List => list(column, context),
    }
}

fn echo(column: &Column, context: Context<'_>) -> Value {
    let found = parameter(context.parameters, &column.parameter).cloned().or_else(|| column.value.clone());
    match found {
        Some(value) if column.prefix.is_empty() => value,
        Some(value) => Value::String(format!("{}{}", column.prefix, text_of(&value))),
        None => Value::Null,
    }
}

fn whole(number: i64, text: bool) -> Value {
    if text { Value::String(number.to_string()) } else { Value::from(number) }
}

fn decimal(column: &Column, hash: u64) -> Value {
    let unit = 10_i64.checked_pow(column.scale).unwrap_or(i64::MAX);
    let number = within(hash, column.from.saturating_mul(unit), column.to.saturating_mul(unit));
    let sign = if number < 0 { "-" } else { "" };
    let (whole, part) = (number.unsigned_abs() / unit.unsigned_abs(), number.unsigned_abs() % unit.unsigned_abs());
    let text = match column.scale {
        0 => format!("{sign}{whole}"),
        scale => format!("{sign}{whole}.{part:0width$}", width = scale as usize),
    };
    if column.text {
        return Value::String(text);
    }
    text.parse::<f64>().ok().and_then(Number::from_f64).map_or(Value::Null, Value::Number)
}

fn timestamp(column: &Column, context: Context<'_>) -> Value {
    let asked = parameter(context.parameters, &column.parameter).and_then(date);
    let day = asked.or(context.day).unwrap_or(Date::constant(2026, 1, 1));
    let ms = within(context.hash, 0, 86_399_999);
    let (seconds, ms) = (ms / 1000, ms % 1000);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    Value::String(format!("{day}T{hour:02}:{minute:02}:{second:02}.{ms:03}Z"))
}

fn list(column: &Column, context: Context<'_>) -> Value {
    let inner = |index: u64, day: Option<Date>| {
        let hash = mix(context.hash, index);
        object(&column.columns, Context { hash, index, day: day.or(context.day), ..context })
    };
    let objects = match &column.days {
        Some(range) => {
            let days = days(range, context.parameters).unwrap_or_default();
            days.into_iter().zip(0..).map(|(day, index)| inner(index, Some(day))).collect()
        }
        None => {
            let [low, high] = column.rows.unwrap_or([1, 1]);
            (0..count(context.hash, low, high)).map(|index| inner(index, None)).collect()
        }
    };
    Value::Array(objects)
}

/// A number of records from `low` to `high`.
pub(super) fn count(hash: u64, low: u64, high: u64) -> u64 {
    let bounded = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    within(mix(hash, 7), bounded(low), bounded(high)).unsigned_abs()
}
