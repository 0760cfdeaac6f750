//! Later generations: a committed partition is reopened, begun from the pages it has or from none, and either published
//! anew or given up.
//!
//! Invariant: the published file stands until the file of the new generation is renamed over it, and the pages it was
//! made of stay until that one is committed. What becomes of a generation is for [`super::fate`] to say.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;

use crate::fetch::{depth, document, page_records};
use crate::job::{Archive, Job, JobName, Paging};
use crate::ledger::{
    Cause, Ledger, LedgerError, Outcome, PartitionId, PartitionRow, PartitionState, RejectedRecord, Reopening,
};
use crate::plan::{CellId, CellKey};
use crate::provider::Provider;
use crate::sink;
use crate::spool::{
    self, Durability, Head, Keep, PartitionSpool, Recount, SpoolError, has_generation, remove_leftovers,
    remove_other_generations,
};

use super::archive::{Archived, expired};
use super::error::RunError;
use super::fate::{Fate, Tally, fate, shrinks};
use super::folders::Folders;
use super::job::JobRun;
use super::members::refresh;
use super::outlook::Outlook;
use super::publish::{Published, Publisher, Settled};
use super::refetch::Again;
use super::runner::chain;
use super::store::{Store, blocking};

/// The spool of a partition that is being fetched.
pub(super) struct Begun {
    /// Its pages.
    pub(super) spool: PartitionSpool,
    /// In a later generation the cells it is about; the others were settled, and counted, before.
    pub(super) retried: Option<HashSet<CellId>>,
}

impl JobRun {
    /// Removes what killed runs left behind.
    pub(super) async fn sweep(&self, publisher: &Arc<Publisher>) -> Result<(), RunError> {
        let publisher = Arc::clone(publisher);
        blocking(move || publisher.sweep(true)).await
    }

    /// Reopens what is to be fetched again: what a person or the job file wants refetched, and, if asked for, the cells
    /// that were rejected or may have been empty only then.
    pub(super) async fn reopen(&self, publisher: &Arc<Publisher>, partitions: &mut [Settled]) -> Result<(), RunError> {
        let now = self.clock.now().wall;
        let again = Again::of_job(&self.job, &self.provider.zone, self.options.refetch, now);
        let rows = partitions.iter().map(|settled| &settled.row);
        let refetched: HashSet<PartitionId> = again.due(rows, self.changed).into_iter().map(|row| row.id).collect();
        if refetched.is_empty() && !self.options.refetch && !self.options.retry_failed {
            return Ok(());
        }
        let rows: Vec<PartitionRow> = partitions.iter().map(|settled| settled.row.clone()).collect();
        let whole = partitions.iter().filter(|settled| refetched.contains(&settled.row.id));
        let whole = whole.map(|settled| (settled.row.id, settled.cells.iter().map(|cell| cell.key.clone()).collect()));
        let refetch = Reopening {
            cause: Cause::Refetch,
            partitions: whole.collect(),
            fingerprint: Some(self.fingerprint.0.clone()),
            schema: None,
        };
        let (name, token) = (self.job.name.as_str().to_owned(), self.token);
        let retry_failed = self.options.retry_failed;
        let publisher = Arc::clone(publisher);
        blocking(move || {
            let mut again = refetched;
            if retry_failed {
                again.extend(publisher.store.now(|ledger| ledger.retryable(publisher.job.name.as_str()))?);
            }
            publisher.settle_removals(rows.iter().filter(|row| again.contains(&row.id)))
        })
        .await?;
        let rows = self.store.call(move |ledger| {
            ledger.reopen(&name, token, &refetch)?;
            if retry_failed {
                let failed = failed(ledger, &name)?;
                ledger.reopen(&name, token, &failed)?;
            }
            ledger.partitions(&name)
        });
        refresh(partitions, rows.await?);
        Ok(())
    }

    /// Before a person's refetch begins: what was sealed under an older question is published as it was bought, so that
    /// it is fetched again with the rest, and generations that would put old pages and new ones into one file are given
    /// up. A refetch that is under way is left alone, unless it asks another question since. False when damage keeps an
    /// old answer from being published: the new question waits until that is mended.
    pub(super) async fn end_the_old(
        &self,
        publisher: &Arc<Publisher>,
        partitions: &mut [Settled],
        outlook: &mut Outlook,
    ) -> Result<bool, RunError> {
        if !self.changed && partitions.iter().any(|settled| settled.row.cause == Some(Cause::Refetch)) {
            return Ok(true);
        }
        for settled in &*partitions {
            match (settled.row.state, settled.row.cause) {
                (PartitionState::Sealed | PartitionState::Publishing, _) if self.changed => {
                    self.recover(publisher, settled.clone(), outlook).await?;
                }
                (PartitionState::Fetching, Some(Cause::Retry | Cause::Replay)) => {
                    let (giving, row) = (Arc::clone(publisher), settled.row.clone());
                    blocking(move || giving.restore(&row)).await?;
                }
                (_, _) => {}
            }
        }
        let name = self.job.name.as_str().to_owned();
        refresh(partitions, self.store.call(move |ledger| ledger.partitions(&name)).await?);
        let waits = |row: &PartitionRow| matches!(row.state, PartitionState::Sealed | PartitionState::Publishing);
        Ok(!self.changed || !partitions.iter().any(|settled| waits(&settled.row)))
    }

