//! Windows as a client keeps them by itself: a log of its own sends, or a hold until the answers are old enough.

use std::collections::VecDeque;
use std::time::Duration;

use crate::provider::{Window, WindowKind};
use crate::quota::{Calendar, Moment, Slots, Walls};

/// What the last call of a window was sent at, and how many.
#[derive(Debug)]
pub(super) enum Log {
    Rolling { max: usize, period: Duration, sent: VecDeque<Duration> },
    Day(Calendar),
}

impl Log {
    pub(super) fn new(window: &Window) -> Self {
        match &window.kind {
            WindowKind::Rolling(period) => {
                Self::Rolling { max: window.max as usize, period: *period, sent: VecDeque::new() }
            }
            WindowKind::Day { resets, zone } => Self::Day(Calendar::new(window.max, *resets, zone.clone())),
        }
    }

    /// When one more may be sent by this count.
    pub(super) fn opens(&mut self, now: Moment) -> Duration {
        match self {
            Self::Rolling { max, period, sent } => {
                while sent.front().is_some_and(|at| *at + *period <= now.elapsed) {
                    sent.pop_front();
                }
                let nth = sent.len().checked_sub(*max).and_then(|index| sent.get(index));
                nth.map_or(now.elapsed, |at| *at + *period)
            }
            Self::Day(calendar) if calendar.used(Walls::sure(now.wall), 0) >= calendar.max() => {
                now.elapsed_at(calendar.resets_at(now.wall)).max(now.elapsed)
            }
            Self::Day(_) => now.elapsed,
        }
    }

    pub(super) fn take(&mut self, now: Moment) {
        match self {
            Self::Rolling { sent, .. } => sent.push_back(now.elapsed),
            Self::Day(calendar) => {
                calendar.take(Walls::sure(now.wall), 0, 1);
            }
        }
    }
}

/// Places that are held from the send until the answer is as old as the window is long, and nothing else.
#[derive(Debug)]
pub(super) enum Holding {
    Rolling { period: Duration, slots: Slots },
    Day(Calendar),
}

impl Holding {
    pub(super) fn new(window: &Window) -> Self {
        match &window.kind {
            WindowKind::Rolling(period) => Self::Rolling { period: *period, slots: Slots::new(window.max) },
            WindowKind::Day { resets, zone } => Self::Day(Calendar::new(window.max, *resets, zone.clone())),
        }
    }

    /// When one more may be sent; `None`: when an answer is in.
    pub(super) fn opens(&self, now: Moment) -> Option<Duration> {
        match self {
            Self::Rolling { slots, .. } => slots.next_free(now.elapsed, 1),
            Self::Day(calendar) => {
                Some(now.elapsed_at(calendar.next_free(Walls::sure(now.wall), 0, 1)).max(now.elapsed))
            }
        }
    }

    pub(super) fn take(&mut self, now: Moment) {
        match self {
            Self::Rolling { slots, .. } => slots.take(now.elapsed, 1),
            Self::Day(calendar) => {
                calendar.take(Walls::sure(now.wall), 0, 1);
            }
        }
    }

    /// The answer is in, whatever it says; the clock may run 200 ppm fast.
    pub(super) fn answered(&mut self, now: Duration) {
        if let Self::Rolling { period, slots } = self {
            slots.release(now + *period + *period / 5000, 1);
        }
    }
}
