//! The sink: where files stand, that their bytes are reproducible, and that they appear at once.

#![expect(clippy::unwrap_used, reason = "a helper that fails is a failed test")]

use std::fs;
use std::path::{Component, Path};
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Float64Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{Int64Type, Schema};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::Encoding;
use parquet::file::reader::{FileReader, SerializedFileReader};
use proptest::prelude::*;
use tidemill::sink::{
    Finished, Layout, Lineage, ParquetFile, PublishError, SinkError, StagingName, digest, footer, publish, sweep,
};

fn target(folders: &[(&str, &str)]) -> String {
    let folders: Vec<_> = folders.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    let layout = Layout::new(Path::new("out"), "ranks/apps");
    layout.target(&folders, "0123456789abcdef").to_str().unwrap().to_owned()
}

#[test]
fn values_become_safe_folders() {
    let table = [
        ("2026-01-01", "2026-01-01"),
        ("", "__HIVE_DEFAULT_PARTITION__"),
        ("__HIVE_DEFAULT_PARTITION__", "%5F_HIVE_DEFAULT_PARTITION__"),
        ("../../etc", "%2E.%2F..%2Fetc"),
        ("..", "%2E%2E"),
        (".", "%2E"),
        ("/abs", "%2Fabs"),
        ("a=b", "a%3Db"),
        ("%2e", "%252e"),
        ("a\0b", "a%00b"),
        ("a.", "a%2E"),
        ("1.5", "1.5"),
        ("a b\n", "a%20b%0A"),
        ("苹果", "%E8%8B%B9%E6%9E%9C"),
        ("C:\\x", "C%3A%5Cx"),
    ];
    for (value, folder) in table {
        assert_eq!(target(&[("day", value)]), format!("out/ranks/apps/day={folder}/part-0123456789abcdef.parquet"));
    }
    assert_eq!(target(&[]), "out/ranks/apps/part-0123456789abcdef.parquet");
    assert_eq!(target(&[("a", "1"), ("b/c", "2")]), "out/ranks/apps/a=1/b%2Fc=2/part-0123456789abcdef.parquet");
}

#[test]
fn long_values_are_cut_and_stay_different() {
    let long = |last: &str| target(&[("k", &("果".repeat(300) + last))]);
    assert_ne!(long("a"), long("b"));
    let folder = long("a").split('/').nth(3).unwrap().to_owned();
    assert!(folder.len() <= 255, "{}", folder.len());
    let kept = folder.split(['=', '~']).nth(1).unwrap();
    assert!(percent_encoding::percent_decode_str(kept).collect::<Vec<u8>>().iter().all(|byte| *byte != b'%'));
}

proptest! {
    #[test]
    fn every_path_stays_below_the_root(key in any::<String>(), value in any::<String>(), other in any::<String>()) {
        let path = target(&[(&key, &value)]);
        prop_assert!(path.starts_with("out/ranks/apps/") && path.matches('/').count() == 4);
        prop_assert!(Path::new(&path).components().all(|part| matches!(part, Component::Normal(_))));
        prop_assert_eq!(value == other, path == target(&[(&key, &other)]));
    }

    #[test]
    fn staging_names_are_read_back(hash in "[0-9a-f]{16}", generation in any::<u64>(), token in any::<u64>()) {
        let name = StagingName { hash, generation, token };
        prop_assert_eq!(StagingName::parse(&name.to_string()), Some(name));
    }
}

fn batch() -> RecordBatch {
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("id", Arc::new(Int64Array::from(vec![Some(1), None, Some(i64::MAX)]))),
        ("price", Arc::new(Float64Array::from(vec![0.1, 0.2, 0.2]))),
        ("name", Arc::new(StringArray::from(vec!["排名", "", "x"]))),
    ];
    RecordBatch::try_from_iter(columns).unwrap()
}

fn lineage() -> Lineage {
    Lineage {
        job: "ranks".to_owned(),
        provider: "foxdata".to_owned(),
        partition: "day=2026-01-01#0".to_owned(),
        generation: 2,
        schema: "[]".to_owned(),
        cells: vec![("{\"app\":\"1\"}".into(), "records".to_owned())],
        memory: "{}".to_owned(),
    }
}

fn write(path: &Path) -> Finished {
    let mut file = ParquetFile::create(path, &batch()).unwrap();
    file.write(&batch()).unwrap();
    file.write(&batch()).unwrap();
    file.finish(&lineage()).unwrap()
}

#[test]
fn the_same_input_gives_the_same_bytes_and_their_digest() {
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = (folder.path().join("_staging/a"), folder.path().join("_staging/b"));
    let (one, two) = (write(&first), write(&second));
    assert_eq!(one, two);
    assert_eq!(fs::read(&first).unwrap(), fs::read(&second).unwrap());
    assert_eq!(digest(&first).unwrap(), Some(one.digest));
    assert_eq!((one.rows, one.bytes), (6, fs::metadata(&first).unwrap().len()));
}

