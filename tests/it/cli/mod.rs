//! The program as a person and a scheduler meet it: the real binary, its screens, codes, signals and files.
//!
//! Invariant: nothing of this machine's environment reaches it, no test sleeps, and every process that is started is
//! ended by its handle. Helpers: [`place`] is a workspace with the binary, [`wire`] a provider that answers by hand.

mod bench;
mod bench_jobs;
mod check;
mod check_live;
mod codes;
mod disk;
mod doctor;
mod ends;
mod enforced;
mod explain;
mod generated;
mod grace;
mod init;
mod killed;
mod mistakes;
mod place;
mod preview;
mod progress;
mod quota;
mod report;
mod run_flags;
mod schema;
mod screens;
mod secrets;
mod status;
#[cfg(target_os = "linux")]
mod terminal;
mod together;
mod wire;
