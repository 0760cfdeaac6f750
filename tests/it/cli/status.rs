//! `tidemill status`: what a stranger finds in the morning.

use serde_json::{Value, json};
use tidemill::ledger::{Doing, JobLock};

use super::place::Place;
use super::screens::shows;
use super::wire::{Wire, foxdata_page};

/// One request after the other, so that the same ones are sent each time before one is refused.
const RUN: [&str; 6] =
    ["run", "ranks.toml", "--simulate", "--progress", "none", "--set=provider.foxdata.limits.concurrency=1"];

/// A workspace with the job `ranks.toml` of six cells in three files.
fn place() -> Place {
    let place = Place::in_turn();
    place.ranks("ranks", 2, 3);
    place
}

fn run(place: &Place, fault: &str, code: i32) {
    place.tidemill(&[&RUN[..], &["--fault", fault]].concat()).expect(code);
}

#[test]
fn from_never_run_to_nothing_to_do() {
    let place = place();
    let status = ["status", "ranks.toml", "--simulate"];
    shows("status_never", &place, &status);
    run(&place, "100@1,60003@9", 75);
    shows("status_paused", &place, &status);
    shows("status_paused_failed", &place, &["status", "ranks", "--simulate", "--failed"]);
    // The next day.
    std::fs::remove_dir_all(place.path().join("rehearsal/quota")).unwrap();
    place.tidemill(&RUN).expect(3);
    shows("status_rejected", &place, &status);
    shows("status_rejected_failed", &place, &["status", "ranks.toml", "--simulate", "--failed"]);
    place.tidemill(&[&RUN[..], &["--accept-failed"]].concat()).expect(0);
    // By name, and by nothing at all where there is no folder `jobs`.
    shows("status_nothing", &place, &["status", "ranks", "--simulate"]);
    assert_eq!(place.tidemill(&["status", "--simulate"]).expect(0).out, place.tidemill(&status).expect(0).out);
    shows("status_history", &place, &["status", "ranks", "--simulate", "--history"]);
    shows("status_unknown", &place, &["status", "rank"]);
    let json =
        |more| place.tidemill(&["status", "ranks", "--simulate", "--json", more]).expect(0).json()["jobs"][0].clone();
    let codes: Vec<Value> =
        json("--history")["history"].as_array().unwrap().iter().map(|run| run["exit_code"].clone()).collect();
    assert_eq!(codes, [0, 3, 75], "the last one first");
    let failed = json("--failed");
    assert_eq!((&failed["rejected"], &failed["left"]), (&json!([]), &json!([])), "{failed:#}");
    assert_eq!((&failed["cells"]["accepted"], &failed["next"]), (&1.into(), &json!({ "what": "nothing" })));
}

#[test]
fn a_person_must_act_or_mend() {
    let place = place();
    run(&place, "60005@3", 4);
    shows("status_act", &place, &["status", "ranks.toml", "--simulate"]);
    place.tidemill(&RUN).expect(0);
    let job = std::fs::read_to_string(place.path().join("ranks.toml")).unwrap();
    place.write("ranks.toml", &job.replace("\"US\"", "\"JP\""));
    place.tidemill(&RUN).expect(2);
    shows("status_mend", &place, &["status", "ranks.toml", "--simulate"]);
}

#[test]
fn the_jobs_of_the_folder_and_what_else_was_run() {
    let place = place();
    place.tidemill(&RUN).expect(0);
    let job = std::fs::read_to_string(place.path().join("ranks.toml")).unwrap();
    place.write("jobs/one.toml", &job.replace("name = \"ranks\"", "name = \"one\""));
    shows("status_folder", &place, &["status", "--simulate"]);
    // A file that is wrong hides nothing that was run.
    place.write("jobs/two.toml", "name = \"two\"\nprovider = \"foxdata\"\n[grid]\n");
    shows("status_beside_a_mistake", &place, &["status", "--simulate"]);
    place.tidemill(&["status", "jobs/three.toml"]).expect(2);
}

fn status(place: &Place) -> Value {
    place.tidemill(&["status", "ranks.toml", "--json"]).expect(0).json()["jobs"][0].clone()
}

