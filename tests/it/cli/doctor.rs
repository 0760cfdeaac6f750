//! `tidemill doctor`: what it finds in a real place, and that it changes and shows nothing it should not.

use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use super::place::{Ended, Place};
use super::wire::Wire;

/// Checks of `area`: level and message of each.
fn checks(ended: &Ended, area: &str) -> Vec<(String, String)> {
    let json = ended.json();
    let list = json["checks"].as_array().unwrap().iter().filter(|check| check["check"] == area);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    list.map(|check| (text(&check["level"]), text(&check["message"]))).collect()
}

fn level(ended: &Ended, area: &str, message: &str) -> String {
    let found = checks(ended, area).into_iter().find(|(_, told)| told.contains(message));
    found.unwrap_or_else(|| panic!("{area} says nothing of {message}:\n{}", ended.out)).0
}

fn doctor(place: &Place, more: &[&str]) -> Ended {
    place.tidemill(&[&["doctor", "--json"], more].concat())
}

#[test]
fn a_key_is_looked_for_in_all_its_places_and_never_shown() {
    let place = Place::new();
    let ended = doctor(&place, &["foxdata"]).expect(4);
    assert_eq!(level(&ended, "foxdata", "variable `FOXDATA_API_KEY_FILE` (not set)"), "problem");
    assert_eq!(level(&ended, ".env", "none at"), "ok");
    assert_eq!(level(&doctor(&place, &[]).expect(0), "providers", "no provider has its key"), "warning");

    place.write(".env", "FOXDATA_API_KEY=canary-in-dotenv\n");
    std::fs::set_permissions(place.path().join(".env"), PermissionsExt::from_mode(0o644)).unwrap();
    let dotenv = doctor(&place, &["foxdata"]).expect(0);
    assert_eq!(level(&dotenv, "foxdata", "key found: variable `FOXDATA_API_KEY` of `.env`"), "ok");
    assert_eq!(level(&dotenv, ".env", "(mode 644)"), "warning");

    let place = place.with("FOXDATA_API_KEY", "canary-in-variable").with("HTTPS_PROXY", "http://me:canary@proxy:3128");
    let variable = doctor(&place, &["foxdata"]).expect(0);
    assert_eq!(level(&variable, "foxdata", "although `.env` has another value"), "warning");
    assert_eq!(level(&variable, "proxy", "HTTPS_PROXY is set: http://proxy:3128"), "ok");

    place.write("key", "canary-in-file\n");
    std::fs::set_permissions(place.path().join("key"), PermissionsExt::from_mode(0o604)).unwrap();
    let place = place.with("AGUSHUJU_API_KEY_FILE", "key");
    let file = doctor(&place, &["agushuju"]).expect(0);
    assert_eq!(level(&file, "agushuju", "key found: file `key` of `AGUSHUJU_API_KEY_FILE`"), "ok");
    assert_eq!(level(&file, "agushuju", "(mode 604)"), "warning");
    for ended in [dotenv, variable, file, place.tidemill(&["doctor", "--color", "always"]).expect(0)] {
        assert!(!ended.out.contains("canary") && !ended.err.contains("canary"), "{ended:?}");
    }
    assert!(place.files(".tidemill").is_empty() && place.files("xdg").is_empty(), "it leaves nothing");
}

#[test]
fn settings_that_are_wrong_and_names_that_are_unknown_are_told_beside_all_else() {
    let place = Place::bare();
    place.write("tidemill.toml", "otput = \"data\"\n");
    let ended = doctor(&place, &["foxdta"]).expect(2);
    assert_eq!(level(&ended, "settings", "tidemill.toml:1:1: unknown key `otput`"), "problem");
    assert_eq!(level(&ended, "settings", "unknown provider `foxdta`, did you mean `foxdata`?"), "problem");
    assert_eq!(level(&ended, "state", ".tidemill"), "ok");
    let ended = place.tidemill(&["doctor"]).expect(2);
    assert!(ended.out.contains("problem  settings") && !ended.out.contains('\u{1b}'), "{ended:?}");
    assert!(ended.err.contains("1 problem, ") && !ended.err.contains("next:"), "{ended:?}");
    let colored = place.tidemill(&["doctor", "--color", "always"]).expect(2);
    assert!(colored.out.contains("\u{1b}[31mproblem"), "{colored:?}");
}

