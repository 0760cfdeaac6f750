//! What a throttle verdict changes: a pause for the whole credential, a lower rate, and one attempt that goes alone.
//!
//! Invariant: one overshoot costs one reaction, however many refusals it brought back; and only the answer to an
//! attempt that left after the pause ends the caution, never one that was under way before.

use std::time::Duration;

use crate::provider::ThrottleWindow;

use super::held::{BUCKET, Held};
use super::ratchet::Ratchet;

/// No pause is shorter.
const LEAST: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct Brake {
    ratchet: Ratchet,
    pause: Option<Pause>,
    /// Attempts go one at a time until one that left at this time or later is answered.
    alone: Option<Duration>,
    reacted: Option<Duration>,
    minute_reacted: Option<Duration>,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Pause {
    pub(super) until: Duration,
    pub(super) on: ThrottleWindow,
}

impl Brake {
    /// The first attempt goes alone: nobody knows yet what the provider thinks of this credential.
    pub(super) fn new() -> Self {
        Self { ratchet: Ratchet::new(), pause: None, alone: Some(Duration::ZERO), reacted: None, minute_reacted: None }
    }

    pub(super) fn pause(&self) -> Option<Pause> {
        self.pause
    }

    /// Whether no second attempt may leave before the first is answered.
    pub(super) fn is_alone(&self) -> bool {
        self.alone.is_some()
    }

    /// `gap` at the present rate.
    pub(super) fn stretch(&self, gap: Duration) -> Duration {
        self.ratchet.stretch(gap)
    }

    /// An attempt that left at `sent` was not throttled.
    pub(super) fn passed(&mut self, sent: Duration) {
        self.alone = self.alone.filter(|since| sent < *since);
    }

    /// An attempt was accepted: a moment to try a little more.
    pub(super) fn accepted(&mut self, now: Duration) {
        self.ratchet.accepted(now);
    }

    /// Whether the refusal of an attempt that left at `sent` is news, not one more of the last overshoot: it left after
    /// that reaction, and not right after it.
    pub(super) fn is_news(&self, sent: Duration, now: Duration, epoch: Duration) -> bool {
        self.reacted.is_none_or(|last| sent >= last && now.saturating_sub(last) >= epoch)
    }

    /// Too many in flight: the rate is not to blame.
    pub(super) fn react_to_crowd(&mut self, now: Duration) -> Duration {
        self.reacted = Some(now);
        LEAST
    }

    /// Too fast. Answers how long to pause. `minute` is our own view of the minute.
    pub(super) fn react(&mut self, on: ThrottleWindow, now: Duration, minute: Option<&Held>) -> Duration {
        self.reacted = Some(now);
        self.ratchet.throttled(now);
        match on {
            ThrottleWindow::Second | ThrottleWindow::Concurrency => LEAST,
            ThrottleWindow::Minute => {
                let pause = self.until_minute_opens(minute, now).max(LEAST);
                self.minute_reacted = Some(now);
                self.alone = Some(now + pause);
                pause
            }
            ThrottleWindow::Day => {
                self.day_is_spent(now);
                LEAST
            }
        }
    }

    /// The next day begins with one attempt: whether it really has begun, only the provider knows.
    pub(super) fn day_is_spent(&mut self, now: Duration) {
        self.alone = Some(now);
    }

    /// Nothing may leave before `until`. A longer pause stays.
    pub(super) fn hold_until(&mut self, until: Duration, on: ThrottleWindow) {
        if self.pause.is_none_or(|pause| pause.until < until) {
            self.pause = Some(Pause { until, on });
        }
    }

    /// How long until the minute window may have room again at the provider, whoever else uses the key.
    fn until_minute_opens(&self, minute: Option<&Held>, now: Duration) -> Duration {
        let period = minute.map_or(BUCKET, |held| held.period);
        let repeated = self.minute_reacted.is_some_and(|last| now.saturating_sub(last) < period * 2);
        let oldest = minute.and_then(|held| held.slots.first_release(now));
        oldest.filter(|_| !repeated).map_or(period, |at| at.saturating_sub(now))
    }
}