/// It neither waits for a run nor keeps one away; and of one that was killed it says so.
#[test]
fn beside_a_run_and_after_its_death() {
    let place = Place::new();
    place.ranks("ranks", 2, 1);
    let wire = Wire::new();
    let place = place.with("FOXDATA_API_KEY", "a key nobody sees");
    let running = place.start(&["run", "ranks.toml", &wire.set("foxdata")]);
    wire.accept().answer("200 OK", "", &foxdata_page(r#"[{"rank": 1}]"#));
    let unanswered = wire.accept();
    let told = status(&place);
    assert!(told["running"]["pid"].is_u64() && told["running"]["since"].is_string(), "{told:#}");
    assert_eq!((&told["next"], &told["last"]), (&json!({ "what": "running" }), &Value::Null));
    assert_eq!(
        (&told["cells"]["records"], &told["cells"]["left"]),
        (&1.into(), &1.into()),
        "what is in the spool counts"
    );
    let text = place.tidemill(&["status", "ranks.toml"]).expect(0).out;
    assert!(text.contains("running since ") && text.contains("Asia/Shanghai (pid "), "{text}");
    running.kill();
    let told = status(&place);
    assert_eq!((&told["running"], &told["next"]), (&Value::Null, &json!({ "what": "run" })));
    assert!(told["died"].is_string(), "{told:#}");
    let text = place.tidemill(&["status", "ranks.toml"]).expect(0).out;
    assert!(text.contains("and left no report: it was killed"), "{text}");
    drop(unanswered);
}

/// Whatever keeps runs away is told by its name, here, by the doctor and by the run that is kept away; and a check hides no
/// run that was killed.
#[test]
fn what_else_holds_a_job_is_no_run() {
    let place = Place::new();
    place.ranks("ranks", 1, 1);
    let wire = Wire::new();
    let place = place.with("FOXDATA_API_KEY", "a key nobody sees");
    let call = ["run", "ranks.toml", &wire.set("foxdata")];
    let running = place.start(&call);
    let unanswered = wire.accept();
    running.kill();
    for (doing, word, told, end) in
        [(Doing::Verify, "verify", "being verified", "check"), (Doing::Replay, "replay", "being replayed", "replay")]
    {
        let _lock = JobLock::acquire_for(doing, &place.path().join(".tidemill"), "ranks").unwrap();
        let json = status(&place);
        assert_eq!((&json["running"]["doing"], &json["next"]), (&json!(word), &json!({ "what": "running" })));
        assert_eq!(json["died"].is_string(), doing == Doing::Verify, "{json:#}");
        let text = place.tidemill(&["status", "ranks.toml"]).expect(0).out;
        assert!(text.starts_with(&format!("ranks from foxdata, {told} since ")), "{text}");
        assert!(text.contains(&format!("wait for the end of the {end}\n")), "{text}");
        let doctor = place.tidemill(&["doctor"]).out;
        assert!(doctor.contains(&format!("job `ranks` is {told} by process ")), "{doctor}");
        let kept_away = place.tidemill(&call).expect(75).out;
        assert!(kept_away.contains(&format!("job `ranks` is {told} by another process (pid ")), "{kept_away}");
    }
    drop(unanswered);
}

/// Whoever only looks writes nothing: not into the state, not into the output, and no state where there was none.
#[test]
fn it_changes_nothing() {
    let place = place();
    place.tidemill(&["status", "ranks.toml"]).expect(0);
    assert!(!place.path().join(".tidemill").exists());
    run(&place, "60003@5", 75);
    let all = || -> Vec<_> {
        let files = place.files("rehearsal").into_iter().filter(|file| !file.to_string_lossy().contains("ledger.db-"));
        files.map(|file| (file.clone(), std::fs::read(file).unwrap())).collect()
    };
    let before = all();
    for more in [&[][..], &["--history"], &["--failed"], &["--json"]] {
        place.tidemill(&[&["status", "ranks.toml", "--simulate"], more].concat()).expect(0);
    }
    assert_eq!(before, all());
}
