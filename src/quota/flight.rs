//! The requests in flight: how many there are, and how many the provider bears at present.
//!
//! Invariant: a place is held from before the send until nobody works on the request any more, here or at the server.

use std::time::Duration;

use super::Slots;

#[derive(Debug)]
pub(super) struct Flight {
    slots: Slots,
    /// What the provider's terms say; never exceeded.
    allowed: u32,
    accepted_since_change: u32,
}

impl Flight {
    pub(super) fn new(allowed: u32) -> Self {
        let allowed = allowed.max(1);
        Self { slots: Slots::new(allowed), allowed, accepted_since_change: 0 }
    }

    pub(super) fn used(&self, now: Duration) -> u32 {
        self.slots.used(now)
    }

    /// How many are allowed at present.
    pub(super) fn max(&self) -> u32 {
        self.slots.max()
    }

    /// As [`Slots::next_free`].
    pub(super) fn next_free(&self, now: Duration) -> Option<Duration> {
        self.slots.next_free(now, 1)
    }

    pub(super) fn take(&mut self, now: Duration, count: u32) {
        self.slots.take(now, count);
    }

    /// So many are done with, or were never sent.
    pub(super) fn free(&mut self, count: u32) {
        self.slots.refund(count);
    }

    /// So many were given up; the server may work on them until `at`.
    pub(super) fn release(&mut self, at: Duration, count: u32) {
        self.slots.release(at, count);
    }

    /// Whether so many are under way that their number can be what the provider minds.
    pub(super) fn is_crowded(&self, now: Duration) -> bool {
        self.used(now) * 10 >= self.max() * 7
    }

    /// The provider bears fewer.
    pub(super) fn lower(&mut self) {
        self.slots.resize((self.max() * 7 / 10).max(1));
        self.accepted_since_change = 0;
    }

    /// One more is tried after ten accepted answers for each that is allowed.
    pub(super) fn accepted(&mut self) {
        self.accepted_since_change += 1;
        if self.max() < self.allowed && self.accepted_since_change >= 10 * self.max() {
            self.slots.resize(self.max() + 1);
            self.accepted_since_change = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lowered_by_three_tenths_and_raised_after_ten_answers_each() {
        let mut flight = Flight::new(10);
        flight.lower();
        assert_eq!(flight.max(), 7);
        let mut needed = Vec::new();
        while flight.max() < 10 {
            let before = flight.max();
            needed.push((1..).find(|_| {
                flight.accepted();
                flight.max() > before
            }));
        }
        assert_eq!(needed, [Some(70), Some(80), Some(90)]);
        (0..1000).for_each(|_| flight.accepted());
        assert_eq!(flight.max(), 10, "never above the terms");
        (0..20).for_each(|_| flight.lower());
        assert_eq!(flight.max(), 1, "never nothing");
    }

    #[test]
    fn crowded_from_seven_tenths_on() {
        let mut flight = Flight::new(10);
        (0..6).for_each(|_| flight.take(Duration::ZERO, 1));
        assert!(!flight.is_crowded(Duration::ZERO));
        flight.take(Duration::ZERO, 1);
        assert!(flight.is_crowded(Duration::ZERO));
    }
}
