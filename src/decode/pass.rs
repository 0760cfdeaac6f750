//! Walks over the pages of a partition once: batches by the schema as it is known so far, while every record is watched.
//!
//! Invariant: what comes out is what a walk over all pages for the schema and a second one for the batches would give.
//! The schema is believed early (at once where the dataset has one, else after a sample); when a later record shows that
//! it was wrong, the batches are void, the rest is watched only, and a second walk makes the batches by what was found.

use arrow::array::RecordBatch;

use super::build::Decoder;
use super::infer::{Inference, Inferred};
use super::partition::{Built, PageIn, PartitionError, RecordsAt, RejectedRecord, SAMPLES};
use super::project::{Added, Projection};
use super::reject::Reject;
use super::routes::Routes;
use super::schema::DatasetSchema;
use crate::fetch::{self, LocateError, Located};
use crate::job::{ColumnType, Shape};
use crate::json::{Block, Document, Elements, Room, Tape, Value};

/// So many records, or bytes of pages, are looked at before a schema is believed.
const SAMPLE_RECORDS: u64 = 2_000;
const SAMPLE_BYTES: usize = 4 << 20;

/// Where no batch can be full.
const NO_END: Room = Room { records: usize::MAX, bytes: usize::MAX };

/// How records are read, and what they have to fit.
#[derive(Debug, Clone)]
pub struct Reading {
    /// Where the records of a page are.
    pub at: RecordsAt,
    /// Which of their fields become columns; `prefixed` is found on the way.
    pub projection: Projection,
    /// Columns a person declared.
    pub declared: Vec<(String, ColumnType)>,
}

/// One walk over the pages of a partition.
#[derive(Debug)]
pub struct Pass {
    reading: Reading,
    recorded: Option<DatasetSchema>,
    /// Watches the records; none where the schema is known.
    inference: Option<Inference>,
    /// By which schema batches are made; none before one is believed, and when it was wrong.
    believed: Option<Inferred>,
    decoder: Option<Decoder>,
    wrong: bool,
    sample: Vec<PageIn>,
    sampled: (u64, usize),
    built: Built,
    tape: Tape,
    block: Block,
    routes: Routes,
}

/// What a walk came to.
#[derive(Debug)]
pub enum Passed {
    /// The batches hold, under this schema.
    Whole(Inferred, Built),
    /// The batches are void; [`Pass::by`] this schema makes them.
    Again(Inferred),
}

impl Pass {
    /// Begins a walk; `recorded` is the schema of the dataset so far.
    pub fn new(reading: Reading, recorded: Option<DatasetSchema>) -> Self {
        let inference = Inference::new(reading.projection.clone());
        Self { inference: Some(inference), ..Self::empty(reading, recorded) }
    }

    /// Begins a walk by a schema that was found before over the same pages.
    pub fn by(reading: Reading, inferred: Inferred) -> Self {
        Self { believed: Some(inferred), ..Self::empty(reading, None) }
    }

    fn empty(reading: Reading, recorded: Option<DatasetSchema>) -> Self {
        Self {
            reading,
            recorded,
            inference: None,
            believed: None,
            decoder: None,
            wrong: false,
            sample: Vec::new(),
            sampled: (0, 0),
            built: Built::default(),
            tape: Tape::default(),
            block: Block::default(),
            routes: Routes::default(),
        }
    }

