//! Calls outside of a run: what comes is looked at and thrown away.
//!
//! Invariant: pages lie in a folder below `preview/` of the workspace, which is gone afterwards. What a provider answers
//! counts in the real quota, and must: the calls are like all others. What a simulator answers does not.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use crate::disk::Durability;
use crate::job::Job;
use crate::plan::Cell;
use crate::provider::Workspace;
use crate::quota::Clock;
use crate::run::{Assigned, Exit, Folders, Look, Options, Previewed, preview};

use super::run::DISK;
use super::scratch::Scratch;
use super::signal::Signals;
use super::simulators::{Listening, serve_while};
use super::start::CommandError;
use super::term::say;

/// How long an answer in flight is waited for after a signal.
const GRACE: Duration = Duration::from_secs(20);
/// A wait that is worth a word.
const LONG: Duration = Duration::from_secs(5);

/// Who answers.
pub(super) enum Answering {
    /// The provider, to a credential that these jobs use: what is left of their runs tells whether what it has used is
    /// known.
    Provider(Vec<Arc<Job>>),
    /// Simulators in this process.
    Simulators(HashMap<String, Listening>),
}

/// What came, and the signal that came meanwhile.
pub(super) struct Looked {
    pub(super) previewed: Previewed,
    pub(super) signal: Option<Exit>,
}

/// Asks for the first pages of a cell, with that many calls at most, and tells what a person should know; the exit when a
/// second signal left no time.
///
/// # Errors
/// Faults of this machine.
pub(super) async fn look(
    assigned: Assigned,
    (cell, calls): (Cell, u64),
    answering: Answering,
    workspace: &Workspace,
    clock: &Clock,
    signals: &mut Signals,
) -> Result<Result<Looked, Exit>, CommandError> {
    let scratch = Scratch::open(&workspace.settings.root, "preview")?;
    let (folders, home, jobs, listening) = match answering {
        Answering::Provider(jobs) => {
            let home = Folders::of(&workspace.settings, &workspace.environment);
            (scratch.counting(&home), home, jobs, HashMap::new())
        }
        Answering::Simulators(listening) => (scratch.folders(), scratch.folders(), Vec::new(), listening),
    };
    let provider = assigned.prepared.provider.name.clone();
    let (signal, signalled) = watch::channel(None);
    let options = Options::new(folders, Durability::Process, signalled, GRACE);
    let work = preview(assigned, Look { cell, calls, home, jobs }, options, clock.clone());
    let work = async {
        tokio::select! {
            done = serve_while(listening, clock, work) => done,
            never = patience(&provider, clock) => match never {},
        }
    };
    let farewell = format!("an answer within {} s is shown, nothing new is sent", GRACE.as_secs());
    match signals.heed(&signal, clock, GRACE + DISK, &farewell, work).await {
        Ok(previewed) => {
            let looked = Looked { previewed: previewed?, signal: *signal.borrow() };
            looked.previewed.warnings.iter().for_each(|warning| say(&format!("warning: {warning}")));
            Ok(Ok(looked))
        }
        Err(exit) => Ok(Err(exit)),
    }
}

/// Tells a person who waits that it is not for nothing.
async fn patience(provider: &str, clock: &Clock) -> std::convert::Infallible {
    clock.sleep_until(clock.now().elapsed + LONG).await;
    say(&format!("still waiting, for an answer or for the limits of `{provider}`: see tidemill quota {provider}"));
    std::future::pending().await
}
