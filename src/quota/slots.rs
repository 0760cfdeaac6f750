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
        self.open.saturating_add(self.closing).saturating_sub(released)
    }

    /// When `count` places are free, `now` if they are; `None` when only an answer can free them. More than there are at
    /// all are free when all are.
    pub fn next_free(&self, now: Duration, count: u32) -> Option<Duration> {
        let used = self.used(now);
        let wanted = used.saturating_add(count.min(self.max));
        if wanted <= self.max {
            return Some(now);
        }
        let mut missing = wanted - self.max;
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

    /// Takes `count` places; the caller has asked [`Slots::next_free`], or cannot be refused.
    pub fn take(&mut self, now: Duration, count: u32) {
        while let Some((at, count)) = self.releases.front()
            && *at <= now
        {
            self.closing -= count;
            self.releases.pop_front();
        }
        self.open = self.open.saturating_add(count);
    }

    /// Gives `count` taken places back as if they had never been taken.
    pub fn refund(&mut self, count: u32) {
        self.open = self.open.saturating_sub(count);
    }

    /// `count` taken places will be free from `at` on.
    pub fn release(&mut self, at: Duration, count: u32) {
        self.refund(count);
        self.hold(at, count);
    }

    /// Every place that has a release time is free at once.
    pub fn clear(&mut self) {
        self.releases.clear();
        self.closing = 0;
    }

    /// `count` places that were never taken here are held until `at`: calls of another process, or before a restart.
    pub fn hold(&mut self, at: Duration, count: u32) {
        if count == 0 {
            return;
        }
        self.closing = self.closing.saturating_add(count);
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