    /// Opens the spool of a partition; a later generation begins with the pages of the one before. `None` when those
    /// are gone, and the generation is given up.
    pub(super) async fn begin(
        &self,
        publisher: &Arc<Publisher>,
        settled: &Settled,
        outlook: &mut Outlook,
    ) -> Result<Option<Begun>, RunError> {
        let cause = match settled.row.cause {
            None | Some(Cause::Refetch) => {
                return Ok(Some(Begun { spool: self.open_spool(publisher, settled).await?, retried: None }));
            }
            Some(cause @ (Cause::Retry | Cause::Replay)) => cause,
        };
        let id = settled.row.id;
        let before = self.store.call(move |ledger| ledger.retried(id)).await?;
        let retried: HashSet<CellId> = before.iter().map(|cell| cell.key.id()).collect();
        let (making, of, anew) = (Arc::clone(publisher), settled.clone(), retried.clone());
        let renewed = blocking(move || making.renew(&of, cause, &anew));
        let reason = match renewed.await? {
            Ok(spool) if whole(settled, &spool, &retried) => {
                return Ok(Some(Begun { spool, retried: Some(retried) }));
            }
            Ok(_) => "the pages of its other cells are gone".to_owned(),
            Err(reason) => reason,
        };
        if cause == Cause::Replay {
            // Given up it would be taken for read as the others are.
            self.tell_refused(not_replayed(&settled.row, &reason), outlook);
            return Ok(None);
        }
        let (giving, row) = (Arc::clone(publisher), settled.row.clone());
        blocking(move || giving.restore(&row)).await?;
        let what = match before.len() {
            1 => format!("a cell of partition `{}` cannot be asked for again", settled.row.key),
            many => format!("{many} cells of partition `{}` cannot be asked for again", settled.row.key),
        };
        let reason = format!("{what}, its published file stays as it is: {reason}");
        self.warn(reason);
        Ok(None)
    }

    /// Opens the spool of a partition in the generation it stands in.
    pub(super) async fn open_spool(
        &self,
        publisher: &Arc<Publisher>,
        settled: &Settled,
    ) -> Result<PartitionSpool, RunError> {
        let (publisher, settled) = (Arc::clone(publisher), settled.clone());
        blocking(move || publisher.open_spool(&settled)).await
    }
}

impl Publisher {
    /// Opens the spool of a partition in the generation it stands in.
    pub(super) fn open_spool(&self, settled: &Settled) -> Result<PartitionSpool, RunError> {
        let (folder, head) = (self.folders.spool(self.job.name.as_str(), &settled.row.hash), self.head(&settled.row));
        let members = settled.cells.iter().map(|cell| cell.key.clone()).collect();
        let opened = match settled.row.state {
            PartitionState::Fetching => PartitionSpool::open(&folder, head.clone(), self.durability),
            _ => PartitionSpool::open_sealed(&folder, head.clone(), self.durability),
        };
        match opened {
            Ok(spool) => Ok(spool.with_members(members)),
            Err(error) => Err(self.priced(settled, head, error)),
        }
    }

    /// Opens the spool of a reopened partition, begun from the pages of the generation before but for the cells in
    /// `anew`. The inner error says why those cannot be used.
    pub(super) fn renew(
        &self,
        settled: &Settled,
        cause: Cause,
        anew: &HashSet<CellId>,
    ) -> Result<Result<PartitionSpool, String>, RunError> {
        let (folder, head) = (self.folders.spool(self.job.name.as_str(), &settled.row.hash), self.head(&settled.row));
        let recount = |body: &[u8]| records_in(&self.provider, &self.job, body);
        let recount: Option<&Recount<'_>> = if cause == Cause::Replay { Some(&recount) } else { None };
        match PartitionSpool::renew(&folder, head.clone(), self.durability, anew, recount) {
            Ok(spool) => Ok(Ok(spool)),
            // Damage to pages that were published long ago must not hold up what is new.
            Err(error @ (SpoolError::Damaged { .. } | SpoolError::Foreign { .. } | SpoolError::Newer { .. }))
                if !has_generation(&folder, head.generation)? =>
            {
                let older = Head { generation: head.generation - 1, ..head };
                Ok(Err(chain(&self.priced(settled, older, error))))
            }
            Err(error) => Err(self.priced(settled, head, error)),
        }
    }

