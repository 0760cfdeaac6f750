//! A quarter of nights: jobs that grow, a backfill on a small quota, and everything that goes wrong, from one seed.
//!
//! Each seed is a schedule (`schedule.rs`, pure) that is played on the paused clock (`play.rs`). After every run what is
//! visible, the ledger, the quota and the exit codes are held against what the provider really has and really counted.
//!
//! ```text
//! cargo test --test it -- quarter                            the default number of seeds, and the known ones
//! TIDEMILL_SEEDS=1000 cargo test --test it -- quarter        the first 1000 seeds
//! TIDEMILL_SEED=17 cargo test --test it -- quarter           that one alone
//! ```
//!
//! A seed that fails prints itself with its schedule up to the night it failed in. Once mended it goes into `KNOWN` in
//! `seeds.rs`, which is always played.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod books;
mod dice;
mod jobs;
mod judge;
mod look;
mod play;
mod schedule;
mod seeds;
mod shelf;
mod told;
mod trouble;
