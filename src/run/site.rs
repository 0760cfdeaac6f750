//! Where a run works: its folders, its ledger, and how hard both are kept. The command line and the library open it
//! here, so that neither goes about it otherwise.

use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{mpsc, watch};

use crate::disk::{self, Durability};
use crate::job::JobName;
use crate::ledger::RunRow;
use crate::provider::Settings;

use super::error::RunError;
use super::event::{Event, EventKind};
use super::exit::Exit;
use super::folders::Folders;
use super::report::Report;
use super::runner::Options;
use super::salvage::open_ledger;
use super::store::Store;

/// The place of a run, open.
pub struct Site {
    folders: Folders,
    durability: Durability,
    store: Store,
    note: Option<String>,
}

impl Site {
    /// Makes the state folder of `folders` and opens the ledger in it, as durable as `settings` say; a ledger that is
    /// damaged is moved aside.
    ///
    /// # Errors
    /// When the folder cannot be made, or as for [`open_ledger`].
    pub fn open(folders: Folders, settings: &Settings, now: Timestamp) -> Result<Self, RunError> {
        disk::create_folders(&folders.state, Durability::Power)
            .map_err(|source| RunError::State { path: folders.state.clone(), source })?;
        let (ledger, note) = open_ledger(&folders, now)?;
        let durability = match settings.survives_power_loss {
            true => Durability::Power,
            false => Durability::Process,
        };
        Ok(Self { folders, durability, store: Store::new(Box::new(ledger)), note })
    }

    /// Its folders.
    pub fn folders(&self) -> &Folders {
        &self.folders
    }

    /// Its ledger.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// A run here that goes on where the last one stopped and does nothing else.
    pub fn options(&self, signal: watch::Receiver<Option<Exit>>, grace: Duration) -> Options {
        Options::new(self.folders.clone(), self.durability, signal, grace)
    }

    /// The way the events of `jobs` take. That the ledger was damaged goes first: it is no matter of one job, and the first
    /// one tells it.
    pub fn events<'a>(
        &self,
        jobs: impl IntoIterator<Item = &'a JobName>,
        at: Timestamp,
    ) -> (mpsc::UnboundedSender<Event>, mpsc::UnboundedReceiver<Event>) {
        let (sender, events) = mpsc::unbounded_channel();
        if let (Some(note), Some(job)) = (&self.note, jobs.into_iter().next()) {
            let kind = EventKind::warning(note.clone());
            drop(sender.send(Event { job: job.clone(), at, kind }));
        }
        (sender, events)
    }

    /// Keeps the report of each job for later questions.
    ///
    /// # Errors
    /// When the ledger cannot be written.
    pub fn remember(&self, report: &Report) -> Result<(), RunError> {
        for job in &report.jobs {
            let text = serde_json::to_string(&job.kept()).unwrap_or_default();
            let row = RunRow { report: text, started: report.started, ended: report.ended };
            self.store.now(|ledger| ledger.note_run(&job.job, &row))?;
        }
        Ok(())
    }
}
