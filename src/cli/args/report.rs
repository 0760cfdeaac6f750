//! What `tidemill report` takes.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::look::LookArguments;

/// `tidemill report`
#[derive(Debug, Args)]
#[command(after_help = "In a workflow: tidemill report --format md >> $GITHUB_STEP_SUMMARY")]
pub(in crate::cli) struct ReportArguments {
    /// The jobs.
    #[command(flatten)]
    pub(in crate::cli) look: LookArguments,
    /// An earlier run: 1 is the last one, 2 the one before
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=400))]
    pub(in crate::cli) run: u16,
    /// A page for a browser, Markdown or JSON
    #[arg(long, value_enum, default_value_t = ReportFormat::Html)]
    pub(in crate::cli) format: ReportFormat,
    /// Where to write it; without it a page becomes report.html here, and the others go to stdout
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) out: Option<PathBuf>,
}

/// How a report is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum ReportFormat {
    /// One file for a browser, which loads nothing
    Html,
    /// Markdown, for the summary of a workflow or an issue
    Md,
    /// JSON, for programs
    Json,
}
