//! From settled cells to one visible file: seal, encode, decide, publish, commit. Blocking; called on such a thread.
//!
//! Invariant: the ledger decides a digest before a file can become visible, and every step can be done again: a run
//! that dies between two of them is rolled forward by [`Publisher::recover`].

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::decode::{DatasetSchema, Inferred, PageIn, Projection, RecordsAt, build, infer};
use crate::fetch::record_path;
use crate::job::{ColumnType, Job};
use crate::ledger::{Decision, Outcome, PartitionRow, PartitionState, RejectedRecord, SealedCell};
use crate::plan::{Cell, CellKey};
use crate::provider::Provider;
use crate::sink::{self, Finished, Layout, Lineage, ParquetFile, PublishError, StagingName};
use crate::spool::{Head, PartitionSpool};

use super::error::{EncodeError, RunError};
use super::event::PublishedFile;
use super::folders::Folders;
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
    /// Set when older files could not be read with the schema this partition needs: nothing was published.
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

    /// Publishes a partition whose cells are all settled in `spool`.
    pub(super) fn publish(&self, settled: &Settled, spool: PartitionSpool) -> Result<Published, RunError> {
        if self.unchanged(settled, &spool)? {
            spool.remove()?;
            return Ok(Published::default());
        }
        let inferred = self.infer(settled, &spool)?;
        let mut published = Published { schema_notes: notes(&inferred), ..Published::default() };
        if let Some(reason) = self.unreadable(settled, &inferred)? {
            published.refused = Some(reason);
            return Ok(published);
        }
        let schema = inferred.schema.to_text();
        self.store.now(|ledger| ledger.record_schema(self.job.name.as_str(), self.token, &schema))?;
        let (finished, rejected) = self.encode(settled, &spool, &inferred, &mut published)?;
        if let Some(reason) = self.shrunk(settled, finished.as_ref())? {
            published.refused = Some(reason);
            return Ok(published);
        }
        let cells = sealed_cells(settled, &spool);
        self.store.now(|ledger| ledger.seal(settled.row.id, self.token, &cells, &rejected))?;
        self.decide(settled, finished.as_ref())?;
        self.make_visible(settled, finished, &mut published)?;
        self.let_go(settled, spool)?;
        Ok(published)
    }

    /// Goes on where an earlier run stopped between sealing and committing.
    pub(super) fn recover(&self, settled: &Settled, spool: PartitionSpool) -> Result<Published, RunError> {
        let target = self.target(settled);
        let decided = settled.row.digest.clone().unwrap_or_default();
        if settled.row.state == PartitionState::Publishing && self.digest(settled, &target)?.as_ref() == Some(&decided)
        {
            self.store.now(|ledger| ledger.commit(settled.row.id, self.token))?;
            self.let_go(settled, spool)?;
            return Ok(Published {
                file: Some(self.visible(settled, settled.row.rows, settled.row.bytes)),
                ..Published::default()
            });
        }
        self.check_pages(settled, &spool)?;
        let inferred = self.infer(settled, &spool)?;
        let mut published = Published::default();
        let (finished, _) = self.encode(settled, &spool, &inferred, &mut published)?;
        match (settled.row.state, &finished) {
            (PartitionState::Publishing, Some(rebuilt)) if rebuilt.digest != decided => {
                return Err(RunError::Diverged {
                    partition: settled.row.key.clone(),
                    decided,
                    rebuilt: rebuilt.digest.clone(),
                    file: target,
                });
            }
            (PartitionState::Publishing, _) => {}
            (PartitionState::Fetching | PartitionState::Sealed | PartitionState::Committed, _) => {
                self.decide(settled, finished.as_ref())?;
            }
        }
        self.make_visible(settled, finished, &mut published)?;
        self.let_go(settled, spool)?;
        Ok(published)
    }

    /// Whether the spool still holds what was sealed: a file made of less would hide a hole.
    fn check_pages(&self, settled: &Settled, spool: &PartitionSpool) -> Result<(), RunError> {
        let sealed = self.store.now(|ledger| ledger.cells(settled.row.id))?;
        let kept = sealed_cells(settled, spool);
        let kept: HashMap<&CellKey, (u64, u32)> =
            kept.iter().map(|cell| (&cell.key, (cell.records, cell.pages))).collect();
        match sealed.iter().find(|cell| kept.get(&cell.key) != Some(&(cell.records, cell.pages))) {
            Some(lost) => Err(RunError::LostPages {
                partition: settled.row.key.clone(),
                cell: lost.key.0.clone(),
                folder: self.folders.spool(self.job.name.as_str(), &settled.row.hash),
            }),
            None => Ok(()),
        }
    }

    fn infer(&self, settled: &Settled, spool: &PartitionSpool) -> Result<Inferred, RunError> {
        let recorded = self.recorded()?;
        infer(self.pages(settled, spool), &self.records_at(), self.projection(), &self.job.columns, recorded.as_ref())
            .map_err(|source| decode_error(settled, source))
    }

    /// The schema of the dataset so far.
    fn recorded(&self) -> Result<Option<DatasetSchema>, RunError> {
        let text = self.store.now(|ledger| ledger.schema(self.job.name.as_str()))?;
        // What cannot be read was written by another version; inference then starts anew from the pages.
        Ok(text.and_then(|text| DatasetSchema::from_text(&text).ok()))
    }

    /// Why the files published before could not be read together with this partition, if so.
    fn unreadable(&self, settled: &Settled, inferred: &Inferred) -> Result<Option<String>, RunError> {
        let totals = self.store.now(|ledger| ledger.totals(self.job.name.as_str()))?;
        // The own file of an earlier generation will be replaced.
        let committed = (totals.committed + totals.reopened).saturating_sub(u64::from(settled.row.generation > 1));
        if committed == 0 {
            return Ok(None);
        }
        Ok(inferred.changes.iter().find(|change| !change.older_readable).map(|change| {
            format!(
                "column `{}` would change from {} to {}, which the {committed} files published before cannot be read with; \
                 declare it in `[schema] columns`",
                change.column, type_name(change.from.as_ref()), change.to
            )
        }))
    }

    fn encode(
        &self,
        settled: &Settled,
        spool: &PartitionSpool,
        inferred: &Inferred,
        published: &mut Published,
    ) -> Result<(Option<Finished>, Vec<RejectedRecord>), RunError> {
        let sink_error = |source| RunError::Sink { partition: settled.row.key.clone(), source: Box::new(source) };
        let staging = self.staging(settled);
        let lineage = self.lineage(settled, spool, inferred);
        let mut file: Option<ParquetFile> = None;
        let built = build(self.pages(settled, spool), &self.records_at(), inferred, |batch| {
            let file = match &mut file {
                Some(file) => file,
                None => file.insert(ParquetFile::create(&staging, batch.schema(), &lineage)?),
            };
            file.write(&batch)?;
            Ok(())
        })
        .map_err(|source| decode_error(settled, source))?;
        // What an earlier sealing noted was told then, or at the begin of this run.
        let noted = self.store.now(|ledger| ledger.rejected(settled.row.id))?;
        published.rejected = built.rejected.saturating_sub(noted.len() as u64);
        let rejected: Vec<RejectedRecord> = built
            .samples
            .into_iter()
            .map(|reject| RejectedRecord {
                cell: CellKey(reject.cell),
                page: reject.page,
                index: reject.index,
                path: reject.path,
                reason: reject.reason,
            })
            .collect();
        published.samples = rejected.iter().filter(|record| !noted.contains(record)).cloned().collect();
        Ok((file.map(ParquetFile::finish).transpose().map_err(sink_error)?, rejected))
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

    fn make_visible(
        &self,
        settled: &Settled,
        finished: Option<Finished>,
        published: &mut Published,
    ) -> Result<(), RunError> {
        if let Some(finished) = finished {
            sink::publish(&self.layout(), &self.staging(settled), &self.target(settled))
                .map_err(|source| publish_error(settled, source))?;
            published.file = Some(self.visible(settled, finished.rows, finished.bytes));
        }
        Ok(self.store.now(|ledger| ledger.commit(settled.row.id, self.token))?)
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

    fn staging(&self, settled: &Settled) -> PathBuf {
        self.layout().staging(&StagingName {
            hash: settled.row.hash.clone(),
            generation: settled.row.generation.into(),
            token: self.token,
        })
    }

    fn records_at(&self) -> RecordsAt {
        RecordsAt { path: record_path(&self.provider, &self.job), shape: self.job.records.shape }
    }

    fn projection(&self) -> Projection {
        Projection {
            explode: self.job.records.explode.clone(),
            skip: self.job.output.partition_by.clone(),
            ..Projection::default()
        }
    }

    fn lineage(&self, settled: &Settled, spool: &PartitionSpool, inferred: &Inferred) -> Lineage {
        Lineage {
            job: self.job.name.as_str().to_owned(),
            provider: self.provider.name.clone(),
            partition: settled.row.key.clone(),
            generation: settled.row.generation.into(),
            schema: inferred.schema.to_text(),
            cells: sealed_cells(settled, spool)
                .into_iter()
                .map(|cell| (cell.key.0, outcome_name(&cell.outcome).to_owned()))
                .collect(),
            spool: None,
        }
    }

    /// The pages of a partition: cells in plan order, then pages in order. A cell that was rejected on a later page is
    /// not there at all: half a cell would pass for a whole one.
    fn pages<'a>(
        &'a self,
        settled: &'a Settled,
        spool: &'a PartitionSpool,
    ) -> impl Iterator<Item = Result<PageIn, EncodeError>> + 'a {
        let whole = move |cell: &&Cell| {
            let end = spool.progress(&cell.key.id()).and_then(|progress| progress.end.as_ref());
            !matches!(end, Some(Outcome::Rejected { .. }))
        };
        settled.cells.iter().filter(whole).flat_map(move |cell| {
            let added = self.added(cell);
            let pages = spool.pages(&cell.key.id());
            pages.iter().filter_map(move |at| match (spool.read(at), &added) {
                (Err(error), _) => Some(Err(error.into())),
                (Ok(_), Err(error)) => Some(Err(error.clone().into())),
                // An explicit empty has nothing below the record path to look for.
                (Ok(page), Ok(_)) if page.head.records == 0 => None,
                (Ok(page), Ok(added)) => Some(Ok(PageIn {
                    cell: cell.key.0.clone(),
                    page: page.head.page,
                    body: page.body,
                    added: added.clone(),
                })),
            })
        })
    }

    fn added(&self, cell: &Cell) -> Result<serde_json::Map<String, serde_json::Value>, crate::job::TemplateError> {
        let values = cell.values();
        self.job.records.add.iter().map(|(name, template)| Ok((name.clone(), template.render(&values)?))).collect()
    }
}

/// How every cell ended, as the spool says.
fn sealed_cells(settled: &Settled, spool: &PartitionSpool) -> Vec<SealedCell> {
    settled
        .cells
        .iter()
        .filter_map(|cell| {
            let progress = spool.progress(&cell.key.id())?;
            Some(SealedCell {
                key: cell.key.clone(),
                outcome: progress.end.clone()?,
                records: progress.records,
                pages: progress.pages,
                credits: progress.credits,
            })
        })
        .collect()
}

pub(super) fn outcome_name(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Records => "records",
        Outcome::Empty { unconfirmed: false } => "empty",
        Outcome::Empty { unconfirmed: true } => "empty, unconfirmed",
        Outcome::Rejected { .. } => "rejected",
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

fn decode_error(settled: &Settled, source: crate::decode::PartitionError<EncodeError>) -> RunError {
    RunError::Decode { partition: settled.row.key.clone(), source: Box::new(source) }
}
