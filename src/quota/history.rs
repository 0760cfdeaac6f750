//! What a credential did before this process opened its limits.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::Moment;
use super::reader::Names;
use super::record::{Record, Stamp, What};

/// Attempts that left at one time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sends {
    /// When, by the wall clock.
    pub at: Timestamp,
    /// How many.
    pub count: u32,
}

/// A record, and how long ago it was written as far as is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Told {
    pub(super) record: Record,
    pub(super) ago: Duration,
    /// That is known by the clock of this start of the host, which nobody sets.
    pub(super) by_host: bool,
}

/// What a credential did, oldest first.
#[derive(Debug, Clone, Default)]
pub struct History {
    pub(super) told: Vec<Told>,
    pub(super) names: Names,
}

impl History {
    /// Attempts known by nothing but their time, as seen `now`.
    pub fn of(sends: &[Sends], now: Moment) -> Self {
        let told = sends.iter().map(|sends| Told {
            record: Record {
                user: 0,
                at: Stamp { wall: sends.at, host: Duration::ZERO },
                what: What::Past { job: 0, count: sends.count, credits: 0 },
            },
            ago: Duration::try_from(now.wall.duration_since(sends.at)).unwrap_or_default(),
            by_host: false,
        });
        Self { told: told.collect(), names: Names::default() }
    }

    /// Nothing but a day that the provider says is used up.
    pub fn spent(until: Timestamp) -> Self {
        let at = Stamp { wall: Timestamp::UNIX_EPOCH, host: Duration::ZERO };
        let record = Record { user: 0, at, what: What::Spent { until } };
        Self { told: vec![Told { record, ago: Duration::ZERO, by_host: false }], names: Names::default() }
    }

    /// A moment at which the machine's clock was right, as far as can be known: if it was set since the last record, that
    /// record's.
    pub(super) fn right(&self, now: Moment) -> Moment {
        let last = self.told.iter().rev().find(|told| !told.record.at.host.is_zero() && told.by_host);
        let Some(Told { record, ago, .. }) = last else { return now };
        let expected = SignedDuration::try_from(*ago).ok().and_then(|ago| record.at.wall.checked_add(ago).ok());
        Moment { wall: expected.unwrap_or(now.wall), ..now }
    }

    /// The attempts, by when they were counted.
    pub fn sends(&self) -> Vec<Sends> {
        let mut sends: BTreeMap<Timestamp, u32> = BTreeMap::new();
        for Told { record, .. } in &self.told {
            match record.what {
                What::Sent { count, .. } | What::Past { count, .. } | What::Carried { count, .. } => {
                    let sum = sends.entry(record.at.wall).or_default();
                    *sum = sum.saturating_add(count);
                }
                What::Unsent { count, .. } => {
                    if let Some(sum) = sends.get_mut(&record.at.wall) {
                        *sum = sum.saturating_sub(count);
                    }
                }
                _ => {}
            }
        }
        sends.into_iter().map(|(at, count)| Sends { at, count }).filter(|sends| sends.count > 0).collect()
    }

    /// Until when the provider says that the day is used up.
    pub fn spent_until(&self) -> Option<Timestamp> {
        let spent = self.told.iter().filter_map(|told| match told.record.what {
            What::Spent { until } => Some(until),
            _ => None,
        });
        spent.max()
    }
}
