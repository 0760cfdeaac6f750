//! What a report remembers of the many things that look alike: one line for each kind, with how often it was met.
//!
//! Invariant: so many kinds and no more; what comes after them is counted together.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// Kinds told apart.
const KINDS: usize = 20;
const OTHERS: &str = "for other reasons";

/// Waits between two attempts of cells, by what the provider had said.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delays(pub BTreeMap<String, Delayed>);

/// The waits of one reason. Those of several cells pass side by side.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delayed {
    /// How many.
    pub times: u64,
    /// How long all of them were.
    pub total_ms: u64,
}

impl Delays {
    /// Counts a wait.
    pub fn add(&mut self, reason: &str, wait: Duration) {
        let known = self.0.contains_key(reason) || self.0.len() < KINDS;
        let delayed = self.0.entry(if known { reason } else { OTHERS }.to_owned()).or_default();
        delayed.times += 1;
        delayed.total_ms += u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
    }
}

/// Cells that one run left to a later one, for one reason.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Left {
    /// Why, in the provider's words where it said something.
    pub reason: String,
    /// How many.
    pub cells: u64,
    /// The first of them.
    pub first: String,
    /// They wait until a quota opens, or for the next run.
    pub parked: bool,
}

/// Counts a cell that is left.
pub(super) fn leave(left: &mut Vec<Left>, cell: &str, reason: &str, parked: bool) {
    if let Some(known) = left.iter_mut().find(|known| known.reason == reason && known.parked == parked) {
        known.cells += 1;
        return;
    }
    match left.get_mut(KINDS - 1) {
        Some(last) => last.cells += 1,
        None => {
            let reason = if left.len() + 1 < KINDS { reason } else { OTHERS }.to_owned();
            left.push(Left { reason, cells: 1, first: cell.to_owned(), parked });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_told_apart_up_to_a_number() {
        let (mut delays, mut left) = (Delays::default(), Vec::new());
        for number in 0..100 {
            delays.add(&format!("reason {number:02}"), Duration::from_millis(10));
            delays.add("reason 00", Duration::from_millis(5));
            leave(&mut left, &format!("cell {number}"), &format!("reason {number:02}"), true);
            leave(&mut left, "another", "reason 00", true);
        }
        assert_eq!(delays.0["reason 00"], Delayed { times: 101, total_ms: 510 });
        assert_eq!((delays.0.len(), delays.0[OTHERS]), (KINDS + 1, Delayed { times: 80, total_ms: 800 }));
        assert_eq!((left.len(), left[0].cells, left[0].first.as_str()), (KINDS, 101, "cell 0"));
        assert_eq!((left[KINDS - 1].reason.as_str(), left[KINDS - 1].cells), (OTHERS, 81));
        leave(&mut left, "cell", "reason 00", false);
        assert_eq!(left.iter().map(|left| left.cells).sum::<u64>(), 201, "each cell is counted once");
    }
}
