//! Chance from a seed, one stream for each concern of each night.

use std::ops::RangeInclusive;

use fastrand::Rng;

/// What is drawn for one concern. A concern that is added later, or draws once more, shifts no other: a known seed stays
/// the seed that it was.
pub(crate) struct Dice(Rng);

impl Dice {
    pub(crate) fn of(seed: u64, night: usize, concern: &str) -> Self {
        let hash = blake3::hash(format!("{seed} {night} {concern}").as_bytes());
        let mut first = [0; 8];
        first.copy_from_slice(&hash.as_bytes()[..8]);
        Self(Rng::with_seed(u64::from_le_bytes(first)))
    }

    /// True so many times in a hundred.
    pub(crate) fn percent(&mut self, share: u32) -> bool {
        self.0.u32(0..100) < share
    }

    pub(crate) fn within(&mut self, range: RangeInclusive<usize>) -> usize {
        self.0.usize(range)
    }

    pub(crate) fn one<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.0.usize(0..of.len())]
    }
}
