//! What `tidemill explain` takes.

use clap::Args;

use super::jobs::key_value;

/// `tidemill explain`
#[derive(Debug, Args)]
pub(in crate::cli) struct ExplainArguments {
    /// The provider: a preset, or one of this workspace
    #[arg(value_name = "PROVIDER")]
    pub(in crate::cli) provider: String,
    /// A code in the body of its answers, or an HTTP status; without it all that are known
    #[arg(value_name = "CODE")]
    pub(in crate::cli) code: Option<String>,
    /// Set one setting for this call, such as provider.foxdata.max_wait=10m
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = key_value)]
    pub(in crate::cli) set: Vec<(String, String)>,
    /// Print JSON instead of text
    #[arg(long)]
    pub(in crate::cli) json: bool,
}
