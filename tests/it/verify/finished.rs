//! Damage to what is published, and to what the ledger says of it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, RecordBatch};
use tidemill::ledger::{Cause, CellRow, Ledger, Outcome, PartitionRow, PartitionState, Reopening};
use tidemill::run::FindingKind as Kind;
use tidemill::sink::{Lineage, ParquetFile, footer};

use super::ledgers::Lying;
use super::place::{RANKS, assert_found, files, finished, ledger, look, look_with, paused, spools};

fn flip(path: &Path, at: usize) {
    let mut bytes = fs::read(path).unwrap();
    bytes[at] ^= 0x10;
    fs::write(path, bytes).unwrap();
}

/// A whole Parquet file that claims to be the one at `path`, with other rows.
fn impostor(path: &Path) {
    let pairs = footer(path).unwrap().pairs;
    let cells: Vec<(String, String)> = serde_json::from_str(&pairs["tidemill.cells"]).unwrap();
    let lineage = Lineage {
        job: pairs["tidemill.job"].clone(),
        provider: pairs["tidemill.provider"].clone(),
        partition: pairs["tidemill.partition"].clone(),
        generation: pairs["tidemill.generation"].parse().unwrap(),
        schema: pairs["tidemill.schema"].clone(),
        cells: cells.into_iter().map(|(key, outcome)| (key.into(), outcome)).collect(),
        memory: pairs["tidemill.memory"].clone(),
    };
    let column: ArrayRef = Arc::new(Int64Array::from(vec![1, 2, 3]));
    let batch = RecordBatch::try_from_iter([("rank", column)]).unwrap();
    let mut file = ParquetFile::create(path, &batch).unwrap();
    file.write(&batch).unwrap();
    file.finish(&lineage).unwrap();
}

