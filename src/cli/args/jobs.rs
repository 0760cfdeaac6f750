//! What all commands about jobs take.

use std::path::PathBuf;

use clap::Args;

/// The jobs a command is about.
#[derive(Debug, Clone, Args)]
pub(in crate::cli) struct JobArguments {
    /// Job files, or folders whose *.toml are job files
    #[arg(required = true, value_name = "JOB")]
    pub(in crate::cli) jobs: Vec<PathBuf>,
    /// Set one setting for this call, such as provider.foxdata.limits.qps=5
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = key_value)]
    pub(in crate::cli) set: Vec<(String, String)>,
    /// Print JSON instead of text
    #[arg(long)]
    pub(in crate::cli) json: bool,
}

impl JobArguments {
    /// The jobs as they were typed, for a command that comes next.
    pub(in crate::cli) fn typed(&self) -> String {
        self.jobs.iter().map(|job| job.display().to_string()).collect::<Vec<_>>().join(" ")
    }
}

/// `KEY=VALUE` of `--set`.
pub(super) fn key_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.is_empty() => Ok((key.to_owned(), value.to_owned())),
        _ => Err("expected KEY=VALUE, such as provider.foxdata.limits.qps=5".to_owned()),
    }
}
