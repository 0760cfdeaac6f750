//! What is going to happen, in order of time; of two things at the same time the one planned first.

use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::time::Duration;

use super::line::Call;

/// One planned thing.
#[derive(Debug)]
pub(super) enum Happening {
    /// A request reaches the server, which does not count it yet.
    Arrive(Call),
    /// The server comes to the point where it counts a request.
    Count(Call),
    /// The answer is in: yes, or which limit was hit.
    Answer(Call),
    /// The wait after a refusal is over.
    Again {
        /// The life of the client that waited.
        life: u32,
        /// Refusals of this request so far.
        refusals: u32,
    },
    /// The incident with this number.
    Incident(usize),
    /// The client is back.
    Restart,
    /// Another user of the key calls, `left` times more after this.
    Foreign {
        /// Calls to come.
        left: u32,
        /// Time between two.
        gap: Duration,
    },
    /// There is work again.
    Work {
        /// For the client of this life; a later one has looked for itself.
        life: u32,
    },
}

#[derive(Debug, Default)]
pub(super) struct Queue {
    heap: BinaryHeap<Planned>,
    planned: u64,
}

#[derive(Debug)]
struct Planned {
    at: Duration,
    order: u64,
    what: Happening,
}

impl Queue {
    pub(super) fn plan(&mut self, at: Duration, what: Happening) {
        self.planned += 1;
        self.heap.push(Planned { at, order: self.planned, what });
    }

    /// When the next thing happens.
    pub(super) fn next_at(&self) -> Option<Duration> {
        self.heap.peek().map(|planned| planned.at)
    }

    /// The next thing that happens at `now` or has happened.
    pub(super) fn due(&mut self, now: Duration) -> Option<Happening> {
        if self.next_at()? > now {
            return None;
        }
        self.heap.pop().map(|planned| planned.what)
    }
}

/// The heap gives its greatest: the earliest.
impl Ord for Planned {
    fn cmp(&self, other: &Self) -> Ordering {
        (other.at, other.order).cmp(&(self.at, self.order))
    }
}

impl PartialOrd for Planned {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Planned {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Planned {}
