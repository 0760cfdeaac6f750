//! What `tidemill verify` takes.

use clap::Args;

use super::jobs::JobArguments;

/// `tidemill verify`
#[derive(Debug, Args)]
pub(in crate::cli) struct VerifyArguments {
    /// The jobs.
    #[command(flatten)]
    pub(in crate::cli) jobs: JobArguments,
    /// Read every byte of every file, not its length and footer alone
    #[arg(long)]
    pub(in crate::cli) read_data: bool,
    /// Look at what `run --simulate` left in rehearsal/
    #[arg(long)]
    pub(in crate::cli) simulate: bool,
}
