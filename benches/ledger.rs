//! What the ledger costs a run of ten thousand cells in ten files: planning them, listing them, sealing and committing a
//! file of them, counting them.

#![expect(clippy::unwrap_used, reason = "a bench that cannot go on has failed")]

use std::hint::black_box;
use std::path::Path;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use jiff::Timestamp;
use serde_json::{Map, Value};
use tidemill::ledger::{Decision, Ledger, Outcome, PartitionId, SealedCell, SqliteLedger};
use tidemill::plan::{Cell, CellKey, Partition};

const FILES: usize = 10;
const CELLS: usize = 1000;
const NOW: Timestamp = Timestamp::UNIX_EPOCH;

fn partitions(job: usize) -> Vec<Partition> {
    let cell = |number: usize| {
        let values = [("job", Value::from(job)), ("code", Value::from(format!("code-{number:07}")))];
        Cell::new(values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>())
    };
    let partition = |file: usize| Partition {
        key: format!("#{file}"),
        folders: Vec::new(),
        cells: (file * CELLS..(file + 1) * CELLS).map(cell).collect(),
    };
    (0..FILES).map(partition).collect()
}

fn sealed(cells: Vec<CellKey>) -> Vec<SealedCell> {
    cells
        .into_iter()
        .map(|key| SealedCell { key, outcome: Outcome::Records, records: 100, pages: 1, credits: 1 })
        .collect()
}

/// A ledger with one job planned, and its partitions.
fn planned(folder: &Path) -> (SqliteLedger, Vec<(PartitionId, Vec<SealedCell>)>) {
    let mut ledger = SqliteLedger::open(&folder.join("ledger.db")).unwrap();
    ledger.claim("job", NOW).unwrap();
    ledger.add("job", 1, &partitions(0)).unwrap();
    let rows = ledger.partitions("job").unwrap().into_iter();
    let known = ledger.known("job").unwrap().into_iter();
    let partitions = rows.zip(known).map(|(row, known)| (row.id, sealed(known.cells))).collect();
    (ledger, partitions)
}

fn publish(ledger: &mut SqliteLedger, partition: PartitionId, cells: &[SealedCell]) {
    let file = format!("out/{}.parquet", partition.0);
    ledger.seal(partition, 1, cells, &[]).unwrap();
    assert!(ledger.decide(partition, 1, &Decision { digest: "d".to_owned(), rows: 1, bytes: 1, file }).unwrap());
    ledger.commit(partition, 1, NOW).unwrap();
}

fn ledger(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().unwrap();
    let mut group = criterion.benchmark_group("ledger");
    group.sample_size(10).throughput(Throughput::Elements((FILES * CELLS) as u64));
    let mut adding = SqliteLedger::open(&folder.path().join("adding/ledger.db")).unwrap();
    let mut jobs = 0;
    group.bench_function("add", |bencher| {
        let job = || {
            jobs += 1;
            (format!("job-{jobs}"), partitions(jobs))
        };
        let add = |(job, partitions): (String, Vec<Partition>)| {
            adding.claim(&job, NOW).unwrap();
            adding.add(&job, 1, &partitions).unwrap();
        };
        bencher.iter_batched(job, add, BatchSize::PerIteration);
    });
    let (mut ledger, partitions) = planned(folder.path());
    group.bench_function("known", |bencher| bencher.iter(|| black_box(ledger.known("job").unwrap())));
    // Sealing may be repeated: what an earlier one wrote is replaced.
    for (name, differ) in [("seal, all alike", 0), ("seal, none like the one before", 1)] {
        let cells = |cells: &[SealedCell]| -> Vec<SealedCell> {
            let numbered = (0..).zip(cells.iter().cloned());
            numbered.map(|(at, cell)| SealedCell { records: cell.records + at * differ, ..cell }).collect()
        };
        let partitions: Vec<_> = partitions.iter().map(|(id, sealed)| (*id, cells(sealed))).collect();
        group.bench_function(name, |bencher| {
            bencher.iter(|| partitions.iter().for_each(|(id, cells)| ledger.seal(*id, 1, cells, &[]).unwrap()));
        });
    }
    partitions.iter().for_each(|(id, cells)| publish(&mut ledger, *id, cells));
    group.bench_function("totals", |bencher| bencher.iter(|| black_box(ledger.totals("job").unwrap())));
    group.bench_function("retryable", |bencher| bencher.iter(|| black_box(ledger.retryable("job").unwrap())));
    group.bench_function("open", |bencher| {
        bencher.iter(|| black_box(SqliteLedger::open(&folder.path().join("ledger.db")).unwrap()));
    });
    let mut files = 0;
    group.throughput(Throughput::Elements(CELLS as u64));
    group.bench_function("seal_decide_commit", |bencher| {
        let next = || {
            files += 1;
            let folder = folder.path().join(format!("file-{files}"));
            let (ledger, mut partitions) = planned(&folder);
            (ledger, partitions.pop().unwrap())
        };
        let publish = |(mut ledger, (id, cells)): (SqliteLedger, (PartitionId, Vec<SealedCell>))| {
            publish(&mut ledger, id, &cells);
        };
        bencher.iter_batched(next, publish, BatchSize::PerIteration);
    });
    group.finish();
}

criterion_group!(benches, ledger);
criterion_main!(benches);
