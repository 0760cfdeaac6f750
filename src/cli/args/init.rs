//! What `tidemill init` takes.

use std::path::PathBuf;

use clap::Args;
use clap::builder::PossibleValuesParser;

use crate::cli::scaffolds::SCAFFOLDS;

/// `tidemill init`
#[derive(Debug, Args)]
pub(in crate::cli) struct InitArguments {
    /// Folder of the new workspace; it may exist
    #[arg(value_name = "DIR", default_value = ".")]
    pub(in crate::cli) folder: PathBuf,
    /// What to begin with; without it they are listed
    #[arg(long, value_name = "NAME", value_parser = names())]
    pub(in crate::cli) from: Option<String>,
}

fn names() -> PossibleValuesParser {
    SCAFFOLDS.iter().map(|scaffold| scaffold.name).collect::<Vec<_>>().into()
}
