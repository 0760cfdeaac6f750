//! The commands, and what `tidemill --help` says.

use std::ffi::OsString;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand, ValueEnum};

use crate::run::Exit;

use super::bench::BenchArguments;
use super::check::{CheckArguments, CheckFormat};
use super::doctor::DoctorArguments;
use super::explain::ExplainArguments;
use super::generated::{CompletionsArguments, ManArguments};
use super::init::InitArguments;
use super::jobs::JobArguments;
use super::preview::PreviewArguments;
use super::quota::QuotaArguments;
use super::replay::ReplayArguments;
use super::report::{ReportArguments, ReportFormat};
use super::run::{ProgressMode, RunArguments};
use super::schema::SchemaArguments;
use super::simulate::SimulateArguments;
use super::status::StatusArguments;
use super::verify::VerifyArguments;

/// Runs declarative job files against rate-limited JSON APIs, exactly as fast as their limits allow, into Parquet.
#[derive(Debug, Parser)]
#[command(version, after_help = exit_codes(), arg_required_else_help = true)]
pub(in crate::cli) struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub(in crate::cli) command: Command,
    /// Colors: auto looks at NO_COLOR, CLICOLOR_FORCE, TERM and whether a terminal shows them
    #[arg(long, global = true, value_enum, value_name = "WHEN", default_value_t = ColorChoice::Auto, display_order = 900)]
    pub(in crate::cli) color: ColorChoice,
}

/// Who gets colors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(in crate::cli) enum ColorChoice {
    Auto,
    Always,
    Never,
}

impl Arguments {
    /// What the process was called with. `--color` holds for help and for complaints about the call too, so it is looked
    /// for before all else.
    pub(in crate::cli) fn of_process() -> Self {
        let matches = Self::command().color(spoken(std::env::args_os())).get_matches();
        Self::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
    }
}

/// The color that `call` asks for, as clap means it.
fn spoken(call: impl Iterator<Item = OsString>) -> clap::ColorChoice {
    let words: Vec<OsString> = call.take_while(|word| word != "--").collect();
    let after = words.iter().skip_while(|word| *word != "--color").nth(1).and_then(|word| word.to_str());
    let joined = words.iter().find_map(|word| word.to_str()?.strip_prefix("--color="));
    match joined.or(after) {
        Some("always") => clap::ColorChoice::Always,
        Some("never") => clap::ColorChoice::Never,
        Some(_) | None => clap::ColorChoice::Auto,
    }
}

/// One file each in `src/cli/`, and one here for what each takes.
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum Command {
    /// Write a new workspace: settings, a commented job, and what an editor needs
    Init(InitArguments),
    /// Report every mistake in job files and settings; sends nothing without --live
    Check(CheckArguments),
    /// Fetch two pages of a cell, show request, paging, columns and rows, and keep nothing
    Preview(PreviewArguments),
    /// Say what is left of the jobs in cells, calls and credits, and when it is done; sends nothing
    Plan(JobArguments),
    /// Fetch what the jobs ask for and publish it; resumes by itself where an earlier run stopped
    Run(RunArguments),
    /// Say what is done, left and rejected, how the last run ended and what comes next; sends nothing, changes nothing
    Status(StatusArguments),
    /// Make a page about the last run of the jobs, to be shown to others; sends nothing
    Report(ReportArguments),
    /// Prove that nothing is lost, doubled or damaged in state and output; sends nothing, changes nothing
    Verify(VerifyArguments),
    /// Rebuild the files from the raw pages that are kept, as the jobs read them now; sends nothing
    Replay(ReplayArguments),
    /// Show how full the limits of each credential are, and who has used them; sends nothing
    Quota(QuotaArguments),
    /// Say what a code of a provider means, what is done about it and what you can do; sends nothing
    Explain(ExplainArguments),
    /// Look whether all that runs need is there: settings, keys, folders, zones, network; sends nothing without --live
    Doctor(DoctorArguments),
    /// Say how close to its limits a provider can be used, or jobs come; sends nothing without --live
    Bench(BenchArguments),
    /// Play a provider on this machine, with its auth, limits, codes and paging
    Simulate(SimulateArguments),
    /// Print the JSON Schema of job, provider and settings files, or a page with every key
    Schema(SchemaArguments),
    /// Print the script that completes commands and flags in a shell
    Completions(CompletionsArguments),
    /// Print the manual page, or write those of all commands
    Man(ManArguments),
}

impl Command {
    /// True when the answer, also that of a refusal, is JSON.
    pub(in crate::cli) fn wants_json(&self) -> bool {
        match self {
            Self::Run(arguments) => arguments.jobs.json,
            Self::Check(arguments) => arguments.format() == CheckFormat::Json,
            Self::Plan(arguments) => arguments.json,
            Self::Preview(arguments) => arguments.json,
            Self::Status(arguments) => arguments.json,
            Self::Report(arguments) => arguments.format == ReportFormat::Json,
            Self::Verify(arguments) => arguments.jobs.json,
            Self::Replay(arguments) => arguments.jobs.json,
            Self::Bench(arguments) => arguments.json,
            Self::Quota(arguments) => arguments.json,
            Self::Explain(arguments) => arguments.json,
            Self::Doctor(arguments) => arguments.json,
            Self::Init(_) | Self::Simulate(_) | Self::Schema(_) | Self::Completions(_) | Self::Man(_) => false,
        }
    }

    /// The code that tells a scheduler of a pause, if that is another one than usual.
    pub(in crate::cli) fn paused_exit_code(&self) -> Option<u8> {
        match self {
            Self::Run(arguments) => arguments.paused_exit_code,
            _ => None,
        }
    }

    /// True when nothing is printed unless something is wrong.
    pub(in crate::cli) fn is_quiet(&self) -> bool {
        matches!(self, Self::Run(arguments) if arguments.quiet)
    }

    /// True when everything on stderr is JSON too.
    pub(in crate::cli) fn speaks_json(&self) -> bool {
        match self {
            Self::Run(arguments) => arguments.progress == ProgressMode::Json,
            Self::Replay(arguments) => arguments.progress == ProgressMode::Json,
            _ => false,
        }
    }
}

fn exit_codes() -> String {
    let mut text = String::from("Exit codes:\n");
    for exit in Exit::ALL {
        text.push_str(&format!("  {:>3}  {}\n", exit.code(), exit.meaning()));
    }
    text
}
