//! What `tidemill status` takes.

use clap::Args;

use super::look::LookArguments;

/// `tidemill status`
#[derive(Debug, Args)]
pub(in crate::cli) struct StatusArguments {
    /// The jobs.
    #[command(flatten)]
    pub(in crate::cli) look: LookArguments,
    /// List the runs, one a line, the last one first
    #[arg(long, conflicts_with = "failed")]
    pub(in crate::cli) history: bool,
    /// List what was rejected, with the provider's words, and what is left and why
    #[arg(long)]
    pub(in crate::cli) failed: bool,
    /// Print JSON instead of text
    #[arg(long)]
    pub(in crate::cli) json: bool,
}
