//! Rebuilds the files of a job from the raw pages that are kept, as the job reads them now. Nothing is sent.
//!
//! Invariant: all published partitions or none are reopened, in one transaction with the schema and the fingerprint they
//! are rebuilt under; a replay that dies goes on in the next replay, or in the next run. Blocking.

use std::collections::HashSet;

use tokio::sync::mpsc;

use crate::decode::{DatasetSchema, PartitionError};

use crate::fetch::{PageError, check_echo, depth, document, page_records};
use crate::job::Paging;
use crate::ledger::{Cause, Doing, JobLock, LockError, Outcome, PartitionRow, PartitionState, Reopening};
use crate::plan::{self, Fingerprint};
use crate::quota::Clock;
use crate::spool::{Durability, PartitionSpool, has_generation};

use super::error::RunError;
use super::event::{Event, EventKind};
use super::exit::Exit;
use super::folders::Folders;
use super::generation::{forget_half_fetched, not_replayed, whole};
use super::members::{place, refresh, settled};
use super::outlook::Outlook;
use super::prepare::Prepared;
use super::publish::{Published, Publisher, Settled};
use super::runner::chain;
use super::store::{Store, blocking};

/// What of a job may differ from what its pages were asked with: how they are read.
const READING: [&str; 4] = ["records.path", "records.shape", "records.explode", "records.expect"];

