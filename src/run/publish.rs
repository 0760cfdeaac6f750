//! From settled cells to one visible file: seal, encode, decide, publish, commit. Blocking; called on such a thread.
//!
//! Invariant: the ledger decides a digest before a file can become visible, and every step can be done again: a run
//! that dies between two of them is rolled forward by [`Publisher::recover`].

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::decode::{DatasetSchema, Inferred};
use crate::job::{ColumnType, Job};
use crate::ledger::{Cause, Decision, PartitionRow, PartitionState, RejectedRecord};
use crate::plan::{Cell, CellKey};
use crate::provider::Provider;
use crate::quota::Clock;
use crate::sink::{self, Finished, Layout, PublishError, StagingName};
use crate::spool::{Durability, Head, PartitionSpool};

use super::damage::missing;
use super::encode::{Encoded, sealed_cells};
use super::error::RunError;
use super::event::PublishedFile;
use super::fate::{Fate, Tally};
use super::folders::Folders;
use super::follow::Followed;
use super::store::Store;

/// Publishes the partitions of one job, one after the other.
pub(super) struct Publisher {
    /// The job.
    pub(super) job: Arc<Job>,
    /// Its provider.
    pub(super) provider: Arc<Provider>,
    /// Where everything is.
    pub(super) folders: Folders,
    /// The ledger.
    pub(super) store: Store,
    /// Fencing token of this run.
    pub(super) token: u64,
    /// When a file is committed.
    pub(super) clock: Clock,
    /// How hard pages are kept.
    pub(super) durability: Durability,
    /// A person takes an empty answer to a refetch for the truth.
    pub(super) accept_empty: bool,
}

/// A partition and its cells, in plan order.
#[derive(Debug, Clone)]
pub(super) struct Settled {
    /// As the ledger knows it.
    pub(super) row: PartitionRow,
    /// Its cells.
    pub(super) cells: Vec<Cell>,
}

/// What became of a partition.
#[derive(Debug, Default)]
pub(super) struct Published {
    /// The file; none when no cell has records.
    pub(super) file: Option<PublishedFile>,
    /// Records that did not fit.
    pub(super) rejected: u64,
    /// The first of them.
    pub(super) samples: Vec<RejectedRecord>,
    /// Changes of the dataset's schema a person should know.
    pub(super) schema_notes: Vec<String>,
    /// Set when nothing was published, and why: what stands is better, or could not be read together with it.
    pub(super) refused: Option<String>,
}

impl Publisher {
    /// What the spool of a partition begins with.
    pub(super) fn head(&self, row: &PartitionRow) -> Head {
        Head {
            job: self.job.name.as_str().to_owned(),
            partition: row.key.clone(),
            generation: row.generation,
            token: self.token,
            replaces: None,
        }
    }

    /// Publishes a partition whose cells are all settled in `spool`, unless what stands is better; what was `followed` is as
    /// for [`Self::encode`].
    pub(super) fn publish(
        &self,
        settled: &Settled,
        spool: PartitionSpool,
        followed: Option<Followed>,
    ) -> Result<Published, RunError> {
        match self.fate(settled, &spool)? {
            Fate::Publish => {}
            Fate::AsBefore => return self.give_up(settled, spool, None),
            Fate::Keep(reason) => {
                let reason = format!("partition `{}`: {reason}", settled.row.key);
                return self.give_up(settled, spool, Some(reason));
            }
        }
        let recorded = self.recorded()?;
        let (inferred, encoded) = self.encode(settled, &spool, followed, recorded.as_ref())?;
        if let Some(reason) = self.unreadable(settled, &inferred)? {
            sink::sweep(&self.layout(), |name| name.hash == settled.row.hash)?;
            return self.refuse(settled, spool, reason);
        }
        let tally = Tally { rows: encoded.finished.as_ref().map_or(0, |file| file.rows), rejected: encoded.rejected };
        if let Some(reason) = self.shrunk(&settled.row, settled.row.cause, tally, encoded.samples.first())? {
            sink::sweep(&self.layout(), |name| name.hash == settled.row.hash)?;
            return self.refuse(settled, spool, reason);
        }
        self.finish(settled, spool, &inferred, encoded)
    }

    /// Publishes nothing. The pages stay for the next run, but a refetch ends: held open it would keep the job from ever
    /// beginning another, and a replay from reading the file that stands.
    fn refuse(&self, settled: &Settled, spool: PartitionSpool, reason: String) -> Result<Published, RunError> {
        match settled.row.cause {
            Some(Cause::Refetch) => self.give_up(settled, spool, Some(reason)),
            Some(Cause::Retry | Cause::Replay) | None => {
                Ok(Published { refused: Some(reason), ..Published::default() })
            }
        }
    }

