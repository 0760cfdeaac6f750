//! Decoding of the bare loop: pages by sonic-rs, without a tree, straight into Arrow builders.

use std::borrow::Cow;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanBuilder, Date32Builder, Decimal128Builder, Float64Builder, Int64Builder, RecordBatch,
    StringBuilder, TimestampMillisecondBuilder,
};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use serde::Deserialize;

use crate::page::each;
use crate::parse;
use crate::workload::Shape;

#[derive(Deserialize)]
struct Wide<'a> {
    id: i64,
    #[serde(borrow)]
    price: &'a str,
    #[serde(borrow)]
    day: &'a str,
    #[serde(borrow)]
    at: &'a str,
    open: f64,
    ratio: f64,
    volume: Option<i64>,
    #[serde(borrow)]
    name: Text<'a>,
    #[serde(borrow)]
    note: Option<Text<'a>>,
    #[serde(borrow)]
    remark: Option<Text<'a>>,
    active: bool,
    listed: Option<bool>,
}

#[derive(Deserialize)]
struct Small<'a> {
    id: i64,
    #[serde(borrow)]
    name: Text<'a>,
    open: f64,
    active: bool,
}

/// Text that is copied only if it has escapes; serde would copy every `Option<Cow<str>>`.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// Builders of one batch.
pub(crate) enum Rows {
    Wide(Box<WideRows>),
    Small(Box<SmallRows>),
}

impl Rows {
    pub(crate) fn new(shape: Shape) -> Self {
        match shape {
            Shape::Wide => Self::Wide(Box::new(WideRows {
                price: Decimal128Builder::new().with_data_type(DataType::Decimal128(20, 4)),
                at: TimestampMillisecondBuilder::new().with_timezone("UTC"),
                ..WideRows::default()
            })),
            Shape::Small => Self::Small(Box::default()),
        }
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Wide(rows) => rows.id.values_slice().len(),
            Self::Small(rows) => rows.id.values_slice().len(),
        }
    }

    /// Adds all records of one page.
    pub(crate) fn append(&mut self, body: &[u8]) {
        match self {
            Self::Wide(rows) => each(body, |record: Wide<'_>| rows.append(&record)),
            Self::Small(rows) => each(body, |record: Small<'_>| rows.append(&record)),
        }
    }

    /// What has been added; empty afterwards.
    pub(crate) fn finish(&mut self, schema: &SchemaRef) -> RecordBatch {
        let columns = match self {
            Self::Wide(rows) => rows.finish(),
            Self::Small(rows) => rows.finish(),
        };
        RecordBatch::try_new(Arc::clone(schema), columns).unwrap()
    }
}

/// The columns of a file, as `tidemill` writes them.
pub(crate) fn schema(shape: Shape) -> SchemaRef {
    let columns = match shape {
        Shape::Wide => vec![
            ("id", DataType::Int64),
            ("price", DataType::Decimal128(20, 4)),
            ("day", DataType::Date32),
            ("at", DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into()))),
            ("open", DataType::Float64),
            ("ratio", DataType::Float64),
            ("volume", DataType::Int64),
            ("name", DataType::Utf8),
            ("note", DataType::Utf8),
            ("remark", DataType::Utf8),
            ("active", DataType::Boolean),
            ("listed", DataType::Boolean),
        ],
        Shape::Small => vec![
            ("id", DataType::Int64),
            ("name", DataType::Utf8),
            ("open", DataType::Float64),
            ("active", DataType::Boolean),
        ],
    };
    let field = |(name, column)| Field::new(name, column, true);
    Arc::new(Schema::new(columns.into_iter().map(field).collect::<Vec<_>>()))
}

#[derive(Default)]
pub(crate) struct WideRows {
    id: Int64Builder,
    price: Decimal128Builder,
    day: Date32Builder,
    at: TimestampMillisecondBuilder,
    open: Float64Builder,
    ratio: Float64Builder,
    volume: Int64Builder,
    name: StringBuilder,
    note: StringBuilder,
    remark: StringBuilder,
    active: BooleanBuilder,
    listed: BooleanBuilder,
}

impl WideRows {
    fn append(&mut self, record: &Wide<'_>) {
        self.id.append_value(record.id);
        self.price.append_value(parse::decimal(record.price.as_bytes()));
        self.day.append_value(parse::day(record.day.as_bytes()));
        self.at.append_value(parse::instant(record.at.as_bytes()));
        self.open.append_value(record.open);
        self.ratio.append_value(record.ratio);
        self.volume.append_option(record.volume);
        self.name.append_value(&record.name.0);
        self.note.append_option(record.note.as_ref().map(|text| &text.0));
        self.remark.append_option(record.remark.as_ref().map(|text| &text.0));
        self.active.append_value(record.active);
        self.listed.append_option(record.listed);
    }

    fn finish(&mut self) -> Vec<ArrayRef> {
        vec![
            Arc::new(self.id.finish()),
            Arc::new(self.price.finish()),
            Arc::new(self.day.finish()),
            Arc::new(self.at.finish()),
            Arc::new(self.open.finish()),
            Arc::new(self.ratio.finish()),
            Arc::new(self.volume.finish()),
            Arc::new(self.name.finish()),
            Arc::new(self.note.finish()),
            Arc::new(self.remark.finish()),
            Arc::new(self.active.finish()),
            Arc::new(self.listed.finish()),
        ]
    }
}

#[derive(Default)]
pub(crate) struct SmallRows {
    id: Int64Builder,
    name: StringBuilder,
    open: Float64Builder,
    active: BooleanBuilder,
}

impl SmallRows {
    fn append(&mut self, record: &Small<'_>) {
        self.id.append_value(record.id);
        self.name.append_value(&record.name.0);
        self.open.append_value(record.open);
        self.active.append_value(record.active);
    }

    fn finish(&mut self) -> Vec<ArrayRef> {
        vec![
            Arc::new(self.id.finish()),
            Arc::new(self.name.finish()),
            Arc::new(self.open.finish()),
            Arc::new(self.active.finish()),
        ]
    }
}
