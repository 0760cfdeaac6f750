//! Exit codes are the contract with every scheduler; stdout holds the answer and nothing else.

use std::fs::OpenOptions;
use std::process::Command;

use serde_json::Value;

use super::place::{Place, begins_day};
use super::wire::Wire;

/// A workspace with the job `ranks.toml` of two cells.
fn small() -> Place {
    let place = Place::new();
    place.ranks("ranks", 2, 1);
    place
}

#[test]
fn zero_when_all_is_published_and_stdout_is_the_report() {
    let ended = small().tidemill(&["run", "ranks.toml", "--simulate", "--json"]).expect(0);
    let report = ended.json();
    let keys = |value: &Value| value.as_object().unwrap().keys().cloned().collect::<Vec<_>>().join(" ");
    insta::assert_snapshot!(keys(&report), @"started ended simulated exit exit_code resume_at requests_sent jobs");
    let job = &report["jobs"][0];
    insta::assert_snapshot!(keys(job), @"job provider output file zone started ended exit reason resume_at cells requests refused throttled answers words pace latency quota delays pages records credits published files rejected_records rejected left warnings");
    insta::assert_snapshot!(keys(&job["cells"]), @"planned earlier records empty unconfirmed rejected pending parked");
    insta::assert_snapshot!(keys(&job["files"][0]), @"path rows bytes");
    assert_eq!(
        (&report["exit"], &report["exit_code"], &report["simulated"]),
        (&"done".into(), &0.into(), &true.into())
    );
    assert_eq!((&job["cells"]["records"], &job["records"]), (&2.into(), &job["files"][0]["rows"]));
    assert!(ended.err.lines().all(|line| line.contains(" ranks ")), "{}", ended.err);
}

