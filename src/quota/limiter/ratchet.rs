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
/// Below what was borne before a refused probe.
const SURE: f64 = 0.995;
const FIRST_PROBE: Duration = Duration::from_secs(60);
const LONGEST_PROBE: Duration = Duration::from_secs(3600);
/// After so many refused probes one after the other a ceiling this near to the whole is known: the provider counts a little
/// otherwise, and there is little to win.
const PROVEN: u8 = 3;
const NEAR: f64 = 0.9;
const PROVEN_PROBE: Duration = Duration::from_secs(24 * 3600);
/// Refusals that may be the fault of jitter double the headroom first, so often.
const WIDER: f64 = 2.0;
const MOST_GROWTH: u8 = 3;

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Ratchet {
    share: f64,
    interval: Duration,
    probe_at: Duration,
    /// The rate was raised and has not been refused since.
    probing: bool,
    refused_probes: u8,
    reacted: Option<Duration>,
    growth: u8,
}

impl Ratchet {
    pub(super) fn new() -> Self {
        Self {
            share: 1.0,
            interval: FIRST_PROBE,
            probe_at: Duration::ZERO,
            probing: false,
            refused_probes: 0,
            reacted: None,
            growth: 0,
        }
    }

    /// As learned earlier or elsewhere: `share` in millionths, a first probe `interval` from now.
    pub(super) fn learned(share: u32, interval: Duration, growth: u8, now: Duration) -> Self {
        let interval = interval.clamp(FIRST_PROBE, PROVEN_PROBE);
        Self {
            share: (f64::from(share) / 1e6).clamp(FLOOR, 1.0),
            interval,
            probe_at: now + interval,
            growth: growth.min(MOST_GROWTH),
            ..Self::new()
        }
    }

    /// What [`Ratchet::learned`] makes this of.
    pub(super) fn lesson(&self) -> (u32, Duration, u8) {
        ((self.share * 1e6).round() as u32, self.interval, self.growth)
    }

    /// Lowers the rate, from `at_most` of the whole: the share that was in use when the refusal came. Where `jitter` may be
    /// to blame, headroom comes first.
    pub(super) fn throttled(&mut self, now: Duration, at_most: f64, jitter: bool) {
        let again = self.reacted.is_some_and(|at| now.saturating_sub(at) <= AGAIN);
        if self.probing && !again {
            self.share = (self.share / UP * SURE).max(FLOOR);
            self.probe_refused();
        } else if jitter && !again && self.share >= 1.0 && self.growth < MOST_GROWTH {
            self.growth += 1;
        } else {
            self.share = (self.share.min(at_most) * if again { DOWN_AGAIN } else { DOWN }).max(FLOOR);
            // Where all the headroom was not enough, now and then, a little less for good is better than another try each
            // minute.
            let is_near = jitter && !again && self.share >= NEAR;
            self.interval = if is_near { PROVEN_PROBE } else { self.interval.min(LONGEST_PROBE) };
        }
        self.back_off(now);
    }

    /// The whole is no more than `share`, as counted when the refusal came.
    pub(super) fn lower_to(&mut self, now: Duration, share: f64) {
        if self.probing {
            self.probe_refused();
        }
        self.share = self.share.min(share).max(FLOOR);
        self.back_off(now);
    }

    fn probe_refused(&mut self) {
        self.refused_probes = self.refused_probes.saturating_add(1);
        let is_proven = self.refused_probes >= PROVEN && self.share >= NEAR;
        self.interval = if is_proven { PROVEN_PROBE } else { (self.interval * 2).min(LONGEST_PROBE) };
    }

    fn back_off(&mut self, now: Duration) {
        self.probing = false;
        self.probe_at = now + self.interval;
        self.reacted = Some(now);
    }

    /// Raises the rate a little when a probe is due. Answers whether it did.
    pub(super) fn accepted(&mut self, now: Duration) -> bool {
        let due = self.share < 1.0 && now >= self.probe_at;
        if due {
            if self.probing {
                // The one before was borne.
                self.refused_probes = 0;
            }
            self.share = (self.share * UP).min(1.0);
            self.probing = self.share < 1.0;
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
        ratchet.throttled(SECOND, 1.0, false);
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
        ratchet.throttled(SECOND, 1.0, false);
        ratchet.throttled(11 * SECOND, 1.0, false);
        assert_eq!(gap(&ratchet), 1238, "95 % of 85 %");
        ratchet.throttled(22 * SECOND, 1.0, false);
        assert_eq!(gap(&ratchet), 1303, "not so soon");
        (23..60).for_each(|at| ratchet.throttled(at * SECOND, 1.0, false));
        assert_eq!(gap(&ratchet), 20_000, "a twentieth");
    }

    /// How long each probe had to be waited for, when each is refused; the rate is `down` times too low at first.
    fn waits(down: u32) -> Vec<u32> {
        let mut ratchet = Ratchet::new();
        let mut now = 0;
        for _ in 0..down {
            now += 11;
            ratchet.throttled(now * SECOND, 1.0, false);
        }
        let mut waits = Vec::new();
        for _ in 0..8 {
            let refused = now;
            now = (now + 1..).find(|at| ratchet.accepted(*at * SECOND)).unwrap();
            waits.push(now - refused);
            now += 11;
            ratchet.throttled(now * SECOND, 1.0, false);
            now = now.max(refused);
        }
        waits
    }

    #[test]
    fn each_refused_probe_doubles_the_wait_up_to_an_hour_or_a_day_near_the_whole() {
        assert_eq!(waits(4), [60, 120, 240, 480, 960, 1920, 3600, 3600]);
        assert_eq!(waits(1), [60, 120, 240, 86_400, 86_400, 86_400, 86_400, 86_400]);
    }

    #[test]
    fn headroom_comes_before_the_rate_where_jitter_may_be_to_blame() {
        let mut ratchet = Ratchet::new();
        let headroom = |ratchet: &Ratchet| ratchet.widen(SECOND).as_millis();
        let steps = [(1000, 2000), (1000, 4000), (1000, 8000), (1052, 8000), (1108, 8000)];
        for (at, (rate, wide)) in (0..).zip(steps) {
            ratchet.throttled((1 + 11 * at) * SECOND, 1.0, true);
            assert_eq!((gap(&ratchet), headroom(&ratchet)), (rate, wide), "{at}");
        }
        let mut soon = Ratchet::new();
        [1, 4].iter().for_each(|at| soon.throttled(*at * SECOND, 1.0, true));
        assert_eq!((gap(&soon), headroom(&soon)), (1176, 2000), "so soon again, it is the rate");
    }
}
