//! What may be left when the power goes, each state once, and as many of them looked at as one has time for.

use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::model::Fate;
use super::proof::{Proof, State};
use super::recording::Moment;

/// Open changes of which every combination is tried; of more a sample is.
const ALL_OF: usize = 8;
/// Samples of a moment with more.
const SAMPLES: usize = 24;

/// The states of a test.
pub(crate) struct States {
    rng: fastrand::Rng,
    seed: u64,
    known: HashSet<u64>,
    found: Vec<State>,
}

fn from_environment(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

impl States {
    pub(crate) fn new() -> Self {
        let seed = from_environment("TIDEMILL_POWER_SEED", 1);
        Self { rng: fastrand::Rng::with_seed(seed), seed, known: HashSet::new(), found: Vec::new() }
    }

    /// Adds what may be left when the power goes at each of `moments`.
    pub(crate) fn add(&mut self, moments: &[Moment], what: &str) {
        for (at, moment) in moments.iter().enumerate() {
            let open = moment.model.open();
            let mut fates = vec![Fate::Kept; open.len()];
            for sample in 1.. {
                self.take(moment, &fates, &format!("{what}, the power goes before step {at}"));
                if open.len() <= ALL_OF {
                    if !next(&mut fates, &open) {
                        break;
                    }
                } else {
                    if sample == SAMPLES {
                        break;
                    }
                    fates = self.draw(&open);
                }
            }
        }
    }

    fn take(&mut self, moment: &Moment, fates: &[Fate], what: &str) {
        let (tree, kept) = (moment.model.survivors(fates), moment.kept.len() as u64);
        let mut hasher = DefaultHasher::new();
        (&tree, &moment.ledger, kept).hash(&mut hasher);
        if self.known.insert(hasher.finish()) {
            let what = format!("{what} (TIDEMILL_POWER_SEED={}), {fates:?}", self.seed);
            self.found.push(State { what, tree, ledger: moment.ledger.clone(), kept });
        }
    }

    fn draw(&mut self, open: &[bool]) -> Vec<Fate> {
        let mut fate = |tears: &bool| match self.rng.u8(0..2 + u8::from(*tears)) {
            0 => Fate::Kept,
            1 => Fate::Dropped,
            _ => Fate::Torn,
        };
        open.iter().map(&mut fate).collect()
    }

    /// Looks at `most` of them, which are drawn if there are more.
    pub(crate) async fn hold(mut self, proof: &Proof, most: u64) {
        let most = usize::try_from(from_environment("TIDEMILL_POWER_STATES", most)).unwrap();
        if most < self.found.len() {
            self.rng.shuffle(&mut self.found);
        }
        for state in self.found.iter().take(most) {
            proof.holds(state).await;
        }
    }

    pub(crate) fn count(&self) -> usize {
        self.found.len()
    }
}

/// The next combination; false after the last.
fn next(fates: &mut [Fate], open: &[bool]) -> bool {
    for (fate, tears) in fates.iter_mut().zip(open) {
        *fate = match fate {
            Fate::Kept => Fate::Dropped,
            Fate::Dropped if *tears => Fate::Torn,
            Fate::Dropped | Fate::Torn => Fate::Kept,
        };
        if *fate != Fate::Kept {
            return true;
        }
    }
    false
}
