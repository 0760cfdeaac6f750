//! What keeping a page costs: packing and checksums, one synced write, and reading back.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::hint::black_box;

use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use jiff::Timestamp;
use tidemill::plan::CellId;
use tidemill::spool::{Durability, Frame, Head, PageFrame, PageHead, PartitionSpool};

fn page(page: u32, body: &Bytes) -> Frame {
    let head = PageHead {
        cell: CellId([7; 16]),
        epoch: 0,
        page,
        status: 200,
        records: 100,
        next: Some(format!("{{\"page\":{}}}", page + 1)),
        request: [1; 16],
        credits: Some(1),
        total: None,
        parallel: false,
        received: Timestamp::UNIX_EPOCH,
    };
    Frame::Page(PageFrame { head, body: body.clone() })
}

fn body() -> Bytes {
    let record =
        |n: u32| format!(r#"{{"trade_date":"2026-01-{:02}","close":{}.{},"volume":{}}}"#, n % 28, n, n * 7, n * 31);
    Bytes::from(format!("[{}]", (0..600).map(record).collect::<Vec<_>>().join(",")))
}

fn spool(c: &mut Criterion) {
    let body = body();
    let head = Head { job: "job".into(), partition: "#0".into(), generation: 1, token: 1, replaces: None };
    let mut group = c.benchmark_group("spool");
    group.throughput(Throughput::Bytes(body.len() as u64));
    for (name, durability) in [("append_process", Durability::Process), ("append_power", Durability::Power)] {
        let dir = tempfile::tempdir().unwrap();
        let mut spool = PartitionSpool::open(dir.path(), head.clone(), durability).unwrap();
        let mut next = 0;
        group.bench_function(name, |b| {
            b.iter(|| {
                spool.append(&[page(next, &body)]).unwrap();
                next += 1;
            });
        });
    }
    let dir = tempfile::tempdir().unwrap();
    let mut spool = PartitionSpool::open(dir.path(), head.clone(), Durability::Process).unwrap();
    spool.append(&(0..256).map(|n| page(n, &body)).collect::<Vec<_>>()).unwrap();
    let first = spool.pages(&CellId([7; 16]))[0];
    group.bench_function("read", |b| b.iter(|| black_box(spool.read(&first).unwrap())));
    group.throughput(Throughput::Elements(256));
    group.bench_function("scan_256_pages", |b| {
        b.iter(|| black_box(PartitionSpool::open(dir.path(), head.clone(), Durability::Process).unwrap()));
    });
    group.finish();
}

criterion_group!(benches, spool);
criterion_main!(benches);
