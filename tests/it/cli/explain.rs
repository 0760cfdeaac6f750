//! `tidemill explain`: codes of presets and of providers of one's own.

use super::place::Place;
use super::screens::shows;

const ACME: &str = r#"base_url = "https://acme.test/v1"
[[rules]]
http = 418
path = "/tea"
verdict = "reject"
means = { en = "a teapot", zh = "茶壶" }
[[rules]]
code = "quota_exceeded"
verdict = "throttle"
window = "day"
"#;

#[test]
fn all_codes_of_each_preset() {
    let place = Place::bare();
    for provider in ["agushuju", "foxdata", "sensenova"] {
        shows(&format!("explain_{provider}"), &place, &["explain", provider]);
    }
    shows("explain_json", &place, &["explain", "agushuju", "--json"]);
}

#[test]
fn one_code() {
    let place = Place::bare();
    for (name, call) in [
        ("two_meanings", ["foxdata", "60008"]),
        ("accounting", ["foxdata", "60006"]),
        ("within_a_range", ["foxdata", "60007"]),
        ("success", ["foxdata", "200"]),
        ("status_of_many_codes", ["sensenova", "429"]),
        ("code_and_status", ["agushuju", "429"]),
        ("texts_first", ["sensenova", "8"]),
        ("status_alone", ["foxdata", "503"]),
        ("status_of_any_provider", ["foxdata", "402"]),
        ("clock", ["sensenova", "1003"]),
        ("unknown_code", ["foxdata", "60013x"]),
        ("unknown_of_explain", ["foxdta", "60013"]),
    ] {
        shows(&format!("explain_{name}"), &place, &[&["explain"], &call[..]].concat());
    }
    shows("explain_one_json", &place, &["explain", "foxdata", "60008", "--json"]);
    // Nearness means something between names only.
    shows("explain_unknown_number", &place, &["explain", "foxdata", "404"]);
    assert_eq!(place.tidemill(&["explain", "foxdata", "60013x", "--json"]).expect(2).json()["ok"], false);
}

#[test]
fn a_provider_of_ones_own_in_ones_own_language() {
    let place = Place::bare().with("LANG", "en_US.UTF-8").with("LC_ALL", "zh_CN.UTF-8");
    place.write("tidemill.toml", "").write("providers/acme.toml", ACME);
    shows("explain_own", &place, &["explain", "acme"]);
    shows("explain_own_status", &place, &["explain", "acme", "418"]);
    shows("explain_own_default", &place, &["explain", "acme", "429"]);
    shows("explain_own_nearest", &place, &["explain", "acme", "quota_exceded"]);
    // From a folder below.
    place.write("jobs/x.toml", "");
    let mut command = place.command(&["explain", "acme"]);
    let output = command.current_dir(place.path().join("jobs")).output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn a_run_that_was_refused_points_here() {
    let place = Place::new();
    place.ranks("ranks", 1, 1);
    let call = ["run", "ranks.toml", "--simulate", "--progress", "none", "--fault", "60005=100%"];
    let ended = place.tidemill(&call).expect(4);
    assert!(ended.out.contains("tidemill explain foxdata 60005\n"), "{}", ended.out);
}
