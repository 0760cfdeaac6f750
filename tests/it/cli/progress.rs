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

/// A replay counts what it makes anew, and nothing that was never fetched.
#[test]
fn a_replay_tells_how_far_it_is() {
    let place = Place::in_turn();
    place.ranks("ranks", 2, 20);
    let run = ["run", "ranks.toml", "--simulate", "--progress", "none", "--max-requests", "60"];
    place.tidemill(&run).expect(75);
    let files = place.parquet("rehearsal/data").len() as u64;
    assert!((5..20).contains(&files), "{files} files");
    let ended = place.tidemill(&["replay", "ranks.toml", "--simulate", "--progress", "json", "--json"]).expect(0);
    let lines = ended.err.lines().map(|line| serde_json::from_str(line).unwrap());
    let told: Vec<Value> = lines.filter(|line: &Value| line["job"] == "ranks").collect();
    assert!(told.iter().all(|line| line["total"] == 2 * files), "{told:#?}");
    let done: Vec<u64> = told.iter().map(|line| line["done"].as_u64().unwrap()).collect();
    assert!(done.len() > 4 && done.is_sorted() && done[0] == 0 && done.last() == Some(&(2 * files)), "{done:?}");
    let cells = &ended.json()["jobs"][0]["cells"];
    assert_eq!((&cells["planned"], &cells["earlier"]), (&json!(40), &json!(2 * files)), "{cells}");
}
