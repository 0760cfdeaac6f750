//! Records become rows of Arrow batches.
//!
//! Invariant: all columns have the same length after every call, whatever the record was.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;

use super::column::Column;
use super::project::{Added, Projection, record};
use super::reject::Reject;
use super::schema::DatasetSchema;
use crate::json::{Block, Kind, Room, Value};

/// Rows of one batch.
pub const BATCH_ROWS: usize = 32 * 1024;

/// Text of one batch: bounds memory when records are large.
const BATCH_TEXT: usize = 64 << 20;

/// A schema that cannot be built.
#[derive(Debug, thiserror::Error)]
pub enum DecoderError {
    /// The zone of a timestamp column is not in the time zone database.
    #[error("column `{column}`: {reason}; install the time zone database or use an offset such as `+08:00`")]
    Column {
        /// Its name.
        column: String,
        /// What is wrong with it.
        reason: String,
    },
}

/// Collects rows of one schema.
#[derive(Debug)]
pub struct Decoder {
    schema: SchemaRef,
    projection: Arc<Projection>,
    columns: Vec<Column>,
    index: HashMap<String, usize>,
    names: Vec<String>,
    rows: usize,
    /// Text of records since the columns were weighed last.
    unweighed: usize,
    /// Where the next field is expected: records of one provider mostly list theirs in the same order.
    next: usize,
}

/// Where a field goes that is known by its key.
#[derive(Debug, Clone, Copy)]
pub(super) enum Goes {
    /// To the column at this place.
    Column(usize),
    /// It should be a column, and there is none.
    Astray,
    /// It is no column.
    Nowhere,
}

impl Decoder {
    /// An empty decoder; `projection` is what [`super::Inference::finish`] returned with the schema.
    pub fn new(schema: &DatasetSchema, projection: Projection) -> Result<Self, DecoderError> {
        let columns = schema
            .columns
            .iter()
            .map(|(name, column)| {
                Column::new(column).map_err(|reason| DecoderError::Column { column: name.clone(), reason })
            })
            .collect::<Result<_, _>>()?;
        let names: Vec<String> = schema.columns.iter().map(|(name, _)| name.clone()).collect();
        let index = names.iter().enumerate().map(|(at, name)| (name.clone(), at)).collect();
        let projection = Arc::new(projection);
        Ok(Self { schema: schema.to_arrow(), projection, columns, index, names, rows: 0, unweighed: 0, next: 0 })
    }

    /// Appends the rows of one record (one, or one per item of the exploded list) and returns how many.
    ///
    /// A rejected record leaves no trace.
    pub fn push(&mut self, value: Value<'_, '_>, added: &Added) -> Result<usize, Reject> {
        record(value)?;
        self.push_checked(value, added)
    }

    /// As [`Self::push`], for a record without flaws.
    pub(super) fn push_checked(&mut self, value: Value<'_, '_>, added: &Added) -> Result<usize, Reject> {
        let before = self.rows;
        let pushed = self.rows_of(value, added);
        self.unweighed += value.raw().len() * (self.rows - before);
        if pushed.is_err() {
            self.columns.iter_mut().for_each(|column| column.truncate(before));
            self.rows = before;
        }
        pushed.map(|()| self.rows - before)
    }

    /// Rows collected since the last flush.
    pub fn len(&self) -> usize {
        self.rows
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows == 0
    }

    /// Whether it is time to flush: [`BATCH_ROWS`] rows, or 64 MiB of text, which are counted from time to time.
    pub fn is_full(&mut self) -> bool {
        if self.rows >= BATCH_ROWS {
            return true;
        }
        if self.unweighed < BATCH_TEXT / 64 {
            return false;
        }
        self.unweighed = 0;
        self.columns.iter().map(Column::text_bytes).sum::<usize>() >= BATCH_TEXT
    }

    /// The collected rows; `None` when there are none.
    pub fn flush(&mut self) -> Result<Option<RecordBatch>, ArrowError> {
        if self.rows == 0 {
            return Ok(None);
        }
        let arrays = self.columns.iter_mut().map(Column::finish).collect::<Result<_, _>>()?;
        let options = RecordBatchOptions::new().with_row_count(Some(self.rows));
        self.rows = 0;
        RecordBatch::try_new_with_options(self.schema.clone(), arrays, &options).map(Some)
    }

    fn rows_of(&mut self, record: Value<'_, '_>, added: &Added) -> Result<(), Reject> {
        match self.projection.exploded(record)? {
            None => self.row(record, None, added),
            Some(list) => {
                for (index, item) in list.children().enumerate() {
                    self.row(record, Some((&list.key(), index, item)), added)?;
                }
                Ok(())
            }
        }
    }

    /// The place of a column.
    pub(super) fn column(&self, name: &str) -> Option<usize> {
        self.index.get(name).copied()
    }

