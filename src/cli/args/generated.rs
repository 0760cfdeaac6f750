//! What `tidemill completions` and `tidemill man` take.

use std::path::PathBuf;

use clap::Args;
use clap_complete::Shell;

/// `tidemill completions`
#[derive(Debug, Args)]
#[command(after_help = COMPLETIONS)]
pub(in crate::cli) struct CompletionsArguments {
    /// The shell
    #[arg(value_enum)]
    pub(in crate::cli) shell: Shell,
}

/// `tidemill man`
#[derive(Debug, Args)]
pub(in crate::cli) struct ManArguments {
    /// Write the pages of all commands into this folder instead, such as ~/.local/share/man/man1
    #[arg(long, value_name = "DIR")]
    pub(in crate::cli) out: Option<PathBuf>,
}

const COMPLETIONS: &str = "\
bash:  tidemill completions bash > ~/.local/share/bash-completion/completions/tidemill
zsh:   tidemill completions zsh > ~/.zfunc/_tidemill    (with ~/.zfunc in fpath, before compinit)
fish:  tidemill completions fish > ~/.config/fish/completions/tidemill.fish";
