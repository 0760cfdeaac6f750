//! What `tidemill run` is told for one run: its ceilings, its silence, and the code of a pause.

use super::place::{Ended, Place};

/// Four cells of three pages each, with `ceilings` of its own.
fn place(ceilings: &str) -> Place {
    let place = Place::new();
    place.ranks("ranks", 2, 2);
    let job = std::fs::read_to_string(place.path().join("ranks.toml")).unwrap();
    place.write("ranks.toml", &format!("{ceilings}\n{job}"));
    place
}

fn run(place: &Place, more: &[&str]) -> Ended {
    place.tidemill(&[&["run", "ranks.toml", "--simulate"], more].concat())
}

#[test]
fn the_lower_ceiling_holds() {
    for (own, flag, requests) in [("", "2", 2), ("max_requests = 5", "3", 3), ("max_requests = 2", "5", 2)] {
        let report = run(&place(own), &["--json", "--max-requests", flag]).expect(75).json();
        assert_eq!(report["requests_sent"], requests, "{own} {flag}: {report:#}");
        let reason = report["jobs"][0]["reason"].as_str().unwrap();
        assert!(reason.contains(&format!("max_requests = {requests}")), "{reason}");
    }
    for (own, flag) in [("", "1ms"), ("deadline = \"1h\"", "1ms"), ("deadline = \"1ms\"", "1h")] {
        let report = run(&place(own), &["--json", "--deadline", flag]).expect(75).json();
        let reason = report["jobs"][0]["reason"].as_str().unwrap();
        assert!(reason.contains("deadline"), "{own} {flag}: {reason}");
    }
    // They hold for this run alone.
    let place = place("");
    run(&place, &["--max-requests", "2"]).expect(75);
    run(&place, &[]).expect(0);
}

#[test]
fn a_quiet_run_says_nothing_unless_something_is_wrong() {
    let silent = |ended: Ended| assert_eq!((ended.out.as_str(), ended.err.as_str()), ("", ""));
    let place = place("");
    silent(run(&place, &["-q"]).expect(0));
    silent(run(&place, &["--quiet"]).expect(0));
    // A damaged ledger is mended, which is told only to those who listen anyway.
    let damage = || place.write("rehearsal/state/ledger.db", "no ledger at all, but long enough to be taken for one");
    damage();
    silent(run(&place, &["-q"]).expect(0));
    damage();
    assert!(run(&place, &[]).expect(0).err.contains("is damaged"));
    let rejected = run(&place, &["-q", "--refetch", "--fault", "100@1"]).expect(3);
    assert!(rejected.out.contains("rejected  ranks: "), "{rejected:?}");
    assert_eq!(rejected.err, "", "the summary alone");
    let refused = place.tidemill(&["run", "rank.toml", "-q"]).expect(2);
    assert!(refused.err.contains("rank.toml"), "{refused:?}");
}

#[test]
fn a_pause_has_the_code_the_scheduler_knows() {
    let pause = |more: &[&str]| run(&place("max_requests = 1"), more);
    for (flag, code) in [("0", 0), ("99", 99), ("255", 255)] {
        let paused = pause(&["--json", "--paused-exit-code", flag]).expect(code).json();
        assert_eq!(
            (&paused["exit"], &paused["exit_code"]),
            (&"paused".into(), &75.into()),
            "the report says what happened"
        );
    }
    let silent = pause(&["-q", "--paused-exit-code", "0"]).expect(0);
    assert_eq!((silent.out.as_str(), silent.err.as_str()), ("", ""));
    assert!(pause(&["-q"]).expect(75).out.contains("paused    ranks: "));
    run(&place(""), &["--paused-exit-code", "7"]).expect(0);
    run(&place(""), &["--paused-exit-code", "7", "--fault", "100@1"]).expect(3);
}

#[test]
fn what_makes_no_sense_is_refused() {
    for (flags, told) in [
        (vec!["--deadline", "0s"], "that leaves no time at all"),
        (vec!["--deadline", "6"], "a whole number and a unit"),
        (vec!["--max-requests", "0"], "1.."),
        (vec!["--paused-exit-code", "256"], "0..=255"),
        (vec!["--paused-exit-code", "-1"], "-1"),
        (vec!["-q", "--json"], "cannot be used with"),
        (vec!["-q", "--progress", "lines"], "cannot be used with"),
    ] {
        let ended = run(&place(""), &flags).expect(2);
        assert!(ended.err.contains(told), "{flags:?}: {}", ended.err);
    }
}