    /// Takes the next page, in plan order, then page order; hands full batches to `each`.
    ///
    /// # Errors
    /// When the page cannot be read, and what `each` returns.
    pub fn page<E: std::error::Error + 'static>(
        &mut self,
        page: PageIn,
        each: &mut impl FnMut(RecordBatch) -> Result<(), E>,
    ) -> Result<(), PartitionError<E>> {
        let page = self.outlined(page);
        let waits = self.believed.is_none() && self.recorded.is_none() && !self.wrong;
        if !waits {
            self.believe()?;
            return self.read(&page, each);
        }
        self.sampled.1 += page.body.len();
        self.watch(&page)?;
        self.sample.push(page);
        if self.sampled.0 >= SAMPLE_RECORDS || self.sampled.1 >= SAMPLE_BYTES {
            self.build_sample(each)?;
        }
        Ok(())
    }

    /// A page that is read back was checked long ago; what is found once more saves more than it costs, except where records
    /// come one by one anyway: those that become many rows, and those that are not listed.
    fn outlined(&self, page: PageIn) -> PageIn {
        let Reading { at, projection, .. } = &self.reading;
        if page.outline.is_some() || projection.explode.is_some() || at.shape == Some(Shape::Object) {
            return page;
        }
        let document = Document::read(&page.body, at.path.0.len() + 1).ok();
        PageIn { outline: document.and_then(Document::into_outline), ..page }
    }

    /// Hands out the last batch. `recorded` is the schema of the dataset by now: others may have widened it meanwhile.
    ///
    /// # Errors
    /// What `each` returns.
    pub fn finish<E: std::error::Error + 'static>(
        mut self,
        recorded: Option<&DatasetSchema>,
        each: &mut impl FnMut(RecordBatch) -> Result<(), E>,
    ) -> Result<Passed, PartitionError<E>> {
        self.recorded = recorded.cloned();
        if !self.wrong {
            self.build_sample(each)?;
        }
        if let Some(batch) = self.decoder.as_mut().map(Decoder::flush).transpose()?.flatten() {
            each(batch).map_err(PartitionError::Caller)?;
        }
        let found = self.found();
        Ok(match self.believed {
            Some(believed) if !self.wrong && found.as_ref().is_none_or(|found| is_same(found, &believed)) => {
                Passed::Whole(found.unwrap_or(believed), self.built)
            }
            believed => Passed::Again(found.or(believed).unwrap_or_default()),
        })
    }

    /// The schema of all records so far; none where it is known from before.
    fn found(&self) -> Option<Inferred> {
        self.inference.as_ref().map(|seen| seen.finish(&self.reading.declared, self.recorded.as_ref()))
    }

    /// Makes batches from now on by what is known.
    fn believe<E: std::error::Error + 'static>(&mut self) -> Result<(), PartitionError<E>> {
        if self.wrong || self.decoder.is_some() {
            return Ok(());
        }
        let believed = match self.believed.take() {
            Some(believed) => Some(believed),
            None => self.found(),
        };
        if let Some(believed) = believed {
            self.decoder = Some(Decoder::new(&believed.schema, believed.projection.clone())?);
            self.routes = Routes::default();
            self.believed = Some(believed);
        }
        Ok(())
    }

    fn build_sample<E: std::error::Error + 'static>(
        &mut self,
        each: &mut impl FnMut(RecordBatch) -> Result<(), E>,
    ) -> Result<(), PartitionError<E>> {
        self.believe()?;
        // They have been watched.
        let inference = self.inference.take();
        let sample = std::mem::take(&mut self.sample);
        let built = sample.iter().try_for_each(|page| self.read(page, each));
        self.inference = inference;
        self.routes = Routes::default();
        built
    }

    fn watch<E: std::error::Error + 'static>(&mut self, page: &PageIn) -> Result<(), PartitionError<E>> {
        let Some(inference) = &mut self.inference else { return Ok(()) };
        let count = &mut self.sampled.0;
        records(page, &self.reading.at, &mut self.tape, |record, added| {
            *count += 1;
            // Refused again, with its index, when it is built.
            let _refused = inference.observe(record, added).is_err();
            Ok(())
        })
    }

    fn read<E: std::error::Error + 'static>(
        &mut self,
        page: &PageIn,
        each: &mut impl FnMut(RecordBatch) -> Result<(), E>,
    ) -> Result<(), PartitionError<E>> {
        self.routes.begin(page.added.keys());
        let at = self.reading.at.clone();
        let (mut tape, mut block) = (std::mem::take(&mut self.tape), std::mem::take(&mut self.block));
        let mut index = 0;
        let read = match straight(page, &at) {
            Some(elements) => self.read_list(page, elements, (&mut tape, &mut block), each),
            None => found(page, &at, &mut tape, |record, added| {
                self.read_one((page, index), record, added);
                index += 1;
                self.hand_out(each)
            }),
        };
        (self.tape, self.block) = (tape, block);
        read
    }

    fn read_list<E: std::error::Error + 'static>(
        &mut self,
        page: &PageIn,
        mut elements: Elements<'_>,
        (tape, block): (&mut Tape, &mut Block),
        each: &mut impl FnMut(RecordBatch) -> Result<(), E>,
    ) -> Result<(), PartitionError<E>> {
        let added = added(page)?;
        let mut index = 0;
        loop {
            let room = self.decoder.as_ref().map_or(NO_END, Decoder::room);
            if self.routes.know(tape.shape()) && elements.block(block, room) {
                let Self { inference, decoder, routes, .. } = self;
                if routes.block((block, elements.text()), &added, inference.as_mut(), decoder.as_mut()) {
                    elements.take(block);
                    let records = block.records() as u64;
                    self.built.records += records;
                    self.built.rows += if self.decoder.is_some() { records } else { 0 };
                    index += records;
                    self.hand_out(each)?;
                    continue;
                }
                elements.refuse(block);
            }
            let Some(record) = elements.next(tape).map_err(|error| broken(page, error.into()))? else { return Ok(()) };
            self.read_one((page, index), record, &added);
            index += 1;
            self.hand_out(each)?;
        }
    }

    fn read_one(&mut self, (page, index): (&PageIn, u64), record: Value<'_, '_>, added: &Added) {
        if let Err(reject) = self.record(record, added) {
            self.reject(page, index, reject);
        }
    }

    /// Hands out a batch when it is full.
    fn hand_out<E: std::error::Error + 'static>(
        &mut self,
        each: &mut impl FnMut(RecordBatch) -> Result<(), E>,
    ) -> Result<(), PartitionError<E>> {
        if let Some(decoder) = &mut self.decoder
            && decoder.is_full()
            && let Some(batch) = decoder.flush()?
            && !self.is_wrong()
        {
            each(batch).map_err(PartitionError::Caller)?;
        }
        Ok(())
    }

    /// Watches one record, and makes rows of it.
    fn record(&mut self, record: Value<'_, '_>, added: &Added) -> Result<(), Reject> {
        self.built.records += 1;
        let Self { inference, decoder, routes, .. } = self;
        if let Some(routed) = routes.record(record, added, inference.as_mut(), decoder.as_mut()) {
            self.built.rows += routed?;
            return Ok(());
        }
        match inference {
            Some(inference) => inference.observe(record, added)?,
            None => super::project::record(record)?,
        }
        routes.learn(record, (&self.reading, added), inference.as_ref(), decoder.as_ref());
        if let Some(decoder) = decoder {
            self.built.rows += decoder.push_checked(record, added)? as u64;
        }
        Ok(())
    }

    fn reject(&mut self, page: &PageIn, index: u64, Reject { path, reason }: Reject) {
        // It may be the schema that is wrong, and not the record.
        if self.is_wrong() {
            return;
        }
        self.built.rejected += 1;
        if self.built.samples.len() < SAMPLES {
            let (cell, page) = (page.cell.clone(), page.page);
            self.built.samples.push(RejectedRecord { cell, page, index, path, reason });
        }
    }

    /// Whether the schema that is believed has been shown to be wrong; from then on no batches are made.
    fn is_wrong(&mut self) -> bool {
        let shown = match (self.found(), &self.believed) {
            (Some(found), Some(believed)) => !is_same(&found, believed),
            (_, _) => false,
        };
        if shown {
            self.wrong = true;
            self.decoder = None;
        }
        self.wrong
    }
}

