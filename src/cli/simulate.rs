//! `tidemill simulate`: a provider on this machine, for other clients too.

use std::io::Write;
use std::sync::PoisonError;
use std::time::Duration;

use serde_json::json;
use tokio::sync::watch;

use crate::quota::Clock;
use crate::run::Exit;
use crate::simulate::{Entry, Options, serve};

use super::args::SimulateArguments;
use super::load::workspace;
use super::signal::Signals;
use super::simulators::{documented, listen};
use super::start::CommandError;
use super::term::{put, say};

/// Connections are closed at once; this is for what nobody thought of.
const PATIENCE: Duration = Duration::from_secs(5);

/// Serves until a signal.
pub(super) async fn simulate(arguments: SimulateArguments) -> Result<Exit, CommandError> {
    let mut signals = Signals::watch()?;
    let workspace = workspace(std::path::Path::new(""), &arguments.set)?;
    let provider = workspace.provider(&arguments.provider)?;
    let options = Options {
        seed: arguments.seed,
        latency: arguments.latency,
        rules: arguments.played.rules(),
        count_at: arguments.played.count_at,
        drift_ppm: arguments.played.drift,
        log: arguments.log.is_some(),
        ..Options::default()
    };
    let listening = listen(&provider, &workspace.environment, &arguments.fault, options, arguments.port).await?;
    put(&format!("{} on {}", provider.name, listening.base_url));
    for line in documented(&listening.secrets) {
        put(&format!("  {line}"));
    }
    let name = provider.name.to_uppercase();
    put(&format!("  export TIDEMILL_PROVIDER__{name}__BASE_URL={}", listening.base_url));
    let (sender, signalled) = watch::channel(None);
    let shutdown = {
        let mut signalled = signalled.clone();
        async move { drop(signalled.wait_for(Option::is_some).await) }
    };
    let simulator = std::sync::Arc::clone(&listening.simulator);
    let clock = Clock::system();
    let serving = serve(listening.listener, listening.simulator, clock.clone(), shutdown);
    let exit = match signals.heed(&sender, &clock, PATIENCE, "what is being answered is cut off", serving).await {
        Ok(served) => {
            served.map_err(|source| CommandError::Io { what: "the simulator stopped listening".to_owned(), source })?;
            signalled.borrow().unwrap_or(Exit::Done)
        }
        Err(exit) => exit,
    };
    let simulator = simulator.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(path) = &arguments.log {
        let mut text = String::new();
        for entry in simulator.log() {
            text.push_str(&entry_line(entry));
            text.push('\n');
        }
        let mut file = std::fs::OpenOptions::new().create(true).append(true).open(path).map_err(|source| {
            CommandError::Io { what: format!("the log `{}` cannot be written", path.display()), source }
        })?;
        file.write_all(text.as_bytes()).map_err(|source| CommandError::Io {
            what: format!("the log `{}` cannot be written", path.display()),
            source,
        })?;
    }
    say(&serde_json::to_string_pretty(&simulator.stats()).unwrap_or_default());
    Ok(exit)
}

fn entry_line(entry: &Entry) -> String {
    json!({
        "at": entry.at.wall, "method": entry.method.as_str(), "path": entry.path, "code": entry.code,
        "http": entry.http, "counted": entry.counted, "in_flight": entry.in_flight,
    })
    .to_string()
}
