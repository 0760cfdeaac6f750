//! Several processes at once: one job is run once, and one credential has one set of limits.

use std::sync::mpsc;
use std::thread;

use super::place::{Ended, Place};
use super::wire::{Wire, foxdata_page};

#[test]
fn of_two_runs_of_one_job_one_works_and_the_other_sends_nothing() {
    let place = Place::new().with("FOXDATA_API_KEY", "a key nobody sees");
    place.ranks("ranks", 1, 1);
    let wire = Wire::new();
    let (sender, ends) = mpsc::channel();
    let call = ["run", "ranks.toml", "--json", &wire.set("foxdata")];
    thread::scope(|scope| {
        for mut command in [place.command(&call), place.command(&call)] {
            let sender = sender.clone();
            scope.spawn(move || sender.send(Ended::of(command.output().unwrap())).unwrap());
        }
        // Whoever asks holds the job as long as this request is in flight; so the first to end is the other.
        let asked = wire.accept();
        let other = ends.recv().unwrap().expect(75);
        let job = &other.json()["jobs"][0];
        assert_eq!(job["requests"], 0);
        assert!(job["reason"].as_str().unwrap().contains("is being run by another process"), "{job}");
        assert!(!wire.is_asked_again());
        asked.answer("200 OK", "", &foxdata_page(r#"[{"rank": 1}]"#));
        let worker = ends.recv().unwrap().expect(0);
        assert_eq!(worker.json()["jobs"][0]["requests"], 1);
    });
    assert_eq!(place.rows("data").len(), 1);
}

#[test]
fn two_processes_with_one_credential_share_its_limits() {
    let place = Place::new().with("FOXDATA_API_KEY", "a key nobody sees");
    place.ranks("apps", 6, 1).ranks("days", 1, 6);
    place.write(
        "tidemill.toml",
        "[provider.foxdata]\nlimits = { qps = 12, per_minute = 600, per_day = 100000, concurrency = 4 }\n",
    );
    let simulating = place.simulate("foxdata", &[]);
    thread::scope(|scope| {
        for job in ["apps.toml", "days.toml"] {
            let mut command = place.command(&["run", job, &simulating.set("foxdata")]);
            scope.spawn(move || Ended::of(command.output().unwrap()).expect(0));
        }
    });
    let (_, stats) = simulating.end();
    assert_eq!(stats["refusals"], serde_json::json!({}), "{stats:#}");
    assert!(stats["windows"].as_array().unwrap().iter().all(|window| window["refused"] == 0), "{stats:#}");
}

/// Refused calls count, and the provider weighs the last window: whoever goes over never gets out again.
#[test]
fn three_processes_of_which_one_is_killed_again_and_again_are_never_refused() {
    let place = Place::new().with("FOXDATA_API_KEY", "a key nobody sees");
    place.ranks("one", 1, 12).ranks("two", 2, 6).ranks("three", 4, 3);
    place.write(
        "tidemill.toml",
        "[provider.foxdata]\nlimits = { qps = 40, per_minute = 6000, windows = [{ max = 80, per = \"10s\" }], concurrency = 3 }\n",
    );
    let simulating = place.simulate("foxdata", &["--enforce", "counter", "--count-refusals", "--count-at", "middle"]);
    let address = simulating.set("foxdata");
    thread::scope(|scope| {
        for job in ["one.toml", "two.toml"] {
            let mut command = place.command(&["run", job, &address]);
            scope.spawn(move || Ended::of(command.output().unwrap()).expect(0));
        }
        for _ in 0..3 {
            let mut victim = place.start(&["run", "three.toml", "--progress", "lines", &address]);
            assert!(victim.wait_for("three"), "it says how far it is");
            victim.kill();
        }
        place.tidemill(&["run", "three.toml", &address]).expect(0);
    });
    let (_, stats) = simulating.end();
    assert_eq!(stats["refusals"], serde_json::json!({}), "{stats:#}");
    let most = |window: &serde_json::Value| window["most_counted"].as_u64() <= window["max"].as_u64();
    assert!(stats["windows"].as_array().unwrap().iter().all(most), "{stats:#}");
}
