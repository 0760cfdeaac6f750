//! How fast requests leave: over the last ten seconds, in whole seconds and what there is of the present one.

use std::time::Duration;

const SECONDS: u64 = 10;

/// Counts, second by second.
#[derive(Debug, Clone, Default)]
pub(super) struct Rate {
    began: Option<Duration>,
    second: u64,
    counts: [u32; SECONDS as usize + 1],
}

impl Rate {
    /// One more, at `now`.
    pub(super) fn count(&mut self, now: Duration) {
        self.began.get_or_insert(now);
        self.roll(now.as_secs());
        let index = (self.second % self.counts.len() as u64) as usize;
        if let Some(count) = self.counts.get_mut(index) {
            *count = count.saturating_add(1);
        }
    }

    /// Requests a second, and how many that is judged by; `None` before the first.
    pub(super) fn per_second(&mut self, now: Duration) -> Option<(f64, u32)> {
        let began = self.began?;
        self.roll(now.as_secs());
        let partly = Duration::from_nanos(now.subsec_nanos().into());
        let covered = now.saturating_sub(began).min(Duration::from_secs(SECONDS) + partly);
        let sum = self.counts.iter().fold(0_u32, |sum, count| sum.saturating_add(*count));
        Some((f64::from(sum) / covered.max(Duration::from_secs(1)).as_secs_f64(), sum))
    }

    /// Forgets the seconds that are too long ago.
    fn roll(&mut self, second: u64) {
        let length = self.counts.len() as u64;
        if second >= self.second + length {
            self.counts = [0; SECONDS as usize + 1];
        }
        for passed in (self.second + 1..=second).take(self.counts.len()) {
            if let Some(count) = self.counts.get_mut((passed % length) as usize) {
                *count = 0;
            }
        }
        self.second = self.second.max(second);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_that_of_the_last_ten_seconds() {
        let mut rate = Rate::default();
        assert_eq!(rate.per_second(Duration::from_secs(3)), None);
        for tenth in 0..200 {
            rate.count(Duration::from_secs(100) + Duration::from_millis(100) * tenth);
        }
        let at = |rate: &mut Rate, millis| rate.per_second(Duration::from_millis(millis)).unwrap();
        assert_eq!(at(&mut rate, 119_999).0.round(), 10.0);
        let (slower, seen) = at(&mut rate, 124_500);
        assert_eq!((seen, (slower * 10.5).round()), (60, 60.0), "of 114 to 119 are left");
        assert_eq!(at(&mut rate, 131_000), (0.0, 0));
        rate.count(Duration::from_secs(1_000_000));
        assert_eq!(at(&mut rate, 1_000_000_500).1, 1, "after a long pause nothing old is left");
    }

    #[test]
    fn the_first_second_is_not_overrated() {
        let mut rate = Rate::default();
        rate.count(Duration::from_millis(5_001));
        assert_eq!(rate.per_second(Duration::from_millis(5_002)), Some((1.0, 1)));
    }
}
