//! Signals: the first asks the run to end cleanly, the second leaves at once, and nobody has to send it: a run that is
//! still not done some time after its grace is left as well. The state is safe each time.

use std::future::Future;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use crate::quota::Clock;
use crate::run::Exit;

use super::start::CommandError;
use super::term::say;

/// The signals that end a command. From here on they no longer kill the process.
pub(super) struct Signals {
    interrupt: Signal,
    terminate: Signal,
    hangup: Signal,
}

impl Signals {
    /// Begins to watch.
    ///
    /// # Errors
    /// When the system does not let signals be watched.
    pub(super) fn watch() -> Result<Self, CommandError> {
        let watch = |kind| {
            signal(kind).map_err(|source| CommandError::Io { what: "signals cannot be watched".to_owned(), source })
        };
        Ok(Self {
            interrupt: watch(SignalKind::interrupt())?,
            terminate: watch(SignalKind::terminate())?,
            hangup: watch(SignalKind::hangup())?,
        })
    }

    /// Waits for one.
    pub(super) async fn next(&mut self) -> Exit {
        tokio::select! {
            _ = self.interrupt.recv() => Exit::Interrupted,
            _ = self.terminate.recv() => Exit::Terminated,
            _ = self.hangup.recv() => Exit::Terminated,
        }
    }

    /// Runs `work` to its end, telling it through `sender` when a signal asks for one, and the person by `farewell`;
    /// `Err` when a second one came, or when the work is not done `patience` after the first.
    pub(super) async fn heed<T>(
        &mut self,
        sender: &watch::Sender<Option<Exit>>,
        clock: &Clock,
        patience: Duration,
        farewell: &str,
        work: impl Future<Output = T>,
    ) -> Result<T, Exit> {
        let mut work = std::pin::pin!(work);
        let first = tokio::select! {
            done = &mut work => return Ok(done),
            exit = self.next() => exit,
        };
        // First the deed, then the word.
        sender.send_replace(Some(first));
        let until = clock.now().elapsed + patience;
        say(&format!("ending: {farewell} (once more to leave at once)"));
        tokio::select! {
            done = &mut work => Ok(done),
            second = self.next() => Err(second),
            () = clock.sleep_until(until) => Err(first),
        }
    }
}
