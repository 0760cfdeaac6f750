//! `tidemill check --live`: one call for each credential, which counts, and of which nothing stays.

use regex::Regex;
use serde_json::Value;

use super::place::{Ended, Place};
use super::wire::{Wire, foxdata_page};

/// `check --live` of `jobs` with `more`; the last line of JSON is the answer.
fn live(place: &Place, jobs: &[&str], more: &[&str]) -> Ended {
    place.tidemill(&[&["check", "--live", "--json"], jobs, more].concat())
}

fn keyed() -> Place {
    let place = Place::new().with("FOXDATA_API_KEY", "a key nobody sees").with("AGUSHUJU_API_KEY", "nor this one");
    place.ranks("ranks", 2, 2).ranks("more", 1, 1);
    place.write(
        "stocks.toml",
        "name = \"stocks\"\nprovider = \"agushuju\"\n[request]\npath = \"/stock_daily\"\nquery = { stock_code = \"000001.SZ\" }\n",
    );
    place
}

/// No page and no state; the journal of attempts alone.
#[track_caller]
fn is_clean(place: &Place) {
    for folder in ["preview", ".tidemill", "data"] {
        assert!(!place.path().join(folder).exists(), "{folder} is left");
    }
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
        is_clean(&place);
    }
}

#[test]
fn each_credential_is_asked_once() {
    let place = keyed();
    let (foxdata, agushuju) = (place.simulate("foxdata", &["--fault", "403=100%"]), place.simulate("agushuju", &[]));
    let sets = [foxdata.set("foxdata"), agushuju.set("agushuju")];
    let call = ["check", "--live", "ranks.toml", "stocks.toml", "more.toml", &sets[0], &sets[1]];
    let ended = place.tidemill(&call).expect(4);
    let masked = Regex::new(r"in \d+ ms").unwrap().replace_all(&ended.out, "in [n] ms").into_owned();
    // It depends on the address, and that on the port.
    let masked = Regex::new("credential [0-9a-f]{8}").unwrap().replace_all(&masked, "credential [hash]").into_owned();
    insta::assert_snapshot!("check_live_two", format!("{masked}--- stderr\n{}", ended.err));
    for (played, name) in [(foxdata, "foxdata"), (agushuju, "agushuju")] {
        assert_eq!(played.end().1["requests"], 1, "{name}");
    }
    is_clean(&place);
}

/// Neither the next page nor a retry is asked for, however the provider invites to it.
#[test]
fn one_call_is_one_call() {
    let next = r#"{"code": 200, "data": {"result": {"ranks": [{"a": 1}]}, "next": {"taskId": "t", "pageKey": 2}}}"#;
    for (status, headers, body, code, message) in [
        ("200 OK", "", next, 0, "1 record on the first page, in "),
        ("503 Service Unavailable", "retry-after: 0\r\n", "{}", 1, "503"),
        ("503 Service Unavailable", "retry-after: 9999\r\n", "{}", 1, "503"),
    ] {
        let (place, wire) = (keyed(), Wire::new());
        let set = wire.set("foxdata");
        let told = std::thread::scope(|scope| {
            let asking = scope.spawn(|| live(&place, &["ranks.toml"], &[&set]));
            wire.accept().answer(status, headers, body);
            asking.join().unwrap().expect(code).json()
        });
        assert!(told["live"][0]["message"].as_str().unwrap().contains(message), "{told}");
        assert!(!wire.is_asked_again(), "{headers}");
        is_clean(&place);
    }
}

#[test]
fn a_signal_ends_it() {
    let (place, wire, never) = (keyed(), Wire::new(), Wire::new());
    let sets = [wire.set("foxdata"), never.set("agushuju")];
    let call = ["check", "--live", "--json", "ranks.toml", "stocks.toml", &sets[0], &sets[1]];
    let mut running = place.start(&call);
    let asked = wire.accept();
    running.signal("INT");
    assert!(running.wait_for("ending: an answer within 20 s is shown"));
    asked.answer("200 OK", "", &foxdata_page(r#"[{"a": 1}]"#));
    let told = running.end().expect(130).json();
    assert_eq!((&told["ok"], told["live"].as_array().map(Vec::len)), (&false.into(), Some(1)), "{told}");
    assert_eq!(told["live"][0]["finding"], "accepted", "{told}");
    is_clean(&place);
    // A second one does not wait for the answer.
    let mut running = place.start(&call);
    let _asked = wire.accept();
    running.signal("TERM");
    assert!(running.wait_for("ending: "));
    running.signal("INT");
    let told = running.end().expect(130).json();
    assert_eq!(told["live"], serde_json::json!([]), "{told}");
    // Nor does one that waits for a limit, here of the two calls above.
    let mut running = place.start(&[&call[..], &["--set=provider.foxdata.limits.per_minute=1"]].concat());
    assert!(running.wait_for("live: "));
    running.signal("INT");
    let told = running.end().expect(130).json();
    assert_eq!(told["live"], serde_json::json!([]), "{told}");
    assert!(!wire.is_asked_again() && !never.is_asked_again());
    is_clean(&place);
}

#[test]
fn a_cell_that_cannot_be_asked_for_says_nothing_of_the_key() {
    let (place, wire) = (keyed(), Wire::new());
    place.write(
        "odd.toml",
        "name = \"odd\"\nprovider = \"foxdata\"\n[grid]\napp = [\"a\\nb\"]\n[request]\npath = \"/x\"\nheaders = { x-app = \"{app}\" }\n",
    );
    let told = live(&place, &["odd.toml"], &[&wire.set("foxdata")]).expect(3).json();
    assert_eq!((&told["live"][0]["finding"], &told["live"][0]["code"]), (&"not_asked".into(), &Value::Null), "{told}");
    assert!(!wire.is_asked_again());
    is_clean(&place);
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
    // A run would set a damaged ledger aside, and what it knew of the quota is gone with the journal.
    std::fs::remove_dir_all(place.path().join("xdg")).unwrap();
    for file in place.files(".tidemill").iter().filter(|file| file.file_name().is_some_and(|it| it == "ledger.db")) {
        std::fs::write(file, "x".repeat(8192)).unwrap();
    }
    let told = live(&place, &["more.toml"], &[&set]).expect(75).json();
    assert_eq!(told["live"][0]["finding"], "quota_used_up", "{told}");
    for folder in [".tidemill", "xdg"] {
        std::fs::remove_dir_all(place.path().join(folder)).unwrap();
    }
    // Another job of the same credential is asked for, and knows nothing of it either.
    let ended = live(&place, &["ranks.toml", "more.toml"], &[&set]).expect(75);
    assert!(ended.err.contains("warning: what this credential has used is not known"), "{ended:?}");
    let told = ended.json();
    assert_eq!(told["live"][0]["finding"], "quota_used_up", "{told}");
    assert!(told["live"][0]["resume_at"].is_string(), "{told}");
    assert!(!place.path().join(".tidemill").exists());
}
