//! Later generations: a committed partition is reopened for some of its cells, begun from the pages it has, and either
//! published anew or given up.
//!
//! Invariant: the published file stands until the file of the new generation is renamed over it, and the pages it was
//! made of stay until that one is committed. A generation that changes nothing, or would lose a row, is never published.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use crate::fetch::Notice;
use crate::ledger::{Outcome, PartitionId, PartitionRow, PartitionState};
use crate::plan::CellId;
use crate::sink::{self, Finished};
use crate::spool::{Keep, PartitionSpool, SpoolError, has_generation, remove_leftovers, remove_other_generations};

use super::error::RunError;
use super::event::EventKind;
use super::job::JobRun;
use super::outlook::Outlook;
use super::publish::{Publisher, Settled, outcome_name};
use super::runner::chain;
use super::store::blocking;

/// The spool of a partition that is being fetched.
pub(super) struct Begun {
    /// Its pages.
    pub(super) spool: PartitionSpool,
    /// In a later generation the cells it is about; the others were settled, and counted, before.
    pub(super) retried: Option<HashSet<CellId>>,
}

impl JobRun {
    /// Removes what killed runs left behind.
    pub(super) async fn sweep(&self, publisher: &Arc<Publisher>, partitions: &[Settled]) -> Result<(), RunError> {
        let rows: Vec<PartitionRow> = partitions.iter().map(|settled| settled.row.clone()).collect();
        let publisher = Arc::clone(publisher);
        blocking(move || publisher.sweep(&rows)).await
    }

    /// Reopens every committed partition that has cells which were rejected, or may have been empty only then.
    pub(super) async fn reopen(&self, partitions: &mut [Settled]) -> Result<(), RunError> {
        let (name, token) = (self.job.name.as_str().to_owned(), self.token);
        let rows = self.store.call(move |ledger| {
            for row in ledger.partitions(&name)? {
                if row.state != PartitionState::Committed {
                    continue;
                }
                let cells = ledger.cells(row.id)?;
                let again = cells.into_iter().filter(|cell| cell.outcome.as_ref().is_some_and(Outcome::asked_again));
                let again: Vec<_> = again.map(|cell| cell.key).collect();
                if !again.is_empty() {
                    ledger.reopen(row.id, token, &again)?;
                }
            }
            ledger.partitions(&name)
        });
        let mut rows: HashMap<PartitionId, PartitionRow> = rows.await?.into_iter().map(|row| (row.id, row)).collect();
        for settled in partitions {
            if let Some(row) = rows.remove(&settled.row.id) {
                settled.row = row;
            }
        }
        Ok(())
    }

    /// Opens the spool of a partition; a later generation begins with the pages of the one before. `None` when those
    /// are gone, and the generation is given up.
    pub(super) async fn begin(
        &self,
        publisher: &Publisher,
        settled: &Settled,
        outlook: &mut Outlook,
    ) -> Result<Option<Begun>, RunError> {
        if settled.row.generation == 1 {
            return Ok(Some(Begun { spool: self.open_spool(publisher, settled).await?, retried: None }));
        }
        let id = settled.row.id;
        let before = self.store.call(move |ledger| ledger.retried(id)).await?;
        let retried: HashSet<CellId> = before.iter().map(|cell| cell.key.id()).collect();
        let folder = self.folders.spool(self.job.name.as_str(), &settled.row.hash);
        let (head, durability, anew) = (publisher.head(&settled.row), self.durability, retried.clone());
        let renewed = blocking(move || match PartitionSpool::renew(&folder, head.clone(), durability, &anew) {
            Ok(spool) => Ok(Ok(spool)),
            // Damage to pages that were published long ago must not hold up what is new.
            Err(error @ (SpoolError::Damaged { .. } | SpoolError::Foreign { .. } | SpoolError::Newer { .. }))
                if !has_generation(&folder, head.generation)? =>
            {
                Ok(Err(chain(&error)))
            }
            Err(error) => Err(error.into()),
        });
        let reason = match renewed.await? {
            Ok(spool) => {
                let ended = |id: &CellId| spool.progress(id).is_some_and(|progress| progress.end.is_some());
                let gone =
                    settled.cells.iter().map(|cell| cell.key.id()).any(|id| !retried.contains(&id) && !ended(&id));
                if !gone {
                    return Ok(Some(Begun { spool, retried: Some(retried) }));
                }
                "the pages of its other cells are gone".to_owned()
            }
            Err(reason) => reason,
        };
        self.give_up(settled).await?;
        let rejected = before.iter().filter(|cell| matches!(cell.outcome, Some(Outcome::Rejected { .. }))).count();
        outlook.rejected_before(rejected as u64);
        let notice = Notice::Warning(format!(
            "{} of partition `{}` cannot be asked for again, its published file stays as it is: {reason}",
            if before.len() == 1 { "a cell".to_owned() } else { format!("{} cells", before.len()) },
            settled.row.key
        ));
        self.tell(EventKind::Fetching { cell: String::new(), notice });
        Ok(None)
    }

