//! What `tidemill preview` takes.

use std::path::PathBuf;

use clap::Args;

use super::jobs::key_value;

/// `tidemill preview`
#[derive(Debug, Args)]
#[command(after_help = PREVIEW)]
pub(in crate::cli) struct PreviewArguments {
    /// The job file
    #[arg(value_name = "JOB")]
    pub(in crate::cli) job: PathBuf,
    /// Pages to ask for, and calls at most
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=10))]
    pub(in crate::cli) pages: u64,
    /// Which cell of the grid, the first is 1
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    pub(in crate::cli) cell: u64,
    /// Rows of the table
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u64).range(0..=1000))]
    pub(in crate::cli) rows: u64,
    /// Ask a simulator in this process instead: no key, no call that counts
    #[arg(long, conflicts_with = "save_schema")]
    pub(in crate::cli) simulate: bool,
    /// Write the columns that were inferred into [schema] of the job file; those declared there stay as they are
    #[arg(long)]
    pub(in crate::cli) save_schema: bool,
    /// Set one setting for this call, such as provider.foxdata.limits.qps=5
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = key_value)]
    pub(in crate::cli) set: Vec<(String, String)>,
    /// Print JSON instead of text
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

const PREVIEW: &str = "\
The calls are real: they keep the limits of the provider, are paid, and count
in its quota. What they fetch is shown and thrown away; a run of the job knows
nothing of it. A retry is a call too.";
