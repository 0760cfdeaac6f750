//! What `tidemill check` takes.

use clap::{Args, ValueEnum};

use super::jobs::JobArguments;

/// `tidemill check`
#[derive(Debug, Clone, Args)]
pub(in crate::cli) struct CheckArguments {
    /// The jobs.
    #[command(flatten)]
    pub(in crate::cli) jobs: JobArguments,
    /// For whom: `github` writes annotations for its Actions, `--json` is `--format json`
    #[arg(long, value_enum, conflicts_with = "json")]
    format: Option<CheckFormat>,
    /// Send one call with each credential, which is paid and counts in the quota, to see whether it is taken
    #[arg(long)]
    pub(in crate::cli) live: bool,
    /// Exit with 2 on warnings too
    #[arg(long)]
    pub(in crate::cli) deny_warnings: bool,
}

/// How findings are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum CheckFormat {
    /// For a person
    Text,
    /// For a program
    Json,
    /// For GitHub Actions: one annotation a line
    Github,
}

impl CheckArguments {
    pub(in crate::cli) fn format(&self) -> CheckFormat {
        if self.jobs.json { CheckFormat::Json } else { self.format.unwrap_or(CheckFormat::Text) }
    }
}
