//! How a run went over time, in a bounded number of points: however long it takes, its report stays small.
//!
//! Invariant: no attempt is lost when points are joined, and the first and the last look at the limits are kept.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::quota::Snapshot;

/// A day of minutes. Longer runs have points of two minutes, four and so on.
const MOST_STEPS: usize = 1500;
/// Each look has as many numbers as there are windows.
const MOST_LOOKS: usize = 500;
const MINUTE: u64 = 60;

/// Attempts by when they left.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pace {
    /// Begin of the first step, a whole minute; `None` before the first attempt.
    pub start: Option<Timestamp>,
    /// Length of a step in seconds.
    pub step_s: u64,
    /// Attempts that left in each step.
    pub sent: Vec<u32>,
    /// Of them, those that were refused.
    pub refused: Vec<u32>,
}

impl Pace {
    /// Counts an attempt that left at `at`. One from before the first step counts in it.
    pub fn record(&mut self, at: Timestamp, is_refused: bool) {
        let second = at.as_second();
        let start = *self.start.get_or_insert_with(|| {
            let whole = second - second.rem_euclid(MINUTE.cast_signed());
            Timestamp::from_second(whole).unwrap_or(at)
        });
        self.step_s = self.step_s.max(MINUTE);
        let seconds = u64::try_from(second - start.as_second()).unwrap_or(0);
        while seconds / self.step_s >= MOST_STEPS as u64 {
            self.step_s *= 2;
            halve(&mut self.sent);
            halve(&mut self.refused);
        }
        let step = usize::try_from(seconds / self.step_s).unwrap_or(0);
        if self.sent.len() <= step {
            self.sent.resize(step + 1, 0);
            self.refused.resize(step + 1, 0);
        }
        if let (Some(sent), Some(refused)) = (self.sent.get_mut(step), self.refused.get_mut(step)) {
            *sent += 1;
            *refused += u32::from(is_refused);
        }
    }
}

fn halve(counts: &mut Vec<u32>) {
    *counts = counts.chunks(2).map(|pair| pair.iter().sum()).collect();
}

/// How full the windows of a credential were, as a job saw them; others may use it too.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuotaCurve {
    /// When it was looked first.
    pub start: Option<Timestamp>,
    /// Seconds from then to each look.
    pub seconds: Vec<u32>,
    /// Every window, in the order of the limits.
    pub windows: Vec<WindowCurve>,
    /// Looks closer to each other than this are joined.
    #[serde(skip)]
    spacing: u32,
}

/// One window over time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowCurve {
    /// `second`, `minute`, `hour`, `day`, or its length.
    pub window: String,
    /// Calls, or credits, allowed.
    pub limit: u32,
    /// When the last look said that it opens again.
    pub resets_at: Option<Timestamp>,
    /// What counted at each look.
    pub used: Vec<u32>,
}

impl QuotaCurve {
    /// Takes in a look.
    pub fn look(&mut self, at: Timestamp, snapshot: &Snapshot) {
        let start = *self.start.get_or_insert(at);
        let second = u32::try_from(at.as_second() - start.as_second()).unwrap_or(0);
        if self.windows.is_empty() {
            let windows = snapshot.windows.iter().map(|window| WindowCurve {
                window: window.name.clone(),
                limit: window.max,
                resets_at: None,
                used: Vec::new(),
            });
            self.windows = windows.collect();
        }
        let before = self.seconds.len().checked_sub(2).and_then(|at| self.seconds.get(at));
        // The last look moves on until it is far enough from the one before.
        if before.is_some_and(|before| second.saturating_sub(*before) < self.spacing) {
            self.seconds.pop();
            for window in &mut self.windows {
                window.used.pop();
            }
        }
        self.seconds.push(second);
        for (window, seen) in self.windows.iter_mut().zip(&snapshot.windows) {
            window.used.push(seen.used);
            window.resets_at = seen.resets_at;
        }
        if self.seconds.len() > MOST_LOOKS {
            self.spacing = second / (MOST_LOOKS / 2) as u32;
            every_second(&mut self.seconds);
            self.windows.iter_mut().for_each(|window| every_second(&mut window.used));
        }
    }

    /// The limit of the window of that name.
    pub fn limit(&self, window: &str) -> Option<u32> {
        self.windows.iter().find(|one| one.window == window).map(|one| one.limit)
    }
}

fn every_second(values: &mut Vec<u32>) {
    *values = values.iter().step_by(2).copied().collect();
}

#[cfg(test)]
mod tests {
    use crate::quota::WindowUse;

    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn attempts_are_counted_by_the_minute() {
        let mut pace = Pace::default();
        for (second, is_refused) in [(125, false), (179, true), (180, false), (100, false), (300, true)] {
            pace.record(at(second), is_refused);
        }
        assert_eq!((pace.start, pace.step_s), (Some(at(120)), 60));
        assert_eq!((pace.sent, pace.refused), (vec![3, 1, 0, 1], vec![1, 0, 0, 1]));
    }

    #[test]
    fn a_long_run_has_few_points_and_loses_no_attempt() {
        let mut pace = Pace::default();
        (0..10_000).for_each(|minute| pace.record(at(60 * minute), minute % 10 == 0));
        assert_eq!((pace.step_s, pace.sent.len(), pace.sent.iter().max()), (480, 1250, Some(&8)));
        assert_eq!((pace.sent.iter().sum::<u32>(), pace.refused.iter().sum::<u32>()), (10_000, 1000));
        // A clock that is set ahead by years, or back, is no reason to fail.
        pace.record(at(4_000_000_000), false);
        pace.record(at(-5), false);
        assert!(pace.sent.len() <= MOST_STEPS, "{}", pace.sent.len());
        assert_eq!(pace.sent.iter().sum::<u32>(), 10_002);
    }

    #[test]
    fn looks_are_thinned_out_evenly_and_the_last_one_stays() {
        let mut curve = QuotaCurve::default();
        for look in 0..20_000_u32 {
            let day =
                WindowUse { name: "day".to_owned(), max: 50_000, used: look, resets_at: Some(at(9)), ceiling: None };
            curve.look(at(1000 + 60 * i64::from(look)), &Snapshot::idle(vec![day]));
        }
        assert!((200..=MOST_LOOKS).contains(&curve.seconds.len()), "{}", curve.seconds.len());
        assert_eq!((curve.seconds.first(), curve.seconds.last()), (Some(&0), Some(&1_199_940)));
        let day = &curve.windows[0];
        assert_eq!((curve.limit("day"), day.used.last(), day.resets_at), (Some(50_000), Some(&19_999), Some(at(9))));
        assert!(curve.seconds.iter().zip(&day.used).all(|(second, used)| *second == 60 * used));
        let gaps: Vec<u32> = curve.seconds.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let (last, others) = gaps.split_last().unwrap();
        assert!(
            last <= others.iter().max().unwrap()
                && others.iter().max() < others.iter().min().map(|min| min * 4).as_ref(),
            "{gaps:?}"
        );
    }
}
