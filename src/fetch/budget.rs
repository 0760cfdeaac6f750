//! How many retries a provider in trouble is asked to bear: few, whatever the number of cells. Pure: now is an argument.
//!
//! Invariant: over two minutes retries are at most a tenth of the first attempts and ten more, and each of them comes to
//! its turn: the ten are there again when two minutes without retries have passed. A provider that fails half of its
//! answers is held to about ten attempts a minute by that alone, which is less than adaptive throttling (Google's "Site
//! Reliability Engineering", chapter 21) would leave it, so nothing else slows first attempts.

use std::collections::VecDeque;
use std::time::Duration;

/// How long attempts are remembered, in seconds.
const WINDOW: u64 = 120;
/// Retries for free.
const RESERVE: u64 = 10;
/// First attempts that pay for one retry.
const FIRSTS_PER_RETRY: u64 = 10;

/// The attempts of one credential in the last two minutes.
#[derive(Debug, Default)]
pub struct RetryBudget {
    /// One for each second with attempts, oldest first.
    seconds: VecDeque<Second>,
    spent: Counts,
}

#[derive(Debug, Clone, Copy)]
struct Second {
    at: u64,
    counts: Counts,
}

#[derive(Debug, Default, Clone, Copy)]
struct Counts {
    firsts: u64,
    retries: u64,
}

impl Counts {
    fn allow_one_more(self) -> bool {
        self.retries < RESERVE + self.firsts / FIRSTS_PER_RETRY
    }

    fn and(self, other: Self) -> Self {
        Self { firsts: self.firsts + other.firsts, retries: self.retries + other.retries }
    }

    fn less(self, other: Self) -> Self {
        Self { firsts: self.firsts - other.firsts, retries: self.retries - other.retries }
    }
}

impl Second {
    /// The first full second in which nothing of it is in the last two minutes.
    fn forgotten(&self) -> u64 {
        self.at + WINDOW + 1
    }
}

impl RetryBudget {
    /// Counts the first attempt of a request.
    pub fn first(&mut self, now: Duration) {
        self.count(now, Counts { firsts: 1, retries: 0 });
    }

    /// Spends one retry, or says how long to wait before asking again: alone, nobody waits much longer than two minutes.
    /// Who has fewer attempts left is told to come first: cells then end one after the other, where all of them would get
    /// nowhere together, and a run learns that its provider is down.
    pub fn may_retry(&mut self, now: Duration, attempts_left: u32) -> Result<(), Duration> {
        self.forget(now);
        if self.spent.allow_one_more() {
            self.count(now, Counts { firsts: 0, retries: 1 });
            return Ok(());
        }
        let mut then = self.spent;
        let opens = self.seconds.iter().find_map(|second| {
            then = then.less(second.counts);
            then.allow_one_more().then(|| Duration::from_secs(second.forgotten()))
        });
        let turn = Duration::from_secs(u64::from(attempts_left.min(10)));
        Err(opens.unwrap_or(now).saturating_sub(now) + turn)
    }

    fn count(&mut self, now: Duration, new: Counts) {
        self.forget(now);
        self.spent = self.spent.and(new);
        let at = now.as_secs();
        match self.seconds.back_mut() {
            Some(last) if last.at >= at => last.counts = last.counts.and(new),
            Some(_) | None => self.seconds.push_back(Second { at, counts: new }),
        }
    }

    fn forget(&mut self, now: Duration) {
        while let Some(oldest) = self.seconds.front().filter(|oldest| oldest.forgotten() <= now.as_secs()) {
            self.spent = self.spent.less(oldest.counts);
            self.seconds.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn a_tenth_and_ten_more() {
        for firsts in [0, 9, 10, 99, 100, 5000] {
            let mut budget = RetryBudget::default();
            (0..firsts).for_each(|_| budget.first(ms(500)));
            let granted = (0..10_000).take_while(|_| budget.may_retry(ms(900), 3).is_ok()).count() as u64;
            assert_eq!(granted, 10 + firsts / 10, "{firsts} first attempts");
            // At 121 s no part of the first second is among the last 120; both kinds are forgotten together.
            assert_eq!(budget.may_retry(ms(900), 3), Err(ms(121_000 - 900 + 3000)));
            assert_eq!(budget.may_retry(ms(900), 1), Err(ms(121_000 - 900 + 1000)), "it comes sooner");
            assert!(budget.may_retry(ms(120_999), 1).is_err());
            assert!(budget.may_retry(ms(121_000), 1).is_ok());
        }
    }

    #[test]
    fn two_failures_in_a_hundred_are_not_slowed() {
        let mut budget = RetryBudget::default();
        for call in 0..36_000 {
            budget.first(ms(call * 100));
            assert!(call % 50 > 0 || budget.may_retry(ms(call * 100), 4).is_ok(), "call {call}");
        }
        assert!(budget.seconds.len() <= 121);
    }

    proptest! {
        /// Against plain lists of attempts; whoever waits as told, while nobody else asks, is let through soon.
        #[test]
        fn it_keeps_its_word(steps in prop::collection::vec((0_u64..4000, 0..3_u8, 0_u32..20), 1..400)) {
            let (mut budget, mut now, mut firsts, mut retries) = (RetryBudget::default(), 0, Vec::new(), Vec::new());
            for (passed, kind, left) in steps {
                now += passed;
                if kind == 0 {
                    budget.first(ms(now));
                    firsts.push(now);
                    continue;
                }
                let recent = |all: &[u64]| all.iter().filter(|at| **at / 1000 + 121 > now / 1000).count();
                let allowed = recent(&retries) < 10 + recent(&firsts) / 10;
                match budget.may_retry(ms(now), left) {
                    Ok(()) => {
                        prop_assert!(allowed);
                        retries.push(now);
                    }
                    Err(wait) => {
                        prop_assert!(!allowed);
                        let asked = now;
                        let mut wait = Err(wait);
                        while let (2, Err(more)) = (kind, wait) {
                            now += more.as_millis() as u64;
                            prop_assert!(now - asked <= 132_000, "{} ms", now - asked);
                            wait = budget.may_retry(ms(now), left);
                        }
                        retries.extend((kind == 2).then_some(now));
                    }
                }
            }
        }
    }
}
