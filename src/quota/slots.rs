//! Places that are taken by a call and come free at a known time after it: the *hold* of a rolling window, and, with a
//! period of zero, the requests in flight.
//!
//! Invariant: a place taken is given back exactly once, at its release time or by a refund. Why a place held from send
//! until answer + period proves the limit: a call is counted somewhere between its send and its answer, so any window
//! of that length in which it counts lies within its hold.

use std::collections::VecDeque;
use std::time::Duration;

/// At most `max` places, each taken now or until a release time.
#[derive(Debug, Clone)]
pub struct Slots {
    max: u32,
    open: u32,
    /// Release time and how many come free then, earliest first.
    releases: VecDeque<(Duration, u32)>,
    /// Sum over `releases`.
    closing: u32,
}

impl Slots {
    /// All free.
    pub fn new(max: u32) -> Self {
        Self { max, open: 0, releases: VecDeque::new(), closing: 0 }
    }

    /// How many there are.
    pub fn max(&self) -> u32 {
        self.max
    }

    /// Changes how many there are; those taken stay taken.
    pub fn resize(&mut self, max: u32) {
        self.max = max;
    }

    /// Taken at `now`.
    pub fn used(&self, now: Duration) -> u32 {
        let released: u32 = self.releases.iter().take_while(|(at, _)| *at <= now).map(|(_, count)| count).sum();
        (self.open + self.closing).saturating_sub(released)
    }

    /// When the next place is free, `now` if one is; `None` when only an answer can free it.
    pub fn next_free(&self, now: Duration) -> Option<Duration> {
        let used = self.used(now);
        if used < self.max {
            return Some(now);
        }
        let mut missing = used - self.max + 1;
        for (at, count) in self.releases.iter().filter(|(at, _)| *at > now) {
            if *count >= missing {
                return Some(*at);
            }
            missing -= count;
        }
        None
    }

    /// When the first place that has a release time comes free.
    pub fn first_release(&self, now: Duration) -> Option<Duration> {
        self.releases.iter().map(|(at, _)| *at).find(|at| *at > now)
    }

    /// Takes a place; the caller has asked [`Slots::next_free`].
    pub fn take(&mut self, now: Duration) {
        while let Some((at, count)) = self.releases.front()
            && *at <= now
        {
            self.closing -= count;
            self.releases.pop_front();
        }
        self.open += 1;
    }

    /// Gives a taken place back as if it had never been taken.
    pub fn refund(&mut self) {
        self.open = self.open.saturating_sub(1);
    }

    /// A taken place will be free from `at` on.
    pub fn release(&mut self, at: Duration) {
        self.refund();
        self.hold(at, 1);
    }

    /// `count` places that were never taken here are held until `at`: calls of another process, or before a restart.
    pub fn hold(&mut self, at: Duration, count: u32) {
        self.closing += count;
        // Answers arrive in time order: nearly always the end.
        let index = self.releases.partition_point(|(other, _)| *other <= at);
        match index.checked_sub(1).and_then(|before| self.releases.get_mut(before)) {
            Some((other, held)) if *other == at => *held += count,
            Some(_) | None => self.releases.insert(index, (at, count)),
        }
    }

    /// Undoes [`Slots::hold`] for `count` places released within `tolerance` of `at`; those not found stay held.
    pub fn unhold(&mut self, at: Duration, tolerance: Duration, mut count: u32) {
        for (other, held) in &mut self.releases {
            if other.abs_diff(at) <= tolerance {
                let back = count.min(*held);
                *held -= back;
                count -= back;
                self.closing -= back;
            }
        }
    }
}
