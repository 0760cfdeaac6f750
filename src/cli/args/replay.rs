//! What `tidemill replay` takes.

use clap::Args;

use super::jobs::JobArguments;
use super::run::ProgressMode;

/// `tidemill replay`
#[derive(Debug, Args)]
pub(in crate::cli) struct ReplayArguments {
    /// The jobs.
    #[command(flatten)]
    pub(in crate::cli) jobs: JobArguments,
    /// Rebuild what `run --simulate` left in rehearsal/
    #[arg(long)]
    pub(in crate::cli) simulate: bool,
    /// How to show progress
    #[arg(long, value_enum, default_value_t = ProgressMode::Auto)]
    pub(in crate::cli) progress: ProgressMode,
}
