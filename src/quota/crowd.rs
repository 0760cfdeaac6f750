//! What other processes have under way with the same credential.
//!
//! Invariant: each of their calls is answered, lost or orphaned once; their answers come in the order of their calls, or
//! are taken so.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use jiff::Timestamp;

use super::Moment;

/// A call of another process without an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Open {
    /// By the wall clock.
    pub(super) sent: Timestamp,
    /// Microseconds on our own clock; before it began, negative.
    local: i64,
    pub(super) price: u32,
}

impl Open {
    /// How long ago it was sent.
    pub(super) fn age(&self, now: Duration) -> Duration {
        Duration::from_micros(u64::try_from(local(now, Duration::ZERO).saturating_sub(self.local)).unwrap_or_default())
    }
}

/// One other process.
#[derive(Debug, Clone, Default)]
struct User {
    unanswered: VecDeque<Open>,
    in_flight: u32,
}

/// All other processes, by their numbers.
#[derive(Debug, Clone, Default)]
pub(super) struct Crowd(BTreeMap<u16, User>);

impl Crowd {
    pub(super) fn joined(&mut self, user: u16) {
        self.0.insert(user, User::default());
    }

    /// `count` calls left `ago`.
    pub(super) fn sent(&mut self, user: u16, count: u32, price: u32, sent: Timestamp, ago: Duration, now: Moment) {
        let open = Open { sent, local: local(now.elapsed, ago), price };
        let user = self.0.entry(user).or_default();
        user.in_flight = user.in_flight.saturating_add(count);
        user.unanswered.extend(std::iter::repeat_n(open, count as usize));
    }

    /// `count` of its last calls never left; answers how many of those were known.
    pub(super) fn unsent(&mut self, user: u16, count: u32) -> u32 {
        let user = self.0.entry(user).or_default();
        let known = (0..count).map_while(|_| user.unanswered.pop_back()).count();
        let known = u32::try_from(known).unwrap_or(u32::MAX);
        user.in_flight = user.in_flight.saturating_sub(known);
        known
    }

    /// The oldest call without an answer has one, or never will; `None` when it was never told of.
    pub(super) fn settled(&mut self, user: u16) -> Option<Open> {
        self.0.entry(user).or_default().unanswered.pop_front()
    }

    /// `count` calls no longer count as in flight; answers how many did.
    pub(super) fn freed(&mut self, user: u16, count: u32) -> u32 {
        let user = self.0.entry(user).or_default();
        let count = count.min(user.in_flight);
        user.in_flight -= count;
        count
    }

    /// The process has ended: its calls without an answer, and how many were in flight.
    pub(super) fn gone(&mut self, user: u16) -> (VecDeque<Open>, u32) {
        self.0.remove(&user).map_or_else(Default::default, |user| (user.unanswered, user.in_flight))
    }

    /// Calls of others without an answer.
    pub(super) fn unanswered(&self) -> usize {
        self.0.values().map(|user| user.unanswered.len()).sum()
    }

    /// Who has had something under way for so long that it may have died.
    pub(super) fn suspects(&self, now: Duration, patience: Duration) -> Vec<u16> {
        let is_old = |user: &User| match user.unanswered.front() {
            Some(open) => open.age(now) >= patience,
            None => user.in_flight > 0,
        };
        self.0.iter().filter(|(_, user)| is_old(user)).map(|(number, _)| *number).collect()
    }
}

fn local(now: Duration, ago: Duration) -> i64 {
    let micros = |duration: Duration| i64::try_from(duration.as_micros()).unwrap_or(i64::MAX);
    micros(now).saturating_sub(micros(ago))
}
