//! How close to the limits a client comes: strategies side by side in virtual time, or jobs that really ran, judged by
//! the server's own count.
//!
//! Invariant: a play is pure. The same [`Scenario`] and [`Strategy`] give the same [`Played`] on every machine, days of
//! calls pass in a second, and nothing here reads a clock. Entry points: [`play`],
//! [`JobTally`], [`Report`] and [`page`].

mod charts;
mod clocks;
mod conditions;
mod engine;
mod figures;
mod governors;
mod incident;
mod jobs;
mod line;
mod logs;
mod overhead;
mod page;
mod queue;
mod report;
mod scenario;
mod server;
mod strategy;
mod table;
mod truth;

pub use crate::run::Histogram;
pub use conditions::Means;
pub use engine::{Played, Refused, play};
pub use figures::{Figures, Spread, WindowFigures};
pub use incident::{Incident, Mishap};
pub use jobs::JobTally;
pub use overhead::permits;
pub use page::page;
pub use report::Report;
pub use scenario::{Load, Pattern, Scenario, Server};
pub use strategy::Strategy;
pub use table::table;
pub use truth::WindowPlayed;
