//! The one integration binary: everything here uses only what the crate shows the world.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod bench;
mod cli;
mod decode;
mod decode_exact;
#[cfg(debug_assertions)]
mod disk;
mod docs;
mod fetch;
mod forecast;
mod job;
mod json;
mod ledger;
mod ledger_again;
mod ledger_retry;
mod ledger_steps;
mod plan;
mod plan_cells;
mod provider;
mod quarter;
mod quota;
mod run;
mod simulate;
mod sink;
mod spool;
mod spool_damage;
mod spool_renew;
mod spool_writer;
mod tidy;
mod verify;