/// Whether records become the same rows.
fn is_same(one: &Inferred, other: &Inferred) -> bool {
    one.schema == other.schema && one.projection == other.projection
}

/// Hands each record of a page to `each`, with what is added to it.
fn records<E: std::error::Error + 'static>(
    page: &PageIn,
    at: &RecordsAt,
    tape: &mut Tape,
    mut each: impl FnMut(Value<'_, '_>, &Added) -> Result<(), PartitionError<E>>,
) -> Result<(), PartitionError<E>> {
    let Some(mut elements) = straight(page, at) else { return found(page, at, tape, each) };
    let added = added(page)?;
    while let Some(record) = elements.next(tape).map_err(|error| broken(page, error.into()))? {
        each(record, &added)?;
    }
    Ok(())
}

/// The records where they are the members of a list that can be gone to straight.
fn straight<'p>(page: &'p PageIn, at: &RecordsAt) -> Option<Elements<'p>> {
    let may_be_list = at.shape != Some(Shape::Object);
    may_be_list.then(|| Elements::find(&page.body, page.outline.as_ref(), &at.path.0)).flatten()
}

/// The same as [`records`], wherever they are.
fn found<E: std::error::Error + 'static>(
    page: &PageIn,
    at: &RecordsAt,
    tape: &mut Tape,
    mut each: impl FnMut(Value<'_, '_>, &Added) -> Result<(), PartitionError<E>>,
) -> Result<(), PartitionError<E>> {
    let added = added(page)?;
    let broken = |source: LocateError| broken(page, source);
    let document = fetch::document(&page.body, at.path.0.len() + 1).map_err(broken)?;
    let found = match fetch::locate(document.root(), &at.path).map_err(broken)? {
        Located::Value(value) => fetch::records(value, at.shape, || at.path.clone()).map_err(broken)?,
        // An answer that says "nothing" in this way was judged when it came.
        Located::Null => Vec::new(),
        Located::Missing(gap) => {
            let (at, have) = (gap.at(&at.path), gap.have());
            return Err(PartitionError::Missing { cell: page.cell.clone(), page: page.page, at, have });
        }
    };
    for record in found {
        each(tape.fill(record.raw()).map_err(|error| broken(error.into()))?, &added)?;
    }
    Ok(())
}

fn added<E: std::error::Error + 'static>(page: &PageIn) -> Result<Added, PartitionError<E>> {
    Added::new(&page.added).map_err(|error| broken(page, error.into()))
}

fn broken<E: std::error::Error + 'static>(page: &PageIn, source: LocateError) -> PartitionError<E> {
    PartitionError::Page { cell: page.cell.clone(), page: page.page, source }
}
