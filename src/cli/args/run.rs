//! What `tidemill run` takes.

use std::time::Duration;

use clap::{Args, ValueEnum};

use crate::job::parse_duration;

use super::jobs::JobArguments;

/// `tidemill run`
#[derive(Debug, Args)]
pub(in crate::cli) struct RunArguments {
    /// The jobs.
    #[command(flatten)]
    pub(in crate::cli) jobs: JobArguments,
    /// Run against simulators started inside this process; state and output go to rehearsal/
    #[arg(long)]
    pub(in crate::cli) simulate: bool,
    /// Faults of the simulators, such as 5001=2% or foxdata:60004@7 (see `tidemill simulate --help`)
    #[arg(long, value_name = "[PROVIDER:]FAULT", requires = "simulate")]
    pub(in crate::cli) fault: Vec<String>,
    /// Keep what is committed although the request of a job has changed
    #[arg(long)]
    pub(in crate::cli) keep: bool,
    /// Ask again for cells that were rejected, or empty for now; files they belong to are replaced once they are whole
    #[arg(long)]
    pub(in crate::cli) retry_failed: bool,
    /// Fetch everything again that is published, as the jobs ask now; each file is replaced once all of it has come
    #[arg(long, conflicts_with = "keep")]
    pub(in crate::cli) refetch: bool,
    /// Let an empty answer to a refetch replace the records that were there
    #[arg(long)]
    pub(in crate::cli) accept_empty: bool,
    /// Take what earlier runs rejected as final: it is listed no more, and its pages may go
    #[arg(long, conflicts_with = "retry_failed")]
    pub(in crate::cli) accept_failed: bool,
    /// Set damaged pages of unpublished files aside and fetch them again, at the price that the last run named
    #[arg(long)]
    pub(in crate::cli) refetch_damaged: bool,
    /// How long after SIGTERM, SIGINT or SIGHUP the answers in flight are waited for; a second signal leaves at once
    #[arg(long, value_name = "TIME", default_value = "20s", value_parser = grace)]
    pub(in crate::cli) grace: Duration,
    /// How to show progress
    #[arg(long, value_enum, default_value_t = ProgressMode::Auto)]
    pub(in crate::cli) progress: ProgressMode,
}

/// How progress is shown, on stderr.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum ProgressMode {
    /// Bars on a terminal, lines elsewhere
    Auto,
    /// One bar per job, and how full the limits are
    Bar,
    /// A line per job at its begin and end, and every 10 % or 5 minutes
    Lines,
    /// The same as JSON, one object a line: at, event (begin, progress, end, warning, message), job, done, total, requests, …
    Json,
    /// Nothing
    None,
}

/// Nobody who asks a run to end waits for longer than a day.
fn grace(text: &str) -> Result<Duration, String> {
    let grace = parse_duration(text)?;
    if grace <= Duration::from_hours(24) { Ok(grace) } else { Err("at most 1d can be waited".to_owned()) }
}
