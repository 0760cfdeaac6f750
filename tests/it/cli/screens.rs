//! Screens, as a person reads them; what changes from run to run is replaced.

use regex::Regex;

use super::place::{Ended, Place, day};

/// Code, stdout and stderr of `ended`, without this folder, times, ports and sizes.
pub(super) fn screen(place: &Place, ended: &Ended) -> String {
    let mut text = format!("exit {}\n--- stdout\n{}--- stderr\n{}", ended.code.unwrap(), ended.out, ended.err);
    for folder in [place.path().canonicalize().unwrap(), place.path().to_owned()] {
        text = text.replace(&folder.display().to_string(), "[place]");
    }
    for (pattern, instead) in [
        (r"127\.0\.0\.1:\d+", "127.0.0.1:[port]"),
        (r"\d\d:\d\d:\d\dZ", "[time]"),
        (r"\d+ (kB|B)\b", "[size]"),
        (r"pid \d+", "pid [n]"),
        (r"\d{4}-\d\d-\d\dT\d\d:\d\d:[\d.]+Z", "[when]"),
        (r"(?m)^(\[time\] \S+ \d+ %).*$", "$1 …"),
        (r"\d{4}-\d\d-\d\d \d\d:\d\d \(", "[when] ("),
        (r"\d{4}-\d\d-\d\d \d\d:\d\d (Asia/Shanghai| )", "[when] $1"),
        (r"(\[when\]  )\d+ s", "$1[n] s"),
        (r"took( +)(\d+ min )?\d+ s\b", "took$1[n] s"),
        (r"\| \d+ s \|", "| [n] s |"),
        (r"\(in [\d a-z]+\)", "(in [length])"),
        (r", in \d+ s: the (second|concurrency) limit \([\d,]+\)", ", in [n] s: the [quickest] limit"),
        (r#""done":"[^"]+""#, "\"done\":\"[when]\""),
    ] {
        text = Regex::new(pattern).unwrap().replace_all(&text, instead).into_owned();
    }
    text
}

/// Pins what a person sees of `call`.
#[track_caller]
pub(crate) fn shows(name: &str, place: &Place, call: &[&str]) {
    let ended = place.tidemill(call);
    insta::assert_snapshot!(name, format!("$ tidemill {}\n{}", call.join(" "), screen(place, &ended)));
}

#[test]
fn a_rehearsal_and_its_second_run() {
    let place = Place::new();
    place.ranks("ranks", 2, 2);
    let call = ["run", "ranks.toml", "--simulate", "--progress", "none"];
    shows("rehearsal", &place, &call);
    shows("nothing_to_do", &place, &call);
}

#[test]
fn seven_mistakes_in_two_files() {
    let place = Place::new().with("FOXDATA_API_KEY", "a key nobody sees");
    place.write("jobs/one.toml", "name = \"one\"\nprovider = \"foxdta\"\n[grid]\nday = { from = \"2026-13-01\", to = \"today\" }\n[request]\nmethd = \"POST\"\npath = \"/x\"\nquery = { d = \"{dya}\" }\n");
    place.write(
        "jobs/two.toml",
        "name = \"two words\"\nprovider = \"foxdata\"\n[request]\npath = 5\n[output]\ncells_per_file = \"many\"\n",
    );
    shows("seven_mistakes", &place, &["check", "jobs"]);
    shows("seven_mistakes_json", &place, &["check", "jobs", "--json"]);
}

#[test]
fn a_mistake_in_one_place_hides_none_in_another() {
    let place = Place::new();
    place.write("a.toml", "name = \"a\"\nprovider = \"sensenova\"\n[request]\npath = \"/x\"\n");
    place.write("b.toml", "name = \"b\"\nprovider = \"foxdata\"\n[grid]\n");
    place.write(
        "c.toml",
        "name = \"c\"\nprovider = \"foxdta\"\n[grid]\nk = { file = \"none.txt\" }\n[request]\npath = \"/{k}\"\n",
    );
    place.write("d.toml", "name = \"d\"\nprovider = \"foxdata\"\n[request]\npath = \"/x\"\n");
    place.write("e.toml", "name =\n");
    let call = ["run", "e.toml", "d.toml", "c.toml", "b.toml", "a.toml"];
    shows("all_at_once", &place, &call);
    place.write("tidemill.toml", "[provider.foxdata]\napi_key = \"canary\"\ntoken = \"canary\"\n");
    shows("all_at_once_and_settings", &place, &call);
    let json = place.tidemill(&[&call[..], &["--json"]].concat()).expect(2);
    assert!(json.err.is_empty() && !json.out.contains("canary"), "{json:?}");
    assert_eq!(json.json()["ok"], false);
}

#[test]
fn limits_that_are_guesses() {
    let place = Place::new().with("FOXDATA_API_KEY", "a key nobody sees");
    place.ranks("ranks", 1, 1);
    place.write("tidemill.toml", "[provider.foxdata.limits]\nqps = 5\nconcurrency = 4\n");
    shows("guesses", &place, &["check", "ranks.toml"]);
}

#[test]
fn settings_that_are_wrong() {
    let place = Place::new();
    place.ranks("ranks", 1, 1);
    shows("bad_set", &place, &["plan", "ranks.toml", "--set", "provider.foxdata.limits.qsp=5"]);
    shows("no_value", &place, &["plan", "ranks.toml", "--set", "qps"]);
    place.write("tidemill.toml", "otput = \"data\"\n");
    shows("unknown_key", &place, &["check", "ranks.toml"]);
    let place = Place::new().with("TIDEMILL_PROVIDER__FOXDATA__LIMITS__QPSS", "3");
    place.ranks("ranks", 1, 1);
    shows("unknown_variable", &place, &["check", "ranks.toml"]);
}

#[test]
fn what_is_missing() {
    let place = Place::new();
    place.ranks("ranks", 1, 1);
    std::fs::create_dir(place.path().join("empty")).unwrap();
    shows("missing_secret", &place, &["run", "ranks.toml"]);
    shows("missing_file", &place, &["run", "rank.toml"]);
    shows("missing_folder", &place, &["plan", "empyt", "jobs", "elsewhere/ranks.toml"]);
    shows("empty_folder", &place, &["run", "empty"]);
    shows("unknown_provider", &place, &["simulate", "foxdta"]);
    shows("bad_fault", &place, &["simulate", "foxdata", "--fault", "60009@2"]);
    shows("unknown_fault", &place, &["simulate", "foxdata", "--fault", "rest"]);
    shows("bad_enforce", &place, &["simulate", "foxdata", "--enforce", "leaky:3"]);
    shows("bad_count_at", &place, &["simulate", "foxdata", "--count-at", "late"]);
    shows("bad_latency", &place, &["simulate", "foxdata", "--latency", "30"]);
    shows("bad_drift", &place, &["simulate", "foxdata", "--drift", "-200000"]);
    shows("fault_without_when", &place, &["run", "ranks.toml", "--simulate", "--fault", "60003"]);
}

#[test]
fn plans() {
    let place = Place::new();
    place.ranks("ranks", 2, 3).ranks("one", 1, 1);
    shows("plan", &place, &["plan", "ranks.toml", "one.toml"]);
    shows("plan_one", &place, &["plan", "ranks.toml"]);
    shows("plan_json", &place, &["plan", "ranks.toml", "--json"]);
    let place = place.with("FOXDATA_API_KEY", "a key nobody sees");
    shows("check", &place, &["check", "ranks.toml", "one.toml"]);
}

/// A day is too short for all of it: what the first one took tells about the others.
#[test]
fn a_plan_tells_what_it_learned_and_when_it_is_done() {
    let place = Place::new().with("FOXDATA_API_KEY", "sk-simulated-foxdata");
    let limits = format!("qps = 100\nper_minute = 60000\nper_day = {}\nconcurrency = 1\n", day(1000));
    place.write("tidemill.toml", &format!("[provider.foxdata.limits]\n{limits}"));
    place.ranks("ranks", 30, 20).ranks("few", 1, 2);
    let simulating = place.simulate("foxdata", &[]);
    let job = std::fs::read_to_string(place.path().join("ranks.toml")).unwrap();
    place.write("ranks.toml", &format!("max_requests = 50\nmax_credits = 5000\ndeadline = \"60s\"\n{job}"));
    place.tidemill(&["run", "ranks.toml", &simulating.set("foxdata")]).expect(75);
    simulating.end();
    shows("plan_learned", &place, &["plan", "ranks.toml", "few.toml"]);
    let json = place.tidemill(&["plan", "ranks.toml", "--json"]).expect(0).json();
    assert_eq!(json["together"]["done"].as_str().map(|done| done.parse::<jiff::Timestamp>().is_ok()), Some(true));
    // Of 30 cells in the first file 16 have their three pages, although nothing is published yet.
    let counts = ["cells", "settled", "left", "learned_from", "calls", "runs"].map(|name| json[name].as_u64().unwrap());
    assert_eq!(counts, [600, 16, 584, 16, 1825, 37]);
}

/// The job file of `place` with `columns` declared.
fn declare(place: &Place, columns: &str) {
    place.ranks("ranks", 2, 2);
    let job = std::fs::read_to_string(place.path().join("ranks.toml")).unwrap();
    place.write("ranks.toml", &job.replace("rank = \"int64\"", columns));
}

#[test]
fn what_is_fetched_again_or_read_anew() {
    let place = Place::new();
    declare(&place, "");
    let run = |more: &[&'static str]| [&["run", "ranks.toml", "--simulate", "--progress", "none"], more].concat();
    let replay = ["replay", "ranks.toml", "--simulate", "--progress", "none"];
    shows("nothing_to_replay", &place, &replay);
    place.tidemill(&run(&[])).expect(0);
    shows("held_for_a_cell", &place, &run(&["--refetch", "--fault", "100@1"]));
    shows("held_for_an_empty", &place, &run(&["--refetch", "--fault", "60008x4@1"]));
    declare(&place, "rank = \"int8\"");
    shows("replay_would_shrink", &place, &replay);
    declare(&place, "rank = \"int16\"");
    shows("other_columns", &place, &run(&[]));
    shows("replayed", &place, &replay);
    let job = std::fs::read_to_string(place.path().join("ranks.toml")).unwrap();
    place.write("ranks.toml", &job.replace("\"ranks\"\nadd", "\"rankings\"\nadd"));
    shows("replay_finds_nothing", &place, &replay);
    shows("reading_changed", &place, &run(&[]));
    place.write("ranks.toml", &job.replace("\"US\"", "\"JP\""));
    shows("question_changed", &place, &run(&[]));
    shows("replay_of_another_question", &place, &replay);
}

#[test]
fn what_is_rejected_and_accepted() {
    let place = Place::new();
    place.ranks("ranks", 2, 1);
    let run = |more: &[&'static str]| [&["run", "ranks.toml", "--simulate", "--progress", "none"], more].concat();
    shows("rejected", &place, &run(&["--fault", "100@1"]));
    shows("accepted", &place, &run(&["--accept-failed"]));
    shows("accepted_verified", &place, &["verify", "ranks.toml", "--simulate"]);
    shows("accept_and_retry", &place, &run(&["--accept-failed", "--retry-failed"]));
    shows("refetch_and_keep", &place, &run(&["--refetch", "--keep"]));
}

#[test]
fn a_plan_counts_what_is_fetched_again_and_what_was_accepted() {
    let place = Place::new().with("FOXDATA_API_KEY", "sk-simulated-foxdata");
    place.ranks("ranks", 2, 2);
    let simulating = place.simulate("foxdata", &["--fault", "100@1"]);
    let set = simulating.set("foxdata");
    place.tidemill(&["run", "ranks.toml", &set]).expect(3);
    let job = std::fs::read_to_string(place.path().join("ranks.toml")).unwrap();
    place.tidemill(&["run", "ranks.toml", &set, "--accept-failed"]).expect(0);
    place.write("ranks.toml", &format!("refetch = {{ last = \"5000d\", of = \"day\" }}\n{job}"));
    shows("plan_again", &place, &["plan", "ranks.toml"]);
    place.tidemill(&["run", "ranks.toml", &set]).expect(0);
    simulating.end();
}

#[test]
fn the_simulator_says_how_to_use_it() {
    let place = Place::new();
    let simulating = place.simulate("sensenova", &[]);
    let (out, _) = simulating.end();
    let ended = Ended { code: Some(143), out, err: String::new() };
    insta::assert_snapshot!("simulate", screen(&place, &ended));
    shows("simulate_help", &place, &["simulate", "--help"]);
}
