//! What a person can type.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::job::parse_duration;
use crate::run::Exit;

/// Runs declarative job files against rate-limited JSON APIs, exactly as fast as their limits allow, into Parquet.
#[derive(Debug, Parser)]
#[command(version, after_help = exit_codes(), arg_required_else_help = true)]
pub(super) struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub(super) command: Command,
}

/// One file each in `src/cli/`.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Fetch what the jobs ask for and publish it; resumes by itself where an earlier run stopped
    Run(RunArguments),
    /// Report every mistake in job files and settings; sends nothing
    Check(JobArguments),
    /// Say what is left of the jobs in cells, calls and credits, and when it is done; sends nothing
    Plan(JobArguments),
    /// Prove that nothing is lost, doubled or damaged in state and output; sends nothing, changes nothing
    Verify(VerifyArguments),
    /// Rebuild the files from the raw pages that are kept, as the jobs read them now; sends nothing
    Replay(ReplayArguments),
    /// Play a provider on this machine, with its auth, limits, codes and paging
    Simulate(SimulateArguments),
}

impl Command {
    /// True when the answer, also that of a refusal, is JSON.
    pub(super) fn wants_json(&self) -> bool {
        match self {
            Self::Run(arguments) => arguments.jobs.json,
            Self::Check(arguments) | Self::Plan(arguments) => arguments.json,
            Self::Verify(arguments) => arguments.jobs.json,
            Self::Replay(arguments) => arguments.jobs.json,
            Self::Simulate(_) => false,
        }
    }
}

/// The jobs a command is about.
#[derive(Debug, Clone, Args)]
pub(super) struct JobArguments {
    /// Job files, or folders whose *.toml are job files
    #[arg(required = true, value_name = "JOB")]
    pub(super) jobs: Vec<PathBuf>,
    /// Set one setting for this call, such as provider.foxdata.limits.qps=5
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = key_value)]
    pub(super) set: Vec<(String, String)>,
    /// Print JSON instead of text
    #[arg(long)]
    pub(super) json: bool,
}

/// `tidemill run`
#[derive(Debug, Args)]
pub(super) struct RunArguments {
    /// The jobs.
    #[command(flatten)]
    pub(super) jobs: JobArguments,
    /// Run against simulators started inside this process; state and output go to rehearsal/
    #[arg(long)]
    pub(super) simulate: bool,
    /// Faults of the simulators, such as 5001=2% or foxdata:60004@7 (see `tidemill simulate --help`)
    #[arg(long, value_name = "[PROVIDER:]FAULT", requires = "simulate")]
    pub(super) fault: Vec<String>,
    /// Keep what is committed although the request of a job has changed
    #[arg(long)]
    pub(super) keep: bool,
    /// Ask again for cells that were rejected, or empty for now; files they belong to are replaced once they are whole
    #[arg(long)]
    pub(super) retry_failed: bool,
    /// Fetch everything again that is published, as the jobs ask now; each file is replaced once all of it has come
    #[arg(long, conflicts_with = "keep")]
    pub(super) refetch: bool,
    /// Let an empty answer to a refetch replace the records that were there
    #[arg(long)]
    pub(super) accept_empty: bool,
    /// Take what earlier runs rejected as final: it is listed no more, and its pages may go
    #[arg(long, conflicts_with = "retry_failed")]
    pub(super) accept_failed: bool,
    /// Set damaged pages of unpublished files aside and fetch them again, at the price that the last run named
    #[arg(long)]
    pub(super) refetch_damaged: bool,
    /// How long after SIGTERM, SIGINT or SIGHUP the answers in flight are waited for; a second signal leaves at once
    #[arg(long, value_name = "TIME", default_value = "20s", value_parser = grace)]
    pub(super) grace: Duration,
    /// How to show progress
    #[arg(long, value_enum, default_value_t = ProgressMode::Auto)]
    pub(super) progress: ProgressMode,
}

/// How progress is shown, on stderr.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ProgressMode {
    /// Bars on a terminal, lines elsewhere
    Auto,
    /// One bar per job
    Bar,
    /// One line per 10 % or 5 minutes
    Lines,
    /// Nothing
    None,
}

/// `tidemill verify`
#[derive(Debug, Args)]
pub(super) struct VerifyArguments {
    /// The jobs.
    #[command(flatten)]
    pub(super) jobs: JobArguments,
    /// Read every byte of every file, not its length and footer alone
    #[arg(long)]
    pub(super) read_data: bool,
    /// Look at what `run --simulate` left in rehearsal/
    #[arg(long)]
    pub(super) simulate: bool,
}

/// `tidemill replay`
#[derive(Debug, Args)]
pub(super) struct ReplayArguments {
    /// The jobs.
    #[command(flatten)]
    pub(super) jobs: JobArguments,
    /// Rebuild what `run --simulate` left in rehearsal/
    #[arg(long)]
    pub(super) simulate: bool,
    /// How to show progress
    #[arg(long, value_enum, default_value_t = ProgressMode::Auto)]
    pub(super) progress: ProgressMode,
}

/// `tidemill simulate`
#[derive(Debug, Args)]
#[command(after_help = FAULTS)]
pub(super) struct SimulateArguments {
    /// Name of a preset, or of a provider file of this workspace
    pub(super) provider: String,
    /// Port on 127.0.0.1; 0 takes a free one and prints it
    #[arg(long, default_value_t = 0)]
    pub(super) port: u16,
    /// Faults, may be given several times
    #[arg(long, value_name = "FAULT")]
    pub(super) fault: Vec<String>,
    /// Another seed gives other rows and other chances
    #[arg(long, default_value_t = 1)]
    pub(super) seed: u64,
    /// Append one JSON line per request to this file
    #[arg(long, value_name = "FILE")]
    pub(super) log: Option<PathBuf>,
    /// Set one setting for this call, such as provider.foxdata.limits.qps=5
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = key_value)]
    pub(super) set: Vec<(String, String)>,
}

const FAULTS: &str = "\
Faults:
  60004=2%         two in a hundred requests get this code of the provider
  60006@3          the third request gets it
  429x5@10         five in a row from the tenth get it
  60008@next:2     the first two askings of each following page get it
  reset, cut       the connection breaks before, or in the middle of, the answer
  hang, slow       no answer for ten minutes; an answer three seconds late
  html502          a gateway's page instead of JSON
  forget, expire   a following page is no longer known; the credential is too old
  skew=600s        the provider's clock is ahead

Several may be given, or one with commas: --fault 60004=2%,reset=1%";

fn exit_codes() -> String {
    let mut text = String::from("Exit codes:\n");
    for exit in Exit::ALL {
        text.push_str(&format!("  {:>3}  {}\n", exit.code(), exit.meaning()));
    }
    text
}

/// Nobody who asks a run to end waits for longer than a day.
fn grace(text: &str) -> Result<Duration, String> {
    let grace = parse_duration(text)?;
    if grace <= Duration::from_hours(24) { Ok(grace) } else { Err("at most 1d can be waited".to_owned()) }
}

fn key_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("expected KEY=VALUE, such as provider.foxdata.limits.qps=5".to_owned()),
    }
}
