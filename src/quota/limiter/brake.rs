//! What a refusal stops: a pause for the whole credential, and one attempt that goes alone.
//!
//! Invariant: one overshoot costs one reaction, however many refusals it brought back; and only the answer to an
//! attempt that left after the pause ends the caution, never one that was under way before.

use std::time::Duration;

use crate::provider::ThrottleWindow;

/// After a full minute that is not ours alone, one lucky answer proves little.
pub(super) const AFTER_MINUTE: u8 = 3;
/// No pause is shorter.
pub(super) const LEAST: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct Brake {
    pause: Option<Pause>,
    /// Attempts go one at a time until some have passed.
    alone: Option<Alone>,
    reacted: Option<Duration>,
    /// The last reaction to a full minute.
    minute: Option<Minute>,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Pause {
    pub(super) until: Duration,
    pub(super) on: ThrottleWindow,
}

/// Until when attempts go alone.
#[derive(Debug, Clone, Copy)]
struct Alone {
    /// Those that left before prove nothing.
    since: Duration,
    /// So many must pass.
    left: u8,
}

#[derive(Debug, Clone, Copy)]
struct Minute {
    at: Duration,
    /// The one attempt after it has passed.
    passed: bool,
}

/// What the refusal of a full minute is a sign of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    /// Perhaps of somebody else who uses the credential for a while.
    Once,
    /// The window is still full: the attempt that went alone was refused.
    StillFull,
    /// Refused again although all was well in between: the limit is lower than it is said to be.
    Again,
}

impl Brake {
    /// The first attempt goes alone: nobody knows yet what the provider thinks of this credential.
    pub(super) fn new() -> Self {
        Self { pause: None, alone: Some(Alone { since: Duration::ZERO, left: 1 }), reacted: None, minute: None }
    }

    pub(super) fn pause(&self) -> Option<Pause> {
        self.pause
    }

    /// Whether no second attempt may leave before the first is answered.
    pub(super) fn is_alone(&self) -> bool {
        self.alone.is_some()
    }

    /// An attempt that left at `sent` was not throttled.
    pub(super) fn passed(&mut self, sent: Duration) {
        let Some(alone) = self.alone.as_mut().filter(|alone| sent >= alone.since) else { return };
        alone.left -= 1;
        if alone.left == 0 {
            self.alone = None;
            if let Some(minute) = &mut self.minute {
                minute.passed |= sent >= minute.at;
            }
        }
    }

    /// Whether the refusal of an attempt that left at `sent` is news, not one more of the last overshoot: it left after
    /// that reaction, and not right after it.
    pub(super) fn is_news(&self, sent: Duration, now: Duration, epoch: Duration) -> bool {
        self.reacted.is_none_or(|last| sent >= last && now.saturating_sub(last) >= epoch)
    }

    pub(super) fn reacted(&mut self, now: Duration) {
        self.reacted = Some(now);
    }

    /// What one more refusal of a window of `period` is a sign of.
    pub(super) fn minute_refused(&mut self, now: Duration, period: Duration) -> Sign {
        let sign = match self.minute {
            Some(Minute { passed: false, .. }) => Sign::StillFull,
            Some(Minute { at, passed: true }) if now.saturating_sub(at) < period * 3 => Sign::Again,
            Some(_) | None => Sign::Once,
        };
        self.minute = Some(Minute { at: now, passed: false });
        sign
    }

    /// From `since` on attempts go one at a time until `count` have passed.
    pub(super) fn go_alone(&mut self, since: Duration, count: u8) {
        let other = self.alone.map_or(since, |alone| alone.since);
        self.alone = Some(Alone { since: since.max(other), left: count.max(1) });
    }

    /// Nothing may leave before `until`. A longer pause stays.
    pub(super) fn hold_until(&mut self, until: Duration, on: ThrottleWindow) {
        if self.pause.is_none_or(|pause| pause.until < until) {
            self.pause = Some(Pause { until, on });
        }
    }
}
