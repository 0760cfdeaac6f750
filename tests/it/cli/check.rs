//! `tidemill check`: warnings, formats, and mistakes that are shown where they stand.

use super::place::Place;
use super::screens::shows;

const ODD: &str = r#"name = "odd"
provider = "agushuju"
deadline = "2d"
[grid]
stock_code = ["000001.SZ", "000002.SZ"]
kind = ["a", "b"]
[request]
path = "/stock_daily"
query = { stock_code = "{stock_code}", token = "canary" }
"#;

fn odd() -> Place {
    let place = Place::bare().with("AGUSHUJU_API_KEY", "a key nobody sees");
    place.write("odd.toml", ODD);
    place.write("tidemill.toml", "[provider.agushuju]\nlimits = { guess = false, qps = 1, per_minute = 90 }\n");
    place
}

#[test]
fn warnings_in_each_format() {
    let place = odd();
    shows("check_warnings", &place, &["check", "odd.toml"]);
    shows("check_warnings_github", &place, &["check", "odd.toml", "--format", "github"]);
    shows("check_warnings_json", &place, &["check", "odd.toml", "--json"]);
    for (more, code) in [(&["--deny-warnings"][..], 2), (&["--deny-warnings", "--format", "github"], 2), (&[], 0)] {
        let ended = place.tidemill(&[&["check", "odd.toml"], more].concat()).expect(code);
        assert!(!format!("{ended:?}").contains("canary"), "{ended:?}");
    }
    let denied = place.tidemill(&["check", "odd.toml", "--deny-warnings", "--format", "json"]).expect(2);
    assert_eq!(denied.json()["ok"], false);
    place.ranks("calm", 1, 1);
    let place = place.with("FOXDATA_API_KEY", "a key nobody sees");
    let calm = ["check", "calm.toml", "--deny-warnings", "--set=provider.foxdata.limits.guess=false"];
    place.tidemill(&calm).expect(0);
}

#[test]
fn mistakes_on_github() {
    let place = odd();
    place.write("jobs/bad, worse.toml", "name = \"b\"\nprovider = \"agushuju\"\n[request]\npath = \"/{stock}\"\n");
    shows("check_mistakes_github", &place, &["check", "jobs", "missing.toml", "--format", "github"]);
    let set = "--set=provider.agushuju.limits.qsp=1";
    shows("check_setting_github", &place, &["check", "odd.toml", "--format", "github", set]);
}

#[test]
fn the_caret_stands_below_the_word_that_is_wrong() {
    let place = odd().with("FOXDATA_API_KEY", "a key nobody sees");
    place.write(
        "words.toml",
        r#"name = "words"
provider = "foxdata"
[grid]
day = { from = "2026-01-01", to = "2026-01-02", order = "newst" }
[request]
method = "PSOT"
path = "/app/{dya}/rank"
json = { text = "from {day} to {day.form}" }
[records]
shape = "objcts"
[outptu]
partition_by = ["day"]
[paging]
kind = "ofset"
"#,
    );
    shows("check_words", &place, &["check", "words.toml"]);
    place.write(
        "tidemill.toml",
        "[[provider.foxdata.rules_first]]\ncode = 1\nverdict = \"rejct\"\n[provider.foxdata.auth]\nkind = \"bearr\"\n",
    );
    shows("check_words_of_settings", &place, &["check", "odd.toml"]);
}
