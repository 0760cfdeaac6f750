//! A plan of a million cells: reading its axes, naming its cells, dealing them out to files, and the forecast.

#![expect(clippy::unwrap_used, reason = "a bench that cannot go on has failed")]

use std::fmt::Write as _;
use std::hint::black_box;
use std::path::Path;
use std::time::Duration;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use tidemill::job::Job;
use tidemill::plan::{Cells, KnownPartition, Learned, Work, assign, cells, forecast};
use tidemill::provider::{Limits, Window};

const MILLION: usize = 1_000_000;

/// A job over the lines of `lines.txt`, `lines` of them, and, if it has a list, that many values beside each.
fn job(folder: &Path, lines: usize, list: usize, output: &str) -> Job {
    let text = (0..lines).fold(String::new(), |mut text, number| {
        writeln!(text, "code-{number:07}").unwrap();
        text
    });
    std::fs::write(folder.join("lines.txt"), text).unwrap();
    let list: Vec<String> = (0..list).map(|number| format!("\"{number:04}\"")).collect();
    let list = if list.is_empty() { String::new() } else { format!("part = [{}]\n", list.join(",")) };
    let text = format!(
        "name = \"j\"\nprovider = \"p\"\n[request]\npath = \"/a\"\n[output]\n{output}\n[grid]\ncode = {{ file = \
         \"lines.txt\" }}\n{list}"
    );
    std::fs::write(folder.join("j.toml"), text).unwrap();
    Job::read(&folder.join("j.toml")).unwrap()
}

fn planned(job: &Job) -> Cells {
    cells(job, Timestamp::UNIX_EPOCH, &TimeZone::UTC).unwrap()
}

fn plan(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().unwrap();
    let shapes =
        [("a_million_lines", MILLION, 0, ""), ("a_thousand_by_a_thousand", 1000, 1000, "partition_by = [\"part\"]")];
    let mut group = criterion.benchmark_group("plan");
    group.sample_size(10).throughput(Throughput::Elements(MILLION as u64));
    for (name, lines, list, output) in shapes {
        let job = job(folder.path(), lines, list, output);
        group.bench_function(format!("cells/{name}"), |bencher| bencher.iter(|| black_box(planned(&job))));
        let cells = planned(&job);
        group.bench_function(format!("keys/{name}"), |bencher| {
            bencher.iter(|| cells.iter().for_each(|cell| drop(black_box(cell))));
        });
        group.bench_function(format!("files/{name}"), |bencher| bencher.iter(|| black_box(cells.files(&job.output))));
        group.bench_function(format!("assign/{name}"), |bencher| {
            bencher.iter_batched(|| (), |()| black_box(assign(&cells, &[], &job.output)), BatchSize::PerIteration);
        });
    }
    let job = job(folder.path(), 100, 1000, "partition_by = [\"part\"]");
    let cells = planned(&job);
    let known: Vec<KnownPartition> = assign(&cells, &[], &job.output)
        .into_iter()
        .map(|one| KnownPartition { key: one.key, cells: one.cells.into_iter().map(|cell| cell.key).collect() })
        .collect();
    group.throughput(Throughput::Elements(cells.len() as u64));
    group.bench_function("assign/known_already", |bencher| {
        bencher.iter(|| black_box(assign(&cells, &known, &job.output)));
    });
    group.finish();

    let day = Window::day(20_000, jiff::civil::Time::midnight(), TimeZone::UTC);
    let windows = vec![Window::rolling(10, Duration::from_secs(1)), Window::rolling(300, Duration::from_secs(60)), day];
    let limits = Limits { windows, concurrency: 8, guessed: Vec::new() };
    let work = Work { cells: 10 * MILLION as u64, learned: Learned::default(), ..Work::default() };
    criterion.bench_function("plan/forecast_of_500_days", |bencher| {
        bencher.iter(|| black_box(forecast(&[work], &limits, &[], &TimeZone::UTC, Timestamp::UNIX_EPOCH)));
    });
}

criterion_group!(benches, plan);
criterion_main!(benches);
