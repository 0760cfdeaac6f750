//! `tidemill verify` as a person and a scheduler see it.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use tidemill::ledger::JobLock;

use super::place::{RANKS, files, finished, tree};

fn verify(root: &Path, arguments: &[&str]) -> (Output, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_tidemill"))
        .current_dir(root)
        .env_clear()
        .args(["verify", "ranks.toml"])
        .args(arguments)
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    (output, out, err)
}

fn place() -> tempfile::TempDir {
    let root = finished();
    fs::write(root.path().join("ranks.toml"), RANKS).unwrap();
    root
}

#[test]
fn all_is_well_without_a_key() {
    let root = place();
    let before = tree(root.path());
    for arguments in [&["--simulate"][..], &["--simulate", "--read-data"]] {
        let (output, out, err) = verify(root.path(), arguments);
        assert_eq!(output.status.code(), Some(0), "{out}{err}");
        assert!(out.starts_with("ranks  4 cells: 4 records, 0 empty, 0 rejected, 0 left; 2 files, "), "{out}");
        assert!(out.ends_with(" rows, no findings\n"), "{out}");
    }
    let (output, out, _) = verify(root.path(), &[]);
    assert_eq!(output.status.code(), Some(0), "what never ran has no holes");
    assert!(out.contains("4 left; 0 files"), "{out}");
    let after: Vec<_> = tree(root.path()).into_iter().filter(|(path, _)| !path.ends_with("ranks.lock")).collect();
    let before: Vec<_> = before.into_iter().filter(|(path, _)| !path.ends_with("ranks.lock")).collect();
    assert!(after == before, "only the lock file may be touched");
}

#[test]
fn a_finding_is_one_line_and_exit_1() {
    let root = place();
    let file = files(root.path())[0].clone();
    fs::remove_file(&file).unwrap();
    let (output, out, err) = verify(root.path(), &["--simulate"]);
    assert_eq!(output.status.code(), Some(1), "{out}{err}");
    let lines: Vec<&str> = out.lines().collect();
    assert_eq!(lines.len(), 2, "{out}");
    let relative = file.strip_prefix(root.path()).unwrap().display().to_string();
    assert!(lines[0].starts_with(&format!("missing file: {relative}: ")), "{out}");
    assert!(lines[0].contains("put it back"), "{out}");
    assert!(lines[1].ends_with("1 finding"), "{out}");

    let (_, out, _) = verify(root.path(), &["--simulate", "--json"]);
    let report: Value = serde_json::from_str(&out).unwrap();
    assert_eq!(report["exit_code"], 1);
    assert_eq!(report["jobs"][0]["findings"][0]["kind"], "missing");
    assert_eq!(report["jobs"][0]["cells"]["records"], 4);
}

#[test]
fn a_job_that_is_being_run_is_left_alone() {
    let root = place();
    let _lock = JobLock::acquire(&root.path().join("rehearsal/state"), "ranks").unwrap();
    let (output, out, err) = verify(root.path(), &["--simulate"]);
    assert_eq!((output.status.code(), out.as_str()), (Some(75), ""), "{err}");
    assert!(err.contains("ranks: not verified") && err.contains("another process"), "{err}");
}

#[test]
fn a_wrong_job_file_is_exit_2() {
    let root = place();
    fs::write(root.path().join("ranks.toml"), RANKS.replace("foxdata", "foxdatta")).unwrap();
    let (output, _, err) = verify(root.path(), &[]);
    assert_eq!(output.status.code(), Some(2), "{err}");
    assert!(err.contains("ranks.toml") && err.contains("foxdata"), "{err}");
}