    /// Gives up a generation of which nothing is published.
    pub(super) fn restore(&self, row: &PartitionRow) -> Result<(), RunError> {
        self.store.now(|ledger| ledger.restore(row.id, self.token))?;
        let folder = self.folders.spool(self.job.name.as_str(), &row.hash);
        Ok(remove_other_generations(&folder, row.generation - 1)?)
    }

    /// Whether the file of a partition whose cells have all ended may take the place of what stands.
    pub(super) fn fate(&self, settled: &Settled, spool: &PartitionSpool) -> Result<Fate, RunError> {
        let Some(cause) = settled.row.cause else { return Ok(Fate::Publish) };
        let before = self.store.now(|ledger| ledger.retried(settled.row.id))?;
        let ended = |key: &CellKey| spool.progress(&key.id()).and_then(|progress| progress.end.as_ref());
        Ok(fate(cause, &before, ended, self.accept_empty))
    }

    /// Gives a later generation up: everything is as it was before it; `reason` is what to tell, if anything.
    pub(super) fn give_up(
        &self,
        settled: &Settled,
        spool: PartitionSpool,
        reason: Option<String>,
    ) -> Result<Published, RunError> {
        sink::sweep(&self.layout(), |name| name.hash == settled.row.hash)?;
        self.store.now(|ledger| ledger.restore(settled.row.id, self.token))?;
        spool.remove()?;
        Ok(Published { refused: reason, ..Published::default() })
    }

    /// Why a file must not replace the one of the generation before, if so.
    pub(super) fn shrunk(
        &self,
        row: &PartitionRow,
        cause: Option<Cause>,
        now: Tally,
        sample: Option<&RejectedRecord>,
    ) -> Result<Option<String>, RunError> {
        let Some(cause) = cause else { return Ok(None) };
        let noted = self.store.now(|ledger| ledger.rejected(row.id))?;
        let before = Tally { rows: row.rows, rejected: noted.len() as u64 };
        if !shrinks(cause, before, now) {
            return Ok(None);
        }
        let why = match sample {
            Some(sample) => {
                format!("{} records fit no column, such as {sample}: mend `[schema] columns`", now.rejected)
            }
            None => "no record is found: mend `[records] path`".to_owned(),
        };
        Ok(Some(format!(
            "partition `{}`: its file would shrink from {} to {} rows, so it stays as it is; {why}",
            row.key, before.rows, now.rows
        )))
    }

    /// Removes the pages of a partition that was just committed, but keeps those that `--retry-failed` or `replay` may
    /// build on.
    pub(super) fn let_go(&self, settled: &Settled, spool: PartitionSpool) -> Result<(), RunError> {
        let folder = self.folders.spool(self.job.name.as_str(), &settled.row.hash);
        remove_other_generations(&folder, settled.row.generation)?;
        let asked_again = spool.cells().any(|(_, cell)| cell.end.as_ref().is_some_and(Outcome::asked_again));
        if asked_again || !self.job.archive.keep.is_zero() { Ok(()) } else { Ok(spool.remove()?) }
    }

    /// Before these partitions are reopened: the pages of a generation that was given up must be gone for good.
    pub(super) fn settle_removals<'a>(&self, rows: impl Iterator<Item = &'a PartitionRow>) -> Result<(), RunError> {
        let job = self.folders.spool(self.job.name.as_str(), "");
        Ok(spool::settle_removals(&job, rows.map(|row| row.hash.as_str()), self.durability)?)
    }

    /// The hashes of the partitions of `rows` whose pages the archive no longer keeps.
    fn expired(&self, folder: &Path, rows: &HashMap<&str, &PartitionRow>) -> Result<HashSet<String>, RunError> {
        let (archive, now) = (&self.job.archive, self.clock.now().wall);
        let mut pages = archived(folder, rows, archive)?;
        let all = |pages: &[(PartitionId, Archived)]| pages.iter().map(|(_, one)| one.clone()).collect();
        // What is needed only makes it fewer: while there are none, it need not be asked for.
        let first = expired(all(&pages), archive, now);
        if first.is_empty() {
            return Ok(first);
        }
        let retryable = self.store.now(|ledger| ledger.retryable(self.job.name.as_str()))?;
        let retryable: HashSet<PartitionId> = retryable.into_iter().collect();
        pages.iter_mut().for_each(|(id, one)| one.needed = retryable.contains(id));
        Ok(expired(all(&pages), archive, now))
    }

    /// Removes what runs that were killed left behind, staging files of the job and pages that nobody needs any more; and
    /// those that the archive no longer keeps, if it is to `expire` anything.
    pub(super) fn sweep(&self, expire: bool) -> Result<(), RunError> {
        let name = self.job.name.as_str();
        let rows = self.store.now(|ledger| ledger.partitions(name))?;
        let rows: HashMap<&str, &PartitionRow> = rows.iter().map(|row| (row.hash.as_str(), row)).collect();
        // The job lock keeps other runs of the job away, and recovery encodes from the spool: none of them is needed.
        sink::make_ready(&self.layout())?;
        sink::sweep(&self.layout(), |name| rows.contains_key(name.hash.as_str()))?;
        let folder = self.folders.spool(name, "");
        let expired = if expire { self.expired(&folder, &rows)? } else { HashSet::new() };
        remove_leftovers(&folder, |hash| {
            Ok::<_, RunError>(match rows.get(hash) {
                Some(_) if expired.contains(hash) => Keep::Nothing,
                Some(row) if row.state == PartitionState::Committed => Keep::Generation(row.generation),
                Some(_) | None => Keep::All,
            })
        })
    }
}

