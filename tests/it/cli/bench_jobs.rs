//! `tidemill bench JOB...`: what jobs come to, and that nothing of it stays.

use regex::Regex;
use serde_json::Value;

use super::place::Place;

/// A workspace with two jobs of one provider, whose limits are as fast as a test likes them.
fn place() -> Place {
    let place = Place::bare().with("FOXDATA_API_KEY", "dr-k-3b1f-placeholder");
    let limits = "limits = { qps = 20, per_minute = 600, per_day = 100000, concurrency = 8 }";
    place.write("tidemill.toml", &format!("[provider.foxdata]\n{limits}\n"));
    place.ranks("ranks", 4, 28);
    place
}

/// Processor time is this machine's.
fn masked(text: &str) -> String {
    let text = Regex::new(r" +\d+ ns").unwrap().replace_all(text, "  [cost]");
    Regex::new("\"processor_ns\":\\d+").unwrap().replace_all(&text, "\"processor_ns\":[cost]").into_owned()
}

/// Nothing but what was there: no state, no output, no journal.
#[track_caller]
fn is_clean(place: &Place) {
    for folder in ["bench", ".tidemill", "data", "rehearsal", "xdg", "home"] {
        assert!(!place.path().join(folder).exists(), "{folder} is left");
    }
}

#[track_caller]
fn number(report: &Value, pointer: &str) -> f64 {
    report.pointer(pointer).and_then(Value::as_f64).unwrap_or_else(|| panic!("no {pointer} in {report}"))
}

#[test]
fn virtual_time_is_the_same_each_time() {
    let place = place();
    // Three hundred calls: more than fit.
    let slow = "provider.foxdata.limits.per_minute=60";
    let call = ["bench", "ranks.toml", "--virtual", "--for", "4m", "--seed", "7", "--set", slow];
    let ended = place.tidemill(&call).expect(0);
    insta::assert_snapshot!("bench_jobs_virtual", masked(&ended.out));
    let json = [&call[..], &["--json", "--enforce", "fixed", "--html", "page.html"]].concat();
    let text = masked(&place.tidemill(&json).expect(0).out);
    insta::assert_snapshot!("bench_jobs_virtual_json", text);
    assert_eq!(masked(&place.tidemill(&json).expect(0).out), text, "another report of the same seed");
    let report: Value = serde_json::from_str(&text.replace("[cost]", "0")).unwrap();
    let figures = "/providers/0/strategies/0";
    assert_eq!(number(&report, &format!("{figures}/refused")), 0.0);
    assert!(number(&report, &format!("{figures}/windows/1/used_percent")) > 95.0);
    let page = std::fs::read_to_string(place.path().join("page.html")).unwrap();
    assert!(page.contains("Jobs that ran") && page.ends_with("</html>\n"));
    is_clean(&place);
}

#[test]
fn a_day_that_is_full_opens_again() {
    let place = place();
    let call = ["bench", "ranks.toml", "--virtual", "--json", "--set", "provider.foxdata.limits.per_day.max=100"];
    let report = place.tidemill(&[&call[..], &["--set", "provider.foxdata.limits.per_day.resets=00:00"]].concat());
    let report = report.expect(0).json();
    assert_eq!(
        number(&report, "/providers/0/strategies/0/accepted"),
        200.0,
        "two days of Shanghai begin in one of UTC"
    );
    assert_eq!(number(&report, "/providers/0/strategies/0/refused"), 0.0);
    let job = &report["jobs"][0];
    assert_eq!((&job["exit"], &job["requests"]), (&"paused".into(), &200.into()));
}

#[test]
fn real_time_is_bounded() {
    let place = place();
    let call = ["bench", "ranks.toml", "--for", "2s", "--latency", "10ms+5ms", "--json"];
    let report = place.tidemill(&call).expect(0).json();
    let accepted = number(&report, "/providers/0/strategies/0/accepted");
    assert_eq!(number(&report, "/providers/0/strategies/0/refused"), 0.0);
    assert!((10.0..=60.0).contains(&accepted), "{accepted} calls in two seconds of twenty");
    assert!(number(&report, "/providers/0/strategies/0/latency/p50_ms") >= 10.0);
    assert_eq!(report["jobs"][0]["exit"], "paused");
    is_clean(&place);
}

#[test]
fn a_live_bench_spends_no_more_than_it_may() {
    let place = place();
    place.ranks("more", 2, 3);
    let simulating = place.simulate("foxdata", &["--latency", "1ms+1ms"]);
    let set = simulating.set("foxdata");
    let call = ["bench", ".", "--live", "--spend", "7", "--json", &set];
    let ended = place.tidemill(&call).expect(0);
    assert!(ended.err.contains("live: at most 7 calls, which are paid"), "{}", ended.err);
    let report = ended.json();
    let (_, stats) = simulating.end();
    assert_eq!((&stats["requests"], number(&report, "/providers/0/strategies/0/accepted")), (&7.into(), 7.0));
    assert!(report["providers"][0]["conditions"]["server"].as_str().unwrap().contains("our count"));
    assert_eq!(place.files("bench"), Vec::<std::path::PathBuf>::new());
    // The calls were real: the next run knows of them.
    let quota = place.tidemill(&["quota", "foxdata", "--json", &set]).expect(0).json();
    assert!(quota.to_string().contains("\"used\":7"), "{quota}");
    assert!(!place.path().join(".tidemill").exists() && !place.path().join("data").exists());
}

#[test]
fn a_signal_ends_it_with_its_report() {
    let place = place();
    let simulating = place.simulate("foxdata", &["--latency", "1ms+1ms"]);
    let call = ["bench", "ranks.toml", "--live", "--spend", "1000", "--json", &simulating.set("foxdata")];
    let mut running = place.start(&call);
    assert!(running.wait_for("live: at most"));
    running.signal("INT");
    let ended = running.end().expect(130);
    assert_eq!(ended.json()["jobs"][0]["exit"], "interrupted");
    assert!(!place.path().join("bench").exists());
}

#[test]
fn what_jobs_do_not_take() {
    let place = place();
    for (name, call) in [
        ("bench_mixture", &["bench", "foxdata", "ranks.toml"][..]),
        ("bench_two_providers", &["bench", "foxdata", "agushuju"]),
        (
            "bench_of_limits",
            &["bench", "ranks.toml", "--compare", "--load", "endless", "--cells", "3", "--limits", "qps=1"],
        ),
        ("bench_virtual_provider", &["bench", "foxdata", "--virtual"]),
        ("bench_live_alone", &["bench", "ranks.toml", "--live"]),
        ("bench_live_virtual", &["bench", "ranks.toml", "--live", "--spend", "3", "--virtual"]),
        ("bench_missing_job", &["bench", "none.toml"]),
        ("bench_help", &["bench", "--help"]),
    ] {
        let ended = place.tidemill(call);
        let text = format!("exit {}\n--- stdout\n{}--- stderr\n{}", ended.code.unwrap(), ended.out, ended.err);
        insta::assert_snapshot!(name, text);
    }
    is_clean(&place);
}
