//! From the arguments to a command and its exit code.

use std::process::ExitCode;

use tracing_subscriber::EnvFilter;

use crate::job::Problems;
use crate::ledger::LedgerError;
use crate::run::{Exit, RunError, next_step};

use super::args::{Arguments, Command};
use super::problems;
use super::term::{Color, Log, choose_color, colors_err, hold, paint, release, say, speak_json};
use super::{
    bench, check, doctor, explain, generated, init, plan, preview, quota, replay, report, run, schema, simulate,
    status, verify,
};

/// Why a command could not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub(super) enum CommandError {
    /// The person must mend a file, a setting or the call.
    #[error("{0}")]
    Input(Problems),
    /// A fault of this machine.
    #[error(transparent)]
    Run(#[from] RunError),
    /// Input or output of this process.
    #[error("{what}")]
    Io {
        /// What was tried, on which path.
        what: String,
        /// The system's words.
        source: std::io::Error,
    },
}

impl From<Problems> for CommandError {
    fn from(problems: Problems) -> Self {
        Self::Input(problems)
    }
}

impl CommandError {
    fn exit(&self) -> Exit {
        match self {
            Self::Input(_) => Exit::Usage,
            // Another program must be used, or another folder: running again changes nothing.
            Self::Run(RunError::Ledger(LedgerError::Newer { .. } | LedgerError::Foreign { .. })) => Exit::Usage,
            Self::Run(_) | Self::Io { .. } => Exit::Failed,
        }
    }
}

/// Threads for what works: each has memory of its own that it gives back late, and more than these are hardly busy at once,
/// for two of them mostly wait for the disk.
fn workers() -> usize {
    std::thread::available_parallelism().map_or(4, |cores| cores.get() + 2)
}

/// The whole program.
pub fn main() -> ExitCode {
    let arguments = Arguments::of_process();
    choose_color(arguments.color);
    tracing_subscriber::fmt()
        .with_writer(Log)
        .with_ansi(false)
        .with_env_filter(EnvFilter::try_from_env("TIDEMILL_LOG").unwrap_or_else(|_| EnvFilter::new("off")))
        .init();
    if arguments.command.speaks_json() {
        speak_json();
    }
    if arguments.command.is_quiet() {
        hold();
    }
    let (json, paused) = (arguments.command.wants_json(), arguments.command.paused_exit_code());
    let result =
        match tokio::runtime::Builder::new_current_thread().max_blocking_threads(workers()).enable_all().build() {
            Ok(runtime) => {
                let result = runtime.block_on(command(arguments.command));
                // Whoever wants to leave at once does not wait for a disk that hangs.
                runtime.shutdown_background();
                result
            }
            Err(source) => Err(CommandError::Io { what: "the runtime could not start".to_owned(), source }),
        };
    let code = match &result {
        Ok(exit) => exit.code_for(paused),
        Err(error) => error.exit().code(),
    };
    if code != 0 {
        release();
    }
    if let Err(error) = result {
        print(&error, json);
    }
    ExitCode::from(code)
}

async fn command(command: Command) -> Result<Exit, CommandError> {
    match command {
        Command::Init(arguments) => init::init(&arguments),
        Command::Run(arguments) => run::run(arguments).await,
        Command::Check(arguments) => check::check(&arguments).await,
        Command::Plan(arguments) => plan::plan(&arguments),
        Command::Preview(arguments) => preview::preview(arguments).await,
        Command::Status(arguments) => status::status(&arguments),
        Command::Report(arguments) => report::report(&arguments),
        Command::Verify(arguments) => verify::verify(&arguments),
        Command::Replay(arguments) => replay::replay(arguments).await,
        Command::Bench(arguments) => bench::bench(&arguments).await,
        Command::Quota(arguments) => quota::quota(&arguments),
        Command::Schema(arguments) => schema::schema(&arguments),
        Command::Explain(arguments) => explain::explain(&arguments),
        Command::Simulate(arguments) => simulate::simulate(arguments).await,
        Command::Doctor(arguments) => doctor::doctor(arguments).await,
        Command::Completions(arguments) => Ok(generated::completions(&arguments)),
        Command::Man(arguments) => generated::man(&arguments),
    }
}

/// The error and its causes, one a line.
fn print(error: &CommandError, json: bool) {
    if let CommandError::Input(found) = error {
        problems::print(found, json);
        return;
    }
    say(&format!("{} {error}", paint("error:", Color::Red, colors_err())));
    let mut source = std::error::Error::source(error);
    while let Some(cause) = source {
        say(&format!("  caused by: {cause}"));
        source = cause.source();
    }
    if let Some(step) = next_step(error) {
        say(&format!("  next step: {step}"));
    }
}