    /// Appends a record without flaws as one row, each field to the column that is known for it.
    #[inline]
    pub(super) fn push_routed<'t, 'a: 't>(
        &mut self,
        record: Value<'t, 'a>,
        fields: impl Iterator<Item = (Value<'t, 'a>, Goes)>,
        added: &Added,
    ) -> Result<(), Reject> {
        let pushed = self.route(fields, added);
        match pushed {
            Ok(()) => self.unweighed += record.raw().len(),
            Err(_) => self.columns.iter_mut().for_each(|column| column.truncate(self.rows)),
        }
        pushed
    }

    /// Appends records without flaws, column by column; false when one does not fit, and nothing is appended then.
    pub(super) fn push_block(
        &mut self,
        (block, text): (&Block, &str),
        goes: impl Iterator<Item = Goes>,
        added: &Added,
    ) -> bool {
        let (before, after) = (self.rows, self.rows + block.records());
        let mut columns = goes.enumerate().map(|(at, goes)| match goes {
            Goes::Column(to) => self.columns[to].append_all(block.column(at, text)),
            Goes::Astray => block.column(at, text).all(|(kind, _)| kind == Kind::Null),
            Goes::Nowhere => true,
        });
        let fits = columns.all(|fits| fits) && self.add_to(before..after, added);
        if !fits {
            self.columns.iter_mut().for_each(|column| column.truncate(before));
            self.rows = before;
            return false;
        }
        for column in &mut self.columns {
            (column.len()..after).for_each(|_| column.append_null());
        }
        self.rows = after;
        self.unweighed += block.bytes();
        true
    }

    /// Appends the added values to each of these rows; false when one does not fit.
    fn add_to(&mut self, rows: Range<usize>, added: &Added) -> bool {
        added.values().next().is_none()
            || rows.into_iter().all(|row| {
                self.rows = row;
                self.add(added).is_ok()
            })
    }

    /// How many records may come before [`Self::is_full`] has to be asked.
    pub(super) fn room(&self) -> Room {
        let bytes = (BATCH_TEXT / 64).saturating_sub(self.unweighed);
        Room { records: BATCH_ROWS.saturating_sub(self.rows), bytes }
    }

    #[inline]
    fn route<'t, 'a: 't>(
        &mut self,
        fields: impl Iterator<Item = (Value<'t, 'a>, Goes)>,
        added: &Added,
    ) -> Result<(), Reject> {
        let mut filled = 0;
        for (field, goes) in fields {
            match goes {
                Goes::Column(at) => self.columns[at].append(field).map_err(|reject| reject.below(field.key()))?,
                Goes::Astray if !field.is_null() => return Err(no_such_column().below(field.key())),
                Goes::Astray | Goes::Nowhere => continue,
            }
            filled += 1;
        }
        // An added null may have no column.
        let is_all = self.add(added)? == 0;
        self.end_row(if is_all { filled } else { 0 });
        Ok(())
    }

    /// Appends the added values; gives how many they are.
    fn add(&mut self, added: &Added) -> Result<usize, Reject> {
        let mut count = 0;
        for (name, value) in added.values() {
            if !self.projection.skips(name) {
                self.set(name, value).map_err(|reject| reject.below(name))?;
                count += 1;
            }
        }
        Ok(count)
    }

    /// Whatever has no value in this row is null; at least `filled` columns have one.
    fn end_row(&mut self, filled: usize) {
        if filled < self.columns.len() {
            let rows = self.rows;
            self.columns.iter_mut().filter(|column| column.len() == rows).for_each(Column::append_null);
        }
        self.rows += 1;
    }

    fn row(
        &mut self,
        record: Value<'_, '_>,
        item: Option<(&str, usize, Value<'_, '_>)>,
        added: &Added,
    ) -> Result<(), Reject> {
        let projection = Arc::clone(&self.projection);
        for field in projection.parents(record, added) {
            self.set(&field.key(), field).map_err(|reject| reject.below(field.key()))?;
        }
        if let Some((list, index, item)) = item {
            for field in item.children() {
                let column = projection.child_column(&field.key());
                if !projection.skips(&column) {
                    self.set(&column, field).map_err(|reject| reject.below(field.key()).below(index).below(list))?;
                }
            }
        }
        self.add(added)?;
        self.end_row(0);
        Ok(())
    }

    fn set(&mut self, name: &str, value: Value<'_, '_>) -> Result<(), Reject> {
        let at = match self.names.get(self.next) {
            Some(expected) if expected == name => Some(self.next),
            Some(_) | None => self.index.get(name).copied(),
        };
        let Some(at) = at else {
            // A null has no type, so inference made no column of it; nothing is lost.
            return if value.is_null() { Ok(()) } else { Err(no_such_column()) };
        };
        self.next = at + 1;
        let column = &mut self.columns[at];
        if column.len() > self.rows {
            return Err(Reject::new(format!("two fields of one record become the column `{name}`")));
        }
        column.append(value)
    }
}

fn no_such_column() -> Reject {
    Reject::new("the schema has no such column")
}
