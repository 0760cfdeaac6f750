//! How long accepted answers take: the measure of jitter, from which headroom and hold are sized.
//!
//! Invariant: until enough answers are known the cautious constants hold. Refused and failed answers are quicker by
//! nature and are never recorded.

use std::collections::VecDeque;
use std::time::Duration;

/// Answers before anything is trusted.
const ENOUGH: u64 = 200;
/// Answers remembered for the percentiles.
const RECENT: usize = 1024;
/// Percentiles are computed anew once per so many answers.
const REFRESH: u64 = 32;
/// The same once as many are remembered as can be: then an eighth of them is new.
const REFRESH_LATER: u64 = 128;

#[derive(Debug, Clone, Default)]
pub(super) struct Latency {
    recent: VecDeque<Duration>,
    seen: u64,
    least: Option<Duration>,
    p10: Duration,
    median: Duration,
    p95: Duration,
    p99: Duration,
}

impl Latency {
    pub(super) fn record(&mut self, latency: Duration) {
        if self.recent.len() == RECENT {
            self.recent.pop_front();
        }
        self.recent.push_back(latency);
        self.seen += 1;
        self.least = Some(self.least.map_or(latency, |least| least.min(latency)));
        let once_per = if self.seen <= RECENT as u64 { REFRESH } else { REFRESH_LATER };
        if self.seen <= REFRESH || self.seen.is_multiple_of(once_per) {
            let mut recent: Vec<Duration> = self.recent.iter().copied().collect();
            let place = |per_mille: usize| (recent.len() * per_mille / 1000).min(recent.len() - 1);
            let places = [place(990), place(950), place(500), place(100)];
            // From the last to the first, each among those up to the one found before: sorting all costs more than a permit.
            let mut among = recent.len();
            [self.p99, self.p95, self.median, self.p10] = places.map(|place| {
                let (_, found, _) = recent[..among].select_nth_unstable(place);
                among = place + 1;
                *found
            });
        }
    }

    /// What a hold may be shortened by. An observed minimum is only an upper bound of the true one, and the further the
    /// quick answers lie apart and the fewer they are, the looser: hence nine tenths, less two fifths of their spread at
    /// first.
    pub(super) fn discount(&self) -> Duration {
        match self.least {
            Some(least) if self.seen >= ENOUGH => {
                let doubt = (ENOUGH as f64 / self.seen as f64).sqrt() * 0.4;
                (least * 9 / 10).saturating_sub(self.p10.saturating_sub(least).mul_f64(doubt))
            }
            Some(_) | None => Duration::ZERO,
        }
    }

    /// Headroom in the spacing of a window of a few seconds: the usual spread of arrival times. Not the widest one: no
    /// spread can break the hold, and a provider that minds unevenness is found by its first refusals.
    pub(super) fn headroom(&self) -> Duration {
        match self.least {
            Some(least) if self.seen >= ENOUGH => {
                // Whole milliseconds, so that the pace does not change with every answer.
                let spread = u64::try_from((self.median.saturating_sub(least)).as_millis()).unwrap_or(u64::MAX);
                Duration::from_millis(spread.clamp(25, 50))
            }
            Some(_) | None => Duration::from_millis(150),
        }
    }

    /// One reaction to throttling per so long: one overshoot is punished once.
    pub(super) fn epoch(&self) -> Duration {
        (self.p95 * 2).max(Duration::from_secs(1))
    }

    /// How long the server may still work on a request whose connection broke.
    pub(super) fn aftermath(&self) -> Duration {
        (self.p99 * 3).max(Duration::from_secs(1))
    }
}
