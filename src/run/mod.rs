//! Wire it together: jobs become events and a report.
//!
//! Invariant: this is the only stage that spawns tasks, and none outlives [`run()`]. Whatever a provider does ends a
//! cell; only faults of this machine are errors. Entry points: [`prepare`], then [`run()`].

mod advice;
mod archive;
mod check_file;
mod check_spool;
mod check_tree;
mod damage;
mod encode;
mod error;
mod event;
mod exit;
mod fate;
mod finding;
mod folders;
mod follow;
mod generation;
mod job;
mod learning;
mod members;
mod memory;
mod outlook;
mod partitions;
mod prepare;
mod preview;
mod publish;
mod reading;
mod refetch;
mod replay;
mod report;
mod runner;
mod salvage;
mod standing;
mod store;
mod tell;
mod underway;
mod verify;
mod visible;

pub use advice::next_step;
pub use error::{EncodeError, RunError};
pub use event::{Event, EventKind, PublishedFile};
pub use exit::Exit;
pub use finding::{Finding, FindingKind};
pub use folders::{Folders, REHEARSAL};
pub use outlook::Outlook;
pub use prepare::{Broken, Prepared, prepare, prepare_beside};
pub use preview::{Call, Look, Previewed, preview};
pub use reading::{Sample, sample};
pub use replay::replay;
pub use report::{CellCounts, JobReport, Report, apply};
pub use runner::{Assigned, Options, run};
pub use salvage::open_ledger;
pub use standing::{Standing, standing};
pub use store::Store;
pub use verify::{CellTally, Scope, Verification, VerifyOptions, verify};