#[test]
fn the_footer_names_what_is_in_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("f");
    write(&path);
    let found = footer(&path).unwrap();
    assert_eq!(found.rows, 6);
    assert_eq!(found.pairs, lineage().pairs().into_iter().collect());
    assert_eq!(found.pairs["tidemill.cells"], r#"[["{\"app\":\"1\"}","records"]]"#);
    let reader = SerializedFileReader::new(fs::File::open(&path).unwrap()).unwrap();
    let created_by = reader.metadata().file_metadata().created_by().unwrap().to_owned();
    assert_eq!(created_by, "tidemill version 0.1");
    let dictionary = |column: usize| {
        reader.metadata().row_group(0).column(column).encodings().any(|encoding| encoding == Encoding::RLE_DICTIONARY)
    };
    assert_eq!([dictionary(0), dictionary(1), dictionary(2)], [false, true, false], "only what repeats has one");
    fs::write(&path, b"PAR1 cut").unwrap();
    assert!(footer(&path).unwrap_err().to_string().ends_with("is no whole Parquet file: restore it from a copy"));
}

/// Their number of rows bounds the memory of the writer, and what a reader has to take at once.
#[test]
fn row_groups_are_cut_and_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("f");
    let of = |rows: std::ops::Range<i64>| {
        let column: ArrayRef = Arc::new(Int64Array::from_iter_values(rows));
        RecordBatch::try_from_iter([("id", column)]).unwrap()
    };
    let batches = [of(0..5_000), of(5_000..270_001), of(270_001..270_002)];
    let mut file = ParquetFile::create(&path, &batches[0]).unwrap();
    batches.iter().for_each(|batch| file.write(batch).unwrap());
    assert_eq!(file.finish(&lineage()).unwrap().rows, 270_002);
    let reader = ParquetRecordBatchReaderBuilder::try_new(fs::File::open(&path).unwrap()).unwrap();
    let groups: Vec<i64> = reader.metadata().row_groups().iter().map(|group| group.num_rows()).collect();
    assert_eq!(groups, [262_144, 7_858]);
    let read: Vec<RecordBatch> = reader.build().unwrap().collect::<Result<_, _>>().unwrap();
    let ids = read.iter().flat_map(|batch| batch.column(0).as_primitive::<Int64Type>().values().to_vec());
    assert!(ids.eq(0..270_002));
}

#[test]
fn a_file_without_columns_is_refused_and_one_without_rows_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("f");
    let none = ParquetFile::create(&path, &RecordBatch::new_empty(Arc::new(Schema::empty())));
    assert!(matches!(none, Err(SinkError::NoColumns { .. })) && !path.exists());
    let finished = ParquetFile::create(&path, &batch()).unwrap().finish(&lineage()).unwrap();
    assert_eq!((finished.rows, footer(&path).unwrap().rows), (0, 0));
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_says_so() {
    let mut file = ParquetFile::create(Path::new("/dev/full"), &batch()).unwrap();
    file.write(&batch()).unwrap();
    let full = file.finish(&lineage()).unwrap_err().to_string();
    assert_eq!(full, "cannot write `/dev/full`: free space and run again, nothing is lost");
}

#[test]
fn publishing_creates_folders_replaces_and_leaves_no_staging_file() {
    let root = tempfile::tempdir().unwrap();
    let layout = Layout::new(root.path(), "ranks");
    let target = layout.target(&[("day".to_owned(), "1".to_owned())], "00ff");
    for content in ["old", "new"] {
        let staging = layout.staging(&StagingName { hash: "00ff".to_owned(), generation: 1, token: 1 });
        fs::create_dir_all(layout.staging_dir()).unwrap();
        fs::write(&staging, content).unwrap();
        publish(&layout, &staging, &target).unwrap();
        assert_eq!(fs::read_to_string(&target).unwrap(), content);
        assert!(!staging.exists());
    }
    assert_eq!(digest(&root.path().join("none")).unwrap(), None);
    let gone = publish(&layout, &root.path().join("none"), &target).unwrap_err().to_string();
    assert!(gone.starts_with("cannot rename the staging file to `") && gone.contains("run again"), "{gone}");
}

#[cfg(unix)]
#[test]
fn nothing_is_published_through_a_link_or_outside() {
    let root = tempfile::tempdir().unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    let layout = Layout::new(root.path(), "ranks");
    std::os::unix::fs::symlink(elsewhere.path(), root.path().join("ranks")).unwrap();
    let staging = root.path().join("s");
    fs::write(&staging, "x").unwrap();
    let linked = publish(&layout, &staging, &layout.target(&[], "00ff"));
    assert!(matches!(linked, Err(PublishError::Link { .. })));
    for outside in [elsewhere.path().join("f"), root.path().join("../f")] {
        assert!(matches!(publish(&layout, &staging, &outside), Err(PublishError::Outside { .. })));
    }
    assert!(staging.exists() && fs::read_dir(elsewhere.path()).unwrap().next().is_none());
}

#[test]
fn the_sweep_takes_only_what_is_unreferenced() {
    let root = tempfile::tempdir().unwrap();
    let layout = Layout::new(root.path(), "ranks");
    assert_eq!(sweep(&layout, |_| true).unwrap(), 0);
    fs::create_dir_all(layout.staging_dir()).unwrap();
    let names =
        ["aa.g1.e1.parquet.tmp", "aa.g1.e2.parquet.tmp", "bb.g1.e1.parquet.tmp", "notes.txt", "aa.g01.e1.parquet.tmp"];
    names.iter().for_each(|name| fs::write(layout.staging_dir().join(name), "").unwrap());
    assert_eq!(sweep(&layout, |name| name.hash == "aa" && name.token < 2).unwrap(), 1);
    let mut left: Vec<_> = fs::read_dir(layout.staging_dir())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    left.sort();
    assert_eq!(left, ["aa.g01.e1.parquet.tmp", "aa.g1.e2.parquet.tmp", "bb.g1.e1.parquet.tmp", "notes.txt"]);
}
