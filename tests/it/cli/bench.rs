//! `tidemill bench`: what it shows and what it does not take.

use regex::Regex;

use super::place::Place;

/// The screen of a call. What a permit costs here and now is replaced.
#[track_caller]
fn shows(name: &str, place: &Place, call: &[&str]) {
    let ended = place.tidemill(call);
    let text = format!(
        "$ tidemill {}\nexit {}\n--- stdout\n{}--- stderr\n{}",
        call.join(" "),
        ended.code.unwrap(),
        ended.out,
        ended.err
    );
    // The day of a test begins at another hour each time.
    let text = Regex::new(r"from \d\d:00 ").unwrap().replace_all(&text, "from [hour] ");
    let text = Regex::new(r" +\d+ ns").unwrap().replace_all(&text, "  [cost]");
    let text = Regex::new("\"overhead_ns\":\\d+").unwrap().replace_all(&text, "\"overhead_ns\":[cost]");
    insta::assert_snapshot!(name, text);
}

#[test]
fn limits_of_nobody_and_of_a_provider() {
    let place = Place::new();
    // A line without jitter: the same on every machine.
    let limits = ["bench", "--limits", "qps=10,per_minute=300", "--latency", "j0", "--for", "20m"];
    shows("bench", &place, &[&limits[..], &["--compare"]].concat());
    shows("bench_json", &place, &[&limits[..], &["--json", "--enforce", "counter", "--count-refusals"]].concat());
    let foxdata = ["bench", "foxdata", "--set", "provider.foxdata.limits.qps=4", "--latency", "j0", "--for", "20m"];
    shows("bench_provider", &place, &[&foxdata[..], &["--load", "on-off:2m/90s", "--drift", "-50"]].concat());
}

#[test]
fn a_page_is_written() {
    let place = Place::new();
    let call = ["bench", "--limits", "qps=5", "--for", "10s", "--json", "--html", "page.html"];
    assert_eq!(place.tidemill(&call).expect(0).json()["strategies"][0]["strategy"], "tidemill");
    let page = std::fs::read_to_string(place.path().join("page.html")).unwrap();
    assert!(page.starts_with("<!DOCTYPE html>") && page.ends_with("</html>\n"));
    place.tidemill(&["bench", "--limits", "qps=5", "--for", "10s", "--html", "none/page.html"]).expect(1);
}

#[test]
fn what_it_does_not_take() {
    let place = Place::new();
    for (name, call) in [
        ("bench_nothing", &["bench"][..]),
        ("bench_both", &["bench", "foxdata", "--limits", "qps=1"]),
        ("bench_unknown", &["bench", "foxdta"]),
        ("bench_unknown_limit", &["bench", "--limits", "qps=10,qpm=300"]),
        ("bench_bad_limit", &["bench", "--limits", "qps=0"]),
        ("bench_bad_load", &["bench", "foxdata", "--load", "on-off:2m"]),
        ("bench_bad_length", &["bench", "foxdata", "--for", "90"]),
        ("bench_bad_kind", &["bench", "foxdata", "--enforce", "bucket"]),
        ("bench_bad_latency", &["bench", "foxdata", "--latency", "j9"]),
        ("bench_no_window", &["bench", "open"]),
        ("bench_no_window_json", &["bench", "open", "--json"]),
    ] {
        if name.starts_with("bench_no_window") {
            place.write("providers/open.toml", "base_url = \"http://127.0.0.1:1\"\n[limits]\nconcurrency = 2\n");
        }
        shows(name, &place, call);
    }
}
