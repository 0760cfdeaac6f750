//! From the spooled pages of a partition to its staging file: a pure function of the pages, the job and the recorded
//! schema, so that a crash, a replay or another machine makes the same bytes. Blocking.

use std::path::PathBuf;

use bytes::Bytes;
use serde_json::{Map, Value};

use crate::decode::{self, Built, DatasetSchema, Inferred, PageIn, PartitionError, Pass, Passed, Reading, RecordBatch};
use crate::job::TemplateError;
use crate::ledger::{Outcome, RejectedRecord, SealedCell};
use crate::plan::{Cell, CellKey, Fingerprint};
use crate::sink::{Finished, Lineage, PAGE_CHECK_ROWS, ParquetFile, SinkError};
use crate::spool::{PageFrame, PartitionSpool};

use super::error::{EncodeError, RunError};
use super::fate::Tally;
use super::follow::Followed;
use super::generation::records_in;
use super::memory;
use super::publish::{Publisher, Settled};
use super::reading::{added, reading};

/// A staging file, and what was left out of it.
pub(super) struct Encoded {
    /// The file; none when no record fits.
    pub(super) finished: Option<Finished>,
    /// Records that did not fit, all of them counted.
    pub(super) rejected: u64,
    /// The first of them.
    pub(super) samples: Vec<RejectedRecord>,
    /// How every cell ended.
    pub(super) cells: Vec<SealedCell>,
}

/// The pages of a partition on their way into its staging file.
pub(super) struct Encoding {
    /// Makes batches of them.
    pub(super) pass: Pass,
    /// Takes the batches.
    pub(super) staged: Staged,
}

/// A staging file as far as it is.
pub(super) struct Staged {
    /// None where nothing is to be written.
    path: Option<PathBuf>,
    file: Option<ParquetFile>,
}

impl Encoding {
    /// Takes the next page, in plan order, then page order.
    fn page(&mut self, page: PageIn) -> Result<(), PartitionError<EncodeError>> {
        let Self { pass, staged } = self;
        pass.page(page, &mut |batch| staged.write(&batch))
    }

    /// The end of the pages, and the file as far as it is: its footer is still missing.
    fn finish(
        self,
        recorded: Option<&DatasetSchema>,
    ) -> Result<(Passed, Option<ParquetFile>), PartitionError<EncodeError>> {
        let Self { pass, mut staged } = self;
        let passed = pass.finish(recorded, &mut |batch| staged.write(&batch))?;
        Ok((passed, staged.file))
    }
}

impl Staged {
    fn at(path: Option<PathBuf>) -> Self {
        Self { path, file: None }
    }

    /// Writes a batch; the first begins the file.
    pub(super) fn write(&mut self, batch: &RecordBatch) -> Result<(), EncodeError> {
        Ok(self.begin(batch)?.map_or(Ok(()), |file| file.write(batch))?)
    }

    /// The same bytes, and yields between some rows and the next to whoever else could run.
    pub(super) fn write_yielding(&mut self, batch: &RecordBatch) -> Result<(), EncodeError> {
        let Some(file) = self.begin(batch)? else { return Ok(()) };
        for start in (0..batch.num_rows()).step_by(PAGE_CHECK_ROWS) {
            std::thread::yield_now();
            file.write(&batch.slice(start, PAGE_CHECK_ROWS.min(batch.num_rows() - start)))?;
        }
        Ok(())
    }

    /// The file, as suits its first batch; none where nothing is to be written.
    fn begin(&mut self, batch: &RecordBatch) -> Result<Option<&mut ParquetFile>, EncodeError> {
        if let (Some(path), None) = (&self.path, &self.file) {
            self.file = Some(ParquetFile::create(path, batch)?);
        }
        Ok(self.file.as_mut())
    }

    /// Takes the file away, as far as it is.
    pub(super) fn discard(self) -> Result<(), SinkError> {
        self.file.map_or(Ok(()), ParquetFile::discard)
    }
}

