//! `tidemill schema`: what is checked in is what the types say, and what ships obeys it.

use std::fs;
use std::path::PathBuf;

use super::place::Place;

const KINDS: [&str; 3] = ["job", "provider", "settings"];

#[track_caller]
fn is_current(file: &str, call: &[&str]) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(file);
    let made = Place::bare().tidemill(call).expect(0).out;
    let kept = fs::read_to_string(path).unwrap_or_default();
    assert!(made == kept, "{file} is not what the types say; write it anew: tidemill {} > {file}", call.join(" "));
}

#[test]
fn the_schemas_are_what_the_types_say() {
    for kind in KINDS {
        is_current(&format!("schema/{kind}.json"), &["schema", kind]);
    }
}

#[test]
fn the_reference_is_what_the_types_say() {
    for kind in KINDS {
        is_current(&format!("docs/reference/{kind}.md"), &["schema", kind, "--format", "markdown"]);
    }
}

/// Every key has a meaning, and every link leads somewhere.
#[test]
fn the_reference_is_whole() {
    for kind in KINDS {
        let page = Place::bare().tidemill(&["schema", kind, "--format", "markdown"]).expect(0).out;
        for line in page.lines() {
            assert!(!line.starts_with("| `") || !line.ends_with("|  |"), "{kind}: a key without a meaning: {line}");
        }
        for link in page.split("](#").skip(1).filter_map(|rest| rest.split(')').next()) {
            assert!(page.contains(&format!("<a id=\"{link}\"></a>")), "{kind}: nothing at `{link}`");
        }
    }
}

#[test]
fn which_there_are() {
    let ended = Place::bare().tidemill(&["schema"]).expect(0);
    insta::assert_snapshot!("schema_kinds", format!("--- stdout\n{}--- stderr\n{}", ended.out, ended.err));
    assert!(Place::bare().tidemill(&["schema", "jobs"]).expect(2).err.contains("job, provider, settings"));
}
