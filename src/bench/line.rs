//! The cells of a job: who waits for leave, who is under way, who sits out a refusal.
//!
//! Invariant: never more cells than the load has, and a request that was refused stands at the head of the line again.

use std::collections::VecDeque;
use std::time::Duration;

use jiff::Timestamp;

use crate::quota::Ticket;

use super::server::{Hit, Journey};

/// A request that waits for leave.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ready {
    /// Since when.
    pub(super) since: Duration,
    /// Refusals so far.
    pub(super) refusals: u32,
}

/// A request under way. Times are true time but for `left`, which is what the client's clock showed.
#[derive(Debug)]
pub(super) struct Call {
    /// The life of the client that sent it; an answer reaches no later one.
    pub(super) life: u32,
    pub(super) sent: Duration,
    pub(super) left: Duration,
    /// What ours counted it as.
    pub(super) ticket: Option<Ticket>,
    /// What the server's clock showed when it answered, to the second.
    pub(super) date: Timestamp,
    pub(super) refusals: u32,
    pub(super) journey: Journey,
    /// How many it found at the server, if it is not counted on arrival.
    pub(super) ahead: Option<usize>,
    pub(super) hit: Option<Hit>,
}

#[derive(Debug)]
pub(super) struct Line {
    cells: usize,
    ready: VecDeque<Ready>,
    under_way: usize,
    sitting_out: usize,
}

impl Line {
    pub(super) fn new(cells: u32) -> Self {
        Self { cells: cells.max(1) as usize, ready: VecDeque::new(), under_way: 0, sitting_out: 0 }
    }

    /// Every cell that has nothing to do asks for something.
    pub(super) fn fill(&mut self, now: Duration) {
        while self.ready.len() + self.under_way + self.sitting_out < self.cells {
            self.ready.push_back(Ready { since: now, refusals: 0 });
        }
    }

    pub(super) fn waiting(&self) -> usize {
        self.ready.len()
    }

    /// Whether anybody wants to send, now or after sitting out a refusal.
    pub(super) fn has_work(&self) -> bool {
        !self.ready.is_empty() || self.sitting_out > 0
    }

    pub(super) fn is_quiet(&self) -> bool {
        self.under_way == 0
    }

    /// The head leaves.
    pub(super) fn leave(&mut self) -> Option<Ready> {
        let head = self.ready.pop_front()?;
        self.under_way += 1;
        Some(head)
    }

    /// An answer is in.
    pub(super) fn came_back(&mut self) {
        self.under_way = self.under_way.saturating_sub(1);
    }

    /// A refused request asks again at once.
    pub(super) fn again(&mut self, now: Duration, refusals: u32) {
        self.ready.push_front(Ready { since: now, refusals });
    }

    /// A refused request waits by itself before it asks again.
    pub(super) fn sit_out(&mut self) {
        self.sitting_out += 1;
    }

    /// It has waited.
    pub(super) fn sat_out(&mut self, now: Duration, refusals: u32) {
        self.sitting_out = self.sitting_out.saturating_sub(1);
        self.again(now, refusals);
    }

    /// The process is gone.
    pub(super) fn clear(&mut self) {
        self.ready.clear();
        (self.under_way, self.sitting_out) = (0, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refused_request_is_the_next_to_leave() {
        let second = Duration::from_secs(1);
        let mut line = Line::new(3);
        line.fill(Duration::ZERO);
        line.leave();
        line.came_back();
        line.again(second, 1);
        line.fill(second);
        assert_eq!(line.waiting(), 3, "no more than there are cells");
        assert_eq!(line.leave().map(|head| (head.since, head.refusals)), Some((second, 1)));
        line.came_back();
        line.sit_out();
        line.fill(second);
        assert_eq!((line.waiting(), line.has_work(), line.is_quiet()), (2, true, true), "its cell is not free");
        line.sat_out(second * 2, 2);
        assert_eq!(line.leave().map(|head| (head.since, head.refusals)), Some((second * 2, 2)));
    }
}