impl Publisher {
    /// Writes the staging file of a partition and makes it durable; says by which schema. What was `followed` while the
    /// pages came needs no second reading of them.
    pub(super) fn encode(
        &self,
        settled: &Settled,
        spool: &PartitionSpool,
        followed: Option<Followed>,
        recorded: Option<&DatasetSchema>,
    ) -> Result<(Inferred, Encoded), RunError> {
        let cells = sealed_cells(settled, spool);
        let encoding = match followed.filter(|followed| followed.pages == whole_pages(&cells)) {
            Some(Followed { encoding, .. }) => encoding,
            None => self.take_all(settled, spool, self.begin_encoding(settled, recorded.cloned()))?,
        };
        let sink_error = |source| RunError::Sink { partition: settled.row.key.clone(), source: Box::new(source) };
        let (inferred, built, file) = self.end(settled, spool, encoding, recorded)?;
        let lineage = self.lineage(settled, &cells, &inferred);
        let samples: Vec<RejectedRecord> = built.samples.into_iter().map(rejected_record).collect();
        let finished = file.map(|mut file| {
            if !samples.is_empty() {
                file.note(memory::REJECTED, memory::write_rejected(&cells, &samples));
            }
            file.finish(&lineage)
        });
        let finished = finished.transpose().map_err(sink_error)?;
        Ok((inferred, Encoded { finished, rejected: built.rejected, samples, cells }))
    }

    /// Begins the staging file of a partition.
    pub(super) fn begin_encoding(&self, settled: &Settled, recorded: Option<DatasetSchema>) -> Encoding {
        let staging = self.layout().staging(&self.staging_name(settled));
        Encoding { pass: Pass::new(self.reading(), recorded), staged: Staged::at(Some(staging)) }
    }

    /// What the file of a partition would be, and its first record that fits no column; nothing is written.
    pub(super) fn rehearse(
        &self,
        settled: &Settled,
        spool: &PartitionSpool,
        recorded: Option<&DatasetSchema>,
    ) -> Result<(DatasetSchema, Tally, Option<RejectedRecord>), RunError> {
        let encoding = Encoding { pass: Pass::new(self.reading(), recorded.cloned()), staged: Staged::at(None) };
        let encoding = self.take_all(settled, spool, encoding)?;
        let (inferred, built, _) = self.end(settled, spool, encoding, recorded)?;
        let tally = Tally { rows: built.rows, rejected: built.rejected };
        Ok((inferred.schema, tally, built.samples.into_iter().next().map(rejected_record)))
    }

    fn take_all(
        &self,
        settled: &Settled,
        spool: &PartitionSpool,
        mut encoding: Encoding,
    ) -> Result<Encoding, RunError> {
        let taken =
            self.pages(settled, spool).try_for_each(|page| encoding.page(page.map_err(PartitionError::Caller)?));
        taken.map(|()| encoding).map_err(|source| decode_error(settled, source))
    }

    /// Ends an encoding, which is done once more where its schema was wrong.
    fn end(
        &self,
        settled: &Settled,
        spool: &PartitionSpool,
        mut encoding: Encoding,
        recorded: Option<&DatasetSchema>,
    ) -> Result<(Inferred, Built, Option<ParquetFile>), RunError> {
        loop {
            let staging = encoding.staged.path.clone();
            let (passed, file) = encoding.finish(recorded).map_err(|source| decode_error(settled, source))?;
            let inferred = match passed {
                Passed::Whole(inferred, built) => return Ok((inferred, built, file)),
                Passed::Again(inferred) => inferred,
            };
            file.map_or(Ok(()), ParquetFile::discard)
                .map_err(|source| RunError::Sink { partition: settled.row.key.clone(), source: Box::new(source) })?;
            let again = Encoding { pass: Pass::by(self.reading(), inferred), staged: Staged::at(staging) };
            encoding = self.take_all(settled, spool, again)?;
        }
    }

    fn reading(&self) -> Reading {
        reading(&self.job, &self.provider)
    }

