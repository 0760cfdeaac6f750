//! A plan is its axes: what is made of them when it is asked for is what was planned.

use serde_json::{Value, json};
use tidemill::plan::{Cell, assign};

use super::plan::{job, plan};

/// Counting files must not make a million of them; but it must count what would be made.
#[test]
fn files_are_counted_as_they_are_assigned() {
    let grid =
        "a = [1, \"1\", 2, true, \"true\"]\nb = { file = \"b.txt\" }\nday = { from = \"-3d\", to = \"today\" }\n";
    let outputs = [
        ("", 1),
        ("cells_per_file = 7", 9),
        ("cells_per_file = 60", 1),
        ("partition_by = [\"b\"]", 3),
        ("partition_by = [\"a\"]", 3),
        ("partition_by = [\"day\", \"a\"]", 12),
        ("partition_by = [\"a\", \"b\", \"day\"]", 36),
    ];
    for (output, files) in outputs {
        let (_folder, job) = job(grid, &format!("[output]\n{output}"), &[("b.txt", b"x\ny\nz\n")]);
        let cells = plan(&job).unwrap();
        assert_eq!((cells.len(), cells.files(&job.output)), (60, files), "{output}");
        assert_eq!(assign(&cells, &[], &job.output).len() as u64, files, "{output}");
    }
}

#[test]
fn a_cell_is_the_same_whenever_it_is_made() {
    let lines = b"\"text\"\n0.1\n-0.0\n{\"z\": 0.30000000000000004, \"a\": null}\ntrue\n\"l\\u0001\\\"\"\n";
    let (_folder, job) = job("v = { file = \"v.jsonl\" }\nn = [3, 1]\n", "", &[("v.jsonl", lines)]);
    let lines: Vec<&[u8]> = lines.split(|byte| *byte == b'\n').collect();
    let cells = plan(&job).unwrap();
    assert_eq!((cells.iter().len(), cells.get(12), cells.is_empty()), (12, None, false));
    for (at, cell) in cells.iter().enumerate() {
        let line: Value = serde_json::from_slice(lines[at / 2]).unwrap();
        assert_eq!(Value::Object(cell.values()), json!({ "v": line, "n": ([3, 1][at % 2]) }));
        assert_eq!(cells.get(at), Some(cell.clone()));
        assert_eq!(cell.key, Cell::new(cell.values()).key);
    }
}
