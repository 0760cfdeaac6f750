//! What a run says while it goes on, where nobody watches.

use serde_json::{Value, json};

use super::place::Place;

#[test]
fn a_log_gets_a_few_lines_per_job_however_many_cells_it_has() {
    let place = Place::new();
    place.ranks("many", 60, 1).ranks("few", 2, 1);
    for mode in ["lines", "auto"] {
        let ended = place.tidemill(&["run", "many.toml", "few.toml", "--simulate", "--progress", mode]).expect(0);
        for job in ["many", "few"] {
            let lines = ended.err.lines().filter(|line| line.contains(&format!(" {job} "))).count();
            assert!((2..=12).contains(&lines), "{job} has {lines} lines:\n{}", ended.err);
        }
        assert!(!ended.err.contains('\u{1b}'), "no control codes off a terminal");
    }
}

#[test]
fn silence_is_possible() {
    let place = Place::new();
    place.ranks("ranks", 2, 1);
    let ended = place.tidemill(&["run", "ranks.toml", "--simulate", "--progress", "none"]).expect(0);
    assert_eq!(ended.err, "");
    assert!(ended.out.starts_with("done"), "{}", ended.out);
}

/// One object a line, whatever is said: the begin and the end of each job, warnings, and messages of the program.
#[test]
fn programs_get_one_object_a_line() {
    let place = Place::new();
    place.ranks("many", 60, 1).ranks("few", 2, 1);
    let ended = place.tidemill(&["run", "many.toml", "few.toml", "--simulate", "--progress", "json"]).expect(0);
    let lines: Vec<Value> = ended.err.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    for (job, cells) in [("many", 60), ("few", 2)] {
        let own: Vec<&Value> = lines.iter().filter(|line| line["job"] == job).collect();
        let events: Vec<&str> = own.iter().map(|line| line["event"].as_str().unwrap()).collect();
        assert_eq!((events.first(), events.last()), (Some(&"begin"), Some(&"end")), "{events:?}");
        assert!(events[1..events.len() - 1].iter().all(|event| *event == "progress") && events.len() <= 12);
        let (begin, end) = (own[0], own[own.len() - 1]);
        assert_eq!((&begin["done"], &begin["total"], &begin["percent"]), (&json!(0), &json!(cells), &json!(0)));
        assert_eq!((&end["done"], &end["exit"], &end["exit_code"]), (&json!(cells), &json!("done"), &json!(0)));
        assert!(end["requests"].as_u64().unwrap() >= cells && end["at"].as_str().is_some());
    }
    let place = Place::bare();
    place.ranks("few", 1, 1);
    let ended = place.tidemill(&["run", "few.toml", "--progress", "json"]).expect(2);
    let told: Vec<Value> = ended.err.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(told.iter().all(|line| line["event"] == "message"), "{told:?}");
}

/// Bars that nobody sees are lines.
#[test]
fn bars_off_a_terminal_are_lines_without_colors() {
    let place = Place::new().with("TERM", "xterm-256color");
    place.ranks("few", 2, 1);
    let call = ["run", "few.toml", "--simulate", "--progress", "bar"];
    let ended = place.tidemill(&call).expect(0);
    assert!(ended.err.contains(" few start, 2 of 2 cells left, 1 file, quota "), "{}", ended.err);
    assert!(ended.err.contains(" few done, ") && !ended.err.contains('\u{1b}'), "{}", ended.err);
}
