//! Days and instants from text, exactly: nothing finer than the column's unit is cut, and a wall-clock reading that
//! names no instant or two of them in the column's zone is refused.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{AmbiguousOffset, Offset, TimeZone};

use super::reject::show;
use crate::job::TimeUnit;

/// Reads the text of one timestamp column.
#[derive(Debug, Clone)]
pub(super) struct TimestampReader {
    per_second: i64,
    digits: usize,
    zone: Option<TimeZone>,
    zone_name: String,
}

impl TimestampReader {
    /// `zone` is an IANA name or a fixed offset (`+08:00`).
    pub(super) fn new(unit: TimeUnit, zone: Option<&str>) -> Result<Self, String> {
        let digits = match unit {
            TimeUnit::Second => 0,
            TimeUnit::Millisecond => 3,
            TimeUnit::Microsecond => 6,
            TimeUnit::Nanosecond => 9,
        };
        let known = zone.map(|name| find_zone(name).ok_or_else(|| format!("unknown time zone `{name}`")));
        Ok(Self {
            per_second: 10_i64.pow(digits),
            digits: digits as usize,
            zone: known.transpose()?,
            zone_name: zone.unwrap_or_default().to_owned(),
        })
    }

    /// Units since 1970-01-01 00:00, in UTC when the column has a zone, else on the wall.
    pub(super) fn read(&self, text: &str) -> Result<i64, String> {
        let parts = split(text).ok_or_else(|| format!("{} is no date with a time of day", show(text)))?;
        let fraction = parts.fraction.trim_end_matches('0');
        if fraction.len() > self.digits {
            return Err(format!("{} is finer than the unit of the column", show(text)));
        }
        let seconds = match (&self.zone, parts.offset) {
            (Some(_), Some(offset)) => self.instant(parts.wall, offset, text)?,
            (Some(zone), None) => self.instant(parts.wall, self.offset(zone, parts.wall, text)?, text)?,
            (None, None) => self.instant(parts.wall, Offset::UTC, text)?,
            (None, Some(_)) => {
                return Err(format!("{} has an offset, but the column has no zone: declare one", show(text)));
            }
        };
        let mut units = 0_i64;
        for place in 0..self.digits {
            units = units * 10 + i64::from(fraction.as_bytes().get(place).map_or(0, |digit| digit - b'0'));
        }
        let whole = seconds.checked_mul(self.per_second).and_then(|whole| whole.checked_add(units));
        whole.ok_or_else(|| format!("{} is out of range for the unit of the column", show(text)))
    }

    fn instant(&self, wall: DateTime, offset: Offset, text: &str) -> Result<i64, String> {
        let instant = offset.to_timestamp(wall).map_err(|_| format!("{} is out of range", show(text)))?;
        Ok(instant.as_second())
    }

    fn offset(&self, zone: &TimeZone, wall: DateTime, text: &str) -> Result<Offset, String> {
        match zone.to_ambiguous_timestamp(wall).offset() {
            AmbiguousOffset::Unambiguous { offset } => Ok(offset),
            AmbiguousOffset::Gap { .. } => {
                Err(format!("{} does not exist in {}: clocks were set forward", show(text), self.zone_name))
            }
            AmbiguousOffset::Fold { .. } => {
                Err(format!("{} happens twice in {}: clocks were set back", show(text), self.zone_name))
            }
        }
    }
}

/// Days since 1970-01-01 from `2024-05-10` or `20240510`.
pub(super) fn date(text: &str) -> Result<i32, String> {
    let bytes = text.as_bytes();
    let date = match bytes.len() {
        10 => calendar_day(text),
        8 => match (text.get(..4), text.get(4..6), text.get(6..)) {
            (Some(year), Some(month), Some(day)) => calendar_day(&format!("{year}-{month}-{day}")),
            (_, _, _) => None,
        },
        _ => None,
    };
    let date = date.ok_or_else(|| format!("{} is no calendar day (`2024-05-10` or `20240510`)", show(text)))?;
    Ok(days(date))
}

/// Days since 1970-01-01 (Howard Hinnant, "chrono-compatible low-level date algorithms", `days_from_civil`).
fn days(date: Date) -> i32 {
    let month = i32::from(date.month());
    let year = i32::from(date.year()) - i32::from(month <= 2);
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + i32::from(date.day()) - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

fn find_zone(name: &str) -> Option<TimeZone> {
    if let Some(seconds) = offset_seconds(name) {
        return Offset::from_seconds(seconds).ok().map(TimeZone::fixed);
    }
    TimeZone::get(name).ok()
}

struct Parts<'a> {
    wall: DateTime,
    fraction: &'a str,
    offset: Option<Offset>,
}

/// RFC 3339, with a blank instead of `T` and without an offset allowed too.
fn split(text: &str) -> Option<Parts<'_>> {
    let day = calendar_day(text.get(..10)?)?;
    let rest = text.get(10..)?.strip_prefix(['T', 't', ' '])?;
    let time = clock_time(rest.get(..8)?)?;
    let (fraction, rest) = match rest[8..].strip_prefix('.') {
        Some(rest) => rest.split_at(rest.bytes().take_while(u8::is_ascii_digit).count()),
        None => ("", &rest[8..]),
    };
    if fraction.is_empty() && text.as_bytes().get(19) == Some(&b'.') {
        return None;
    }
    let offset = match rest {
        "" => None,
        "Z" | "z" => Some(Offset::UTC),
        rest => Some(Offset::from_seconds(offset_seconds(rest)?).ok()?),
    };
    Some(Parts { wall: day.to_datetime(time), fraction, offset })
}

fn calendar_day(text: &str) -> Option<Date> {
    let [y, e, a, r, b'-', m, month, b'-', d, day] = text.as_bytes() else { return None };
    let year = i16::from(pair(*y, *e)?) * 100 + i16::from(pair(*a, *r)?);
    Date::new(year, pair(*m, *month)?, pair(*d, *day)?).ok()
}

fn clock_time(text: &str) -> Option<Time> {
    let [h, hour, b':', m, minute, b':', s, second] = text.as_bytes() else { return None };
    Time::new(pair(*h, *hour)?, pair(*m, *minute)?, pair(*s, *second)?, 0).ok()
}

/// The number of two digits.
#[inline]
fn pair(tens: u8, ones: u8) -> Option<i8> {
    let digit = |byte: u8| byte.is_ascii_digit().then(|| (byte - b'0').cast_signed());
    Some(digit(tens)? * 10 + digit(ones)?)
}

/// `+08:00`, `-0330`, `+08`.
fn offset_seconds(text: &str) -> Option<i32> {
    let sign = match text.as_bytes().first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let (hours, minutes) = match text.as_bytes() {
        [_, h, hours, b':', m, minutes] | [_, h, hours, m, minutes] => (pair(*h, *hours)?, pair(*m, *minutes)?),
        [_, h, hours] => (pair(*h, *hours)?, 0),
        _ => return None,
    };
    let (hours, minutes) = (i32::from(hours), i32::from(minutes));
    (hours < 24 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60))
}