    /// Opens the spool of a partition in the generation it stands in.
    pub(super) async fn open_spool(
        &self,
        publisher: &Publisher,
        settled: &Settled,
    ) -> Result<PartitionSpool, RunError> {
        let folder = self.folders.spool(self.job.name.as_str(), &settled.row.hash);
        let (head, durability) = (publisher.head(&settled.row), self.durability);
        blocking(move || Ok(PartitionSpool::open(&folder, head, durability)?)).await
    }

    async fn give_up(&self, settled: &Settled) -> Result<(), RunError> {
        let (id, token, older) = (settled.row.id, self.token, settled.row.generation - 1);
        self.store.call(move |ledger| ledger.restore(id, token)).await?;
        let folder = self.folders.spool(self.job.name.as_str(), &settled.row.hash);
        blocking(move || Ok(remove_other_generations(&folder, older)?)).await
    }
}

impl Publisher {
    /// Gives a later generation up in which every cell ended as it had before: `true` when there is nothing to publish.
    pub(super) fn unchanged(&self, settled: &Settled, spool: &PartitionSpool) -> Result<bool, RunError> {
        if settled.row.generation == 1 {
            return Ok(false);
        }
        let before = self.store.now(|ledger| ledger.retried(settled.row.id))?;
        let as_before = before.iter().all(|was| {
            let ended = spool.progress(&was.key.id()).and_then(|progress| progress.end.as_ref());
            // The words of a rejection may differ from answer to answer.
            was.outcome.as_ref().map(outcome_name) == ended.map(outcome_name)
        });
        if as_before {
            self.store.now(|ledger| ledger.restore(settled.row.id, self.token))?;
        }
        Ok(as_before)
    }

    /// Why a file must not replace the one of the generation before, if so. It has the pages of that one and more.
    pub(super) fn shrunk(&self, settled: &Settled, finished: Option<&Finished>) -> Result<Option<String>, RunError> {
        let (before, now) = (settled.row.rows, finished.map_or(0, |file| file.rows));
        if settled.row.generation == 1 || now >= before {
            return Ok(None);
        }
        sink::sweep(&self.layout(), |name| name.hash == settled.row.hash)?;
        Ok(Some(format!(
            "partition `{}` would shrink from {before} to {now} rows, so its file stays as it is; columns must have been \
             changed in `[schema] columns` since it was published: put them back",
            settled.row.key
        )))
    }

    /// Removes the pages of a partition that was just committed, but keeps those that `--retry-failed` builds on.
    pub(super) fn let_go(&self, settled: &Settled, spool: PartitionSpool) -> Result<(), RunError> {
        let folder = self.folders.spool(self.job.name.as_str(), &settled.row.hash);
        remove_other_generations(&folder, settled.row.generation)?;
        let asked_again = spool.cells().any(|(_, cell)| cell.end.as_ref().is_some_and(Outcome::asked_again));
        if asked_again { Ok(()) } else { Ok(spool.remove()?) }
    }

    /// Removes what runs that were killed left behind: staging files of the job, pages that nobody needs any more.
    pub(super) fn sweep(&self, partitions: &[PartitionRow]) -> Result<(), RunError> {
        let rows: HashMap<&str, &PartitionRow> = partitions.iter().map(|row| (row.hash.as_str(), row)).collect();
        // The job lock keeps other runs of the job away, and recovery encodes from the spool: none of them is needed.
        sink::make_ready(&self.layout())?;
        sink::sweep(&self.layout(), |name| rows.contains_key(name.hash.as_str()))?;
        let folder = self.folders.spool(self.job.name.as_str(), "");
        remove_leftovers(&folder, |hash| match rows.get(hash) {
            Some(row) if row.state == PartitionState::Committed => {
                let cells = self.store.now(|ledger| ledger.cells(row.id))?;
                let again = cells.iter().any(|cell| cell.outcome.as_ref().is_some_and(Outcome::asked_again));
                Ok(if again { Keep::Generation(row.generation) } else { Keep::Nothing })
            }
            Some(_) | None => Ok(Keep::All),
        })
    }
}
