//! `tidemill quota`: what is used, by whom, and how a person corrects it.

use serde_json::{Value, json};

use super::place::{Place, begins_day, day};

fn place() -> Place {
    let place = Place::new().with("FOXDATA_API_KEY", "a key nobody sees");
    let limits = format!("limits = {{ qps = 20, per_minute = 600, per_day = {}, concurrency = 4 }}", day(1000));
    place.write("tidemill.toml", &format!("[provider.foxdata]\n{limits}\n"));
    place
}

/// Window, limit, used, left and users of each window.
fn windows(account: &Value) -> Vec<(String, u64, u64, u64, Value)> {
    let windows = account["windows"].as_array().unwrap().iter();
    let number = |window: &Value, key: &str| window[key].as_u64().unwrap();
    windows
        .map(|window| {
            let name = window["window"].as_str().unwrap().to_owned();
            let [limit, used, left] = ["limit", "used", "left"].map(|key| number(window, key));
            (name, limit, used, left, window["used_by"].clone())
        })
        .collect()
}

#[test]
fn it_tells_what_a_run_has_used() {
    let place = place();
    place.ranks("ranks", 2, 2);
    let simulating = place.simulate("foxdata", &[]);
    let address = simulating.set("foxdata");
    place.tidemill(&["run", "ranks.toml", &address]).expect(0);
    let told = place.tidemill(&["quota", "--json", &address]).expect(0).json();
    let (_, stats) = simulating.end();
    let requests = stats["requests"].as_u64().unwrap();
    let account = &told["accounts"][0];
    assert_eq!(account["provider"], "foxdata");
    assert_eq!(told["accounts"].as_array().unwrap().len(), 1, "agushuju and sensenova have no credential here");
    let (name, limit, used, left, users) = windows(account).pop().unwrap();
    assert_eq!((name.as_str(), limit, used, left), ("day", 1000, requests, 1000 - requests));
    assert_eq!(users, json!([{ "job": "ranks", "used": requests }]));
    assert_eq!(account["in_flight"], 0);
    let text = place.tidemill(&["quota", "foxdata", &address]).expect(0).out;
    assert!(text.contains("ranks") && text.contains("CST") && !text.contains("a key nobody sees"), "{text}");
}

#[test]
fn what_a_person_says_is_used_holds_for_the_next_run() {
    let place = place();
    place.ranks("ranks", 1, 1);
    let set = ["quota", "foxdata", "--set-used", "day=990", "--set-used", "minute=7", "--json"];
    let told = place.tidemill(&set).expect(0).json();
    let shown: Vec<_> = windows(&told["accounts"][0]).into_iter().map(|(name, _, used, ..)| (name, used)).collect();
    assert_eq!(shown, [("second".to_owned(), 0), ("minute".to_owned(), 7), ("day".to_owned(), 990)]);
    place.tidemill(&["quota", "foxdata", "--set-used", "day=1000"]).expect(0);
    let ended = place.tidemill(&["run", "ranks.toml", "--json"]).expect(75).json();
    assert_eq!(ended["jobs"][0]["requests"], 0, "{ended:#}");
    assert!(begins_day(ended["jobs"][0]["resume_at"].as_str().unwrap()), "{ended:#}");
}

#[test]
fn what_makes_no_sense_is_refused_and_nothing_is_noted() {
    let place = place();
    for (call, told) in [
        (vec!["quota", "foxdata", "--set-used", "week=3"], "its windows: `second`, `minute`, `day`"),
        (vec!["quota", "foxdata", "--set-used", "day=many"], "`many` is no number of calls"),
        (vec!["quota", "foxdata", "--set-used", "day"], "expected WINDOW=N"),
        (vec!["quota", "foxdata", "agushuju"], "AGUSHUJU_API_KEY"),
        (vec!["quota", "foxdate"], "foxdata"),
    ] {
        let ended = place.tidemill(&call).expect(2);
        assert!(ended.err.contains(told), "{call:?}: {}", ended.err);
    }
    let told = place.tidemill(&["quota", "--json"]).expect(0).json();
    assert!(windows(&told["accounts"][0]).iter().all(|(_, _, used, ..)| *used == 0), "{told:#}");
}

#[test]
fn without_a_credential_it_says_so() {
    let ended = Place::new().tidemill(&["quota"]).expect(0);
    assert!(ended.err.contains("no credential of any provider is set here"), "{}", ended.err);
}