type Damage = (&'static str, fn(&Path, &[PathBuf]) -> PathBuf, Kind);

/// What is done to the output, given its files, and where that is found.
const DAMAGE: [Damage; 13] = [
    ("deleted", |_, files| (fs::remove_file(&files[0]).unwrap(), files[0].clone()).1, Kind::Missing),
    (
        "folder deleted",
        |_, files| (fs::remove_dir_all(files[1].parent().unwrap()).unwrap(), files[1].clone()).1,
        Kind::Missing,
    ),
    (
        "cut by one byte",
        |_, files| {
            let bytes = fs::read(&files[0]).unwrap();
            fs::write(&files[0], &bytes[..bytes.len() - 1]).unwrap();
            files[0].clone()
        },
        Kind::Unreadable,
    ),
    ("emptied", |_, files| (fs::write(&files[0], b"").unwrap(), files[0].clone()).1, Kind::Unreadable),
    (
        "one byte more",
        |_, files| {
            let mut bytes = fs::read(&files[0]).unwrap();
            bytes.push(0);
            fs::write(&files[0], bytes).unwrap();
            files[0].clone()
        },
        Kind::Unreadable,
    ),
    (
        "a folder in its place",
        |_, files| {
            fs::remove_file(&files[0]).unwrap();
            fs::create_dir(&files[0]).unwrap();
            fs::write(files[0].join("x"), b"").unwrap();
            files[0].clone()
        },
        Kind::Unreadable,
    ),
    (
        "swapped",
        |root, files| {
            let aside = root.join("aside");
            fs::rename(&files[0], &aside).unwrap();
            fs::rename(&files[1], &files[0]).unwrap();
            fs::rename(&aside, &files[1]).unwrap();
            files[1].clone()
        },
        Kind::Footer,
    ),
    ("copied over the other", |_, files| (fs::copy(&files[0], &files[1]).unwrap(), files[1].clone()).1, Kind::Footer),
    ("written by hand", |_, files| (impostor(&files[0]), files[0].clone()).1, Kind::Size),
    (
        "a copy beside it",
        |_, files| {
            let copy = files[0].with_file_name("part-copy.parquet");
            fs::copy(&files[0], &copy).unwrap();
            copy
        },
        Kind::Stray,
    ),
    (
        "a file of somebody else",
        |_, files| {
            let folder = files[0].parent().unwrap().parent().unwrap().join("day=1999-01-01");
            fs::create_dir(&folder).unwrap();
            fs::write(folder.join("old.PARQUET"), b"PAR1").unwrap();
            folder.join("old.PARQUET")
        },
        Kind::Stray,
    ),
    (
        "an unfinished file in the dataset",
        |_, files| {
            let path = files[0].with_file_name("0123456789abcdef.g1.e1.parquet.tmp");
            fs::write(&path, b"PAR1").unwrap();
            path
        },
        Kind::Temporary,
    ),
    (
        "pages of nobody",
        |root, _| {
            let paused = paused();
            let segment = &spools(paused.path())[0].1[0];
            let folder = root.join("rehearsal/state/spool/ranks/0123456789abcdef");
            fs::create_dir_all(&folder).unwrap();
            fs::copy(segment, folder.join("g1-e1-0.pgs")).unwrap();
            folder
        },
        Kind::Unowned,
    ),
];

#[test]
fn damage_to_the_output_is_found() {
    for (what, damage, kind) in DAMAGE {
        let root = finished();
        let at = damage(root.path(), &files(root.path()));
        for read_data in [false, true] {
            assert_found(what, &look(root.path(), read_data), &[kind], Some(&at));
        }
    }
}

#[cfg(unix)]
#[test]
fn a_link_among_the_folders_is_found() {
    let root = finished();
    let (elsewhere, data) = (tempfile::tempdir().unwrap(), root.path().join("rehearsal/data/ranks"));
    let link = data.join("day=2026-01-03");
    std::os::unix::fs::symlink(elsewhere.path(), &link).unwrap();
    assert_found("a link", &look(root.path(), false), &[Kind::Stray], Some(&link));
}

#[test]
fn a_flipped_bit_among_the_rows_is_found_by_reading_them() {
    let (mut seen, mut blind) = (0, 0);
    for part in 1..20 {
        let root = finished();
        let path = files(root.path())[0].clone();
        let len = fs::metadata(&path).unwrap().len() as usize;
        flip(&path, len * part / 20);
        let found = look(root.path(), true);
        assert_eq!(found.findings.len(), 1, "byte {} of {len}", len * part / 20);
        match found.findings[0].kind {
            Kind::Digest => seen += 1,
            Kind::Unreadable | Kind::Footer => {}
            other => panic!("{other:?}"),
        }
        blind += u64::from(look(root.path(), false).findings.is_empty());
    }
    assert!(seen >= 5 && blind >= 5, "most of the bytes are rows: {seen} {blind}");
}

#[test]
fn staging_files_and_pages_of_committed_partitions_are_named_and_no_finding() {
    let root = finished();
    let hash = files(root.path())[0].file_stem().unwrap().to_str().unwrap().trim_start_matches("part-").to_owned();
    let staging = root.path().join("rehearsal/data/_staging");
    fs::create_dir_all(&staging).unwrap();
    fs::write(staging.join(format!("{hash}.g1.e1.parquet.tmp")), b"PAR1").unwrap();
    fs::write(staging.join("fedcba9876543210.g1.e1.parquet.tmp"), b"of another job").unwrap();
    let spool = root.path().join("rehearsal/state/spool/ranks").join(&hash);
    fs::create_dir_all(&spool).unwrap();
    fs::write(spool.join("g1-e1-0.pgs"), b"PGS1").unwrap();
    let found = look(root.path(), true);
    assert_found("leftovers", &found, &[], None);
    assert_eq!(found.leftovers.len(), 2, "{:?}", found.leftovers);
}

#[test]
fn an_older_ledger_does_not_know_the_files() {
    let (root, older) = (finished(), paused());
    fs::copy(older.path().join("rehearsal/state/ledger.db"), root.path().join("rehearsal/state/ledger.db")).unwrap();
    let found = look(root.path(), false);
    assert_found("older ledger", &found, &[Kind::Forgotten], None);
    assert_eq!((found.findings.len(), found.files, found.cells.left), (2, 0, 4));
    assert!(found.findings[0].message.contains("fetching"), "{:?}", found.findings[0]);
}

#[test]
fn a_lost_ledger_forgets_every_file() {
    let root = finished();
    let found = look_with(root.path(), RANKS, tidemill::ledger::ModelLedger::new(), false);
    assert_found("no ledger", &found, &[Kind::Forgotten], None);
    assert!(found.findings[0].message.contains("job `ranks`"), "{:?}", found.findings[0]);
}

#[test]
fn a_partition_that_does_not_add_up_is_found() {
    type Lie = (&'static str, fn(&mut Vec<PartitionRow>), &'static [Kind]);
    let table: [Lie; 10] = [
        ("another digest", |rows| rows[0].digest = Some("0".repeat(64)), &[Kind::Digest]),
        ("other bytes", |rows| rows[0].bytes += 1, &[Kind::Size]),
        ("other rows", |rows| rows[0].rows -= 1, &[Kind::Rows, Kind::Records]),
        ("another generation", |rows| rows[0].generation = 2, &[Kind::Footer]),
        ("no decision", |rows| (rows[0].file, rows[0].digest) = (None, None), &[Kind::Decision, Kind::Forgotten]),
        ("half a decision", |rows| rows[0].digest = None, &[Kind::Decision, Kind::Digest]),
        ("an early decision", |rows| rows[0].state = PartitionState::Fetching, &[Kind::Decision]),
        ("a token nobody has", |rows| rows[0].token = 99, &[Kind::Token]),
        ("a cell too many", |rows| rows[0].cells += 1, &[Kind::Hole]),
        (
            "one partition twice",
            |rows| {
                let again = PartitionRow { key: "day=again#0".to_owned(), ..rows[0].clone() };
                rows.push(again);
            },
            &[Kind::Twice, Kind::Decision],
        ),
    ];
    for (what, lie, kinds) in table {
        let root = finished();
        let lying = Lying::about_rows(ledger(root.path()), lie);
        assert_found(what, &look_with(root.path(), RANKS, lying, true), kinds, None);
    }
}

/// A new generation is being fetched: until it is renamed over the old file, that one stands.
#[test]
fn an_older_generation_stands_until_the_new_one_is_there() {
    let root = finished();
    let mut reopened = ledger(root.path());
    let row = reopened.partitions("ranks").unwrap().remove(0);
    let cells: Vec<_> = reopened.cells(row.id).unwrap().into_iter().map(|cell| cell.key).collect();
    let what = Reopening { cause: Cause::Refetch, partitions: vec![(row.id, cells)], fingerprint: None, schema: None };
    reopened.reopen("ranks", row.token, &what).unwrap();
    let look = || look_with(root.path(), RANKS, ledger(root.path()), true);
    assert_found("reopened", &look(), &[], None);
    assert_eq!((look().files, look().cells.left), (2, 2));
    let sealed: fn(&mut Vec<PartitionRow>) = |rows| rows[0].bytes += 1;
    let lying = Lying::about_rows(ledger(root.path()), sealed);
    assert_found("its old file is another", &look_with(root.path(), RANKS, lying, false), &[Kind::Size], None);
    let file = files(root.path())[0].clone();
    fs::remove_file(&file).unwrap();
    assert_found("its old file gone", &look(), &[Kind::Missing], Some(&file));
    reopened.restore(row.id, row.token).unwrap();
    assert_found("given up, and still gone", &look(), &[Kind::Missing], Some(&file));
}

#[test]
fn cells_that_do_not_add_up_are_found() {
    type Lie = (&'static str, fn(&mut Vec<CellRow>), &'static [Kind]);
    let table: [Lie; 4] = [
        ("a record too many", |cells| cells[0].records += 1, &[Kind::Records]),
        ("an open cell", |cells| cells[0].outcome = None, &[Kind::Hole, Kind::Footer, Kind::Records]),
        ("a lost cell", |cells| drop(cells.pop()), &[Kind::Hole, Kind::Footer, Kind::Records]),
        (
            "rows of a rejected cell",
            |cells| cells[0].outcome = Some(Outcome::Rejected { code: "1".to_owned(), message: "no".to_owned() }),
            &[Kind::Footer, Kind::Records],
        ),
    ];
    for (what, lie, kinds) in table {
        let root = finished();
        let lying = Lying::about_cells(ledger(root.path()), lie);
        assert_found(what, &look_with(root.path(), RANKS, lying, false), kinds, None);
    }
    // A record of an exploding job is many rows, or none.
    let root = finished();
    let exploding = RANKS.replace("path = \"ranks\"\nadd", "path = \"ranks\"\nexplode = \"data\"\nadd");
    let lying = Lying::about_cells(ledger(root.path()), |cells| cells[0].records += 1);
    assert_found("exploding", &look_with(root.path(), &exploding, lying, true), &[], None);
}
