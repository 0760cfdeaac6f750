//! Which records of a journal still count: pure.
//!
//! Invariant: whoever reads what is kept counts in every window at least what he would have counted from the whole; more
//! only of calls that fall out of a window within the minute.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;

use crate::provider::{Unit, Window, WindowKind};
use crate::quota::Calendar;
use crate::quota::period::{BUCKET, FOREIGN_LATENCY, LESSON, LONG, drifted};

use super::history::Told;
use super::record::{Record, What};

/// What is kept of `told`, in order. Everything of the last hour stays as it is; of what is older, the attempts that a
/// longer window or the latest day still counts are summed up by the minute.
pub(in crate::quota) fn still_counting(told: &[Told], now: Timestamp, windows: &[Window]) -> Vec<Record> {
    let days = Days::of(told, windows);
    let begin = told.iter().position(|one| one.ago < keep(windows) || days.is_told(one)).unwrap_or(told.len());
    let (old, young) = told.split_at(begin);
    let mut kept: Vec<Record> = Vec::new();
    let mut learned: BTreeMap<Duration, Record> = BTreeMap::new();
    let mut past: BTreeMap<(i64, u32), Record> = BTreeMap::new();
    let (mut spent, mut paused, mut joined) = (None, None, BTreeMap::new());
    for Told { record, ago, .. } in old {
        match record.what {
            What::Name { .. } => kept.push(*record),
            What::Joined { .. } => drop(joined.insert(record.user, *record)),
            What::Gone => drop(joined.remove(&record.user)),
            What::Learned { period, .. } if *ago < LESSON => drop(learned.insert(period, *record)),
            What::Spent { until } if until > now => spent = Some(*record),
            What::Paused { pause, .. } if *ago < pause => paused = Some(*record),
            _ if days.counts(record.at.wall) || is_long_counting(windows, *ago) => sum(&mut past, record),
            _ => {}
        }
    }
    kept.extend(past.into_values().filter(|record| !matches!(record.what, What::Past { count: 0, credits: 0, .. })));
    kept.extend(learned.into_values().chain(spent).chain(paused).chain(joined.into_values()));
    kept.extend(young.iter().map(|one| one.record));
    kept
}

/// Adds what a record counts to its minute.
fn sum(past: &mut BTreeMap<(i64, u32), Record>, record: &Record) {
    let (job, more, less, credits, back) = match record.what {
        What::Sent { job, count, price, .. } | What::Carried { job, count, price } => {
            (job, count, 0, Unit::Credits.weight(count, price), 0)
        }
        What::Unsent { job, count, price } => (job, 0, count, 0, Unit::Credits.weight(count, price)),
        What::Past { job, count, credits } => (job, count, 0, credits, 0),
        What::Cost { job, more, less } => (job, 0, 0, more, less),
        _ => return,
    };
    let minute = record.at.wall.as_second().div_euclid(BUCKET.as_secs().cast_signed());
    let sum = past.entry((minute, job)).or_insert(Record {
        user: 0,
        what: What::Past { job, count: 0, credits: 0 },
        ..*record
    });
    if let What::Past { count, credits: sum_credits, .. } = &mut sum.what {
        *count = count.saturating_add(more).saturating_sub(less);
        *sum_credits = sum_credits.saturating_add(credits).saturating_sub(back);
    }
    if record.at.wall > sum.at.wall {
        sum.at = record.at;
    }
}

/// From which age on nothing but sums is needed.
fn keep(windows: &[Window]) -> Duration {
    let lengths = windows.iter().filter_map(|window| match window.kind {
        WindowKind::Rolling(period) if period <= LONG => Some(drifted(period)),
        WindowKind::Rolling(_) | WindowKind::Day { .. } => None,
    });
    lengths.max().unwrap_or_default() + 20 * FOREIGN_LATENCY
}

fn is_long_counting(windows: &[Window], ago: Duration) -> bool {
    windows.iter().any(|window| match window.kind {
        WindowKind::Rolling(period) => period > LONG && ago < drifted(period) + BUCKET + FOREIGN_LATENCY,
        WindowKind::Day { .. } => false,
    })
}

/// The latest calendar days. They stay whole even when they have passed: they are what a clock set back must not fall behind.
struct Days(Vec<(Calendar, Date)>);

impl Days {
    fn of(told: &[Told], windows: &[Window]) -> Self {
        let counted = |one: &&Told| {
            matches!(one.record.what, What::Sent { .. } | What::Past { .. } | What::Carried { .. } | What::Set { .. })
        };
        let Some(latest) = told.iter().filter(counted).map(|one| one.record.at.wall).max() else {
            return Self(Vec::new());
        };
        let days = windows.iter().filter_map(|window| match &window.kind {
            WindowKind::Day { resets, zone } => {
                let calendar = Calendar::new(window.max, *resets, zone.clone());
                let day = calendar.day_of(latest);
                Some((calendar, day))
            }
            WindowKind::Rolling(_) => None,
        });
        Self(days.collect())
    }

    fn counts(&self, at: Timestamp) -> bool {
        self.0.iter().any(|(calendar, day)| calendar.day_of(at) == *day)
    }

    /// Whether somebody has said what is used of a window that still counts: from there on, order matters.
    fn is_told(&self, one: &Told) -> bool {
        match one.record.what {
            What::Set { period, .. } if period.is_zero() => self.counts(one.record.at.wall),
            What::Set { period, .. } => one.ago < drifted(period) + BUCKET,
            _ => false,
        }
    }
}
