//! Talk to the person: arguments, screens, exit codes. Knows every stage; no stage knows it.
//!
//! Invariant: output goes to stdout, everything else to stderr; a command ends in one [`crate::run::Exit`]. Entry point: [`main`].

mod args;
mod bench;
mod bench_book;
mod bench_jobs;
mod bench_limits;
mod check;
mod check_live;
mod columns;
mod doctor;
mod explain;
mod explain_text;
mod generated;
mod init;
mod load;
mod look;
mod plan;
mod plan_text;
mod preview;
mod problems;
mod progress;
mod quota;
mod reference;
mod render;
mod replay;
mod report;
mod run;
mod scaffolds;
mod schema;
mod scratch;
mod select;
mod signal;
mod simulate;
mod simulators;
mod start;
mod status;
mod status_text;
mod term;
mod unset;
mod verify;
mod when;

pub use start::main;
