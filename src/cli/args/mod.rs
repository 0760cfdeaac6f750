//! What a person can type: one file a command, beside what several take.

mod bench;
mod command;
mod init;
mod jobs;
mod preview;
mod quota;
mod replay;
mod run;
mod schema;
mod simulate;
mod verify;

pub(super) use bench::BenchArguments;
pub(super) use command::{Arguments, Command};
pub(super) use init::InitArguments;
pub(super) use jobs::JobArguments;
pub(super) use preview::PreviewArguments;
pub(super) use quota::QuotaArguments;
pub(super) use replay::ReplayArguments;
pub(super) use run::{ProgressMode, RunArguments};
pub(super) use schema::{Format, Kind, SchemaArguments};
pub(super) use simulate::SimulateArguments;
pub(super) use verify::VerifyArguments;
