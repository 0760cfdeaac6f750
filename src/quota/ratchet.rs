//! The share of the documented rate that is used after throttle verdicts: goes down at once, up by cautious probes.
//!
//! Invariant: between a twentieth and the whole; a probe that was refused doubles the wait before the next, because
//! against a fixed contractual limit each probe is a refused, perhaps billed, call.

use std::time::Duration;

const FLOOR: f64 = 0.05;
const DOWN: f64 = 0.95;
/// Throttled again so soon: the true limit is far below.
const DOWN_AGAIN: f64 = 0.85;
const AGAIN: Duration = Duration::from_secs(10);
const UP: f64 = 1.02;
const FIRST_PROBE: Duration = Duration::from_secs(60);
const LONGEST_PROBE: Duration = Duration::from_secs(3600);

/// Each refusal widens the headroom by half.
const WIDER: f64 = 1.5;
/// Beyond this many the headroom is at its widest anyway.
const MOST_GROWTH: u8 = 8;

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Ratchet {
    share: f64,
    interval: Duration,
    probe_at: Duration,
    probing: bool,
    reacted: Option<Duration>,
    growth: u8,
}

impl Ratchet {
    pub(super) fn new() -> Self {
        let (interval, probe_at) = (FIRST_PROBE, Duration::ZERO);
        Self { share: 1.0, interval, probe_at, probing: false, reacted: None, growth: 0 }
    }

    /// As learned earlier or elsewhere: `share` in millionths, a first probe `interval` from now.
    pub(super) fn learned(share: u32, interval: Duration, growth: u8, now: Duration) -> Self {
        let share = (f64::from(share) / 1e6).clamp(FLOOR, 1.0);
        let interval = interval.clamp(FIRST_PROBE, LONGEST_PROBE);
        Self {
            share,
            interval,
            probe_at: now + interval,
            probing: false,
            reacted: None,
            growth: growth.min(MOST_GROWTH),
        }
    }

    /// What [`Ratchet::learned`] makes this of.
    pub(super) fn lesson(&self) -> (u32, Duration, u8) {
        ((self.share * 1e6).round() as u32, self.interval, self.growth)
    }

    /// Lowers the rate, from `at_most` of the whole: the share that was in use when the refusal came.
    pub(super) fn throttled(&mut self, now: Duration, at_most: f64) {
        let again = self.reacted.is_some_and(|at| now.saturating_sub(at) <= AGAIN);
        self.share = (self.share.min(at_most) * if again { DOWN_AGAIN } else { DOWN }).max(FLOOR);
        self.back_off(now);
    }

    /// Gives more headroom from now on.
    pub(super) fn grow(&mut self) {
        self.growth = (self.growth + 1).min(MOST_GROWTH);
    }

    /// The whole is no more than `share`, as counted when the refusal came.
    pub(super) fn lower_to(&mut self, now: Duration, share: f64) {
        self.share = self.share.min(share).max(FLOOR);
        self.back_off(now);
    }

    fn back_off(&mut self, now: Duration) {
        if self.probing {
            self.interval = (self.interval * 2).min(LONGEST_PROBE);
            self.probing = false;
        }
        self.probe_at = now + self.interval;
        self.reacted = Some(now);
    }

    /// Raises the rate a little when a probe is due. Answers whether it did.
    pub(super) fn accepted(&mut self, now: Duration) -> bool {
        let due = self.share < 1.0 && now >= self.probe_at;
        if due {
            self.share = (self.share * UP).min(1.0);
            self.probing = true;
            self.probe_at = now + self.interval;
        }
        due
    }

    /// The share of the whole that is believed in, 0 to 1.
    pub(super) fn share(&self) -> f64 {
        self.share
    }

    /// `gap` at the present rate.
    pub(super) fn stretch(&self, gap: Duration) -> Duration {
        if self.share < 1.0 { gap.div_f64(self.share) } else { gap }
    }

    /// `headroom` after the refusals so far.
    pub(super) fn widen(&self, headroom: Duration) -> Duration {
        headroom.mul_f64(WIDER.powi(self.growth.into()))
    }

    /// How many of `max` are believed in.
    pub(super) fn believed(&self, max: u32) -> u32 {
        ((f64::from(max) * self.share).ceil() as u32).clamp(1, max.max(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn gap(ratchet: &Ratchet) -> u128 {
        ratchet.stretch(SECOND).as_millis()
    }

    #[test]
    fn down_at_once_and_up_by_probes() {
        let mut ratchet = Ratchet::new();
        assert_eq!(gap(&ratchet), 1000);
        ratchet.throttled(SECOND, 1.0);
        assert_eq!(gap(&ratchet), 1052, "95 %");
        ratchet.accepted(60 * SECOND);
        assert_eq!(gap(&ratchet), 1052, "not yet");
        ratchet.accepted(61 * SECOND);
        assert_eq!(gap(&ratchet), 1031, "2 % more a minute after the refusal");
        (62..400).for_each(|at| {
            ratchet.accepted(at * SECOND);
        });
        assert_eq!(gap(&ratchet), 1000, "the whole again, and no more");
    }

    #[test]
    fn again_so_soon_goes_deeper_down_to_the_floor() {
        let mut ratchet = Ratchet::new();
        ratchet.throttled(SECOND, 1.0);
        ratchet.throttled(11 * SECOND, 1.0);
        assert_eq!(gap(&ratchet), 1238, "95 % of 85 %");
        ratchet.throttled(22 * SECOND, 1.0);
        assert_eq!(gap(&ratchet), 1303, "not so soon");
        (23..60).for_each(|at| ratchet.throttled(at * SECOND, 1.0));
        assert_eq!(gap(&ratchet), 20_000, "a twentieth");
    }

    #[test]
    fn each_refused_probe_doubles_the_wait_up_to_an_hour() {
        let mut ratchet = Ratchet::new();
        let mut now = 1;
        ratchet.throttled(now * SECOND, 1.0);
        let mut waits = Vec::new();
        for _ in 0..8 {
            let before = gap(&ratchet);
            let refused = now;
            while gap(&ratchet) == before {
                now += 1;
                ratchet.accepted(now * SECOND);
            }
            waits.push(now - refused);
            ratchet.throttled(now * SECOND, 1.0);
        }
        assert_eq!(waits, [60, 120, 240, 480, 960, 1920, 3600, 3600]);
    }
}
