//! What `tidemill schema` takes.

use clap::{Args, ValueEnum};

/// `tidemill schema`
#[derive(Debug, Args)]
pub(in crate::cli) struct SchemaArguments {
    /// Which kind of file; without it the kinds are listed
    #[arg(value_name = "KIND")]
    pub(in crate::cli) kind: Option<Kind>,
    /// JSON Schema for editors, or Markdown for people
    #[arg(long, value_name = "FORMAT", default_value = "json", requires = "kind")]
    pub(in crate::cli) format: Format,
}

/// The files a person writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Kind {
    /// What is fetched, and where it goes: `jobs/ranks.toml`.
    Job,
    /// Who serves, and what its answers mean: `providers/acme.toml`.
    Provider,
    /// What is true for this workspace and your plans: `tidemill.toml`.
    Settings,
}

/// How a kind of file is described.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum Format {
    /// JSON Schema, draft 7.
    Json,
    /// A page with every key.
    Markdown,
}
