//! One window of a credential: the rule that decides, and beside it the exact counts that are reported.

use std::time::Duration;

use crate::provider::{Cause, Window, WindowKind};
use crate::quota::Moment;
use crate::simulate::record::WindowStat;

use super::bucket::Bucket;
use super::counter::Counter;
use super::fixed::Fixed;
use super::grid::Grid;
use super::log::Log;
use super::rules::{Kind, Rules};

/// A window being kept.
#[derive(Debug)]
pub(super) struct Kept {
    pub(super) cause: Cause,
    max: u32,
    rule: Rule,
    counted: Log,
    offered: Log,
    stat: WindowStat,
}

/// What decides.
#[derive(Debug)]
enum Rule {
    /// The log of what is counted.
    Exact,
    Fixed(Fixed),
    Counter(Counter),
    Bucket(Bucket),
}

impl Kept {
    pub(super) fn new(window: &Window, rules: &Rules) -> Self {
        let max = window.max;
        let (cause, label, rule) = match &window.kind {
            WindowKind::Rolling(period) => {
                (cause_of(*period), format!("any {period:?}"), Rule::new(rules, max, *period))
            }
            WindowKind::Day { .. } => (Cause::Day, "calendar day".to_owned(), Rule::Exact),
        };
        let stat = WindowStat::new(label, u64::from(max));
        Self { cause, max, rule, counted: Log::new(&window.kind), offered: Log::new(&window.kind), stat }
    }

    /// A call comes now.
    pub(super) fn offer(&mut self, now: Moment) {
        self.offered.forget(now);
        self.offered.push(now);
        self.stat.most_offered = self.stat.most_offered.max(self.offered.calls());
    }

    /// How long until another call fits if none comes meanwhile; `None` when it fits now.
    pub(super) fn wait(&mut self, now: Moment) -> Option<Duration> {
        self.counted.forget(now);
        match &mut self.rule {
            Rule::Exact => self.counted.wait(self.max, now),
            Rule::Fixed(fixed) => fixed.wait(now),
            Rule::Counter(counter) => counter.wait(now),
            Rule::Bucket(bucket) => bucket.wait(now),
        }
    }

    /// The call that comes now is refused because of this window.
    pub(super) fn refuse(&mut self) {
        self.stat.refused += 1;
    }

    /// The call that comes now counts; [`wait`](Self::wait) was asked at the same instant.
    pub(super) fn count(&mut self, now: Moment) {
        self.counted.push(now);
        self.stat.most_counted = self.stat.most_counted.max(self.counted.calls());
        match &mut self.rule {
            Rule::Exact => {}
            Rule::Fixed(fixed) => fixed.count(),
            Rule::Counter(counter) => counter.count(),
            Rule::Bucket(bucket) => bucket.count(),
        }
    }

    /// What was seen; `accepted` calls were let in by all limits.
    pub(super) fn stat(&self, accepted: u64) -> WindowStat {
        WindowStat { accepted, ..self.stat.clone() }
    }
}

impl Rule {
    fn new(rules: &Rules, max: u32, period: Duration) -> Self {
        let grid = Grid::new(period, rules.phase);
        match rules.kind {
            Kind::Log => Self::Exact,
            Kind::Fixed => Self::Fixed(Fixed::new(grid, max)),
            Kind::Counter => Self::Counter(Counter::new(grid, max)),
            Kind::Bucket { burst } => Self::Bucket(Bucket::new(u64::from(burst), max, period)),
            Kind::Gcra { burst } => Self::Bucket(Bucket::new(u64::from(burst) + 1, max, period)),
        }
    }
}

/// Codes exist for second, minute and day only; an hour answers as a minute does.
fn cause_of(period: Duration) -> Cause {
    match period.as_secs() {
        0..=10 => Cause::Second,
        11..=3600 => Cause::Minute,
        3601.. => Cause::Day,
    }
}
