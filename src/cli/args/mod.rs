//! What a person can type: one file a command, beside what several take.

mod bench;
mod check;
mod command;
mod explain;
mod jobs;
mod quota;
mod replay;
mod run;
mod simulate;
mod verify;

pub(super) use bench::BenchArguments;
pub(super) use check::{CheckArguments, CheckFormat};
pub(super) use command::{Arguments, Command};
pub(super) use explain::ExplainArguments;
pub(super) use jobs::JobArguments;
pub(super) use quota::QuotaArguments;
pub(super) use replay::ReplayArguments;
pub(super) use run::{ProgressMode, RunArguments};
pub(super) use simulate::SimulateArguments;
pub(super) use verify::VerifyArguments;
