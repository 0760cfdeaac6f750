//! Rebuilds the files of a job from the raw pages that are kept, as the job reads them now. Nothing is sent.
//!
//! Invariant: all published partitions or none are reopened, in one transaction with the schema and the fingerprint they
//! are rebuilt under; a replay that dies goes on in the next replay, or in the next run. Blocking.

use std::collections::{HashMap, HashSet};

use tokio::sync::mpsc;

use crate::decode::DatasetSchema;
use crate::fetch::Notice;
use crate::ledger::{Cause, JobLock, LockError, PartitionId, PartitionRow, PartitionState, Reopening};
use crate::plan::{self, Fingerprint};
use crate::quota::Clock;
use crate::spool::{Durability, has_generation};

use super::error::RunError;
use super::event::{Event, EventKind};
use super::exit::Exit;
use super::folders::Folders;
use super::generation::whole;
use super::members::settled;
use super::outlook::Outlook;
use super::prepare::Prepared;
use super::publish::{Published, Publisher, Settled};
use super::runner::chain;
use super::store::{Store, blocking};

/// What of a job may differ from what its pages were asked with: how they are read.
const READING: [&str; 4] = ["records.path", "records.shape", "records.explode", "records.expect"];

/// Rebuilds each job, telling `events` of everything; the last event of each job is its end.
pub async fn replay(
    jobs: Vec<Prepared>,
    store: Store,
    folders: Folders,
    clock: Clock,
    events: mpsc::UnboundedSender<Event>,
) {
    for prepared in jobs {
        let name = prepared.job.name.clone();
        let replay = Replay::new(prepared, store.clone(), folders.clone(), clock.clone(), events.clone());
        let (exit, reason) = match blocking(move || replay.run()).await {
            Ok(end) => end,
            Err(error) => (Exit::Failed, Some(chain(&error))),
        };
        let kind = EventKind::Ended { exit, reason, resume_at: None };
        drop(events.send(Event { job: name, at: clock.now().wall, kind }));
    }
}

struct Replay {
    publisher: Publisher,
    events: mpsc::UnboundedSender<Event>,
}

type End = (Exit, Option<String>);

impl Replay {
    fn new(
        prepared: Prepared,
        store: Store,
        folders: Folders,
        clock: Clock,
        events: mpsc::UnboundedSender<Event>,
    ) -> Self {
        let Prepared { job, provider, .. } = prepared;
        let durability = Durability::Power;
        let publisher = Publisher { job, provider, folders, store, token: 0, clock, durability, accept_empty: false };
        Self { publisher, events }
    }

    fn run(mut self) -> Result<End, RunError> {
        let job = self.publisher.job.clone();
        let name = job.name.as_str();
        let _lock = match JobLock::acquire(&self.publisher.folders.state, name) {
            Ok(lock) => lock,
            Err(held @ LockError::Held { .. }) => return Ok((Exit::Paused, Some(held.to_string()))),
            Err(error) => return Err(error.into()),
        };
        if self.publisher.store.now(|ledger| ledger.token(name))?.is_none() {
            return Ok((Exit::Usage, Some("nothing of this job is kept here: run it first".to_owned())));
        }
        let now = self.publisher.clock.now().wall;
        let claim = self.publisher.store.now(|ledger| ledger.claim(name, now))?;
        self.publisher.token = claim.token;
        let fingerprint = Fingerprint::new(&job, job.paging.as_ref().unwrap_or(&self.publisher.provider.paging));
        if let Some(reason) = asks_otherwise(claim.known_fingerprint, &fingerprint) {
            return Ok((Exit::Usage, Some(reason)));
        }
        let cells = plan::cells(&job, now, &self.publisher.provider.zone).map_err(RunError::Plan)?;
        let (rows, known) = self.publisher.store.now(|ledger| Ok((ledger.partitions(name)?, ledger.known(name)?)))?;
        self.publisher.sweep()?;
        let mut outlook = Outlook::default();
        let partitions = self.recover(settled(rows, known, &cells), &mut outlook)?;
        let (count, all) = (partitions.len() as u64, partitions.iter().map(|one| one.row.cells).sum());
        self.tell(EventKind::Planned { cells: all, settled: all, partitions: count });
        let committed = partitions.into_iter().filter(|one| one.row.state == PartitionState::Committed).collect();
        let again = match self.reopen(committed, &fingerprint)? {
            Ok(reopened) => reopened,
            Err(reason) => return Ok((Exit::Rejected, Some(reason))),
        };
        for one in &again {
            match self.publisher.renew(one, Cause::Replay, &HashSet::new())? {
                Ok(spool) if whole(one, &spool, &HashSet::new()) => {
                    let published = self.publisher.publish(one, spool)?;
                    self.tell_published(published, &mut outlook);
                }
                Ok(_) => outlook.partition_refused(format!("partition `{}`: pages of it are gone", one.row.key)),
                Err(reason) => outlook.partition_refused(format!("partition `{}`: {reason}", one.row.key)),
            }
        }
        self.publisher.sweep()?;
        let totals = self.publisher.store.now(|ledger| ledger.totals(name))?;
        outlook.rejected_before(totals.rejected + totals.rejected_records);
        let (exit, reason, _) = outlook.exit(Exit::Interrupted);
        Ok((exit, reason))
    }

