//! When a job will be done: as fast as the limits let the jobs of its credential, and no faster than it was lately. Pure.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::cli::plan::used;
use crate::plan::{Work, forecast};
use crate::provider::Provider;
use crate::quota::Snapshot;

/// Fewer requests in ten seconds say nothing about the rate.
const TELLING: u32 = 30;

/// What is known about the jobs of one credential.
pub(super) struct Outset<'a> {
    /// Who serves them.
    pub(super) provider: &'a Provider,
    /// How full the limits are; nothing is known to count without it.
    pub(super) snapshot: Option<&'a Snapshot>,
    /// What is left of the job itself, then of the others that still run.
    pub(super) own: Work,
    /// The others.
    pub(super) others: &'a [Work],
    /// Requests a second of the job itself lately, and how many that is judged by.
    pub(super) rate: Option<(f64, u32)>,
}

/// A forecast.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Eta {
    /// None when that is more than a hundred years away.
    pub(super) done: Option<Timestamp>,
    /// No cell has ended yet, so each counts as one page.
    pub(super) at_least: bool,
}

/// When `own` is done.
pub(super) fn eta(outset: &Outset<'_>, now: Timestamp) -> Eta {
    Eta { done: done(outset, now), at_least: !outset.own.learned.is_known() }
}

fn done(outset: &Outset<'_>, now: Timestamp) -> Option<Timestamp> {
    let Outset { provider, snapshot, own, others, rate } = outset;
    let calls = own.calls();
    // Jobs take turns: until this one is done, each of the others has made as many calls at the most.
    let beside = others.iter().map(|other| {
        let per_cell = other.learned.calls_for(1).max(1);
        Work { cells: other.cells.min(calls.div_ceil(per_cell)), ..*other }
    });
    let work: Vec<Work> = std::iter::once(*own).chain(beside).collect();
    let used = snapshot.map(used).unwrap_or_default();
    let allowed = forecast(&work, &provider.limits, &used, &provider.zone, now).done?;
    let as_lately = rate.filter(|(rate, seen)| *rate > 0.0 && *seen >= TELLING).and_then(|(rate, _)| {
        let left = Duration::try_from_secs_f64(calls as f64 / rate).ok()?;
        now.checked_add(SignedDuration::try_from(left).ok()?).ok()
    });
    Some(as_lately.map_or(allowed, |as_lately| as_lately.max(allowed)))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::plan::Learned;
    use crate::provider::{Environment, Workspace};
    use crate::quota::WindowUse;

    fn work(cells: u64) -> Work {
        let took = Duration::from_secs(10);
        Work { cells, learned: Learned { cells: 100, pages: 100, calls: 100, credits: 0, took }, ..Work::default() }
    }

    #[test]
    fn it_knows_the_day_the_turns_and_the_rate() {
        let flags = [("per_day.max", "1000"), ("per_day.resets", "00:00"), ("qps", "10"), ("per_minute", "600")];
        let flags = flags.map(|(key, value)| (format!("provider.foxdata.limits.{key}"), value.to_owned()));
        let nowhere = Path::new("/nonexistent");
        let workspace = Workspace::load(nowhere, nowhere, Environment::default(), &flags).unwrap();
        let provider = workspace.provider("foxdata").unwrap();
        let now: Timestamp = "2026-11-28T15:00:00Z".parse().unwrap();
        let use_of = |name: &str, max, used, resets_at: &str| {
            let resets_at = Some(resets_at.parse().unwrap());
            WindowUse { name: name.to_owned(), max, used, resets_at, ceiling: None }
        };
        let snapshot = Snapshot {
            next_permit_at: Some(now),
            ..Snapshot::idle(vec![
                use_of("second", 10, 0, "2026-11-28T15:00:01Z"),
                use_of("minute", 600, 0, "2026-11-28T15:01:00Z"),
                use_of("day", 1000, 900, "2026-11-28T16:00:00Z"),
            ])
        };
        let hours = |cells, others: &[u64], rate| {
            let others: Vec<Work> = others.iter().map(|cells| work(*cells)).collect();
            let outset =
                Outset { provider: &provider, snapshot: Some(&snapshot), own: work(cells), others: &others, rate };
            done(&outset, now).unwrap().duration_since(now).as_secs_f64() / 3600.0
        };
        type Case = (u64, &'static [u64], Option<(f64, u32)>, f64);
        let table: [Case; 7] = [
            (100, &[], None, 0.0),
            (101, &[], None, 1.0),
            // 100 of them today, then 1,000 a day.
            (5000, &[], None, 97.0),
            // Of two that take turns the short one is done first.
            (50, &[4000], None, 0.0),
            (4000, &[50], None, 73.0),
            // As slow as lately, unless too little was seen to tell.
            (100, &[], Some((0.01, 30)), 100.0 / 0.01 / 3600.0),
            (100, &[], Some((0.01, 29)), 0.0),
        ];
        for (cells, others, rate, due) in table {
            let hours = hours(cells, others, rate);
            assert!((hours - due).abs() < 0.1, "{cells} {others:?} {rate:?}: {hours} h, not {due} h");
        }
    }
}
