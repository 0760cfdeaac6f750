//! `replay`: the files are made anew from the pages that are kept, as a fetch under the new job file would make them.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock, Mutex};

use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use tidemill::ledger::JobLock;
use tidemill::run::Exit;

use super::again::changed;
use super::jobs::{APPS, CODES, history, quotes};
use super::parquet::{files, read};
use super::scene::{Night, Scene};

/// What is left of a file without what tells generations apart: its schema, its rows, its bytes up to the footer.
pub(crate) type Content = (String, Vec<String>, Vec<u8>);

/// By path below the output folder.
type Contents = Arc<BTreeMap<PathBuf, Content>>;

pub(crate) fn content(scene: &Scene) -> BTreeMap<PathBuf, Content> {
    let root = scene.folders().output;
    let one = |path: PathBuf| {
        let bytes = std::fs::read(&path).unwrap();
        let footer = u32::from_le_bytes(bytes[bytes.len() - 8..bytes.len() - 4].try_into().unwrap()) as usize;
        let data = bytes[..bytes.len() - 8 - footer].to_vec();
        let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(&path).unwrap()).unwrap();
        let schema = format!("{:?}", reader.schema().fields());
        (path.strip_prefix(&root).unwrap().to_owned(), (schema, read(&path), data))
    };
    files(&root).into_iter().map(one).collect()
}

/// What a fetch gives; most scenes are about the same few jobs.
async fn fetched(job: &str, seed: u64) -> Contents {
    static KNOWN: LazyLock<Mutex<BTreeMap<(String, u64), Contents>>> = LazyLock::new(Mutex::default);
    let key = (job.to_owned(), seed);
    if let Some(known) = KNOWN.lock().unwrap().get(&key) {
        return Arc::clone(known);
    }
    let fresh = Night { jobs: &[job], seed, ..Night::default() }.begin();
    fresh.run().await;
    let contents = Arc::new(content(&fresh));
    KNOWN.lock().unwrap().insert(key, Arc::clone(&contents));
    contents
}

/// The files are what a fetch under the job file of `scene` gives.
pub(crate) async fn assert_as_fetched(scene: &Scene, what: &str) {
    let (found, wanted) = (content(scene), fetched(&scene.jobs[0], scene.seed).await);
    assert_eq!(found.keys().collect::<Vec<_>>(), wanted.keys().collect::<Vec<_>>(), "{what}");
    for (path, content) in &found {
        assert_eq!((&content.0, &content.1), (&wanted[path].0, &wanted[path].1), "{what}: {}", path.display());
        assert!(content.2 == wanted[path].2, "{what}: {} has other bytes", path.display());
    }
}

pub(crate) fn declared(columns: &str) -> String {
    format!("{}[schema]\ncolumns = {{ {columns} }}\n", quotes(&CODES[..3]))
}

/// One day of two apps, each with the history of some days.
pub(crate) fn nested() -> String {
    history(&APPS[..2], "2026-01-01", "2026-01-02")
        .replace("2026-02-01", "2026-01-03")
        .replace("\"2026-01-01\" }\n[rec", "\"2026-01-04\" }\n[rec")
}

/// What is known of four apps: one object each, with a list of their purchases in it.
pub(crate) fn infos(records: &str) -> String {
    let job = history(&APPS[..3], "2026-01-01", "2026-01-02").replace("/app/rank-history", "/app/app-info");
    job.replace("path = \"ranks\"\n", records)
}

pub(crate) const PURCHASES: &str = "path = \"asInAppPurchases\"\n";

#[tokio::test(start_paused = true)]
async fn the_files_are_what_a_fetch_would_give() {
    let plain = quotes(&CODES[..3]);
    let typed = declared("trade_date = 'date', amount = 'decimal(20,4)', volume = 'decimal(20,0)'");
    let flat = history(&APPS[..2], "2026-01-01", "2026-01-02");
    let table = [
        ("columns are declared", plain.clone(), typed.clone()),
        ("columns are declared no longer", typed.clone(), plain.clone()),
        ("other types", typed, declared("trade_date = 'string', volume = 'float64', open = 'decimal(9,2)'")),
        ("other columns are added", flat.clone(), flat.replace("app_id = ", "market = \"US\", app = ")),
        ("a list is taken apart", nested(), nested().replace("add =", "explode = \"data\"\nadd =")),
        ("a list is left as it is", nested().replace("add =", "explode = \"data\"\nadd ="), nested()),
        ("the objects in an object", infos(""), infos(PURCHASES)),
        ("the object around them", infos(PURCHASES), infos("")),
        ("nothing", plain.clone(), plain),
    ];
    for (what, before, after) in table {
        let mut scene = Night { jobs: &[&before], ..Night::default() }.begin();
        scene.run().await.assert(Exit::Done);
        let old = scene.output();
        scene.jobs = vec![after];
        let ended = scene.replay().await;
        ended.assert(Exit::Done);
        let report = ended.job(0);
        assert_eq!((report.requests, report.cells.settled()), (0, report.cells.planned), "{what}");
        assert_eq!(changed(&old, &scene.output()).len(), old.len().max(report.files.len()), "{what}");
        assert_as_fetched(&scene, what).await;
        scene.assert_sound(what);
        assert_eq!(scene.verified(0).leftovers, Vec::<String>::new(), "{what}");
        // The job is as it was run last: nothing is refused and nothing asked.
        scene.assert_settled(Exit::Done).await;
    }
}

