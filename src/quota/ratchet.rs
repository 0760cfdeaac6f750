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

#[derive(Debug, Clone)]
pub(super) struct Ratchet {
    share: f64,
    interval: Duration,
    probe_at: Duration,
    probing: bool,
    reacted: Option<Duration>,
}

impl Ratchet {
    pub(super) fn new() -> Self {
        Self { share: 1.0, interval: FIRST_PROBE, probe_at: Duration::ZERO, probing: false, reacted: None }
    }

    /// Lowers the rate.
    pub(super) fn throttled(&mut self, now: Duration) {
        let again = self.reacted.is_some_and(|at| now.saturating_sub(at) <= AGAIN);
        self.share = (self.share * if again { DOWN_AGAIN } else { DOWN }).max(FLOOR);
        if self.probing {
            self.interval = (self.interval * 2).min(LONGEST_PROBE);
            self.probing = false;
        }
        self.probe_at = now + self.interval;
        self.reacted = Some(now);
    }

    /// Raises the rate a little when a probe is due.
    pub(super) fn accepted(&mut self, now: Duration) {
        if self.share < 1.0 && now >= self.probe_at {
            self.share = (self.share * UP).min(1.0);
            self.probing = true;
            self.probe_at = now + self.interval;
        }
    }

    /// `gap` at the present rate.
    pub(super) fn stretch(&self, gap: Duration) -> Duration {
        if self.share < 1.0 { gap.div_f64(self.share) } else { gap }
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
        ratchet.throttled(SECOND);
        assert_eq!(gap(&ratchet), 1052, "95 %");
        ratchet.accepted(60 * SECOND);
        assert_eq!(gap(&ratchet), 1052, "not yet");
        ratchet.accepted(61 * SECOND);
        assert_eq!(gap(&ratchet), 1031, "2 % more a minute after the refusal");
        (62..400).for_each(|at| ratchet.accepted(at * SECOND));
        assert_eq!(gap(&ratchet), 1000, "the whole again, and no more");
    }

    #[test]
    fn again_so_soon_goes_deeper_down_to_the_floor() {
        let mut ratchet = Ratchet::new();
        ratchet.throttled(SECOND);
        ratchet.throttled(11 * SECOND);
        assert_eq!(gap(&ratchet), 1238, "95 % of 85 %");
        ratchet.throttled(22 * SECOND);
        assert_eq!(gap(&ratchet), 1303, "not so soon");
        (23..60).for_each(|at| ratchet.throttled(at * SECOND));
        assert_eq!(gap(&ratchet), 20_000, "a twentieth");
    }

    #[test]
    fn each_refused_probe_doubles_the_wait_up_to_an_hour() {
        let mut ratchet = Ratchet::new();
        let mut now = 1;
        ratchet.throttled(now * SECOND);
        let mut waits = Vec::new();
        for _ in 0..8 {
            let before = gap(&ratchet);
            let refused = now;
            while gap(&ratchet) == before {
                now += 1;
                ratchet.accepted(now * SECOND);
            }
            waits.push(now - refused);
            ratchet.throttled(now * SECOND);
        }
        assert_eq!(waits, [60, 120, 240, 480, 960, 1920, 3600, 3600]);
    }
}
