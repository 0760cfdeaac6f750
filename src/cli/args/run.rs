//! What `tidemill run` takes.

use std::time::Duration;

use clap::{Args, ValueEnum};

use crate::job::{Ceilings, parse_duration};
use crate::run::Exit;

use super::jobs::JobArguments;

/// `tidemill run`
#[derive(Debug, Args)]
#[command(after_long_help = PROGRESS)]
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
    /// End each job this long after the run began; its own `deadline` holds where that is shorter
    #[arg(long, value_name = "TIME", value_parser = deadline)]
    pub(in crate::cli) deadline: Option<Duration>,
    /// Send so many requests for each job at the most; its own `max_requests` holds where that is lower
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(in crate::cli) max_requests: Option<u64>,
    /// Exit code of a paused run instead of 75, for schedulers that have no notion of it
    #[arg(long, value_name = "CODE")]
    pub(in crate::cli) paused_exit_code: Option<u8>,
    /// Print nothing at all when the exit code is 0, else the summary: for cron, which mails whatever is printed
    #[arg(short, long, conflicts_with_all = ["json", "progress"])]
    pub(in crate::cli) quiet: bool,
    /// How to show progress
    #[arg(long, value_enum, default_value_t = ProgressMode::Auto)]
    pub(in crate::cli) progress: ProgressMode,
}

impl RunArguments {
    /// What this run may spend on each job beside what the job itself says.
    pub(in crate::cli) fn ceilings(&self) -> Ceilings {
        Ceilings { max_requests: self.max_requests, max_credits: None, deadline: self.deadline }
    }

    /// Whether the summary of a run that ended so is not wanted.
    pub(in crate::cli) fn is_silent_of(&self, exit: Exit) -> bool {
        self.quiet && exit.code_for(self.paused_exit_code) == 0
    }

    /// How progress is shown.
    pub(in crate::cli) fn shown(&self) -> ProgressMode {
        if self.quiet { ProgressMode::None } else { self.progress }
    }
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
    /// The same as JSON, one object a line
    Json,
    /// Nothing
    None,
}

fn deadline(text: &str) -> Result<Duration, String> {
    match parse_duration(text)? {
        deadline if deadline.is_zero() => Err("that leaves no time at all".to_owned()),
        deadline => Ok(deadline),
    }
}

/// Nobody who asks a run to end waits for longer than a day.
fn grace(text: &str) -> Result<Duration, String> {
    let grace = parse_duration(text)?;
    if grace <= Duration::from_hours(24) { Ok(grace) } else { Err("at most 1d can be waited".to_owned()) }
}

const PROGRESS: &str = "\
Progress as JSON (--progress json, on stderr, one object a line):
  all              at, event, job
  begin, progress, end
                   provider, done and total (cells), percent, requests, records, retries,
                   requests_per_second (of the last 10 s), eta (a time or null), eta_at_least (pages
                   of a cell are not known yet), waiting (for what, or null)
  end              exit, exit_code, reason, resume_at besides, as in the report of --json
  warning          message
  message          whatever else is said: event and message alone";
