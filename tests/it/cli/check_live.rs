//! `tidemill check --live`: one call for each credential, which counts, and of which nothing stays.

use serde_json::Value;

use super::place::{Ended, Place};

/// `check --live` of `jobs` with `more`; the last line of JSON is the answer.
fn live(place: &Place, jobs: &[&str], more: &[&str]) -> Ended {
    place.tidemill(&[&["check", "--live", "--json"], jobs, more].concat())
}

fn keyed() -> Place {
    let place = Place::new().with("FOXDATA_API_KEY", "a key nobody sees");
    place.ranks("ranks", 2, 2).ranks("more", 1, 1);
    place
}

#[test]
fn what_the_provider_says_is_the_exit_code() {
    for (fault, code, finding, explains) in [
        ("60009=0%", 0, "accepted", Value::Null),
        ("60008=100%", 0, "accepted", Value::Null),
        ("100=100%", 3, "request_refused", "100".into()),
        ("403=100%", 4, "refused", "403".into()),
        ("60005=100%", 4, "refused", "60005".into()),
        ("60003=100%", 75, "quota_used_up", "60003".into()),
        ("60004=100%", 75, "too_fast", "60004".into()),
        ("510=100%", 1, "trouble", "510".into()),
    ] {
        let place = keyed();
        let more: &[&str] = if fault.ends_with("=0%") { &[] } else { &["--fault", fault] };
        let played = place.simulate("foxdata", more);
        let ended = live(&place, &["ranks.toml", "more.toml"], &[&played.set("foxdata")]).expect(code);
        let told = ended.json();
        let (ok, list) = (told["ok"].as_bool().unwrap(), told["live"].as_array().unwrap());
        assert_eq!((ok, list.len()), (code == 0, 1), "one credential, one call: {told}");
        assert_eq!((list[0]["finding"].as_str().unwrap(), &list[0]["code"]), (finding, &explains), "{told}");
        assert!(!format!("{ended:?}").contains("nobody sees"));
        let (_, stats) = played.end();
        assert_eq!(stats["requests"], 1, "{fault}: {stats}");
        assert!(!place.path().join(".tidemill").exists() && !place.path().join("data").exists());
    }
}

#[test]
fn nobody_there_is_no_fault_of_the_key() {
    let place = keyed();
    let base_url = "--set=provider.foxdata.base_url=http://127.0.0.1:1/api";
    let told = live(&place, &["ranks.toml"], &[base_url]).expect(1).json();
    assert_eq!((&told["live"][0]["finding"], &told["live"][0]["code"]), (&"no_answer".into(), &Value::Null));
}

#[test]
fn an_answer_the_job_does_not_expect() {
    let place = keyed();
    place.ranks("ranks", 1, 1);
    let text = std::fs::read_to_string(place.path().join("ranks.toml")).unwrap();
    place.write("ranks.toml", &text.replace("path = \"ranks\"\nadd", "path = \"rnks\"\nadd"));
    let played = place.simulate("foxdata", &[]);
    let told = live(&place, &["ranks.toml"], &[&played.set("foxdata")]).expect(3).json();
    assert_eq!(told["live"][0]["finding"], "unreadable");
    assert!(told["live"][0]["message"].as_str().unwrap().contains("`ranks`"), "{told}");
}

#[test]
fn the_call_counts_in_the_quota() {
    let place = keyed();
    let played = place.simulate("foxdata", &[]);
    let set = played.set("foxdata");
    let more = [set.as_str(), "--set=provider.foxdata.limits.per_day=1"];
    live(&place, &["ranks.toml"], &more).expect(0);
    let told = live(&place, &["ranks.toml"], &more).expect(75).json();
    assert_eq!(told["live"][0]["finding"], "quota_used_up", "{told}");
    assert!(told["live"][0]["resume_at"].is_string() && told["live"][0]["code"].is_null(), "{told}");
    assert_eq!(played.end().1["requests"], 1);
}

#[test]
fn a_person_and_github_are_told_too() {
    let place = keyed();
    let played = place.simulate("foxdata", &["--fault", "403=100%"]);
    let set = played.set("foxdata");
    let ended = place.tidemill(&["check", "ranks.toml", "--live", &set]).expect(4);
    assert!(ended.out.contains("refused, a person must act\n"), "{ended:?}");
    assert!(ended.out.ends_with("what that means: tidemill explain foxdata 403\n"), "{ended:?}");
    let ended = place.tidemill(&["check", "ranks.toml", "--live", "--format", "github", &set]).expect(4);
    assert!(ended.out.starts_with("::error file=ranks.toml,line=2,col=12,endLine=2::foxdata: refused"), "{ended:?}");
    // Denied warnings come first: nothing is sent.
    let ended = place.tidemill(&[
        "check",
        "ranks.toml",
        "--live",
        "--deny-warnings",
        &set,
        "--set=provider.foxdata.limits.qps=1",
    ]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    assert_eq!(played.end().1["requests"], 2);
}

#[test]
fn what_an_earlier_run_used_is_not_forgotten_with_its_state() {
    let place = keyed();
    let played = place.simulate("foxdata", &[]);
    let set = played.set("foxdata");
    place.tidemill(&["run", "more.toml", "--progress", "none", &set]).expect(0);
    for folder in [".tidemill", "xdg"] {
        std::fs::remove_dir_all(place.path().join(folder)).unwrap();
    }
    let told = live(&place, &["more.toml"], &[&set]).expect(75).json();
    assert_eq!(told["live"][0]["finding"], "quota_used_up", "{told}");
    assert!(!place.path().join(".tidemill").exists());
}
