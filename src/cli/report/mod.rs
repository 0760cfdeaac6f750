//! `tidemill report`: one run of each job, to be shown to others.
//!
//! Invariant: everything from outside is escaped on its way into a page; the report itself is what the run has kept.

mod charts;
mod command;
mod map;
mod markdown;
mod page;
mod tables;

pub(super) use command::report;
