//! Repeatable chance: every random choice of the simulator is a hash of the seed and what the choice is about.

/// Mixes `value` into `state`, so that near inputs give unrelated outputs (the finalizer of SplitMix64).
pub(super) fn mix(state: u64, value: u64) -> u64 {
    let mut mixed = state.rotate_left(17) ^ value.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

/// The same for text: FNV-1a, spread by [`mix`]. Nobody attacks these hashes, and every value of every record has one.
pub(super) fn mix_text(state: u64, text: &str) -> u64 {
    let fnv = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3);
    mix(state, text.bytes().fold(0xCBF2_9CE4_8422_2325, fnv))
}

/// A number in `0.0..1.0`.
pub(super) fn unit(hash: u64) -> f64 {
    // 53 bits are what an f64 holds.
    (hash >> 11) as f64 / (1_u64 << 53) as f64
}

/// A number from `low` to `high`, both included; `low` when the range is empty.
pub(super) fn within(hash: u64, low: i64, high: i64) -> i64 {
    let span = u128::from(high.abs_diff(low)) + 1;
    if high < low {
        return low;
    }
    let step = (u128::from(hash) * span) >> 64;
    // `step` is below `span`, which reaches at most from i64::MIN to i64::MAX.
    (i128::from(low) + step as i128) as i64
}
