//! From a job and a moment to cells, and from cells to files.

#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::collections::HashSet;
use std::path::Path;

use jiff::civil::{Date, date};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};
use proptest::prelude::*;
use serde_json::{Map, Value, json};
use tidemill::job::{DateAxis, DateBound, DateStep, Job, Output, Paging};
use tidemill::plan::{
    Cell, Cells, DateSpan, Fingerprint, KnownPartition, Partition, assign, cells, check_together, spans, today,
    write_day,
};

fn dates(from: DateBound, to: DateBound, step: DateStep) -> DateAxis {
    DateAxis { from, to, step, zone: None, format: None, newest_first: false }
}

fn written(axis: &DateAxis, today: Date) -> Vec<String> {
    let write =
        |span: DateSpan| format!("{}..{}", write_day(axis, span.from).unwrap(), write_day(axis, span.to).unwrap());
    spans(axis, today).unwrap().into_iter().map(write).collect()
}

#[test]
fn date_axes_expand() {
    let now = date(2026, 3, 10);
    let fixed = DateBound::Day;
    let months = dates(fixed(date(2026, 1, 31)), fixed(date(2026, 4, 29)), DateStep::Months(1));
    assert_eq!(written(&months, now), ["2026-01-31..2026-02-27", "2026-02-28..2026-03-30", "2026-03-31..2026-04-29"]);
    let cut = dates(fixed(date(2026, 3, 2)), fixed(date(2026, 3, 9)), DateStep::Days(7));
    assert_eq!(
        spans(&cut, now).unwrap_err(),
        "the last span begins on `2026-03-09` and would be cut off on `2026-03-09`, and days added later would never be \
         asked for: end the range on `2026-03-08` or `2026-03-15`"
    );
    let newest = DateAxis {
        newest_first: true,
        format: Some("%Y%m%d".to_owned()),
        ..dates(DateBound::FromToday(-1), DateBound::FromToday(0), DateStep::Days(1))
    };
    assert_eq!(written(&newest, now), ["20260310..20260310", "20260309..20260309"]);
}

#[test]
fn a_span_that_is_not_over_waits_until_it_is() {
    let axis = dates(DateBound::Day(date(2026, 1, 1)), DateBound::FromToday(-1), DateStep::Months(1));
    assert_eq!(written(&axis, date(2026, 2, 28)), ["2026-01-01..2026-01-31"]);
    assert_eq!(written(&axis, date(2026, 3, 1)), ["2026-01-01..2026-01-31", "2026-02-01..2026-02-28"]);
    let early = spans(&axis, date(2026, 1, 31)).unwrap_err();
    assert_eq!(early, "the first span, from `2026-01-01`, is not over on `2026-01-30`");
    let before = spans(&axis, date(2026, 1, 1)).unwrap_err();
    assert_eq!(before, "the range is empty today (2026-01-01): it begins on `2026-01-01` and ends on `2025-12-31`");
}

#[test]
fn today_is_the_providers() {
    let now: Timestamp = "2026-03-09T16:30:00Z".parse().unwrap();
    assert_eq!(today(now, &TimeZone::UTC), date(2026, 3, 9));
    assert_eq!(today(now, &TimeZone::get("Asia/Shanghai").unwrap()), date(2026, 3, 10));
}

/// A job in a folder of its own, with these files beside it.
pub(crate) fn job(grid: &str, rest: &str, files: &[(&str, &[u8])]) -> (tempfile::TempDir, Job) {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        std::fs::write(folder.path().join(name), bytes).unwrap();
    }
    let text = format!("name = \"j\"\nprovider = \"p\"\n[request]\npath = \"/a\"\n{rest}\n[grid]\n{grid}\n");
    std::fs::write(folder.path().join("j.toml"), text).unwrap();
    let job = Job::read(&folder.path().join("j.toml")).unwrap_or_else(|problems| panic!("{problems}"));
    (folder, job)
}

pub(crate) fn plan(job: &Job) -> Result<Cells, String> {
    let now: Timestamp = "2026-03-09T16:30:00Z".parse().unwrap();
    cells(job, now, &TimeZone::UTC).map_err(|problems| problems.to_string())
}

fn keys(grid: &str, files: &[(&str, &[u8])]) -> Vec<String> {
    let (_folder, job) = job(grid, "", files);
    plan(&job).unwrap().into_iter().map(|cell| cell.key.to_string()).collect()
}

