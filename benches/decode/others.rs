//! The same pages by other readers, which know the columns beforehand: what does not fit fails its whole page, and types
//! are not looked for.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, AsArray, BooleanBuilder, Date32Builder, Decimal128Builder, Float64Builder, Int64Builder, RecordBatch,
    StringBuilder,
};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use arrow::json::ReaderBuilder;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;
use sonic_rs::RawNumber;
use tidemill::decode::PageIn;
use tidemill::json::Document;

use crate::parse;

type Check = fn(&[u8]) -> bool;
type Count = fn(&[u8]) -> Option<usize>;
type Read = fn(&[PageIn], &SchemaRef) -> Option<RecordBatch>;

/// Whether a body is JSON.
pub(crate) const CHECK: [(&str, Check); 4] = [
    ("tidemill", |body| Document::read(body, 2).is_ok()),
    ("serde_json", |body| serde_json::from_slice::<&RawValue>(body).is_ok()),
    ("sonic-rs", |body| sonic_rs::from_slice::<IgnoredAny>(body).is_ok()),
    // It writes into what it reads, and the body is still needed.
    ("simd-json", |body| simd_json::to_tape(&mut body.to_vec()).is_ok()),
];

/// How many records are on a page.
pub(crate) const COUNT: [(&str, Count); 4] = [
    ("tidemill", |body| {
        let document = Document::read(body, 2).ok()?;
        document.root().children().find(|field| field.key() == "data").map(|data| data.children().count())
    }),
    ("serde_json", |body| Some(serde_json::from_slice::<Page<IgnoredAny>>(body).ok()?.data.len())),
    ("sonic-rs", |body| Some(sonic_rs::from_slice::<Page<IgnoredAny>>(body).ok()?.data.len())),
    ("simd-json", |body| {
        let mut body = body.to_vec();
        let tape = simd_json::to_tape(&mut body).ok()?;
        Some(tape.as_value().get("data")?.as_array()?.len())
    }),
];

/// All pages in one batch.
pub(crate) const ARROW: [(&str, Read); 4] = [
    ("serde_json", |pages, schema| {
        let mut rows = Rows::new();
        for page in pages {
            let page: Page<Day<'_, &RawValue>> = serde_json::from_slice(&page.body).ok()?;
            page.data.iter().for_each(|day| rows.append(day, |amount| parse::decimal(amount.get().as_bytes())));
        }
        rows.finish(schema)
    }),
    ("sonic-rs", |pages, schema| {
        let mut rows = Rows::new();
        for page in pages {
            let page: Page<Day<'_, RawNumber>> = sonic_rs::from_slice(&page.body).ok()?;
            page.data.iter().for_each(|day| rows.append(day, |amount| parse::decimal(amount.as_str().as_bytes())));
        }
        rows.finish(schema)
    }),
    // It has no numbers as text: four digits behind the point survive a float only while they are few.
    ("simd-json", |pages, schema| {
        let mut rows = Rows::new();
        for page in pages {
            let mut body = page.body.to_vec();
            let page: Page<Day<'_, f64>> = simd_json::from_slice(&mut body).ok()?;
            page.data.iter().for_each(|day| rows.append(day, |amount| (amount * 10_000.0).round() as i128));
        }
        rows.finish(schema)
    }),
    ("arrow-json", |pages, schema| {
        let records = Field::new("item", DataType::Struct(schema.fields().clone()), true);
        let data = Field::new("data", DataType::List(Arc::new(records)), true);
        let envelope = Arc::new(Schema::new(vec![Field::new("code", DataType::Int64, true), data]));
        let mut decoder = ReaderBuilder::new(envelope).with_batch_size(pages.len()).build_decoder().ok()?;
        for page in pages {
            let read = decoder.decode(&page.body).ok()?;
            (read == page.body.len()).then_some(())?;
        }
        let read = decoder.flush().ok()??;
        Some(RecordBatch::from(read.column(1).as_list::<i32>().values().as_struct()))
    }),
];

#[derive(Deserialize)]
struct Page<T> {
    data: Vec<T>,
}

#[derive(Deserialize)]
struct Day<'a, A> {
    stock_code: &'a str,
    name: &'a str,
    trade_date: &'a str,
    open: f64,
    high: f64,
    low: f64,
    close: f64,
    volume: i64,
    amount: A,
    turnover: f64,
    limit_up: bool,
}

/// Builders of one batch.
struct Rows {
    texts: [StringBuilder; 2],
    trade_date: Date32Builder,
    prices: [Float64Builder; 4],
    volume: Int64Builder,
    amount: Decimal128Builder,
    turnover: Float64Builder,
    limit_up: BooleanBuilder,
}

impl Rows {
    fn new() -> Self {
        Self {
            texts: Default::default(),
            trade_date: Date32Builder::new(),
            prices: Default::default(),
            volume: Int64Builder::new(),
            amount: Decimal128Builder::new().with_data_type(DataType::Decimal128(20, 4)),
            turnover: Float64Builder::new(),
            limit_up: BooleanBuilder::new(),
        }
    }

    fn append<A>(&mut self, day: &Day<'_, A>, decimal: impl Fn(&A) -> i128) {
        self.texts.iter_mut().zip([day.stock_code, day.name]).for_each(|(texts, text)| texts.append_value(text));
        self.trade_date.append_value(parse::day(day.trade_date.as_bytes()));
        let prices = [day.open, day.high, day.low, day.close];
        self.prices.iter_mut().zip(prices).for_each(|(prices, price)| prices.append_value(price));
        self.volume.append_value(day.volume);
        self.amount.append_value(decimal(&day.amount));
        self.turnover.append_value(day.turnover);
        self.limit_up.append_value(day.limit_up);
    }

    fn finish(mut self, schema: &SchemaRef) -> Option<RecordBatch> {
        let mut columns: Vec<ArrayRef> = Vec::new();
        columns.extend(self.texts.iter_mut().map(|texts| Arc::new(texts.finish()) as ArrayRef));
        columns.push(Arc::new(self.trade_date.finish()));
        columns.extend(self.prices.iter_mut().map(|prices| Arc::new(prices.finish()) as ArrayRef));
        columns.push(Arc::new(self.volume.finish()));
        columns.push(Arc::new(self.amount.finish()));
        columns.push(Arc::new(self.turnover.finish()));
        columns.push(Arc::new(self.limit_up.finish()));
        RecordBatch::try_new(Arc::clone(schema), columns).ok()
    }
}
