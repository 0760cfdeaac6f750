//! What a person can type.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::bench::Pattern;
use crate::job::parse_duration;
use crate::provider::Limits;
use crate::run::Exit;
use crate::simulate::{CountAt, Kind, Latency, Rules};

use super::bench_limits;

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
    /// Say how close to its limits a provider can be used, or jobs come; sends nothing without --live
    Bench(BenchArguments),
    /// Show how full the limits of each credential are, and who has used them; sends nothing
    Quota(QuotaArguments),
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
            Self::Bench(arguments) => arguments.json,
            Self::Quota(arguments) => arguments.json,
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

/// How a played provider keeps its limits, and its clock.
#[derive(Debug, Clone, Copy, Args)]
pub(super) struct PlayedArguments {
    /// How the limits are kept: log, fixed, counter, bucket:N or gcra:N
    #[arg(long, value_name = "KIND", default_value = "log")]
    pub(super) enforce: Kind,
    /// Refused calls count against the limits too
    #[arg(long)]
    pub(super) count_refusals: bool,
    /// Point of the processing at which a call is counted: start, middle or end
    #[arg(long, value_name = "POINT", default_value = "start")]
    pub(super) count_at: CountAt,
    /// The provider's clock runs so many millionths faster, or slower when negative
    #[arg(long, value_name = "PPM", default_value_t = 0, allow_negative_numbers = true)]
    #[arg(value_parser = clap::value_parser!(i32).range(-100_000..=100_000))]
    pub(super) drift: i32,
}

impl PlayedArguments {
    /// How the limits are kept.
    pub(super) fn rules(self) -> Rules {
        Rules { kind: self.enforce, count_refusals: self.count_refusals, ..Rules::default() }
    }
}

/// `tidemill bench`
#[derive(Debug, Clone, Args)]
#[command(after_help = BENCH)]
pub(super) struct BenchArguments {
    /// A preset, or a provider file of this workspace, whose limits are played; or job files or folders, which are run
    #[arg(value_name = "PROVIDER|JOB")]
    pub(super) targets: Vec<PathBuf>,
    /// Run the jobs in virtual time: hours pass in seconds, and the same seed gives the same report
    #[arg(long = "virtual")]
    pub(super) in_virtual_time: bool,
    /// Run the jobs against the provider itself: calls are paid and count, what they fetch is thrown away
    #[arg(long, requires = "spend", conflicts_with_all = ["in_virtual_time", "enforce", "count_refusals", "count_at"])]
    #[arg(conflicts_with_all = ["latency", "drift", "seed"])]
    pub(super) live: bool,
    /// Requests that --live may send, of all jobs
    #[arg(long, value_name = "N", requires = "live", value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) spend: Option<u64>,
    /// Limits of no provider, such as qps=10,per_minute=300
    #[arg(long, value_name = "LIMITS", value_parser = bench_limits::limits)]
    pub(super) limits: Option<Limits>,
    /// Play the usual ways to keep limits too: governor, a log at send, a hold
    #[arg(long)]
    pub(super) compare: bool,
    /// How long at the most: 24h of virtual time, or 60s of real time, when absent
    #[arg(long = "for", value_name = "TIME", value_parser = bench_limits::length)]
    pub(super) length: Option<Duration>,
    /// When there is work: endless (when absent), or on-off:TIME/TIME such as on-off:120s/90s
    #[arg(long, value_name = "LOAD", value_parser = bench_limits::load)]
    pub(super) load: Option<Pattern>,
    /// Cells under way at once; as many as the limits allow at once when absent
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(super) cells: Option<u32>,
    /// How the provider is played.
    #[command(flatten)]
    pub(super) played: PlayedArguments,
    /// Refusals say when to come back
    #[arg(long)]
    pub(super) retry_after: bool,
    /// How long answers take: j0, j1, j2, j3 or FLOOR+EXTRA
    #[arg(long, value_name = "LATENCY", default_value = "j2")]
    pub(super) latency: Latency,
    /// Another seed gives other latencies
    #[arg(long, default_value_t = 1)]
    pub(super) seed: u64,
    /// Write the report as a page for a browser too
    #[arg(long, value_name = "FILE")]
    pub(super) html: Option<PathBuf>,
    /// Set one setting for this call, such as provider.foxdata.limits.qps=5
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = key_value)]
    pub(super) set: Vec<(String, String)>,
    /// Print JSON instead of text
    #[arg(long)]
    pub(super) json: bool,
}

const BENCH: &str = "\
Limits, of a provider or of nobody, are played: nothing is sent, time is virtual, and every call
is judged by the server's own count.
Jobs are run: against simulators in this process, in real time or with --virtual, or with --live
against the provider. A path that exists, or that ends in .toml, is a job. State and output go to
a folder of their own below bench/ and are removed; a live bench keeps the real quota. --compare,
--limits, --load, --cells and --retry-after are for limits alone.
Limits: qps, per_minute, per_hour, per_day (from midnight UTC) and concurrency (16 when absent).
`tidemill simulate --help` says more about --enforce and --latency.";

/// `tidemill quota`
#[derive(Debug, Args)]
pub(super) struct QuotaArguments {
    /// Providers; without any all whose credential is set
    #[arg(value_name = "PROVIDER")]
    pub(super) providers: Vec<String>,
    /// Say how much of a window is used, for calls that were made elsewhere or are unknown, such as day=1200
    #[arg(long, value_name = "WINDOW=N", value_parser = window_used)]
    pub(super) set_used: Vec<(String, u32)>,
    /// Set one setting for this call, such as provider.foxdata.limits.qps=5
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = key_value)]
    pub(super) set: Vec<(String, String)>,
    /// Print JSON instead of text
    #[arg(long)]
    pub(super) json: bool,
}

/// `tidemill simulate`
#[derive(Debug, Args)]
#[command(after_help = PLAYED)]
pub(super) struct SimulateArguments {
    /// Name of a preset, or of a provider file of this workspace
    pub(super) provider: String,
    /// Port on 127.0.0.1; 0 takes a free one and prints it
    #[arg(long, default_value_t = 0)]
    pub(super) port: u16,
    /// Faults, may be given several times
    #[arg(long, value_name = "FAULT")]
    pub(super) fault: Vec<String>,
    /// How the provider is played.
    #[command(flatten)]
    pub(super) played: PlayedArguments,
    /// How long answers take: j0, j1, j2, j3 or FLOOR+EXTRA
    #[arg(long, value_name = "LATENCY", default_value = "30ms+30ms")]
    pub(super) latency: Latency,
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

const PLAYED: &str = "\
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

Several may be given, or one with commas: --fault 60004=2%,reset=1%

Limits (--enforce), calendar days aside:
  log              no more than N in the last T, wherever it starts
  fixed            windows of T one after the other, by the provider's clock
  counter          such a window, and the share of the one before that T still covers
  bucket:10        a bucket of ten calls that refills evenly
  gcra:5           as nginx limit_req with burst=5 nodelay; gcra:0 wants even gaps

Latencies (--latency):
  30ms+30ms        a floor and a mean extra, all of it at the provider
  j0               25 ms there, 50 ms at the provider, 25 ms back
  j1               a good wide-area line, 100 ms in the mean
  j2, j3           a bad one, half a second; j3 has cold connections and stalls";

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

fn window_used(text: &str) -> Result<(String, u32), String> {
    let (window, used) = text.split_once('=').ok_or("expected WINDOW=N, such as day=1200")?;
    let used = used.parse().map_err(|_| format!("`{used}` is no number of calls"))?;
    Ok((window.to_owned(), used))
}
