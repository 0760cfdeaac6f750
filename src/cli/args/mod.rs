//! What a person can type: one file a command, beside what several take.

mod bench;
mod command;
mod doctor;
mod generated;
mod jobs;
mod quota;
mod replay;
mod run;
mod simulate;
mod verify;

pub(super) use bench::BenchArguments;
pub(super) use command::{Arguments, ColorChoice, Command};
pub(super) use doctor::DoctorArguments;
pub(super) use generated::{CompletionsArguments, ManArguments};
pub(super) use jobs::JobArguments;
pub(super) use quota::QuotaArguments;
pub(super) use replay::ReplayArguments;
pub(super) use run::{ProgressMode, RunArguments};
pub(super) use simulate::SimulateArguments;
pub(super) use verify::VerifyArguments;