    fn lineage(&self, settled: &Settled, cells: &[SealedCell], inferred: &Inferred) -> Lineage {
        let paging = self.job.paging.as_ref().unwrap_or(&self.provider.paging);
        Lineage {
            job: self.job.name.as_str().to_owned(),
            provider: self.provider.name.clone(),
            partition: settled.row.key.clone(),
            generation: settled.row.generation.into(),
            schema: inferred.schema.to_text(),
            cells: cells.iter().map(|cell| (cell.key.0.clone(), cell.outcome.name().to_owned())).collect(),
            memory: memory::write(&Fingerprint::new(&self.job, paging), cells),
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
                (Ok(PageFrame { head, body }), Ok(added)) => {
                    self.page_in(cell, (head.page, head.records), body, added).map(Ok)
                }
            })
        })
    }

    /// A page as it is decoded; none for an explicit empty, which has nothing below the record path to look for. What its
    /// head says of `records` may be of an older reading.
    pub(super) fn page_in(
        &self,
        cell: &Cell,
        (page, records): (u32, u64),
        body: Bytes,
        added: &Map<String, Value>,
    ) -> Option<PageIn> {
        let is_empty = records == 0 && records_in(&self.provider, &self.job, &body) == 0;
        (!is_empty).then(|| PageIn { cell: cell.key.0.clone(), page, body, outline: None, added: added.clone() })
    }

    /// What is added to each record of a cell.
    pub(super) fn added(&self, cell: &Cell) -> Result<Map<String, Value>, TemplateError> {
        added(&self.job, cell)
    }
}

/// How every cell ended, as the spool says.
pub(super) fn sealed_cells(settled: &Settled, spool: &PartitionSpool) -> Vec<SealedCell> {
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

/// Pages that stand in the file of a partition.
fn whole_pages(cells: &[SealedCell]) -> u64 {
    let whole = cells.iter().filter(|cell| !matches!(cell.outcome, Outcome::Rejected { .. }));
    whole.map(|cell| u64::from(cell.pages)).sum()
}

fn rejected_record(reject: decode::RejectedRecord) -> RejectedRecord {
    let decode::RejectedRecord { cell, page, index, path, reason } = reject;
    RejectedRecord { cell: CellKey(cell), page, index, path, reason }
}

fn decode_error(settled: &Settled, source: PartitionError<EncodeError>) -> RunError {
    RunError::Decode { partition: settled.row.key.clone(), source: Box::new(source) }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int64Array, StringArray};

    use super::*;

    /// What is seen of the first piece differs from what is seen of the batch, and a batch ends anywhere in a page: each
    /// would show.
    #[test]
    fn yielding_changes_no_byte() {
        let value = |row: i64| if row < 1_100 { row } else { row % 50 };
        let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values((0..40_000).map(value)));
        let texts: ArrayRef =
            Arc::new(StringArray::from_iter_values((0..40_000).map(|row| format!("n{}", value(row)))));
        let batch = RecordBatch::try_from_iter([("number", numbers), ("text", texts)]).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let written = |name: &str, write: fn(&mut Staged, &RecordBatch) -> Result<(), EncodeError>| {
            let path = folder.path().join(name);
            let mut staged = Staged::at(Some(path.clone()));
            for _ in 0..2 {
                write(&mut staged, &batch).unwrap();
            }
            finished(staged, &path)
        };
        assert!(written("whole", Staged::write) == written("yielding", Staged::write_yielding));
    }

    fn finished(staged: Staged, path: &Path) -> Vec<u8> {
        let lineage = Lineage {
            job: "j".to_owned(),
            provider: "p".to_owned(),
            partition: "#0".to_owned(),
            generation: 1,
            schema: "[]".to_owned(),
            cells: Vec::new(),
            memory: "{}".to_owned(),
        };
        staged.file.unwrap().finish(&lineage).unwrap();
        std::fs::read(path).unwrap()
    }
}
