//! Talk to the person: arguments, screens, exit codes. Knows every stage; no stage knows it.
//!
//! Invariant: output goes to stdout, everything else to stderr; a command ends in one [`crate::run::Exit`]. Entry point: [`main`].

mod args;
mod bench;
mod bench_book;
mod bench_jobs;
mod bench_limits;
mod check;
mod doctor;
mod generated;
mod load;
mod plan;
mod plan_text;
mod problems;
mod progress;
mod quota;
mod render;
mod replay;
mod run;
mod signal;
mod simulate;
mod simulators;
mod start;
mod term;
mod verify;

pub use start::main;