    /// Goes on where an earlier run stopped between sealing and committing: what is visible as it was decided is
    /// committed; anything else is made of the pages once more, and decided anew.
    pub(super) fn recover(&self, settled: &Settled) -> Result<Published, RunError> {
        if self.stands(settled)? {
            sink::settle(&self.target(settled)).map_err(|source| publish_error(settled, source))?;
            let spool = match self.open_spool(settled) {
                // The file is there: damage to the pages it was made of holds nothing up.
                Err(RunError::Damaged { .. }) => None,
                spool => Some(spool?),
            };
            self.commit(settled)?;
            if let Some(spool) = spool {
                self.let_go(settled, spool)?;
            }
            let file = self.visible(settled, settled.row.rows, settled.row.bytes);
            return Ok(Published { file: Some(file), ..Published::default() });
        }
        let spool = self.open_spool(settled)?;
        self.check_pages(settled, &spool)?;
        let recorded = self.recorded()?;
        let (inferred, encoded) = self.encode(settled, &spool, None, recorded.as_ref())?;
        self.finish(settled, spool, &inferred, encoded)
    }

    /// Seal, decide, publish, commit.
    fn finish(
        &self,
        settled: &Settled,
        spool: PartitionSpool,
        inferred: &Inferred,
        encoded: Encoded,
    ) -> Result<Published, RunError> {
        let schema = inferred.schema.to_text();
        // What an earlier sealing noted was told then, or at the begin of this run; not what a refetch replaces.
        let anew = settled.row.state == PartitionState::Fetching && settled.row.cause == Some(Cause::Refetch);
        let noted = self.store.now(|ledger| {
            // Each transaction waits for the disk, and most partitions need no other schema than those before them.
            if ledger.schema(self.job.name.as_str())?.as_ref() != Some(&schema) {
                ledger.record_schema(self.job.name.as_str(), self.token, &schema)?;
            }
            if anew { Ok(Vec::new()) } else { ledger.rejected(settled.row.id) }
        })?;
        let Encoded { finished, rejected, samples, cells } = encoded;
        let mut published = Published {
            schema_notes: notes(inferred),
            rejected: rejected.saturating_sub(noted.len() as u64),
            samples: samples.iter().filter(|record| !noted.contains(record)).cloned().collect(),
            ..Published::default()
        };
        self.store.now(|ledger| ledger.seal(settled.row.id, self.token, &cells, &samples))?;
        self.decide(settled, finished.as_ref())?;
        published.file = self.make_visible(settled, finished.as_ref())?;
        self.commit(settled)?;
        self.let_go(settled, spool)?;
        Ok(published)
    }

    /// Whether the decided file is visible, though not yet committed.
    pub(super) fn stands(&self, settled: &Settled) -> Result<bool, RunError> {
        let row = &settled.row;
        Ok(row.state == PartitionState::Publishing
            && self.digest(settled, &self.target(settled))?.is_some_and(|found| Some(&found) == row.digest.as_ref()))
    }

    /// Whether the spool still holds what was sealed: a file made of less would hide a hole.
    pub(super) fn check_pages(&self, settled: &Settled, spool: &PartitionSpool) -> Result<(), RunError> {
        let sealed = self.store.now(|ledger| ledger.cells(settled.row.id))?;
        let kept = sealed_cells(settled, spool);
        let kept: HashMap<&CellKey, (u64, u32)> =
            kept.iter().map(|cell| (&cell.key, (cell.records, cell.pages))).collect();
        match sealed.iter().find(|cell| kept.get(&cell.key) != Some(&(cell.records, cell.pages))) {
            Some(lost) => Err(RunError::LostPages {
                partition: settled.row.key.clone(),
                cell: lost.key.to_string(),
                folder: self.folders.spool(self.job.name.as_str(), &settled.row.hash),
                price: missing(&sealed, |id| spool.progress(id)),
            }),
            None => Ok(()),
        }
    }

    /// The schema of the dataset so far.
    pub(super) fn recorded(&self) -> Result<Option<DatasetSchema>, RunError> {
        let text = self.store.now(|ledger| ledger.schema(self.job.name.as_str()))?;
        // What cannot be read was written by another version; inference then starts anew from the pages.
        Ok(text.and_then(|text| DatasetSchema::from_text(&text).ok()))
    }

