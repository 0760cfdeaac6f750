//! Pages to batches: inference and building on their own, so that a change of either shows.

use std::convert::Infallible;
use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use serde_json::Map;
use tidemill::decode::{PageIn, Projection, RecordsAt, build, infer};
use tidemill::job::{ColumnType, Pointer};

const RECORDS: usize = 20_000;

/// One page of stock days: eight numbers, a day, a code and a name each.
fn page() -> PageIn {
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
    PageIn { cell: "c".to_owned(), page: 0, body: body.into(), added: Map::new() }
}

fn decode(criterion: &mut Criterion) {
    let page = page();
    let pages = || [Ok::<_, Infallible>(page.clone())];
    let at = RecordsAt { path: Pointer::parse("/data"), shape: None };
    let declared = [
        ("trade_date".to_owned(), ColumnType::Date),
        ("amount".to_owned(), ColumnType::Decimal { precision: 20, scale: 4 }),
    ];
    let schema = || infer(pages(), &at, Projection::default(), &declared, None);
    let Ok(inferred) = schema() else { return };

    let mut group = criterion.benchmark_group("decode");
    group.sample_size(20).throughput(Throughput::Bytes(page.body.len() as u64));
    group.bench_function("infer", |bencher| bencher.iter(|| black_box(schema())));
    group.bench_function("build", |bencher| {
        bencher.iter(|| {
            build(pages(), &at, &inferred, |batch| {
                black_box(batch);
                Ok(())
            })
        });
    });
    group.finish();
}

criterion_group!(benches, decode);
criterion_main!(benches);