    /// Brings what a run left between sealing and committing to its end, and gives up what a replay that died left: this
    /// one begins anew, with whatever the job file says now. Gives all partitions as they stand then.
    fn recover(&self, partitions: Vec<Settled>, outlook: &mut Outlook) -> Result<Vec<Settled>, RunError> {
        for one in &partitions {
            match (one.row.state, one.row.cause) {
                (PartitionState::Sealed | PartitionState::Publishing, _) => {
                    let published = self.publisher.recover(one)?;
                    self.tell_published(published, outlook);
                }
                (PartitionState::Fetching, Some(Cause::Replay)) => self.publisher.restore(&one.row)?,
                (PartitionState::Fetching | PartitionState::Committed, _) => {}
            }
        }
        self.refresh(partitions)
    }

    /// The same partitions as the ledger knows them now.
    fn refresh(&self, mut partitions: Vec<Settled>) -> Result<Vec<Settled>, RunError> {
        let rows = self.publisher.store.now(|ledger| ledger.partitions(self.publisher.job.name.as_str()))?;
        let mut rows: HashMap<PartitionId, PartitionRow> = rows.into_iter().map(|row| (row.id, row)).collect();
        for one in &mut partitions {
            if let Some(row) = rows.remove(&one.row.id) {
                one.row = row;
            }
        }
        Ok(partitions)
    }

    /// Finds the schema that all pages need together and takes the partitions back under it. The inner error says why
    /// that cannot be done; then nothing was changed.
    fn reopen(
        &self,
        partitions: Vec<Settled>,
        fingerprint: &Fingerprint,
    ) -> Result<Result<Vec<Settled>, String>, RunError> {
        let publisher = &self.publisher;
        let mut missing = Vec::new();
        let mut schema: Option<DatasetSchema> = None;
        let mut kept = Vec::new();
        for one in partitions {
            let folder = publisher.folders.spool(publisher.job.name.as_str(), &one.row.hash);
            let spool = match has_generation(&folder, one.row.generation)? {
                true => Some(publisher.open_spool(&one)?).filter(|spool| whole(&one, spool, &HashSet::new())),
                false => None,
            };
            match spool {
                Some(spool) => {
                    schema = Some(publisher.infer(&one, &spool, schema.as_ref())?.schema);
                    kept.push(one);
                }
                // Without a file there is nothing to rebuild.
                None if one.row.file.as_ref().is_none_or(String::is_empty) => {}
                None => missing.push(one.row.key),
            }
        }
        if let Some(first) = missing.first() {
            return Ok(Err(format!(
                "the raw pages of {} of {} published partitions are no longer kept (`{first}` is the first), and files of \
                 two readings must not mix: nothing was changed; `tidemill run --refetch` fetches all of it again, and a \
                 longer `[archive] keep` keeps more pages next time",
                missing.len(),
                missing.len() + kept.len()
            )));
        }
        let reopening = Reopening {
            cause: Cause::Replay,
            partitions: kept.iter().map(|one| (one.row.id, Vec::new())).collect(),
            fingerprint: Some(fingerprint.0.clone()),
            schema: schema.map(|schema| schema.to_text()),
        };
        let (name, token) = (publisher.job.name.as_str(), publisher.token);
        publisher.settle_removals(kept.iter().map(|one| &one.row))?;
        publisher.store.now(|ledger| ledger.reopen(name, token, &reopening))?;
        Ok(Ok(self.refresh(kept)?))
    }

    fn tell_published(&self, published: Published, outlook: &mut Outlook) {
        for note in published.schema_notes {
            self.tell(EventKind::Fetching { cell: String::new(), notice: Notice::Warning(note) });
        }
        if let Some(reason) = published.refused {
            outlook.partition_refused(reason);
        }
        if let Some(file) = published.file {
            self.tell(EventKind::Published(file));
        }
    }

    fn tell(&self, kind: EventKind) {
        let event = Event { job: self.publisher.job.name.clone(), at: self.publisher.clock.now().wall, kind };
        drop(self.events.send(event));
    }
}

/// Why the pages that are kept answer another question, if they do.
fn asks_otherwise(before: Option<String>, now: &Fingerprint) -> Option<String> {
    let changes = now.changes(&before.map(Fingerprint)?);
    let asked: Vec<String> = changes.into_iter().filter(|key| !READING.contains(&key.as_str())).collect();
    (!asked.is_empty()).then(|| {
        format!(
            "{} changed since the pages were fetched: they answer another question and cannot be replayed; \
             `tidemill run --refetch` fetches them as asked now",
            asked.join(", ")
        )
    })
}
