//! What `tidemill bench` takes.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::bench::Pattern;
use crate::cli::bench_limits;
use crate::provider::Limits;
use crate::simulate::Latency;

use super::jobs::key_value;
use super::simulate::PlayedArguments;

/// `tidemill bench`
#[derive(Debug, Clone, Args)]
#[command(after_help = BENCH)]
pub(in crate::cli) struct BenchArguments {
    /// A preset, or a provider file of this workspace, whose limits are played; or job files or folders, which are run
    #[arg(value_name = "PROVIDER|JOB")]
    pub(in crate::cli) targets: Vec<PathBuf>,
    /// Run the jobs in virtual time: hours pass in seconds, and the same seed gives the same report
    #[arg(long = "virtual")]
    pub(in crate::cli) in_virtual_time: bool,
    /// Run the jobs against the provider itself: calls are paid and count, what they fetch is thrown away
    #[arg(long, requires = "spend", conflicts_with_all = ["in_virtual_time", "enforce", "count_refusals", "count_at"])]
    #[arg(conflicts_with_all = ["latency", "drift", "seed"])]
    pub(in crate::cli) live: bool,
    /// Requests that --live may send, of all jobs
    #[arg(long, value_name = "N", requires = "live", value_parser = clap::value_parser!(u64).range(1..))]
    pub(in crate::cli) spend: Option<u64>,
    /// Limits of no provider, such as qps=10,per_minute=300
    #[arg(long, value_name = "LIMITS", value_parser = bench_limits::limits)]
    pub(in crate::cli) limits: Option<Limits>,
    /// Play the usual ways to keep limits too: governor, a log at send, a hold
    #[arg(long)]
    pub(in crate::cli) compare: bool,
    /// How long at the most: 24h of virtual time, or 60s of real time, when absent
    #[arg(long = "for", value_name = "TIME", value_parser = bench_limits::length)]
    pub(in crate::cli) length: Option<Duration>,
    /// When there is work: endless (when absent), or on-off:TIME/TIME such as on-off:120s/90s
    #[arg(long, value_name = "LOAD", value_parser = bench_limits::load)]
    pub(in crate::cli) load: Option<Pattern>,
    /// Cells under way at once; as many as the limits allow at once when absent
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(in crate::cli) cells: Option<u32>,
    /// How the provider is played.
    #[command(flatten)]
    pub(in crate::cli) played: PlayedArguments,
    /// Refusals say when to come back
    #[arg(long)]
    pub(in crate::cli) retry_after: bool,
    /// How long answers take: j0, j1, j2, j3 or FLOOR+EXTRA
    #[arg(long, value_name = "LATENCY", default_value = "j2")]
    pub(in crate::cli) latency: Latency,
    /// Another seed gives other latencies
    #[arg(long, default_value_t = 1)]
    pub(in crate::cli) seed: u64,
    /// Write the report as a page for a browser too
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) html: Option<PathBuf>,
    /// Set one setting for this call, such as provider.foxdata.limits.qps=5
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = key_value)]
    pub(in crate::cli) set: Vec<(String, String)>,
    /// Print JSON instead of text
    #[arg(long)]
    pub(in crate::cli) json: bool,
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