#[test]
fn one_when_the_disk_is_in_the_way() {
    let place = small();
    place.write("blocked", "a file");
    let ended = place.tidemill(&["run", "ranks.toml", "--set=state=blocked/state"]);
    // The secret is missing as well: nothing is tried before the settings are right.
    assert_eq!(ended.code, Some(2));
    let place = place.with("FOXDATA_API_KEY", "a key nobody sees");
    let ended = place.tidemill(&["run", "ranks.toml", "--set=state=blocked/state"]).expect(1);
    assert!(ended.out.is_empty() && ended.err.contains("blocked/state"), "{ended:?}");
    let wire = Wire::new();
    let ended = place.tidemill(&["run", "ranks.toml", "--set=output=blocked/data", &wire.set("foxdata")]).expect(1);
    assert!(ended.out.contains("failed") && ended.out.contains("blocked/data"), "{ended:?}");
    assert!(ended.out.contains("0 of 2 cells") && !ended.out.contains("request"), "nothing is paid for: {ended:?}");
    // The disk is mended.
    let running = place.start(&["run", "ranks.toml", &wire.set("foxdata")]);
    for _ in 0..2 {
        wire.accept().answer("200 OK", "", &super::wire::foxdata_page(r#"[{"rank": 1}]"#));
    }
    running.end().expect(0);
    assert_eq!(place.rows("data").len(), 2);
}

#[test]
fn two_when_the_call_is_wrong() {
    let place = small();
    for call in [&["rnu"][..], &["run"], &["run", "--frobnicate"], &["run", "ranks.toml", "--fault", "100@1"], &[]] {
        let ended = place.tidemill(call).expect(2);
        assert!(ended.out.is_empty() && !ended.err.is_empty(), "{call:?}: {ended:?}");
    }
}

#[test]
fn three_when_a_cell_is_rejected_for_good() {
    let place = small();
    let ended = place.tidemill(&["run", "ranks.toml", "--simulate", "--fault", "100@1", "--json"]).expect(3);
    let job = &ended.json()["jobs"][0];
    assert_eq!((&job["cells"]["rejected"], &job["exit"]), (&1.into(), &"rejected".into()));
    assert_eq!(job["rejected"].as_array().unwrap().len(), 1);
    assert_eq!(job["files"].as_array().unwrap().len(), 1, "the other cell is published");
    // It stands until somebody accepts it.
    let again = place.tidemill(&["run", "ranks.toml", "--simulate", "--json"]).expect(3).json();
    assert_eq!(again["jobs"][0]["requests"], 0);
}

#[test]
fn four_when_a_person_must_act_and_nothing_more_is_sent() {
    let place = Place::new();
    place.ranks("ranks", 8, 1);
    let call = ["run", "ranks.toml", "--simulate", "--fault", "60005@1", "--json"];
    let ended = place.tidemill(&call).expect(4);
    let job = &ended.json()["jobs"][0];
    assert_eq!((&job["requests"], &job["exit"]), (&1.into(), &"needs_person".into()));
    assert!(job["reason"].as_str().unwrap().contains("top up"), "{job}");
    assert!(!ended.err.contains("needsperson"), "a word nobody knows: {}", ended.err);
    place.tidemill(&["run", "ranks.toml", "--simulate"]).expect(0);
}

#[test]
fn seventy_five_when_paused_and_the_report_says_until_when() {
    let place = small();
    let ended = place.tidemill(&["run", "ranks.toml", "--simulate", "--fault", "60003@1", "--json"]).expect(75);
    let report = ended.json();
    let resume_at = report["resume_at"].as_str().unwrap();
    assert!(begins_day(resume_at), "{resume_at}");
    assert_eq!(report["resume_at"], report["jobs"][0]["resume_at"]);
    let ceiling = Place::new();
    ceiling.ranks("ranks", 2, 1);
    let job = std::fs::read_to_string(ceiling.path().join("ranks.toml")).unwrap();
    ceiling.write("ranks.toml", &format!("max_requests = 1\n{job}"));
    let ended = ceiling.tidemill(&["run", "ranks.toml", "--simulate", "--json"]).expect(75).json();
    assert_eq!(ended["jobs"][0]["requests"], 1);
}

#[test]
fn one_hundred_and_thirty_or_forty_three_after_a_clean_checkpoint() {
    for (signal, code) in [("INT", 130), ("TERM", 143), ("HUP", 143)] {
        let place = Place::new().with("FOXDATA_API_KEY", "a key nobody sees");
        place.ranks("ranks", 10, 2);
        let simulating = place.simulate("foxdata", &[]);
        let set = simulating.set("foxdata");
        let slow = "--set=provider.foxdata.limits.qps=10";
        let mut running = place.start(&["run", "ranks.toml", &set, slow, "--json", "--progress", "lines"]);
        assert!(running.wait_for("10 %"), "no progress");
        running.signal(signal);
        let first = running.end().expect(code).json();
        assert_eq!(first["exit_code"], code);
        let left = first["jobs"][0]["cells"]["records"].as_u64().unwrap();
        assert!((1..20).contains(&left), "{first:#}");
        place.tidemill(&["run", "ranks.toml", &set]).expect(0);
        let (_, stats) = simulating.end();
        assert_eq!(stats["duplicates"], 0, "{signal}: what was in flight was lost");
        assert_eq!(stats["records"], place.rows("data").len());
    }
}

/// The job file is a pipe: whoever has opened it for writing knows that the run is reading and goes no further.
#[test]
fn a_signal_before_the_first_request_ends_the_run_too() {
    for (signal, code) in [("INT", 130), ("TERM", 143)] {
        let place = Place::new().with("FOXDATA_API_KEY", "a key nobody sees");
        assert!(Command::new("mkfifo").arg(place.path().join("pipe.toml")).status().unwrap().success());
        let running = place.start(&["run", "pipe.toml", "--json"]);
        let pipe = OpenOptions::new().write(true).open(place.path().join("pipe.toml")).unwrap();
        running.signal(signal);
        let ended = running.end().expect(code);
        assert!(ended.out.is_empty() && ended.err.is_empty(), "{ended:?}");
        assert!(place.files(".tidemill").is_empty(), "nothing is begun");
        drop(pipe);
    }
}

#[test]
fn a_second_signal_leaves_at_once() {
    let place = small().with("FOXDATA_API_KEY", "a key nobody sees");
    let wire = Wire::new();
    let mut running = place.start(&["run", "ranks.toml", &wire.set("foxdata")]);
    let never_answered = wire.accept();
    running.signal("INT");
    assert!(running.wait_for("once more"), "the first signal says what the second does");
    running.signal("INT");
    let ended = running.end().expect(130);
    assert!(ended.out.is_empty(), "{ended:?}");
    drop(never_answered);
    assert!(place.parquet("data").is_empty());
}

#[test]
fn a_fault_goes_to_the_providers_that_know_its_code() {
    let place = Place::new();
    place.ranks("ranks", 1, 1);
    place.write("stocks.toml", "name = \"stocks\"\nprovider = \"agushuju\"\n[grid]\nstock_code = [\"000001.SZ\"]\n[request]\npath = \"/stock_daily\"\nquery = { stock_code = \"{stock_code}\" }\n");
    let call = ["run", "ranks.toml", "stocks.toml", "--simulate", "--json", "--fault", "100@1"];
    let jobs = place.tidemill(&call).expect(3).json()["jobs"].clone();
    assert_eq!((&jobs[0]["exit"], &jobs[1]["exit"]), (&"rejected".into(), &"done".into()));
    place.tidemill(&["run", "ranks.toml", "stocks.toml", "--simulate", "--fault", "101@1"]).expect(2);
}

#[test]
fn help_documents_every_code() {
    let help = Place::bare().tidemill(&["--help"]).expect(0);
    for exit in tidemill::run::Exit::ALL {
        let line = format!("{:>3}  ", exit.code());
        assert!(help.out.contains(&line), "{} is missing in\n{}", exit.code(), help.out);
    }
    assert!(help.err.is_empty());
}
