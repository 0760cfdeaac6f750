//! What commands take that only look at what runs have left.

use std::path::PathBuf;

use clap::Args;

use super::jobs::key_value;

/// Whose runs are looked at.
#[derive(Debug, Clone, Args)]
pub(in crate::cli) struct LookArguments {
    /// Job files, folders of them, or names of jobs that were run here; without any the jobs of jobs/, or all that were run
    #[arg(value_name = "JOB")]
    pub(in crate::cli) jobs: Vec<PathBuf>,
    /// Look at what `run --simulate` left in rehearsal/
    #[arg(long)]
    pub(in crate::cli) simulate: bool,
    /// Set one setting for this call, such as state=/srv/tidemill
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = key_value)]
    pub(in crate::cli) set: Vec<(String, String)>,
}
