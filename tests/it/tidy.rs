//! Rules of the tree that a reviewer would otherwise repeat: import direction, sizes, docs, words.

use std::fs;
use std::path::{Path, PathBuf};

/// The stages, in the order of the way of a record: a stage may use only those before it.
const STAGES: [&str; 16] = [
    "job", "provider", "plan", "json", "disk", "ledger", "quota", "spool", "fetch", "decode", "sink", "simulate",
    "run", "draw", "bench", "cli",
];

/// Crates that only some stages may know.
const FENCED: [(&str, &[&str]); 8] = [
    ("arrow", &["decode", "sink"]),
    ("parquet", &["decode", "sink"]),
    ("reqwest", &["fetch"]),
    ("rusqlite", &["ledger"]),
    ("hyper", &["simulate"]),
    ("clap", &["cli"]),
    ("indicatif", &["cli"]),
    ("backoff", &["fetch"]),
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

fn shown(path: &Path) -> String {
    path.strip_prefix(root()).unwrap().display().to_string()
}

/// The stage a file of `src` belongs to; none for `lib.rs` and `main.rs`.
fn stage(path: &Path) -> Option<usize> {
    let folder = path.strip_prefix(root().join("src")).ok()?.components().next()?.as_os_str().to_str()?.to_owned();
    STAGES.iter().position(|stage| *stage == folder)
}

/// Code without its tests: they may look where the code may not.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    match text.find("#[cfg(test)]") {
        Some(cut) => text[..cut].to_owned(),
        None => text,
    }
}

#[test]
fn imports_run_one_way() {
    let mut wrong = Vec::new();
    for path in rust_files(&root().join("src")) {
        let Some(own) = stage(&path) else { continue };
        let text = code(&path);
        for (other, name) in STAGES.iter().enumerate() {
            if other > own && text.contains(&format!("crate::{name}::")) {
                wrong.push(format!("{}: `{}` may not use `{name}`", shown(&path), STAGES[own]));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn crates_stay_behind_their_walls() {
    let mut wrong = Vec::new();
    for path in rust_files(&root().join("src")) {
        let name = stage(&path).map_or("the root", |stage| STAGES[stage]);
        let text = code(&path);
        for (fenced, homes) in FENCED {
            let used = text.lines().any(|line| {
                let line = line.trim_start();
                !line.starts_with("//") && line.contains(&format!("{fenced}::"))
            });
            if used && !homes.contains(&name) {
                wrong.push(format!("{}: `{fenced}` belongs to {homes:?}", shown(&path)));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn backoff_is_known_to_one_file() {
    let users: Vec<String> = rust_files(&root().join("src"))
        .iter()
        .filter(|path| code(path).contains("use backoff::"))
        .map(|path| shown(path))
        .collect();
    assert_eq!(users, ["src/fetch/delay.rs"]);
}

#[test]
fn time_is_read_in_one_file() {
    let mut wrong = Vec::new();
    for path in rust_files(&root().join("src")) {
        if shown(&path) == "src/quota/clock.rs" {
            continue;
        }
        let text = code(&path);
        for source in ["Instant::now(", "SystemTime::now(", "Timestamp::now(", "Zoned::now(", "time::sleep("] {
            if text.contains(source) {
                wrong.push(format!("{}: `{source})`", shown(&path)));
            }
        }
    }
    assert!(wrong.is_empty(), "only quota::Clock reads time:\n{}", wrong.join("\n"));
}

/// Whether `text` names `wanted` itself, and not as the end of a longer word.
fn names(text: &str, wanted: &str) -> bool {
    text.match_indices(wanted).any(|(at, _)| !text[..at].ends_with(|before: char| before.is_alphanumeric()))
}

#[test]
fn the_disk_is_changed_in_one_stage() {
    // The lock file means nothing and the log of a simulator is for people: neither is ever recovered from.
    const OTHERS: [&str; 2] = ["src/ledger/lock.rs", "src/cli/simulate.rs"];
    const CHANGES: [&str; 14] = [
        "fs::create_dir",
        "fs::remove_",
        "fs::rename(",
        "fs::write(",
        "fs::copy(",
        "fs::hard_link(",
        "fs::set_permissions(",
        "fs::symlink(",
        "File::create",
        "File::options(",
        "OpenOptions",
        "set_len(",
        "set_permissions(",
        "DirBuilder",
    ];
    let mut wrong = Vec::new();
    for path in rust_files(&root().join("src")) {
        let name = shown(&path);
        if stage(&path).is_some_and(|stage| STAGES[stage] == "disk")
            || OTHERS.contains(&name.as_str())
            || name.contains("/tests/")
        {
            continue;
        }
        let text = code(&path);
        wrong.extend(CHANGES.iter().filter(|change| names(&text, change)).map(|change| format!("{name}: `{change}`")));
    }
    assert!(wrong.is_empty(), "only src/disk changes the disk:\n{}", wrong.join("\n"));
}

#[test]
fn files_are_short_and_say_why_they_exist() {
    let mut wrong = Vec::new();
    for folder in ["src", "tests", "benches"] {
        for path in rust_files(&root().join(folder)) {
            let text = fs::read_to_string(&path).unwrap();
            let lines = text.lines().count();
            if lines > 400 {
                wrong.push(format!("{}: {lines} lines, at most 400: split it by noun", shown(&path)));
            }
            if !text.starts_with("//!") {
                wrong.push(format!("{}: begin with a `//!` line that says why the file exists", shown(&path)));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn folders_have_a_map_without_logic() {
    let mut wrong = Vec::new();
    for path in rust_files(&root().join("src")) {
        if path.file_name().is_some_and(|name| name == "mod.rs") {
            let text = fs::read_to_string(&path).unwrap();
            if text.lines().any(|line| line.trim_start().starts_with("fn ") || line.starts_with("impl ")) {
                wrong.push(format!("{}: logic belongs into a file with a name", shown(&path)));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn nothing_is_left_half_done() {
    let marks = [
        "to".to_owned() + "do!(",
        "unimpl".to_owned() + "emented!(",
        "TO".to_owned() + "DO",
        "FIX".to_owned() + "ME",
        "#[ig".to_owned() + "nore",
    ];
    let mut wrong = Vec::new();
    for folder in ["src", "tests", "benches"] {
        for path in rust_files(&root().join(folder)) {
            let text = fs::read_to_string(&path).unwrap();
            for mark in &marks {
                if text.contains(mark.as_str()) {
                    wrong.push(format!("{}: `{mark}`", shown(&path)));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_map_of_the_library_names_every_stage() {
    let map = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let mut at = 0;
    for stage in STAGES {
        let declared = format!("pub mod {stage};");
        let found = map[at..].find(&declared);
        assert!(found.is_some(), "`{declared}` is missing from lib.rs or out of order");
        at += found.unwrap();
    }
}