#[tokio::test(start_paused = true)]
async fn there_and_back_again() {
    let plain = quotes(&CODES[..3]);
    let mut scene = Night { jobs: &[&plain], ..Night::default() }.begin();
    scene.run().await.assert(Exit::Done);
    for job in [declared("volume = 'float64'"), plain.clone(), declared("trade_date = 'date'"), plain] {
        scene.jobs = vec![job];
        scene.replay().await.assert(Exit::Done);
        assert_as_fetched(&scene, &scene.jobs[0]).await;
        scene.assert_sound(&scene.jobs[0]);
    }
    assert!(scene.rows_of(0).iter().all(|row| row.generation == 5));
}

#[tokio::test(start_paused = true)]
async fn what_comes_later_is_read_the_new_way_too() {
    let mut scene = Night { jobs: &[&infos("")], ..Night::default() }.begin();
    scene.run().await.assert(Exit::Done);
    scene.jobs = vec![infos(PURCHASES)];
    scene.replay().await.assert(Exit::Done);
    scene.jobs = vec![infos(PURCHASES).replace("to = \"2026-01-02\"", "to = \"2026-01-03\"")];
    let grown = scene.run().await;
    grown.assert(Exit::Done);
    assert_eq!(grown.requests, 3);
    assert_as_fetched(&scene, "grown").await;
    scene.other_rows(2, &[]);
    scene.accept_empty = true;
    let ended = scene.refetch().await;
    ended.assert(Exit::Done);
    assert_eq!(ended.requests, 9);
    assert_as_fetched(&scene, "fetched again").await;
    scene.jobs = vec![scene.jobs[0].replace(PURCHASES, "")];
    scene.replay().await.assert(Exit::Done);
    assert_as_fetched(&scene, "replayed after that").await;
    scene.assert_sound("all of it");
}

#[tokio::test(start_paused = true)]
async fn rejected_cells_stand_and_can_be_asked_again() {
    let mut scene = Night { jobs: &[&infos("")], faults: &[("foxdata", "100@2,60008@5")], ..Night::default() }.begin();
    scene.run().await.assert(Exit::Rejected);
    scene.jobs = vec![infos(PURCHASES)];
    let ended = scene.replay().await;
    ended.assert(Exit::Rejected);
    assert_eq!(ended.reason(), "", "it is done, what was rejected stands");
    scene.assert_sound("replayed");
    let cells = scene.verified(0).cells;
    assert_eq!((cells.rejected, cells.unconfirmed), (1, 1));
    scene.assert_settled(Exit::Rejected).await;
    let retried = scene.retry().await;
    retried.assert(Exit::Done);
    assert_eq!((retried.requests, scene.duplicates()), (2, 0));
    assert_as_fetched(&scene, "retried").await;
    scene.assert_sound("retried");
}

#[tokio::test(start_paused = true)]
async fn a_retry_half_way_is_given_up() {
    let mut scene = Night { jobs: &[&infos("")], faults: &[("foxdata", "100@1,100@4")], ..Night::default() }.begin();
    scene.run().await.assert(Exit::Rejected);
    scene.jobs = vec![format!("max_requests = 1\n{}", infos(""))];
    scene.retry().await.assert(Exit::Paused);
    scene.jobs = vec![infos(PURCHASES)];
    scene.replay().await.assert(Exit::Rejected);
    scene.assert_sound("replayed");
    scene.retry().await.assert(Exit::Done);
    assert_as_fetched(&scene, "retried").await;
}

#[tokio::test(start_paused = true)]
async fn partitions_that_are_not_done_are_finished_the_new_way() {
    for (before, after, again) in [
        (
            quotes(&CODES),
            quotes(&CODES).replace("[output]", "[schema]\ncolumns = { trade_date = 'date' }\n[output]"),
            0,
        ),
        // Records are found otherwise, so what is half fetched is void.
        (infos(""), infos(PURCHASES), 4),
    ] {
        let mut scene = Night { jobs: &[&format!("max_requests = 4\n{before}")], ..Night::default() }.begin();
        scene.run().await.assert(Exit::Paused);
        assert!(!scene.output().is_empty());
        scene.jobs = vec![after];
        scene.replay().await.assert(Exit::Done);
        scene.assert_sound("replayed");
        scene.run().await.assert(Exit::Done);
        assert!(scene.duplicates() <= again, "{}", scene.duplicates());
        assert_as_fetched(&scene, "finished").await;
        scene.assert_sound("finished");
        scene.assert_settled(Exit::Done).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_job_that_is_being_run_is_left_alone() {
    let mut scene = Night { jobs: &[&quotes(&CODES[..1])], ..Night::default() }.begin();
    let nothing = scene.replay().await;
    nothing.assert(Exit::Usage);
    assert!(nothing.reason().contains("run it first"), "{}", nothing.reason());
    scene.run().await.assert(Exit::Done);
    let (before, rows) = (scene.output(), scene.rows_of(0));
    scene.jobs = vec![declared("volume = 'float64'").replace(&format!("{:?}", &CODES[..3]), "[\"000001.SZ\"]")];
    let lock = JobLock::acquire(&scene.folders().state, "quotes").unwrap();
    let ended = scene.replay().await;
    ended.assert(Exit::Paused);
    assert!(ended.reason().contains("another process"), "{}", ended.reason());
    scene.assert_unchanged(&before, &rows, "locked");
    drop(lock);
    scene.replay().await.assert(Exit::Done);
    assert_as_fetched(&scene, "unlocked").await;
}
