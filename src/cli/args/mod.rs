//! What a person can type: one file a command, beside what several take.

mod bench;
mod command;
mod jobs;
mod look;
mod quota;
mod replay;
mod report;
mod run;
mod simulate;
mod status;
mod verify;

pub(super) use bench::BenchArguments;
pub(super) use command::{Arguments, Command};
pub(super) use jobs::JobArguments;
pub(super) use look::LookArguments;
pub(super) use quota::QuotaArguments;
pub(super) use replay::ReplayArguments;
pub(super) use report::{ReportArguments, ReportFormat};
pub(super) use run::{ProgressMode, RunArguments};
pub(super) use simulate::SimulateArguments;
pub(super) use status::StatusArguments;
pub(super) use verify::VerifyArguments;
