//! What becomes of a later generation once all of its cells have ended: whether its file may take the place of the one
//! that stands. Pure.
//!
//! Invariant: good output is never shrunk by a failure, an empty answer or a schema; what a complete answer no longer
//! has may go.

use crate::ledger::{Cause, CellRow, Outcome};
use crate::plan::CellKey;

/// What to do with the pages of a generation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fate {
    /// Its file takes the place of the old one.
    Publish,
    /// Every cell ended as it had before: there is nothing new.
    AsBefore,
    /// The old file stays, and this is why.
    Keep(String),
}

/// Decides about a generation of `cause`; `before` are the cells it was opened for, as they stood, `ended` how they ended
/// now, `accept_empty` whether a person takes an empty answer for the truth.
pub(super) fn fate<'a>(
    cause: Cause,
    before: &[CellRow],
    ended: impl Fn(&CellKey) -> Option<&'a Outcome>,
    accept_empty: bool,
) -> Fate {
    match cause {
        Cause::Replay => Fate::Publish,
        Cause::Retry => {
            // The words of a rejection may differ from answer to answer.
            let same = |was: &CellRow| was.outcome.as_ref().map(Outcome::name) == ended(&was.key).map(Outcome::name);
            if before.iter().all(same) { Fate::AsBefore } else { Fate::Publish }
        }
        Cause::Refetch => before
            .iter()
            .find_map(|was| lost(was, ended(&was.key), accept_empty))
            .map_or(Fate::Publish, |reason| Fate::Keep(format!("{reason}; its published file stays as it is"))),
    }
}

/// Why a refetched cell must not replace what it had.
fn lost(was: &CellRow, now: Option<&Outcome>, accept_empty: bool) -> Option<String> {
    let rejected_before = matches!(was.outcome, Some(Outcome::Rejected { .. }));
    match now {
        // What it had was nothing, and another nothing takes nothing away.
        Some(Outcome::Rejected { .. }) if rejected_before => None,
        Some(Outcome::Rejected { message, .. }) => Some(format!("cell {} was rejected this time: {message}", was.key)),
        Some(Outcome::Empty { .. }) if was.outcome == Some(Outcome::Records) && !accept_empty => Some(format!(
            "cell {} had {} records and is empty this time; if that is right, run with `--accept-empty`",
            was.key, was.records
        )),
        Some(Outcome::Records | Outcome::Empty { .. }) | None => None,
    }
}

/// Rows of a file and records that were left out of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Tally {
    /// Rows in the file; 0 without one.
    pub(super) rows: u64,
    /// Records that fit no column.
    pub(super) rejected: u64,
}

/// Whether a file of `now` would lack rows of the one of `before` for no good reason.
pub(super) fn shrinks(cause: Cause, before: Tally, now: Tally) -> bool {
    let fewer = now.rows < before.rows;
    match cause {
        // It has the pages of the one before, and more.
        Cause::Retry => fewer,
        // A complete answer may have fewer records; a column that takes them no longer may not.
        Cause::Refetch => fewer && now.rejected > before.rejected,
        Cause::Replay => fewer && (now.rejected > before.rejected || now.rows == 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn was(outcome: Outcome) -> CellRow {
        CellRow { key: CellKey("a".into()), outcome: Some(outcome), records: 3, pages: 1, credits: 0 }
    }

    fn rejected() -> Outcome {
        Outcome::Rejected { code: "1".into(), message: "no".into() }
    }

    #[test]
    fn what_a_generation_becomes() {
        use Cause::{Refetch, Replay, Retry};
        let empty = || Outcome::Empty { unconfirmed: false };
        let unconfirmed = || Outcome::Empty { unconfirmed: true };
        let table = [
            (Retry, rejected(), rejected(), false, "as before"),
            (Retry, rejected(), Outcome::Records, false, "publish"),
            (Retry, unconfirmed(), unconfirmed(), false, "as before"),
            (Retry, unconfirmed(), empty(), false, "publish"),
            (Replay, Outcome::Records, Outcome::Records, false, "publish"),
            (Refetch, Outcome::Records, Outcome::Records, false, "publish"),
            (Refetch, Outcome::Records, rejected(), false, "keep"),
            (Refetch, Outcome::Records, rejected(), true, "keep"),
            (Refetch, empty(), rejected(), false, "keep"),
            (Refetch, rejected(), rejected(), false, "publish"),
            (Refetch, rejected(), Outcome::Records, false, "publish"),
            (Refetch, Outcome::Records, empty(), false, "keep"),
            (Refetch, Outcome::Records, unconfirmed(), false, "keep"),
            (Refetch, Outcome::Records, empty(), true, "publish"),
            (Refetch, empty(), empty(), false, "publish"),
        ];
        for (cause, before, now, accept_empty, due) in table {
            let found = match fate(cause, &[was(before.clone())], |_| Some(&now), accept_empty) {
                Fate::Publish => "publish",
                Fate::AsBefore => "as before",
                Fate::Keep(_) => "keep",
            };
            assert_eq!(found, due, "{cause:?}: {before:?}, then {now:?}, accept_empty {accept_empty}");
        }
    }

    #[test]
    fn what_must_not_shrink() {
        let tally = |rows, rejected| Tally { rows, rejected };
        let table = [
            (Cause::Retry, tally(5, 0), tally(4, 0), true),
            (Cause::Retry, tally(5, 0), tally(5, 0), false),
            (Cause::Refetch, tally(5, 0), tally(4, 0), false),
            (Cause::Refetch, tally(5, 0), tally(0, 0), false),
            (Cause::Refetch, tally(5, 0), tally(4, 1), true),
            (Cause::Refetch, tally(5, 0), tally(6, 1), false),
            (Cause::Replay, tally(5, 1), tally(4, 1), false),
            (Cause::Replay, tally(5, 1), tally(4, 2), true),
            (Cause::Replay, tally(5, 0), tally(0, 0), true),
        ];
        for (cause, before, now, due) in table {
            assert_eq!(shrinks(cause, before, now), due, "{cause:?}: {before:?}, then {now:?}");
        }
    }
}