/// Removes the pages of cells that are not published yet: the pages of a cell must answer one question and be read one
/// way, so those of the old one are void, and are bought again. Blocking.
pub(super) fn forget_half_fetched(
    store: &Store,
    folders: &Folders,
    durability: Durability,
    job: &JobName,
) -> Result<(), RunError> {
    let rows = store.now(|ledger| ledger.partitions(job.as_str()))?;
    let fetching: HashMap<String, Keep> = rows
        .into_iter()
        .filter(|row| row.state == PartitionState::Fetching)
        // What a reopened partition was published from is no half-fetched answer.
        .map(|row| (row.hash, if row.generation > 1 { Keep::Generation(row.generation - 1) } else { Keep::Nothing }))
        .collect();
    let folder = folders.spool(job.as_str(), "");
    remove_leftovers(&folder, |hash| Ok::<_, RunError>(fetching.get(hash).copied().unwrap_or(Keep::All)))?;
    Ok(spool::settle_removals(&folder, fetching.keys().map(String::as_str), durability)?)
}

/// Why a partition that is being replayed is left as it is.
pub(super) fn not_replayed(row: &PartitionRow, reason: &str) -> String {
    format!(
        "partition `{}` cannot be decoded anew, its published file stays as it was read before: {reason}; \
         `tidemill run --refetch` fetches it again",
        row.key
    )
}

/// Whether all cells but those in `anew` have ended in `spool`.
pub(super) fn whole(settled: &Settled, spool: &PartitionSpool, anew: &HashSet<CellId>) -> bool {
    let ended = |id: &CellId| spool.progress(id).is_some_and(|progress| progress.end.is_some());
    settled.cells.iter().map(|cell| cell.key.id()).all(|id| anew.contains(&id) || ended(&id))
}

/// The committed partitions whose pages are still there; how much room they take only where that is limited.
fn archived(
    folder: &Path,
    rows: &HashMap<&str, &PartitionRow>,
    archive: &Archive,
) -> Result<Vec<(PartitionId, Archived)>, RunError> {
    let mut all = Vec::new();
    for (hash, path) in spool::folders(folder)? {
        let Some(row) = rows.get(hash.as_str()).filter(|row| row.state == PartitionState::Committed) else { continue };
        let bytes = if archive.max_bytes.is_some() { spool::size(&path)? } else { 0 };
        let committed = row.committed.unwrap_or(Timestamp::UNIX_EPOCH);
        all.push((row.id, Archived { hash, committed, bytes, needed: false }));
    }
    Ok(all)
}

/// What `--retry-failed` reopens: in each committed partition the cells that may be answered otherwise another day.
fn failed(ledger: &dyn Ledger, job: &str) -> Result<Reopening, LedgerError> {
    let mut partitions = Vec::new();
    for id in ledger.retryable(job)? {
        let cells = ledger.cells(id)?.into_iter();
        let again = cells.filter(|cell| cell.outcome.as_ref().is_some_and(Outcome::asked_again));
        partitions.push((id, again.map(|cell| cell.key).collect()));
    }
    Ok(Reopening { cause: Cause::Retry, partitions, fingerprint: None, schema: None })
}

/// Records in a body that was accepted under an older record path; what is no longer found counts as none.
pub(super) fn records_in(provider: &Provider, job: &Job, body: &[u8]) -> u64 {
    let document = document(body, depth(provider, job, &Paging::None)).ok();
    document.and_then(|document| Some(page_records(provider, job, &document).ok()?.len() as u64)).unwrap_or(0)
}
