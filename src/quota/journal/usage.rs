//! Who has used what of a window: told from the journal alone.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::provider::{Unit, Window, WindowKind};
use crate::quota::{Calendar, Moment};

use super::history::{History, Told};
use super::record::What;

/// Calls of which only the number is known: said by a person, or reported by the provider.
const OTHERS: &str = "(not ours)";
/// Calls of jobs whose name is lost.
const UNKNOWN: &str = "(unknown)";

impl History {
    /// How much of `window` each job has used, the most first; by when the calls left.
    pub fn used_by(&self, window: &Window, now: Moment) -> Vec<(String, u32)> {
        let mut jobs: BTreeMap<String, u32> = BTreeMap::new();
        for told in self.told.iter().filter(|told| is_in(window, told, now)) {
            let what = told.record.what;
            if let What::Set { used, .. } = what {
                if is_about(window, &what) {
                    jobs.clear();
                    jobs.insert(OTHERS.to_owned(), used);
                }
                continue;
            }
            let Some((job, more, less)) = counted(&what, window.unit) else { continue };
            if matches!(what, What::Foreign { .. }) && !is_about(window, &what) {
                continue;
            }
            let name = job.map(|job| self.names.get(job).unwrap_or_else(|| UNKNOWN.to_owned()));
            let used = jobs.entry(name.unwrap_or_else(|| OTHERS.to_owned())).or_default();
            *used = used.saturating_add(more).saturating_sub(less);
        }
        let mut jobs: Vec<(String, u32)> = jobs.into_iter().filter(|(_, used)| *used > 0).collect();
        jobs.sort_by_key(|(_, used)| std::cmp::Reverse(*used));
        jobs
    }
}

/// Whose calls a record counts, and how many more or fewer.
fn counted(what: &What, unit: Unit) -> Option<(Option<u32>, u32, u32)> {
    Some(match *what {
        What::Sent { job, count, price, .. } | What::Carried { job, count, price } => {
            (Some(job), unit.weight(count, price), 0)
        }
        What::Unsent { job, count, price } => (Some(job), 0, unit.weight(count, price)),
        What::Past { job, count, credits } => (Some(job), if unit == Unit::Calls { count } else { credits }, 0),
        What::Cost { job, more, less } if unit == Unit::Credits => (Some(job), more, less),
        What::Foreign { count, .. } => (None, count, 0),
        _ => return None,
    })
}

/// Whether a record that names a window names this one.
fn is_about(window: &Window, what: &What) -> bool {
    let (named, unit) = match *what {
        What::Set { period, unit, .. } => (period, unit),
        What::Foreign { period, .. } => (period, Unit::Calls),
        _ => return false,
    };
    let period = match window.kind {
        WindowKind::Rolling(period) => period,
        WindowKind::Day { .. } => Duration::ZERO,
    };
    named == period && unit == window.unit
}

fn is_in(window: &Window, told: &Told, now: Moment) -> bool {
    match &window.kind {
        WindowKind::Rolling(period) => told.ago < *period,
        WindowKind::Day { resets, zone } => {
            let calendar = Calendar::new(window.max, *resets, zone.clone());
            calendar.day_of(told.record.at.wall) >= calendar.day_of(now.wall)
        }
    }
}
