//! What every state must come to: nothing partial is visible, and runs that nobody disturbs make everything as it should
//! be, without buying again what is kept.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use tidemill::ledger::{Ledger, PartitionState, SqliteLedger};

use super::mill::{Ended, How, Mill, Place};
use super::model::Tree;
use super::recording::{Moment, put};

/// What the disk may be found with.
pub(crate) struct State {
    /// How it came to be.
    pub(crate) what: String,
    pub(crate) tree: Tree,
    pub(crate) ledger: Option<Arc<Vec<u8>>>,
    /// Pages that must not be bought again.
    pub(crate) kept: u64,
}

/// How a run went that nobody disturbed, and so what must come of any state it may leave.
pub(crate) struct Proof {
    pub(crate) mill: Arc<Mill>,
    pub(crate) how: How,
    /// What the provider does to those who go on from a state.
    pub(crate) faults: &'static str,
    /// Visible files before it.
    pub(crate) before: BTreeMap<PathBuf, Vec<u8>>,
    /// Visible files after it.
    pub(crate) after: BTreeMap<PathBuf, Vec<u8>>,
    pub(crate) ended: Ended,
}

impl State {
    /// A death of the process: all that was handed to the system is there.
    pub(crate) fn killed(moment: &Moment, what: String) -> Self {
        let (tree, kept) = (moment.model.shown(), moment.kept.len() as u64);
        Self { what, tree, ledger: moment.ledger.clone(), kept }
    }

    /// The files that readers see.
    fn visible(&self) -> impl Iterator<Item = (PathBuf, &Vec<u8>)> {
        self.tree.iter().filter_map(|(path, bytes)| {
            let path = path.strip_prefix("data").ok().filter(|path| !path.starts_with("_staging"))?;
            Some((path.to_owned(), bytes.as_ref()?))
        })
    }
}

impl Proof {
    /// Puts the state into a place of its own, so many hours after the first run began.
    pub(crate) fn found(&self, state: &State, hours: u64) -> Place {
        let place = self.mill.place(self.faults).later(hours);
        put(&place, &state.tree, state.ledger.as_deref().map(Vec::as_slice));
        place
    }

    /// Goes on in `place`: what was begun is finished, and what was not is asked for again.
    pub(crate) async fn go_on(&self, place: &Place, what: &str) -> Ended {
        let reopened = reopened(place);
        let ended = place.run(How::Plain).await;
        if self.how == How::Plain || place.output() == self.after {
            return ended;
        }
        assert!(!reopened, "{what}: what was reopened is not finished: {ended:?}");
        let again = place.run(self.how).await;
        Ended { requests: ended.requests + again.requests, ..again }
    }

    /// What must be true of `state`, and of what comes of it.
    pub(crate) async fn holds(&self, state: &State) {
        let what = &state.what;
        for (path, bytes) in state.visible() {
            let whole = [&self.before, &self.after].into_iter().any(|files| files.get(&path) == Some(bytes));
            assert!(whole, "{what}: {} is visible and not whole", path.display());
        }
        let place = self.found(state, 2);
        let ended = self.go_on(&place, what).await;
        assert_eq!(ended.exit, self.ended.exit, "{what}: {ended:?}");
        assert!(place.output() == self.after, "{what}: {:?} is visible", place.output().keys());
        let (asked, kept) = (ended.requests, state.kept);
        assert!(asked + kept <= self.ended.requests, "{what}: {kept} pages were kept, and {asked} asked for");
        self.mill.assert_sound(&place.folders(), what);
    }
}

/// Whether a later generation is under way.
fn reopened(place: &Place) -> bool {
    let rows = SqliteLedger::open(&place.folders().ledger()).unwrap().partitions("stocks").unwrap();
    rows.iter().any(|row| row.state != PartitionState::Committed && row.generation > 1)
}
