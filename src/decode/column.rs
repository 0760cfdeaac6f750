//! One growing column that can take back its last values: the reason why a rejected record leaves no trace.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, BooleanBufferBuilder, Decimal128Array, ListArray, NullBufferBuilder, PrimitiveArray,
    StringArray, StructArray,
};
use arrow::buffer::{Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow::datatypes::{
    ArrowPrimitiveType, Date32Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType,
};
use arrow::error::ArrowError;

use super::number;
use super::reject::{Reject, show};
use super::schema::{fields_to_arrow, item_to_arrow};
use super::time::{TimestampReader, date};
use crate::job::{ColumnType, TimeUnit};
use crate::json::{Kind, Value};

#[derive(Debug)]
pub(super) struct Column {
    pub(super) valid: NullBufferBuilder,
    pub(super) cells: Cells,
}

#[derive(Debug)]
pub(super) enum Cells {
    Bool(BooleanBufferBuilder),
    Int8(Vec<i8>),
    Int16(Vec<i16>),
    Int32(Vec<i32>),
    Int64(Vec<i64>),
    Float32(Vec<f32>),
    Float64(Vec<f64>),
    Decimal { precision: u8, scale: u8, values: Vec<i128> },
    Text(Text),
    Json(Text),
    Date(Vec<i32>),
    Timestamp { unit: TimeUnit, zoned: bool, reader: Box<TimestampReader>, values: Vec<i64> },
    List { declared: ColumnType, offsets: Vec<i32>, items: Box<Column> },
    Struct { declared: Vec<(String, ColumnType)>, fields: Vec<Column> },
}

impl Column {
    /// Fails on a time zone this machine does not know.
    pub(super) fn new(column: &ColumnType) -> Result<Self, String> {
        let cells = match column {
            ColumnType::Bool => Cells::Bool(BooleanBufferBuilder::new(0)),
            ColumnType::Int8 => Cells::Int8(Vec::new()),
            ColumnType::Int16 => Cells::Int16(Vec::new()),
            ColumnType::Int32 => Cells::Int32(Vec::new()),
            ColumnType::Int64 => Cells::Int64(Vec::new()),
            ColumnType::Float32 => Cells::Float32(Vec::new()),
            ColumnType::Float64 => Cells::Float64(Vec::new()),
            ColumnType::Decimal { precision, scale } => {
                Cells::Decimal { precision: *precision, scale: *scale, values: Vec::new() }
            }
            ColumnType::String => Cells::Text(Text::default()),
            ColumnType::Json => Cells::Json(Text::default()),
            ColumnType::Date => Cells::Date(Vec::new()),
            ColumnType::Timestamp { unit, zone } => Cells::Timestamp {
                unit: *unit,
                zoned: zone.is_some(),
                reader: Box::new(TimestampReader::new(*unit, zone.as_deref())?),
                values: Vec::new(),
            },
            ColumnType::List(item) => {
                let items = Box::new(Self::new(item)?);
                Cells::List { declared: item.as_ref().clone(), offsets: vec![0], items }
            }
            ColumnType::Struct(declared) => {
                let fields = declared.iter().map(|(_, column)| Self::new(column)).collect::<Result<_, _>>()?;
                Cells::Struct { declared: declared.clone(), fields }
            }
        };
        Ok(Self { valid: NullBufferBuilder::new(0), cells })
    }

    pub(super) fn len(&self) -> usize {
        self.valid.len()
    }

    /// Bytes of text held, also below.
    pub(super) fn text_bytes(&self) -> usize {
        match &self.cells {
            Cells::Text(text) | Cells::Json(text) => text.text.len(),
            Cells::List { items, .. } => items.text_bytes() + items.len(),
            Cells::Struct { fields, .. } => fields.iter().map(Self::text_bytes).sum(),
            Cells::Bool(_) | Cells::Int8(_) | Cells::Int16(_) | Cells::Int32(_) | Cells::Int64(_) => 0,
            Cells::Float32(_) | Cells::Float64(_) | Cells::Decimal { .. } => 0,
            Cells::Date(_) | Cells::Timestamp { .. } => 0,
        }
    }

    /// Appends one value. After an error the column may hold part of it: the caller truncates.
    #[inline]
    pub(super) fn append(&mut self, value: Value<'_, '_>) -> Result<(), Reject> {
        match value.kind() {
            Kind::List | Kind::Object => self.append_nested(value),
            scalar => self.append_scalar(scalar, value.raw()),
        }
    }

    /// `raw` is its JSON text.
    pub(super) fn append_scalar(&mut self, kind: Kind, raw: &str) -> Result<(), Reject> {
        if kind == Kind::Null {
            self.append_null();
            return Ok(());
        }
        match (&mut self.cells, kind) {
            (Cells::Bool(values), Kind::Bool(flag)) => values.append(flag),
            (Cells::Json(text), _) => text.push(|out| out.push_str(raw))?,
            (_, Kind::Bool(_)) => return Err(self.mismatch(kind, raw)),
            (Cells::Int8(values), _) => values.push(numeric(kind, raw, |text| number::integer(text, "int8"))?),
            (Cells::Int16(values), _) => values.push(numeric(kind, raw, |text| number::integer(text, "int16"))?),
            (Cells::Int32(values), _) => values.push(numeric(kind, raw, |text| number::integer(text, "int32"))?),
            (Cells::Int64(values), _) => values.push(numeric(kind, raw, |text| number::integer(text, "int64"))?),
            (Cells::Float32(values), _) => values.push(numeric(kind, raw, number::float32)?),
            (Cells::Float64(values), _) => values.push(numeric(kind, raw, number::float64)?),
            (Cells::Decimal { precision, scale, values }, _) => {
                values.push(numeric(kind, raw, |text| number::decimal(text, *precision, *scale))?);
            }
            (Cells::Text(text), Kind::Text | Kind::Escaped) => text.push(|out| kind.push_text(raw, out))?,
            (Cells::Date(values), Kind::Text | Kind::Escaped) => {
                let text = kind.text(raw).unwrap_or_default();
                values.push(date(&text).map_err(Reject::new)?);
            }
            (Cells::Timestamp { reader, values, .. }, _) => values.push(timestamp(kind, raw, reader)?),
            (Cells::Bool(_) | Cells::Text(_) | Cells::Date(_) | Cells::List { .. } | Cells::Struct { .. }, _) => {
                return Err(self.mismatch(kind, raw));
            }
        }
        self.valid.append_non_null();
        Ok(())
    }

    fn append_nested(&mut self, value: Value<'_, '_>) -> Result<(), Reject> {
        match (&mut self.cells, value.kind()) {
            (Cells::Json(text), _) => text.push(|out| out.push_str(value.raw()))?,
            (Cells::List { offsets, items, .. }, Kind::List) => append_list(offsets, items, value)?,
            (Cells::Struct { declared, fields }, Kind::Object) => append_struct(declared, fields, value)?,
            (_, kind) => return Err(self.mismatch(kind, value.raw())),
        }
        self.valid.append_non_null();
        Ok(())
    }

    #[cold]
    fn mismatch(&self, kind: Kind, raw: &str) -> Reject {
        let expected = match &self.cells {
            Cells::Bool(_) => "true or false",
            Cells::Int8(_) | Cells::Int16(_) | Cells::Int32(_) | Cells::Int64(_) => "a number",
            Cells::Float32(_) | Cells::Float64(_) | Cells::Decimal { .. } => "a number",
            Cells::Text(_) => "a string",
            Cells::Json(_) => "any value",
            Cells::Date(_) => "a calendar day as a string",
            Cells::Timestamp { .. } => "a date with a time of day",
            Cells::List { .. } => "a list",
            Cells::Struct { .. } => "an object",
        };
        let found = kind.name();
        Reject::new(match kind {
            Kind::Bool(_) | Kind::Whole | Kind::Fraction | Kind::Text | Kind::Escaped => {
                format!("expected {expected}, found {found} {}", show(raw))
            }
            Kind::Null | Kind::List | Kind::Object => format!("expected {expected}, found {found}"),
        })
    }

    pub(super) fn append_null(&mut self) {
        match &mut self.cells {
            Cells::Bool(values) => values.append(false),
            Cells::Int8(values) => values.push(0),
            Cells::Int16(values) => values.push(0),
            Cells::Int32(values) | Cells::Date(values) => values.push(0),
            Cells::Int64(values) | Cells::Timestamp { values, .. } => values.push(0),
            Cells::Float32(values) => values.push(0.0),
            Cells::Float64(values) => values.push(0.0),
            Cells::Decimal { values, .. } => values.push(0),
            Cells::Text(text) | Cells::Json(text) => text.offsets.push(text.end()),
            Cells::List { offsets, .. } => offsets.push(offsets.last().copied().unwrap_or_default()),
            Cells::Struct { fields, .. } => fields.iter_mut().for_each(Self::append_null),
        }
        self.valid.append_null();
    }

    /// Takes back everything after the first `len` values, half-appended ones included.
    pub(super) fn truncate(&mut self, len: usize) {
        self.valid.truncate(len);
        match &mut self.cells {
            Cells::Bool(values) => values.truncate(len),
            Cells::Int8(values) => values.truncate(len),
            Cells::Int16(values) => values.truncate(len),
            Cells::Int32(values) | Cells::Date(values) => values.truncate(len),
            Cells::Int64(values) | Cells::Timestamp { values, .. } => values.truncate(len),
            Cells::Float32(values) => values.truncate(len),
            Cells::Float64(values) => values.truncate(len),
            Cells::Decimal { values, .. } => values.truncate(len),
            Cells::Text(text) | Cells::Json(text) => {
                text.offsets.truncate(len + 1);
                text.text.truncate(usize::try_from(text.end()).unwrap_or_default());
            }
            Cells::List { offsets, items, .. } => {
                offsets.truncate(len + 1);
                items.truncate(usize::try_from(offsets.last().copied().unwrap_or_default()).unwrap_or_default());
            }
            Cells::Struct { fields, .. } => fields.iter_mut().for_each(|field| field.truncate(len)),
        }
    }

    /// The values so far as an array; the column is empty afterwards.
    pub(super) fn finish(&mut self) -> Result<ArrayRef, ArrowError> {
        let rows = self.len();
        let nulls = self.valid.finish().filter(|nulls| nulls.null_count() > 0);
        Ok(match &mut self.cells {
            Cells::Bool(values) => Arc::new(BooleanArray::new(values.finish(), nulls)),
            Cells::Int8(values) => primitive::<Int8Type>(values, nulls)?,
            Cells::Int16(values) => primitive::<Int16Type>(values, nulls)?,
            Cells::Int32(values) => primitive::<Int32Type>(values, nulls)?,
            Cells::Int64(values) => primitive::<Int64Type>(values, nulls)?,
            Cells::Float32(values) => primitive::<Float32Type>(values, nulls)?,
            Cells::Float64(values) => primitive::<Float64Type>(values, nulls)?,
            Cells::Decimal { precision, scale, values } => {
                let array = Decimal128Array::try_new(ScalarBuffer::from(std::mem::take(values)), nulls)?;
                Arc::new(array.with_precision_and_scale(*precision, scale.cast_signed())?)
            }
            Cells::Text(text) | Cells::Json(text) => {
                let Text { offsets, text } = std::mem::take(text);
                Arc::new(StringArray::try_new(offset_buffer(offsets), Buffer::from_vec(text.into_bytes()), nulls)?)
            }
            Cells::Date(values) => primitive::<Date32Type>(values, nulls)?,
            Cells::Timestamp { unit, zoned, values, .. } => match unit {
                TimeUnit::Second => instants::<TimestampSecondType>(values, nulls, *zoned)?,
                TimeUnit::Millisecond => instants::<TimestampMillisecondType>(values, nulls, *zoned)?,
                TimeUnit::Microsecond => instants::<TimestampMicrosecondType>(values, nulls, *zoned)?,
                TimeUnit::Nanosecond => instants::<TimestampNanosecondType>(values, nulls, *zoned)?,
            },
            Cells::List { declared, offsets, items } => {
                let offsets = offset_buffer(std::mem::replace(offsets, vec![0]));
                Arc::new(ListArray::try_new(Arc::new(item_to_arrow(declared)), offsets, items.finish()?, nulls)?)
            }
            Cells::Struct { declared, fields } => {
                let arrays = fields.iter_mut().map(Self::finish).collect::<Result<_, _>>()?;
                Arc::new(StructArray::try_new_with_length(fields_to_arrow(declared), arrays, nulls, rows)?)
            }
        })
    }
}

#[derive(Debug)]
pub(super) struct Text {
    pub(super) offsets: Vec<i32>,
    text: String,
}

impl Default for Text {
    fn default() -> Self {
        Self { offsets: vec![0], text: String::new() }
    }
}

impl Text {
    pub(super) fn push(&mut self, append: impl FnOnce(&mut String)) -> Result<(), Reject> {
        append(&mut self.text);
        let end = i32::try_from(self.text.len())
            .map_err(|_| Reject::new("more than 2 GiB of text in one column of one batch"))?;
        self.offsets.push(end);
        Ok(())
    }

    pub(super) fn end(&self) -> i32 {
        self.offsets.last().copied().unwrap_or_default()
    }
}

fn append_list(offsets: &mut Vec<i32>, items: &mut Column, value: Value<'_, '_>) -> Result<(), Reject> {
    for (index, item) in value.children().enumerate() {
        items.append(item).map_err(|reject| reject.below(index))?;
    }
    let end =
        i32::try_from(items.len()).map_err(|_| Reject::new("more than 2^31 list items in one column of one batch"))?;
    offsets.push(end);
    Ok(())
}

fn append_struct(declared: &[(String, ColumnType)], fields: &mut [Column], value: Value<'_, '_>) -> Result<(), Reject> {
    let before = fields.first().map_or(0, Column::len);
    for (index, field) in value.children().enumerate() {
        let name = &*field.key();
        let at = match declared.get(index) {
            Some((expected, _)) if expected == name => Some(index),
            Some(_) | None => declared.iter().position(|(known, _)| known == name),
        };
        match at {
            Some(at) => fields[at].append(field).map_err(|reject| reject.below(name))?,
            // A null has no type, so inference made no field of it; nothing is lost.
            None if field.is_null() => {}
            None => return Err(Reject::new("the struct of the column has no such field").below(name)),
        }
    }
    fields.iter_mut().filter(|field| field.len() == before).for_each(Column::append_null);
    Ok(())
}

/// Reads a number, or a string that is exactly one.
#[inline]
pub(super) fn numeric<T>(kind: Kind, raw: &str, read: impl FnOnce(&str) -> Result<T, String>) -> Result<T, Reject> {
    match kind.text(raw) {
        None => read(raw).map_err(Reject::new),
        Some(text) if number::is_number(&text) => read(&text).map_err(Reject::new),
        Some(text) => Err(Reject::new(format!("expected a number, found the string {}", show(&text)))),
    }
}

/// Text is read as a date with a time of day, a whole number as units since 1970-01-01.
pub(super) fn timestamp(kind: Kind, raw: &str, reader: &TimestampReader) -> Result<i64, Reject> {
    let read = match kind.text(raw) {
        Some(text) => reader.read(&text),
        None => number::integer(raw, "a timestamp of 64 bits"),
    };
    read.map_err(Reject::new)
}

fn primitive<T: ArrowPrimitiveType>(
    values: &mut Vec<T::Native>,
    nulls: Option<NullBuffer>,
) -> Result<ArrayRef, ArrowError> {
    Ok(Arc::new(PrimitiveArray::<T>::try_new(ScalarBuffer::from(std::mem::take(values)), nulls)?))
}

fn instants<T: arrow::datatypes::ArrowTimestampType>(
    values: &mut Vec<i64>,
    nulls: Option<NullBuffer>,
    zoned: bool,
) -> Result<ArrayRef, ArrowError> {
    let array = PrimitiveArray::<T>::try_new(ScalarBuffer::from(std::mem::take(values)), nulls)?;
    Ok(Arc::new(array.with_timezone_opt(zoned.then_some("UTC"))))
}

fn offset_buffer(offsets: Vec<i32>) -> OffsetBuffer<i32> {
    OffsetBuffer::new(ScalarBuffer::from(offsets))
}
