//! What `tidemill simulate` takes.

use std::path::PathBuf;

use clap::Args;

use crate::simulate::{CountAt, Kind, Latency, Rules};

use super::jobs::key_value;

/// `tidemill simulate`
#[derive(Debug, Args)]
#[command(after_help = PLAYED)]
pub(in crate::cli) struct SimulateArguments {
    /// Name of a preset, or of a provider file of this workspace
    pub(in crate::cli) provider: String,
    /// Port on 127.0.0.1; 0 takes a free one and prints it
    #[arg(long, default_value_t = 0)]
    pub(in crate::cli) port: u16,
    /// Faults, may be given several times
    #[arg(long, value_name = "FAULT")]
    pub(in crate::cli) fault: Vec<String>,
    /// How the provider is played.
    #[command(flatten)]
    pub(in crate::cli) played: PlayedArguments,
    /// How long answers take: j0, j1, j2, j3 or FLOOR+EXTRA
    #[arg(long, value_name = "LATENCY", default_value = "30ms+30ms")]
    pub(in crate::cli) latency: Latency,
    /// Another seed gives other rows and other chances
    #[arg(long, default_value_t = 1)]
    pub(in crate::cli) seed: u64,
    /// Append one JSON line per request to this file
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) log: Option<PathBuf>,
    /// Set one setting for this call, such as provider.foxdata.limits.qps=5
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = key_value)]
    pub(in crate::cli) set: Vec<(String, String)>,
}

/// How a played provider keeps its limits, and its clock.
#[derive(Debug, Clone, Copy, Args)]
pub(in crate::cli) struct PlayedArguments {
    /// How the limits are kept: log, fixed, counter, bucket:N or gcra:N
    #[arg(long, value_name = "KIND", default_value = "log")]
    pub(in crate::cli) enforce: Kind,
    /// Refused calls count against the limits too
    #[arg(long)]
    pub(in crate::cli) count_refusals: bool,
    /// Point of the processing at which a call is counted: start, middle or end
    #[arg(long, value_name = "POINT", default_value = "start")]
    pub(in crate::cli) count_at: CountAt,
    /// The provider's clock runs so many millionths faster, or slower when negative
    #[arg(long, value_name = "PPM", default_value_t = 0, allow_negative_numbers = true)]
    #[arg(value_parser = clap::value_parser!(i32).range(-100_000..=100_000))]
    pub(in crate::cli) drift: i32,
}

impl PlayedArguments {
    /// How the limits are kept.
    pub(in crate::cli) fn rules(self) -> Rules {
        Rules { kind: self.enforce, count_refusals: self.count_refusals, ..Rules::default() }
    }
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
