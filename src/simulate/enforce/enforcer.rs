//! Decides whether a call of one credential is let in: every window and the concurrency, at one instant.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use crate::provider::{Cause, Limits};
use crate::quota::Moment;
use crate::simulate::record::WindowStat;

use super::rules::Rules;
use super::window::Kept;

/// The keeper of one credential's limits. Windows of [`Unit::Credits`](crate::provider::Unit::Credits) are kept as if
/// every call cost one.
#[derive(Debug)]
pub struct Enforcer {
    windows: Vec<Kept>,
    concurrency: u32,
    count_refusals: bool,
    busy: BinaryHeap<Reverse<Duration>>,
    /// Requests that have arrived and are not decided.
    waiting: usize,
    accepted: u64,
    most_busy: u64,
    busy_refused: u64,
}

/// A refusal: which limit, and how long until it opens if nothing else comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// The limit.
    pub cause: Cause,
    /// By the clock of the instants that were given.
    pub opens_in: Duration,
}

impl Enforcer {
    /// Keeps `limits` by `rules`; nothing has been counted yet.
    pub fn new(limits: &Limits, rules: &Rules) -> Self {
        let mut windows: Vec<Kept> = limits.windows.iter().map(|window| Kept::new(window, rules)).collect();
        // The shortest window speaks first, so that a client in a hurry hears "per second".
        windows.sort_by_key(|kept| kept.cause);
        Self {
            windows,
            concurrency: limits.concurrency,
            count_refusals: rules.count_refusals,
            busy: BinaryHeap::new(),
            waiting: 0,
            accepted: 0,
            most_busy: 0,
            busy_refused: 0,
        }
    }

    /// A request has arrived and occupies a place until it [has its turn](Self::take_turn). Says how many are there
    /// before it, for [`admit_behind`](Self::admit_behind).
    pub fn arrive(&mut self, now: Moment) -> usize {
        let ahead = self.in_flight(now);
        self.waiting += 1;
        ahead
    }

    /// A request that [arrived](Self::arrive) is decided now; if it goes on, [`occupy`](Self::occupy) says until when.
    pub fn take_turn(&mut self) {
        self.waiting = self.waiting.saturating_sub(1);
    }

    /// Requests being processed.
    pub fn in_flight(&mut self, now: Moment) -> usize {
        while self.busy.peek().is_some_and(|Reverse(end)| *end <= now.elapsed) {
            self.busy.pop();
        }
        self.busy.len() + self.waiting
    }

    /// Counts a call that arrives at the instant `now`, or says which limit it breaks. Calls must come in the order of
    /// `now`.
    ///
    /// # Errors
    /// The first limit that is exceeded, the shortest window first and concurrency last.
    pub fn admit(&mut self, now: Moment) -> Result<(), Refusal> {
        let ahead = self.in_flight(now);
        self.admit_behind(now, ahead)
    }

    /// The same for a call that arrived earlier and found `ahead` others there: they decide whether it is one too many
    /// at once, and not those that came after it.
    ///
    /// # Errors
    /// As [`admit`](Self::admit).
    pub fn admit_behind(&mut self, now: Moment, ahead: usize) -> Result<(), Refusal> {
        let ahead = ahead as u64;
        self.most_busy = self.most_busy.max(ahead + 1);
        let mut refusing = None;
        for (index, kept) in self.windows.iter_mut().enumerate() {
            kept.offer(now);
            if kept.wait(now).is_some() && refusing.is_none() {
                kept.refuse();
                refusing = Some(index);
            }
        }
        let is_busy = refusing.is_none() && ahead >= u64::from(self.concurrency);
        self.busy_refused += u64::from(is_busy);
        let is_accepted = refusing.is_none() && !is_busy;
        self.accepted += u64::from(is_accepted);
        if is_accepted || self.count_refusals {
            self.windows.iter_mut().for_each(|kept| kept.count(now));
        }
        if is_busy {
            let opens_in = self.busy.peek().map_or(Duration::ZERO, |Reverse(end)| end.saturating_sub(now.elapsed));
            return Err(Refusal { cause: Cause::Concurrency, opens_in });
        }
        // Asked only now: a refusal that counts puts the opening off.
        match refusing.and_then(|index| self.windows.get_mut(index)) {
            Some(kept) => Err(Refusal { cause: kept.cause, opens_in: kept.wait(now).unwrap_or_default() }),
            None => Ok(()),
        }
    }

    /// An admitted request is being processed until `end`, a time of the same clock as [`Moment::elapsed`].
    pub fn occupy(&mut self, end: Duration) {
        self.busy.push(Reverse(end));
    }

    /// What was seen, one line per window, concurrency last.
    pub fn stats(&self) -> Vec<WindowStat> {
        let mut stats: Vec<WindowStat> = self.windows.iter().map(|kept| kept.stat(self.accepted)).collect();
        let concurrency = u64::from(self.concurrency);
        stats.push(WindowStat {
            most_offered: self.most_busy,
            most_counted: self.most_busy.min(concurrency),
            refused: self.busy_refused,
            accepted: self.accepted,
            ..WindowStat::new("at once".to_owned(), concurrency)
        });
        stats
    }
}
