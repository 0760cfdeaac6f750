//! Whole runs in memory: the simulator as the wire, a real ledger, spool and sink, on tokio's paused clock.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod accept;
mod again;
mod archive;
mod broken;
mod ceilings;
mod clean;
mod credential;
mod damage;
mod faults;
mod follow;
mod growth;
mod idle;
mod jobs;
pub(crate) mod kill;
mod learning;
mod lint;
mod pages;
mod parallel;
pub(crate) mod parquet;
mod quota;
mod refetch;
mod refetch_changed;
mod refetch_killed;
mod rejects;
mod replay;
mod replay_killed;
mod replay_refused;
mod retry;
mod salvage;
pub(crate) mod scene;
mod served;
mod signal;
mod together;
mod trouble;
pub(crate) mod world;
