//! Which published partitions are fetched again in this run. Pure.
//!
//! A partition that was reopened stays so until it is published anew, whatever its run comes to: that is all the memory
//! a refetch needs. While one is under way nothing more is reopened, or a run that goes on after a pause would buy again
//! what the run before it has bought.

use std::collections::HashSet;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::job::{Job, Refetch};
use crate::ledger::{Cause, PartitionRow, PartitionState};
use crate::plan;

/// What a run fetches again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Again {
    /// Nothing.
    Nothing,
    /// Every published partition.
    All,
    /// Those whose folder of an axis has one of these values.
    Folders {
        /// The axis.
        of: String,
        /// Its values.
        values: HashSet<String>,
    },
    /// Those published no later than this.
    Before(Timestamp),
}

impl Again {
    /// What `refetch` asks for at `now`; `recent` gives the recent values of a date axis. `forced` when a person wants
    /// everything.
    fn new(refetch: &Refetch, forced: bool, now: Timestamp, recent: impl FnOnce(&str, u32) -> HashSet<String>) -> Self {
        match refetch {
            _ if forced => Self::All,
            Refetch::Never => Self::Nothing,
            Refetch::Always => Self::All,
            Refetch::Last { days, of } => Self::Folders { of: of.clone(), values: recent(of, *days) },
            Refetch::After(age) => {
                let age = SignedDuration::try_from(*age).unwrap_or(SignedDuration::MAX);
                now.checked_sub(age).map_or(Self::Nothing, Self::Before)
            }
        }
    }

    /// The partitions to reopen; none while a refetch is under way, unless the job asks another question since: `changed`.
    pub(super) fn due<'a>(
        &self,
        rows: impl Iterator<Item = &'a PartitionRow> + Clone,
        changed: bool,
    ) -> Vec<&'a PartitionRow> {
        if *self == Self::Nothing || !changed && rows.clone().any(|row| row.cause == Some(Cause::Refetch)) {
            return Vec::new();
        }
        rows.filter(|row| row.state == PartitionState::Committed && self.is_due(row)).collect()
    }

    /// What `job` asks for at `now`; `zone` is that of its provider. `forced` when a person wants everything.
    pub(super) fn of_job(job: &Job, zone: &TimeZone, forced: bool, now: Timestamp) -> Self {
        Self::new(&job.refetch, forced, now, |of, days| plan::recent(job, of, days, now, zone))
    }

    fn is_due(&self, row: &PartitionRow) -> bool {
        match self {
            Self::Nothing => false,
            Self::All => true,
            Self::Folders { of, values } => {
                row.folders.iter().any(|(axis, value)| axis == of && values.contains(value))
            }
            Self::Before(moment) => row.committed.is_some_and(|committed| committed <= *moment),
        }
    }
}

/// The published partitions of `rows` that a run at `now` would begin to fetch again because `job` says so; `zone` is
/// that of its provider.
pub(super) fn refetched<'a>(
    job: &Job,
    zone: &TimeZone,
    rows: &'a [PartitionRow],
    now: Timestamp,
) -> Vec<&'a PartitionRow> {
    Again::of_job(job, zone, false, now).due(rows.iter(), false)
}