/// Whether these keys of a job say how pages are read, and nothing of what is asked.
pub(super) fn reading_alone(changes: &[String]) -> bool {
    changes.iter().all(|key| READING.contains(&key.as_str()))
}

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
        let _lock = match JobLock::acquire_for(Doing::Replay, &self.publisher.folders.state, name) {
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
        let changes =
            claim.known_fingerprint.map(|before| fingerprint.changes(&Fingerprint(before))).unwrap_or_default();
        if let Some(reason) = asks_otherwise(&changes) {
            return Ok((Exit::Usage, Some(reason)));
        }
        let cells = plan::cells(&job, now, &self.publisher.provider.zone).map_err(RunError::Plan)?;
        let (rows, known) = self.publisher.store.now(|ledger| Ok((ledger.partitions(name)?, ledger.known(name)?)))?;
        // What the archive keeps no longer may still be there, and is wanted now.
        self.publisher.sweep(false)?;
        let partitions = settled(rows, place(&cells, &known).cells);
        if let Some(reason) = fetched_again(&partitions) {
            return Ok((Exit::Rejected, Some(reason)));
        }
        let mut outlook = Outlook::default();
        let partitions = self.recover(partitions, &mut outlook)?;
        let count = partitions.len() as u64;
        let all = cells_of(&partitions);
        let committed: Vec<Settled> =
            partitions.into_iter().filter(|one| one.row.state == PartitionState::Committed).collect();
        let (files, of) = (committed.len() as u64, cells_of(&committed));
        self.tell(EventKind::Planned { cells: all, settled: of, partitions: count });
        let replayed = |cells| self.tell(EventKind::Replayed { cells, of, partitions: files });
        replayed(0);
        let again = match self.reopen(committed, &fingerprint, !changes.is_empty())? {
            Ok(reopened) => reopened,
            Err((exit, reason)) => return Ok((exit, Some(reason))),
        };
        // Where there was no record there is no file to make.
        let mut done = of - cells_of(&again);
        for one in &again {
            match self.publisher.renew(one, Cause::Replay, &HashSet::new())? {
                Ok(spool) if whole(one, &spool, &HashSet::new()) => {
                    let published = self.publisher.publish(one, spool, None)?;
                    done += if published.refused.is_none() { one.row.cells } else { 0 };
                    self.tell_published(published, &mut outlook);
                    replayed(done);
                }
                Ok(_) => outlook.partition_refused(not_replayed(&one.row, "pages of it are gone")),
                Err(reason) => outlook.partition_refused(not_replayed(&one.row, &reason)),
            }
        }
        self.publisher.sweep(true)?;
        let totals = self.publisher.store.now(|ledger| ledger.totals(name))?;
        outlook.rejections_stand(totals.rejected + totals.rejected_records);
        let (exit, reason, _) = outlook.exit(Exit::Interrupted);
        Ok((exit, reason))
    }

    /// Brings what a run left between sealing and committing to its end. Gives up what a replay that died left: this one
    /// begins anew, with whatever the job file says now; and what `--retry-failed` left, whose cells stand as rejected
    /// again. Gives all partitions as they stand then.
    fn recover(&self, mut partitions: Vec<Settled>, outlook: &mut Outlook) -> Result<Vec<Settled>, RunError> {
        for one in &partitions {
            match (one.row.state, one.row.cause) {
                (PartitionState::Sealed | PartitionState::Publishing, _) => {
                    let published = self.publisher.recover(one)?;
                    self.tell_published(published, outlook);
                }
                (PartitionState::Fetching, Some(Cause::Replay | Cause::Retry)) => self.publisher.restore(&one.row)?,
                (PartitionState::Fetching | PartitionState::Committed, _) => {}
            }
        }
        refresh(&mut partitions, self.rows()?);
        Ok(partitions)
    }

    fn rows(&self) -> Result<Vec<PartitionRow>, RunError> {
        Ok(self.publisher.store.now(|ledger| ledger.partitions(self.publisher.job.name.as_str()))?)
    }

    /// Finds the schema that all pages need together, tries what every file would be under it, and takes the partitions
    /// back. The inner error says why that cannot be done; then nothing was changed. `reads_otherwise` when records are
    /// found otherwise than they were.
    fn reopen(
        &self,
        partitions: Vec<Settled>,
        fingerprint: &Fingerprint,
        reads_otherwise: bool,
    ) -> Result<Result<Vec<Settled>, (Exit, String)>, RunError> {
        let publisher = &self.publisher;
        let all = partitions.len();
        let (mut kept, mut missing) = (Vec::new(), Vec::new());
        for one in partitions {
            match self.pages(&one)? {
                Some(_) => kept.push(one),
                // Read as before, what had no records has none.
                None if !reads_otherwise && one.row.file.as_ref().is_none_or(String::is_empty) => {}
                None => missing.push(one.row.key),
            }
        }
        if let Some(first) = missing.first() {
            return Ok(Err((
                Exit::Rejected,
                format!(
                    "the raw pages of {} of {all} published partitions are no longer kept (`{first}` is the first), and files \
                 of two readings must not mix: nothing was changed; `tidemill run --refetch` fetches all of it again, and a \
                 longer `[archive] keep` keeps more pages next time",
                    missing.len(),
                ),
            )));
        }
        let schema = match self.rehearse(&kept, reads_otherwise) {
            Ok(Ok(schema)) => schema,
            Ok(Err(reason)) => return Ok(Err((Exit::Rejected, format!("{reason}; nothing was changed")))),
            Err(error) if is_the_job_file(&error) => {
                return Ok(Err((Exit::Usage, format!("{}; nothing was changed", chain(&error)))));
            }
            Err(error) => return Err(error),
        };
        if reads_otherwise {
            forget_half_fetched(&publisher.store, &publisher.folders, publisher.durability, &publisher.job.name)?;
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
        refresh(&mut kept, self.rows()?);
        Ok(Ok(kept))
    }

    /// The pages of a published partition, if all of them are kept.
    fn pages(&self, one: &Settled) -> Result<Option<PartitionSpool>, RunError> {
        let folder = self.publisher.folders.spool(self.publisher.job.name.as_str(), &one.row.hash);
        match has_generation(&folder, one.row.generation)? {
            true => Ok(Some(self.publisher.open_spool(one)?).filter(|spool| whole(one, spool, &HashSet::new()))),
            false => Ok(None),
        }
    }

    /// The schema that all pages need together. The inner error says which file would lose records under it.
    fn rehearse(
        &self,
        kept: &[Settled],
        reads_otherwise: bool,
    ) -> Result<Result<Option<DatasetSchema>, String>, RunError> {
        let mut schema: Option<DatasetSchema> = None;
        for one in kept {
            let Some(spool) = self.pages(one)? else { continue };
            if reads_otherwise && let Some(reason) = self.echoes(one, &spool)? {
                return Ok(Err(reason));
            }
            schema = Some(self.publisher.rehearse(one, &spool, schema.as_ref())?.0);
        }
        let Some(found) = &schema else { return Ok(Ok(None)) };
        for one in kept {
            let Some(spool) = self.pages(one)? else { continue };
            let (_, tally, sample) = self.publisher.rehearse(one, &spool, Some(found))?;
            if let Some(reason) = self.publisher.shrunk(&one.row, Some(Cause::Replay), tally, sample.as_ref())? {
                return Ok(Err(reason));
            }
        }
        Ok(Ok(schema))
    }

    /// Why a page of a cell that was accepted would not be under `[records] expect` as it is now, if so.
    fn echoes(&self, one: &Settled, spool: &PartitionSpool) -> Result<Option<String>, RunError> {
        let Publisher { job, provider, .. } = &self.publisher;
        for cell in one.cells.iter().filter(|_| !job.records.expect.is_empty()) {
            let progress = spool.progress(&cell.key.id());
            if progress.is_none_or(|progress| progress.end != Some(Outcome::Records)) {
                continue;
            }
            let values = cell.values();
            for at in spool.pages(&cell.key.id()) {
                let body = spool.read(at)?.body;
                let checked = document(&body, depth(provider, job, &Paging::None))
                    .map_err(PageError::from)
                    .and_then(|document| check_echo(job, &values, &page_records(provider, job, &document)?));
                if let Err(error) = checked {
                    return Ok(Some(format!("page {} of cell {}: {}", at.page, cell.key, chain(&error))));
                }
            }
        }
        Ok(None)
    }

    fn tell_published(&self, published: Published, outlook: &mut Outlook) {
        for note in published.schema_notes {
            self.tell(EventKind::warning(note));
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

fn cells_of(partitions: &[Settled]) -> u64 {
    partitions.iter().map(|one| one.row.cells).sum()
}

/// Why the pages that are kept answer another question, if they do.
fn asks_otherwise(changes: &[String]) -> Option<String> {
    let asked: Vec<&str> = changes.iter().map(String::as_str).filter(|key| !READING.contains(key)).collect();
    (!asked.is_empty()).then(|| {
        format!(
            "{} changed since the pages were fetched: they answer another question and cannot be replayed; \
             `tidemill run --refetch` fetches them as asked now",
            asked.join(", ")
        )
    })
}

/// Why a replay has to wait, if it has: what is half fetched again has a file to be rebuilt, but its pages are not those
/// it will have.
fn fetched_again(partitions: &[Settled]) -> Option<String> {
    let asked = |row: &PartitionRow| row.state == PartitionState::Fetching && row.cause == Some(Cause::Refetch);
    let again = partitions.iter().filter(|one| asked(&one.row)).count();
    (again > 0).then(|| {
        format!(
            "{again} of {} partitions are being fetched again, and files of two readings must not mix: nothing was \
             changed; let `tidemill run` finish that first, with the job file as it was",
            partitions.len()
        )
    })
}

/// Whether pages cannot be read as the job says, which is for the job file to mend.
fn is_the_job_file(error: &RunError) -> bool {
    matches!(error, RunError::Decode { source, .. }
        if matches!(**source, PartitionError::Page { .. } | PartitionError::Missing { .. }))
}
