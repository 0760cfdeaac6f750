//! Pages to batches: the walk that watches the schema and the one that knows it, what reading a page costs before, and the
//! same by other readers. All in processor time.

use std::convert::Infallible;
use std::hint::black_box;

use arrow::array::RecordBatch;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use serde_json::Map;
use tidemill::decode::{PageIn, Pass, Passed, Projection, Reading, RecordsAt};
use tidemill::job::{ColumnType, Pointer};
use tidemill::json::Document;

use processor::Processor;

#[path = "decode/others.rs"]
mod others;
#[path = "loopback/parse.rs"]
#[allow(dead_code, reason = "these pages have no instants")]
mod parse;
#[path = "decode/processor.rs"]
mod processor;

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
    PageIn { cell: "c".into(), page, body: body.into(), outline: None, added: Map::new() }
}

fn walk(mut pass: Pass, pages: &[PageIn]) -> Option<(Passed, Vec<RecordBatch>)> {
    let mut batches = Vec::new();
    let mut each = |batch| {
        batches.push(batch);
        Ok::<_, Infallible>(())
    };
    for page in pages {
        pass.page(page.clone(), &mut each).ok()?;
    }
    let passed = pass.finish(None, &mut each).ok()?;
    Some((passed, batches))
}

/// The same pages as they come from the network, with what their check found.
fn checked(pages: &[PageIn]) -> Vec<PageIn> {
    let outline = |page: &PageIn| Document::read(&page.body, 2).ok().and_then(Document::into_outline);
    pages.iter().map(|page| PageIn { outline: outline(page), ..page.clone() }).collect()
}

fn group<'a>(criterion: &'a mut Criterion<Processor>, name: &str, pages: &[PageIn]) -> BenchmarkGroup<'a, Processor> {
    let mut group = criterion.benchmark_group(name);
    group.sample_size(20).throughput(Throughput::Bytes(pages.iter().map(|page| page.body.len() as u64).sum()));
    group
}

fn decode(criterion: &mut Criterion<Processor>) {
    let pages: Vec<PageIn> = (0..PAGES).map(page).collect();
    let mut check = group(criterion, "check", &pages);
    for (name, is_json) in others::CHECK {
        assert!(pages.iter().all(|page| is_json(&page.body)), "{name}");
        check.bench_function(name, |bencher| {
            bencher.iter(|| pages.iter().filter(|page| black_box(is_json(&page.body))).count());
        });
    }
    check.finish();
    let mut counts = group(criterion, "count", &pages);
    for (name, count) in others::COUNT {
        assert!(pages.iter().all(|page| count(&page.body) == Some(RECORDS)), "{name}");
        counts.bench_function(name, |bencher| {
            bencher.iter(|| pages.iter().filter_map(|page| black_box(count(&page.body))).sum::<usize>());
        });
    }
    counts.finish();

    let reading = Reading {
        at: RecordsAt { path: Pointer::parse("/data"), shape: None },
        projection: Projection::default(),
        declared: vec![
            ("trade_date".to_owned(), ColumnType::Date),
            ("amount".to_owned(), ColumnType::Decimal { precision: 20, scale: 4 }),
        ],
    };
    let found = walk(Pass::new(reading.clone(), None), &pages);
    let Some((Passed::Whole(inferred, _), batches)) = found else { panic!("the schema of the first pages fits all") };
    let mut arrow = group(criterion, "arrow", &pages);
    for (when, pages) in [("", &pages), (", checked before", &checked(&pages))] {
        arrow.bench_function(format!("tidemill, watching{when}"), |bencher| {
            bencher.iter(|| walk(Pass::new(reading.clone(), None), pages));
        });
        arrow.bench_function(format!("tidemill, knowing{when}"), |bencher| {
            bencher.iter(|| walk(Pass::by(reading.clone(), inferred.clone()), pages));
        });
    }
    let schema = inferred.schema.to_arrow();
    for (name, read) in others::ARROW {
        let same = read(&pages, &schema).is_some_and(|batch| batch.columns() == batches[0].columns());
        assert!(same && batches.len() == 1, "{name} reads something else");
        arrow.bench_function(name, |bencher| bencher.iter(|| read(&pages, &schema)));
    }
    arrow.finish();
}

criterion_group! { name = benches; config = Criterion::default().with_measurement(Processor); targets = decode }
criterion_main!(benches);
