//! A limiter driven by hand: each call is answered at once.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use super::kit::{MAX_WAIT, limits, noon};
use crate::provider::Window;
use crate::quota::{Advice, Decision, Feedback, History, Limiter, Moment, Snapshot};

/// A limiter, what time it is, and by how much the machine's clock is wrong.
pub(super) struct Hand {
    pub(super) limiter: Limiter,
    pub(super) elapsed: Duration,
    pub(super) wrong: SignedDuration,
    /// Answers tell the time by the provider's clock, which is right.
    pub(super) dated: bool,
}

impl Hand {
    pub(super) fn new(windows: Vec<Window>) -> Self {
        Self::after(windows, &History::default())
    }

    pub(super) fn after(windows: Vec<Window>, history: &History) -> Self {
        let start = Moment { elapsed: Duration::ZERO, wall: noon() };
        let limiter = Limiter::new(&limits(windows, 64), MAX_WAIT, history, start);
        Self { limiter, elapsed: Duration::ZERO, wrong: SignedDuration::ZERO, dated: false }
    }

    pub(super) fn now(&self) -> Moment {
        let right = noon() + SignedDuration::try_from(self.elapsed).unwrap();
        Moment { elapsed: self.elapsed, wall: right + self.wrong }
    }

    /// Waits until a call may leave, sends it and hands over the answer 100 ms later; when it left.
    pub(super) fn call(&mut self, feedback: Feedback, advice: &Advice) -> Duration {
        loop {
            match self.limiter.check(self.now()) {
                Decision::Go => break,
                Decision::Wait { until, .. } => self.elapsed = until.expect("an answer is never missing"),
                Decision::Park { resume_at, .. } => {
                    self.elapsed = self.now().elapsed_at(resume_at).max(self.elapsed + Duration::from_millis(1));
                }
                Decision::Stopped { reason } => panic!("{reason}"),
            }
        }
        let sent = self.elapsed;
        let ticket = self.limiter.take(self.now()).unwrap();
        self.elapsed += Duration::from_millis(100);
        let advice = Advice { date: self.dated.then(|| self.right()), ..advice.clone() };
        self.limiter.advised(&advice, Duration::from_millis(100), self.now());
        self.limiter.answered(ticket, sent, feedback, self.now());
        self.limiter.freed(self.now());
        sent
    }

    pub(super) fn accepted(&mut self) -> Duration {
        self.call(Feedback::Accepted, &Advice::default())
    }

    /// Calls that leave before `end`.
    pub(super) fn until(&mut self, end: Duration) -> usize {
        let mut calls = 0;
        while self.elapsed < end {
            calls += usize::from(self.accepted() < end);
        }
        calls
    }

    pub(super) fn snapshot(&self) -> Snapshot {
        self.limiter.snapshot(self.now(), 0)
    }

    pub(super) fn used(&self, window: usize) -> u32 {
        self.snapshot().windows[window].used
    }

    /// What right clocks show now.
    fn right(&self) -> Timestamp {
        noon() + SignedDuration::try_from(self.elapsed).unwrap()
    }
}
