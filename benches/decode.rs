//! Pages to batches: the walk that watches the schema and the one that knows it; and what reading a page costs before.

use std::convert::Infallible;
use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use serde_json::Map;
use tidemill::decode::{PageIn, Pass, Passed, Projection, Reading, RecordsAt};
use tidemill::job::{ColumnType, Pointer};
use tidemill::json::Document;

const RECORDS: usize = 500;
const PAGES: u32 = 40;

/// Stock days: eight numbers, a day, a code and a name each.
fn page(page: u32) -> PageIn {
    let record = |n: usize| {
        format!(
            r#"{{"stock_code":"60{:04}","name":"平安银行","trade_date":"2024-05-{:02}","open":{n}.25,"high":{n}.5,"low":{n}.125,"close":{n}.375,"volume":{},"amount":{n}.1234,"turnover":0.0{n},"limit_up":{}}}"#,
            n % 10_000,
            n % 28 + 1,
            n * 7919,
            n.is_multiple_of(2),
        )
    };
    let records: Vec<String> = (0..RECORDS).map(record).collect();
    let body = format!(r#"{{"code":0,"data":[{}]}}"#, records.join(","));
    PageIn { cell: "c".to_owned(), page, body: body.into(), added: Map::new() }
}

fn walk(mut pass: Pass, pages: &[PageIn]) -> Option<Passed> {
    let mut each = |batch| {
        black_box(batch);
        Ok::<_, Infallible>(())
    };
    for page in pages {
        pass.page(page.clone(), &mut each).ok()?;
    }
    pass.finish(None, &mut each).ok()
}

fn decode(criterion: &mut Criterion) {
    let pages: Vec<PageIn> = (0..PAGES).map(page).collect();
    let reading = Reading {
        at: RecordsAt { path: Pointer::parse("/data"), shape: None },
        projection: Projection::default(),
        declared: vec![
            ("trade_date".to_owned(), ColumnType::Date),
            ("amount".to_owned(), ColumnType::Decimal { precision: 20, scale: 4 }),
        ],
    };
    let Some(Passed::Whole(inferred, _)) = walk(Pass::new(reading.clone(), None), &pages) else { return };

    let mut group = criterion.benchmark_group("decode");
    group.sample_size(20).throughput(Throughput::Bytes(pages.iter().map(|page| page.body.len() as u64).sum()));
    group.bench_function("check", |bencher| {
        bencher.iter(|| pages.iter().for_each(|page| drop(black_box(Document::read(&page.body, 2)))));
    });
    group.bench_function("watch_and_build", |bencher| {
        bencher.iter(|| walk(Pass::new(reading.clone(), None), &pages));
    });
    group.bench_function("build", |bencher| {
        bencher.iter(|| walk(Pass::by(reading.clone(), inferred.clone()), &pages));
    });
    group.finish();
}

criterion_group!(benches, decode);
criterion_main!(benches);