    /// Why the files published before could not be read together with this partition, if so.
    fn unreadable(&self, settled: &Settled, inferred: &Inferred) -> Result<Option<String>, RunError> {
        let Some(change) = inferred.changes.iter().find(|change| !change.older_readable) else { return Ok(None) };
        let rows = self.store.now(|ledger| ledger.partitions(self.job.name.as_str()))?;
        // The own file will be replaced, and so will those that are fetched again.
        let stays = |row: &&PartitionRow| {
            let visible = row.file.as_ref().is_some_and(|file| !file.is_empty());
            row.id != settled.row.id && row.cause != Some(Cause::Refetch) && visible
        };
        let files = rows.iter().filter(stays).count();
        if files == 0 {
            return Ok(None);
        }
        let step = match self.job.columns.iter().any(|(name, _)| *name == change.column) {
            true => "`tidemill replay` rebuilds them",
            false => {
                "declare it in `[schema] columns` to keep its type, or as it is now and let `tidemill replay` rebuild them"
            }
        };
        Ok(Some(format!(
            "partition `{}`: column `{}` would change from {} to {}, which the {files} files published before cannot be \
             read with; {step}",
            settled.row.key,
            change.column,
            type_name(change.from.as_ref()),
            change.to
        )))
    }

    fn decide(&self, settled: &Settled, finished: Option<&Finished>) -> Result<(), RunError> {
        let decision = Decision {
            digest: finished.map(|file| file.digest.clone()).unwrap_or_default(),
            rows: finished.map_or(0, |file| file.rows),
            bytes: finished.map_or(0, |file| file.bytes),
            file: finished.map(|_| self.relative(settled).display().to_string()).unwrap_or_default(),
        };
        match self.store.now(|ledger| ledger.decide(settled.row.id, self.token, &decision))? {
            true => Ok(()),
            false => Err(RunError::Fenced { partition: settled.row.key.clone() }),
        }
    }

    /// Makes the decided file visible, or the old one invisible where the decision is that there is none.
    fn make_visible(&self, settled: &Settled, finished: Option<&Finished>) -> Result<Option<PublishedFile>, RunError> {
        let target = self.target(settled);
        let failed = |source| publish_error(settled, source);
        let Some(finished) = finished else {
            sink::unpublish(&self.layout(), &target).map_err(failed)?;
            return Ok(None);
        };
        let staging = self.layout().staging(&self.staging_name(settled));
        sink::publish(&self.layout(), &staging, &target).map_err(failed)?;
        sink::read_back(&target, finished).map_err(failed)?;
        Ok(Some(self.visible(settled, finished.rows, finished.bytes)))
    }

    fn commit(&self, settled: &Settled) -> Result<(), RunError> {
        let now = self.clock.now().wall;
        Ok(self.store.now(|ledger| ledger.commit(settled.row.id, self.token, now))?)
    }

    fn digest(&self, settled: &Settled, path: &Path) -> Result<Option<String>, RunError> {
        sink::digest(path).map_err(|source| publish_error(settled, source))
    }

    fn visible(&self, settled: &Settled, rows: u64, bytes: u64) -> PublishedFile {
        PublishedFile { path: self.target(settled).display().to_string(), rows, bytes }
    }

    pub(super) fn layout(&self) -> Layout {
        Layout::new(&self.folders.output, &self.job.output.path)
    }

    fn relative(&self, settled: &Settled) -> PathBuf {
        let target = self.target(settled);
        target.strip_prefix(&self.folders.output).map(Path::to_owned).unwrap_or(target)
    }

    fn target(&self, settled: &Settled) -> PathBuf {
        self.layout().target(&settled.row.folders, &settled.row.hash)
    }

    pub(super) fn staging_name(&self, settled: &Settled) -> StagingName {
        StagingName { hash: settled.row.hash.clone(), generation: settled.row.generation.into(), token: self.token }
    }
}

fn notes(inferred: &Inferred) -> Vec<String> {
    let rounded = inferred.rounded.iter().map(|column| {
        format!(
            "column `{column}` holds fractions of more digits than float64 keeps; declare it as `decimal(p,s)` in \
             `[schema] columns` to keep them all"
        )
    });
    let changes = inferred.changes.iter().map(|change| match &change.from {
        Some(from) => format!("column `{}` of the dataset widens from {from} to {}", change.column, change.to),
        None => format!("column `{}` ({}) is new in the dataset; older files lack it", change.column, change.to),
    });
    let twins = inferred.schema.case_twins().into_iter().map(|(first, second)| {
        format!("columns `{first}` and `{second}` differ only in case; DuckDB shows the second as `{second}_1`")
    });
    changes.chain(rounded).chain(twins).collect()
}

fn type_name(column: Option<&ColumnType>) -> String {
    column.map_or_else(|| "nothing".to_owned(), ToString::to_string)
}

fn publish_error(settled: &Settled, source: PublishError) -> RunError {
    RunError::Publish { partition: settled.row.key.clone(), source: Box::new(source) }
}
