//! `tidemill init`: what it writes can be checked, planned and rehearsed as it stands, and it overwrites nothing.

use std::fs;

use regex::Regex;

use super::place::{Ended, Place};

/// Preset and job of each scaffold.
const SCAFFOLDS: [(&str, &str); 4] = [
    ("agushuju", "agushuju_stock_daily"),
    ("foxdata", "foxdata_app_rank"),
    ("sensenova", "sensenova_chat"),
    ("generic", "acme_prices"),
];

/// The provider of a scaffold.
fn provider(name: &str) -> &str {
    if name == "generic" { "acme" } else { name }
}

fn screen(ended: &Ended) -> String {
    format!("exit {}\n--- stdout\n{}--- stderr\n{}", ended.code.unwrap(), ended.out, ended.err)
}

#[test]
fn what_it_writes_works_as_it_stands() {
    for (name, job) in SCAFFOLDS {
        let place = Place::bare();
        let written = place.tidemill(&["init", "--from", name]).expect(0);
        assert_eq!(written.out.lines().count(), place.files("").len(), "{}", written.out);
        let check = place.tidemill(&["check", "jobs"]).expect(0);
        assert!(check.out.starts_with("1 job without mistakes"), "{}", check.out);
        assert!(check.err.contains("_KEY` (not set)") && check.err.contains("export "), "{}", check.err);
        place.tidemill(&["plan", "jobs"]).expect(0);
        let fast = ["qps", "per_minute"].map(|key| format!("--set=provider.{}.limits.{key}=1000", provider(name)));
        let call = ["run", "jobs", "--simulate", "--progress", "none", &fast[0], &fast[1]];
        let run = place.tidemill(&call).expect(0);
        assert!(run.out.contains(&format!("done      {job}: ")), "{}", run.out);
        assert!(!place.rows("rehearsal/data").is_empty());
        let run = place.tidemill(&["run", "jobs"]).expect(2);
        assert!(run.err.contains("no secret found"), "{}", run.err);
    }
}

/// A person who takes the `#` away finds no mistake behind it.
#[test]
fn what_is_commented_out_is_right_too() {
    let keys = Regex::new(r"(?m)^# (\w+ = |\[)").unwrap();
    for (name, _) in SCAFFOLDS {
        let place = Place::bare();
        place.tidemill(&["init", "--from", name]).expect(0);
        for path in place.files("") {
            if path.extension().is_some_and(|extension| extension == "toml") {
                let text = fs::read_to_string(&path).unwrap();
                assert!(text.starts_with("#:schema ./schema/") || text.starts_with("#:schema ../schema/"), "{text}");
                assert!(path.parent().unwrap().join(&text.lines().next().unwrap()["#:schema ".len()..]).exists());
                fs::write(&path, keys.replace_all(&text, "$1").as_bytes()).unwrap();
            }
        }
        fs::copy(place.path().join(".env.example"), place.path().join(".env")).unwrap();
        let check = place.tidemill(&["check", "jobs"]).expect(0);
        assert!(check.err.contains("_KEY` (empty)"), "{}", check.err);
        assert!(!check.err.contains("guess"), "limits were given: {}", check.err);
    }
}

#[test]
fn it_overwrites_nothing() {
    let place = Place::bare();
    place.write("feeds/.gitignore", "mine\n").write("feeds/jobs/symbols.csv", "mine\n");
    let before = place.files("");
    insta::assert_snapshot!("init_there", screen(&place.tidemill(&["init", "feeds", "--from", "agushuju"])));
    assert_eq!(place.files(""), before);
    assert_eq!(fs::read_to_string(place.path().join("feeds/.gitignore")).unwrap(), "mine\n");
    place.write("file", "");
    assert!(place.tidemill(&["init", "file", "--from", "foxdata"]).expect(1).err.contains("`file/tidemill.toml`"));
}

#[test]
fn what_it_says() {
    let place = Place::bare();
    insta::assert_snapshot!("init_list", screen(&place.tidemill(&["init"])));
    insta::assert_snapshot!("init_unknown", screen(&place.tidemill(&["init", "--from", "foxdate"])));
    insta::assert_snapshot!("init_folder", screen(&place.tidemill(&["init", "my feeds", "--from", "generic"])));
    insta::assert_snapshot!("init_help", screen(&place.tidemill(&["init", "--help"])));
}

#[test]
fn a_secret_that_is_not_set_is_a_warning_and_one_that_cannot_be_used_a_mistake() {
    let place = Place::bare();
    place.tidemill(&["init", "--from", "sensenova"]).expect(0);
    let json = place.tidemill(&["check", "jobs", "--json"]).expect(0).json();
    let warnings = json["warnings"].as_array().unwrap();
    assert_eq!(warnings.iter().filter(|warning| warning.to_string().contains("no secret found")).count(), 2);
    place.write(".env", "SENSENOVA_ACCESS_KEY=\"a\\nb\"\nSENSENOVA_SECRET_KEY=x\n");
    assert!(place.tidemill(&["check", "jobs"]).expect(2).err.contains("control character"));
}
