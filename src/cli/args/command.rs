//! The commands, and what `tidemill --help` says.

use clap::{Parser, Subcommand};

use crate::run::Exit;

use super::bench::BenchArguments;
use super::jobs::JobArguments;
use super::quota::QuotaArguments;
use super::replay::ReplayArguments;
use super::report::{ReportArguments, ReportFormat};
use super::run::RunArguments;
use super::simulate::SimulateArguments;
use super::status::StatusArguments;
use super::verify::VerifyArguments;

/// Runs declarative job files against rate-limited JSON APIs, exactly as fast as their limits allow, into Parquet.
#[derive(Debug, Parser)]
#[command(version, after_help = exit_codes(), arg_required_else_help = true)]
pub(in crate::cli) struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub(in crate::cli) command: Command,
}

/// One file each in `src/cli/`, and one here for what each takes.
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum Command {
    /// Fetch what the jobs ask for and publish it; resumes by itself where an earlier run stopped
    Run(RunArguments),
    /// Report every mistake in job files and settings; sends nothing
    Check(JobArguments),
    /// Say what is left of the jobs in cells, calls and credits, and when it is done; sends nothing
    Plan(JobArguments),
    /// Say what is done, left and rejected, how the last run ended and what comes next; sends nothing, changes nothing
    Status(StatusArguments),
    /// Make a page about the last run of the jobs, to be shown to others; sends nothing
    Report(ReportArguments),
    /// Prove that nothing is lost, doubled or damaged in state and output; sends nothing, changes nothing
    Verify(VerifyArguments),
    /// Rebuild the files from the raw pages that are kept, as the jobs read them now; sends nothing
    Replay(ReplayArguments),
    /// Say how close to its limits a provider can be used, or jobs come; sends nothing without --live
    Bench(BenchArguments),
    /// Show how full the limits of each credential are, and who has used them; sends nothing
    Quota(QuotaArguments),
    /// Play a provider on this machine, with its auth, limits, codes and paging
    Simulate(SimulateArguments),
}

impl Command {
    /// True when the answer, also that of a refusal, is JSON.
    pub(in crate::cli) fn wants_json(&self) -> bool {
        match self {
            Self::Run(arguments) => arguments.jobs.json,
            Self::Check(arguments) | Self::Plan(arguments) => arguments.json,
            Self::Status(arguments) => arguments.json,
            Self::Report(arguments) => arguments.format == ReportFormat::Json,
            Self::Verify(arguments) => arguments.jobs.json,
            Self::Replay(arguments) => arguments.jobs.json,
            Self::Bench(arguments) => arguments.json,
            Self::Quota(arguments) => arguments.json,
            Self::Simulate(_) => false,
        }
    }
}

fn exit_codes() -> String {
    let mut text = String::from("Exit codes:\n");
    for exit in Exit::ALL {
        text.push_str(&format!("  {:>3}  {}\n", exit.code(), exit.meaning()));
    }
    text
}