#[test]
fn cells_are_every_combination_in_order_with_sorted_keys() {
    let found = keys("z = [1, \"1\"]\na = { from = \"-1d\", to = \"today\", order = \"newest\" }", &[]);
    let expected = [
        r#"{"a":"2026-03-09","z":1}"#,
        r#"{"a":"2026-03-08","z":1}"#,
        r#"{"a":"2026-03-09","z":"1"}"#,
        r#"{"a":"2026-03-08","z":"1"}"#,
    ];
    assert_eq!(found, expected);
    assert_eq!(keys("", &[]), ["{}"], "a job without axes is one cell");
    let zoned = keys("a = { from = \"today\", to = \"today\", zone = \"Asia/Shanghai\" }", &[]);
    assert_eq!(zoned, [r#"{"a":"2026-03-10"}"#]);
}

#[test]
fn axis_files_are_read() {
    let csv = b"\xef\xbb\xbfcode,name\r\nAAA, first \r\n\"B,\"\"B\",second\r\n";
    let cases: [(&str, &str, &[u8], &[&str]); 6] = [
        ("{ file = \"f.csv\", column = \"code\" }", "f.csv", csv, &[r#"{"a":"AAA"}"#, r#"{"a":"B,\"B"}"#]),
        ("{ file = \"f.csv\", key = \"code\" }", "f.csv", csv, &[r#"{"a":"AAA"}"#, r#"{"a":"B,\"B"}"#]),
        (
            "{ file = \"f.csv\" }",
            "f.csv",
            csv,
            &[r#"{"a":{"code":"AAA","name":"first"}}"#, r#"{"a":{"code":"B,\"B","name":"second"}}"#],
        ),
        (
            "{ file = \"f.txt\" }",
            "f.txt",
            b"one\r\n\r\n  two  \nthree",
            &[r#"{"a":"one"}"#, r#"{"a":"two"}"#, r#"{"a":"three"}"#],
        ),
        (
            "{ file = \"f.jsonl\" }",
            "f.jsonl",
            b"{\"id\": 2, \"b\": [1]}\n7\n18446744073709551615\n",
            &[r#"{"a":{"b":[1],"id":2}}"#, r#"{"a":7}"#, r#"{"a":18446744073709551615}"#],
        ),
        ("{ file = \"f.jsonl\", key = \"id\" }", "f.jsonl", b"{\"text\": \"x\", \"id\": 2}", &[r#"{"a":2}"#]),
    ];
    for (axis, name, bytes, expected) in cases {
        assert_eq!(keys(&format!("a = {axis}"), &[(name, bytes)]), expected, "{axis}");
    }
    let (_folder, job) =
        job("a = { file = \"f.jsonl\", key = \"id\" }", "", &[("f.jsonl", b"{\"text\": \"x\", \"id\": 2}")]);
    let values = Value::Object(plan(&job).unwrap().get(0).unwrap().values());
    assert_eq!(values, json!({ "a": { "text": "x", "id": 2 } }), "templates see the whole row");
}

/// An axis, its file and what is said about it.
const WRONG_FILES: [(&str, &str, &[u8], &[&str]); 14] = [
    (
        "{ file = \"none.csv\" }",
        "f.csv",
        b"",
        &["cannot read `", "none.csv`: No such file", "looked for from the folder"],
    ),
    (
        "{ file = \"f.csv\", column = \"cod\" }",
        "f.csv",
        b"code,name\n1,2\n",
        &["`f.csv` has no column `cod`, did you mean `code`?", "known: `code`, `name`", "j.toml:7:32"],
    ),
    ("{ file = \"f.csv\", key = \"id\" }", "f.csv", b"code,name\n1,2\n", &["`f.csv` has no column `id`"]),
    ("{ file = \"f.csv\", column = \"code\" }", "f.csv", b"", &["`f.csv` is empty"]),
    ("{ file = \"f.csv\", column = \"code\" }", "f.csv", b"code\n", &["`f.csv` has no values"]),
    (
        "{ file = \"f.csv\", column = \"code\" }",
        "f.csv",
        b"code,n\nA,1\nB,2\nA,3\n",
        &["`f.csv` line 4: `A` stands on line 2 already"],
    ),
    (
        "{ file = \"f.csv\", column = \"code\" }",
        "f.csv",
        b"code,n\nA,1\n,2\n",
        &["`f.csv` line 3: no value in column `code`"],
    ),
    (
        "{ file = \"f.csv\" }",
        "f.csv",
        b"code,n\nA,1\nB\n\xff,1\n",
        &["line 3: 1 fields, but the header has 2", "line 4: not UTF-8"],
    ),
    ("{ file = \"f.csv\" }", "f.csv", b"code,code\n1,2\n", &["has the column `code` twice"]),
    (
        "{ file = \"f.txt\" }",
        "f.txt",
        b"a\n\nb\na\n\xff\n",
        &["line 4: `a` stands on line 1 already", "line 5: not UTF-8"],
    ),
    (
        "{ file = \"f.jsonl\" }",
        "f.jsonl",
        b"{\"a\": 1}\n\n{\"a\": \n[1]\nnull\n",
        &["`f.jsonl` line 3: no JSON: EOF while parsing a value", "line 4: a line is", "line 5: a line is"],
    ),
    (
        "{ file = \"f.jsonl\" }",
        "f.jsonl",
        b"{\"a\": 1, \"b\": 2}\n{\"b\": 2, \"a\": 1}\n",
        &["line 2: `{\"b\":2,\"a\":1}` stands on line 1 already"],
    ),
    (
        "{ file = \"f.jsonl\" }",
        "f.jsonl",
        b"{\"s\": \"99999999999999999999\", \"id\": 99999999999999999999}\n",
        &["line 1: `99999999999999999999` is too large a number"],
    ),
    (
        "{ file = \"f.jsonl\", key = \"id\" }",
        "f.jsonl",
        b"{\"id\": 1}\n{\"x\": 1}\n{\"id\": 1, \"y\": 2}\n",
        &["line 2: no plain value in `id`", "line 3: `1` stands on line 1 already"],
    ),
];

#[test]
fn axis_files_that_are_wrong_say_so_by_line() {
    for (axis, name, bytes, expected) in WRONG_FILES {
        let (_folder, job) = job(&format!("a = {axis}"), "", &[(name, bytes)]);
        let found = plan(&job).unwrap_err();
        for part in expected {
            assert!(found.contains(part), "{axis} should say `{part}`:\n{found}");
        }
    }
}

#[test]
fn grids_that_cannot_be_planned_say_why() {
    let (_folder, same) = job("a = { from = \"2026-01-01\", to = \"2026-01-02\", format = \"%Y-%m\" }", "", &[]);
    assert!(plan(&same).unwrap_err().contains("two values of the axis are `2026-01`"));
    let day = "{ from = \"1900-01-01\", to = \"2026-01-01\" }";
    let (_folder, huge) = job(&format!("a = {day}\nb = {day}"), "", &[]);
    let found = plan(&huge).unwrap_err();
    assert!(found.contains("the grid has 46022 × 46022 cells, more than the most allowed, 10000000"), "{found}");
    let rest = "[output]\npartition_by = [\"a\"]";
    let (_folder, rows) = job("a = { file = \"f.csv\" }", rest, &[("f.csv", b"x,y\n1,2\n")]);
    assert!(plan(&rows).unwrap_err().contains("axis `a` holds tables and cannot name a folder"));
}

fn cell(values: Value) -> Cell {
    Cell::new(values.as_object().unwrap().clone())
}

fn hive(axes: &[&str]) -> Output {
    Output {
        path: "o".to_owned(),
        partition_by: axes.iter().map(|axis| (*axis).to_owned()).collect(),
        cells_per_file: 1000,
    }
}

fn known(partition: &Partition) -> KnownPartition {
    KnownPartition { key: partition.key.clone(), cells: partition.cells.iter().map(|cell| cell.key.clone()).collect() }
}

fn shape(partitions: &[Partition]) -> Vec<(String, usize)> {
    partitions.iter().map(|partition| (partition.key.clone(), partition.cells.len())).collect()
}

#[test]
fn new_cells_of_an_old_folder_stand_beside_it() {
    let grid = |apps: &[&str], days: &[&str]| -> Vec<Cell> {
        apps.iter().flat_map(|app| days.iter().map(move |day| cell(json!({ "app": app, "day": day })))).collect()
    };
    let output = hive(&["day"]);
    let first = assign(grid(&["1", "2"], &["d1", "d2"]), &[], &output);
    assert_eq!(shape(&first), [("day=d1#0".to_owned(), 2), ("day=d2#0".to_owned(), 2)]);
    assert_eq!(first[0].folders, [("day".to_owned(), "d1".to_owned())]);
    let mut ledger: Vec<KnownPartition> = first.iter().map(known).collect();
    assert_eq!(assign(grid(&["1", "2"], &["d1", "d2"]), &ledger, &output), []);
    let second = assign(grid(&["0", "1", "2"], &["d2", "d3"]), &ledger, &output);
    assert_eq!(shape(&second), [("day=d2#1".to_owned(), 1), ("day=d3#0".to_owned(), 3)]);
    ledger.extend(second.iter().map(known));
    let third = assign(grid(&["9"], &["d2"]), &ledger, &output);
    assert_eq!(shape(&third), [("day=d2#2".to_owned(), 1)]);
}

#[test]
fn folder_values_cannot_run_into_each_other() {
    let cells = vec![
        cell(json!({ "a": "x/b=y", "b": "#0" })),
        cell(json!({ "a": "x", "b": "y/b=#0" })),
        cell(json!({ "a": 5, "b": true })),
    ];
    let found = assign(cells, &[], &hive(&["a", "b"]));
    let expected = ["a=x%2Fb%3Dy/b=%230#0", "a=x/b=y%2Fb%3D%230#0", "a=5/b=true#0"];
    assert_eq!(found.iter().map(|partition| partition.key.as_str()).collect::<Vec<_>>(), expected);
    assert_eq!(found[0].folders[0], ("a".to_owned(), "x/b=y".to_owned()), "folders are not encoded yet");
}

#[test]
fn jobs_side_by_side() {
    let job = |file: &str, name: &str, output: &str| {
        let text =
            format!("name = \"{name}\"\nprovider = \"p\"\n[request]\npath = \"/a\"\n[output]\npath = \"{output}\"\n");
        Job::parse(Path::new(file), &text).unwrap()
    };
    assert!(check_together(&[job("a.toml", "a", "x"), job("b.toml", "b", "y")]).0.is_empty());
    let found =
        check_together(&[job("a.toml", "a", "x"), job("b.toml", "a", "y"), job("c.toml", "c", "x")]).to_string();
    assert!(found.contains("job name `a` is taken by `a.toml`\n --> b.toml:1:8"), "{found}");
    assert!(found.contains("job `a` writes to `x` as well\n --> c.toml:6:8"), "{found}");
}

#[test]
fn a_fingerprint_follows_what_is_asked_and_nothing_else() {
    let print = |text: &str, paging: &Paging| Fingerprint::new(&Job::parse(Path::new("j.toml"), text).unwrap(), paging);
    let base = "name = \"j\"\nprovider = \"p\"\n[request]\npath = \"/a\"\nquery = { d = \"{a}\" }\n[grid]\na = [1]\n";
    let before = print(base, &Paging::None);
    assert_eq!(
        before.0,
        r#"{"paging":{"kind":"none"},"provider":"p","records.expect":{},"records.explode":null,"records.path":"","records.shape":null,"request body":null,"request.headers":{},"request.method":"GET","request.path":"/a","request.query":{"d":"{a}"}}"#
    );
    let free = base.replace("[1]", "[1, 2]")
        + "[schema]\ncolumns = { x = \"int64\" }\n[records]\nadd = { z = \"{a}\" }\n[output]\npath = \"o\"\n";
    assert_eq!(print(&format!("max_requests = 5\n{free}"), &Paging::None), before);
    let cases = [
        (base.replace("\"/a\"", "\"/b\""), "request.path"),
        (base.replace("d =", "e ="), "request.query"),
        (format!("{base}[records]\npath = \"x\"\n"), "records.path"),
        (format!("{base}[records]\nshape = \"object\"\n"), "records.shape"),
        (format!("{base}[records]\nexplode = \"x\"\n"), "records.explode"),
        (format!("{base}[records]\nexpect = {{ x = \"{{a}}\" }}\n"), "records.expect"),
        (base.replace("path =", "method = \"POST\"\npath ="), "request.method"),
    ];
    for (text, part) in cases {
        let after = print(&text, &Paging::None);
        assert_eq!(after.changes(&before), [part]);
        assert_ne!(after.hash(), before.hash());
    }
    let paged = print(base, &Paging::NextUrl { url: tidemill::job::Pointer::parse("/next"), absent_ends: false });
    assert_eq!(paged.changes(&before), ["paging"]);
}

fn any_step() -> impl Strategy<Value = DateStep> {
    prop_oneof![(1_u32..400).prop_map(DateStep::Days), (1_u32..30).prop_map(DateStep::Months)]
}

proptest! {
    #[test]
    fn date_spans_cover_and_are_disjoint(
        start in 0_i32..20_000, length in 0_i32..2_000, step in any_step(), newest_first: bool, follows_today: bool,
    ) {
        let from = date(1980, 1, 31).checked_add(start.days()).unwrap();
        let to = from.checked_add(length.days()).unwrap();
        let end = if follows_today { DateBound::FromToday(0) } else { DateBound::Day(to) };
        let axis = DateAxis { newest_first, ..dates(DateBound::Day(from), end, step) };
        let mut found = match spans(&axis, to) {
            Ok(found) => found,
            Err(_) if follows_today => return Ok(()),
            Err(refusal) => {
                prop_assert!(refusal.contains("would be cut off"), "{}", refusal);
                let whole: Date = refusal.rsplit('`').nth(1).unwrap().parse().unwrap();
                let axis = DateAxis { to: DateBound::Day(whole), ..axis };
                let found = spans(&axis, to).unwrap();
                prop_assert!(found.iter().any(|span| span.to == whole));
                return Ok(());
            }
        };
        if newest_first {
            found.reverse();
        }
        prop_assert_eq!(found[0].from, from);
        prop_assert!(found.iter().all(|span| span.from <= span.to));
        for pair in found.windows(2) {
            prop_assert_eq!(pair[0].to.tomorrow().unwrap(), pair[1].from);
        }
        let last = found[found.len() - 1].to;
        if follows_today { prop_assert!(last <= to) } else { prop_assert_eq!(last, to) }
    }

    #[test]
    fn nothing_assigned_ever_moves_and_nothing_is_forgotten(
        rounds in prop::collection::vec(prop::collection::hash_set((0_u8..6, 0_u8..6), 0..20), 1..5),
        folders: bool, cells_per_file in 1_u32..5,
    ) {
        let output = Output { cells_per_file, ..hive(if folders { &["b"] } else { &[] }) };
        let mut ledger: Vec<KnownPartition> = Vec::new();
        let mut asked = HashSet::new();
        for round in rounds {
            let cells: Vec<Cell> = round.iter().map(|(a, b)| cell(json!({ "a": a, "b": b }))).collect();
            asked.extend(cells.iter().map(|cell| cell.key.clone()));
            let added = assign(cells.clone(), &ledger, &output);
            for partition in &added {
                prop_assert!(!partition.cells.is_empty());
                prop_assert!(folders || partition.cells.len() <= cells_per_file as usize);
                let order: Vec<usize> =
                    partition.cells.iter().map(|cell| cells.iter().position(|other| other == cell).unwrap()).collect();
                prop_assert!(order.is_sorted(), "cells stand in plan order");
                prop_assert!(!folders || partition.cells.iter().all(|cell| cell.folder("b") == partition.folders[0].1));
            }
            ledger.extend(added.iter().map(known));
            let placed: Vec<_> = ledger.iter().flat_map(|partition| partition.cells.clone()).collect();
            prop_assert_eq!(placed.len(), asked.len(), "each cell stands in one partition");
            prop_assert_eq!(placed.into_iter().collect::<HashSet<_>>(), asked.clone());
            let names: HashSet<&str> = ledger.iter().map(|partition| partition.key.as_str()).collect();
            prop_assert_eq!(names.len(), ledger.len(), "each partition has a name of its own");
        }
    }

    #[test]
    fn a_cell_key_is_the_json_of_its_values(a in any::<String>(), b in any::<i64>()) {
        let values: Map<String, Value> = json!({ "b": b, "a": a }).as_object().unwrap().clone();
        let found = Cell::new(values.clone());
        prop_assert_eq!(serde_json::from_str::<Value>(&found.key.0).unwrap(), Value::Object(values.clone()));
        prop_assert_eq!(found.values(), values);
    }
}