#[test]
fn folders_ledger_and_locks_are_looked_at() {
    let place = Place::new().with("FOXDATA_API_KEY", "sk-simulated-foxdata");
    place.ranks("ranks", 1, 1);
    assert_eq!(level(&doctor(&place, &[]).expect(0), "ledger", "none yet"), "ok");
    let wire = Wire::new();
    let running = place.start(&["run", "ranks.toml", &wire.set("foxdata")]);
    let asked = wire.accept();
    let ended = doctor(&place, &[]).expect(0);
    assert_eq!(level(&ended, "locks", "job `ranks` is being run by process "), "ok");
    assert_eq!(level(&ended, "ledger", "opens, version "), "ok");
    drop(asked);
    running.kill();
    assert_eq!(level(&doctor(&place, &[]).expect(0), "locks", "no job is being run"), "ok");

    assert_eq!(level(&doctor(&with_a_foreign_ledger(), &[]).expect(2), "ledger", "another program"), "problem");
    let place = Place::new();
    place.write(".tidemill/ledger.db", "no ledger at all, but long enough to be taken for one");
    let damaged = doctor(&place, &[]).expect(0);
    assert_eq!(level(&damaged, "ledger", "is damaged"), "warning");
    // Looking leaves no file behind, whatever the folder is called.
    let odd = Place::new();
    odd.write("tidemill.toml", "state = \"a ?#%20 b\"\n[provider.foxdata]\nlimits = { qps = 1000, concurrency = 8 }\n");
    odd.ranks("ranks", 1, 1);
    let simulating = place.simulate("foxdata", &[]);
    let odd = odd.with("FOXDATA_API_KEY", "sk-simulated-foxdata");
    odd.tidemill(&["run", "ranks.toml", &simulating.set("foxdata")]).expect(0);
    simulating.end();
    let before = odd.files("a ?#%20 b");
    assert_eq!(level(&doctor(&odd, &[]).expect(0), "ledger", "opens, version "), "ok");
    assert_eq!(odd.files("a ?#%20 b"), before);
    assert!(before.iter().any(|file| file.ends_with("ledger.db")), "{before:?}");
    let place = Place::new();
    place.write("data", "a file where a folder belongs");
    assert_eq!(level(&doctor(&place, &[]).expect(1), "output", "is no folder"), "problem");
}

/// A state folder whose ledger is a database of somebody else.
fn with_a_foreign_ledger() -> Place {
    let place = Place::new();
    std::fs::create_dir(place.path().join(".tidemill")).unwrap();
    let db = rusqlite::Connection::open(place.path().join(".tidemill/ledger.db")).unwrap();
    db.execute_batch("CREATE TABLE theirs (a)").unwrap();
    place
}

#[test]
fn a_live_doctor_sends_no_credential_and_compares_clocks() {
    let place = Place::new().with("FOXDATA_API_KEY", "canary-in-variable");
    let wire = Wire::new();
    let set = wire.set("foxdata");
    let running = place.start(&["doctor", "foxdata", "--live", "--json", &set]);
    let asked = wire.accept();
    let text = asked.text.clone();
    assert!(text.starts_with("HEAD ") && !text.contains("canary"), "{text}");
    asked.answer("404 Not Found", "date: Thu, 01 Jan 2026 00:00:00 GMT\r\n", "");
    let ended = running.end();
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert_eq!(level(&ended, "foxdata", "s ahead of that of `foxdata`"), "problem");
    assert!(ended.err.contains("a provider may count that as a call"), "{ended:?}");

    let simulating = place.simulate("foxdata", &[]);
    let ended = doctor(&place, &["foxdata", "--live", &simulating.set("foxdata")]).expect(0);
    assert_eq!(level(&ended, "foxdata", "answers (HTTP "), "ok");
    simulating.end();
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let nobody = format!("--set=provider.foxdata.base_url=http://{closed}");
    let ended = doctor(&place, &["foxdata", "--live", &nobody]).expect(1);
    assert_eq!(level(&ended, "foxdata", "does not let us in"), "problem");
    let nowhere = "--set=provider.foxdata.base_url=https://no-such-host.invalid";
    let ended = doctor(&place, &["foxdata", "--live", nowhere]).expect(1);
    assert_eq!(level(&ended, "foxdata", "the name `no-such-host.invalid` cannot be resolved"), "problem");
}
