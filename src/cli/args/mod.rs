//! What a person can type: one file a command, beside what several take.

mod bench;
mod check;
mod command;
mod doctor;
mod explain;
mod generated;
mod init;
mod jobs;
mod look;
mod preview;
mod quota;
mod replay;
mod report;
mod run;
mod schema;
mod simulate;
mod status;
mod verify;

pub(super) use bench::BenchArguments;
pub(super) use check::{CheckArguments, CheckFormat};
pub(super) use command::{Arguments, ColorChoice, Command};
pub(super) use doctor::DoctorArguments;
pub(super) use explain::ExplainArguments;
pub(super) use generated::{CompletionsArguments, ManArguments};
pub(super) use init::InitArguments;
pub(super) use jobs::JobArguments;
pub(super) use look::LookArguments;
pub(super) use preview::PreviewArguments;
pub(super) use quota::QuotaArguments;
pub(super) use replay::ReplayArguments;
pub(super) use report::{ReportArguments, ReportFormat};
pub(super) use run::{ProgressMode, RunArguments};
pub(super) use schema::{Format, Kind, SchemaArguments};
pub(super) use simulate::SimulateArguments;
pub(super) use status::StatusArguments;
pub(super) use verify::VerifyArguments;
