//! SIGTERM with requests in flight: they get their grace, nothing new leaves, and what never came costs only itself.

use std::time::Duration;

use tidemill::quota::Clock;

use super::place::Place;
use super::wire::{Asked, Wire, foxdata_page};

const PAGE: &str = r#"[{"rank": 1}]"#;

/// Two cells of one file; the provider is `wire`.
fn place() -> Place {
    let place = Place::new().with("FOXDATA_API_KEY", "a key nobody sees");
    place.ranks("ranks", 2, 1);
    place
}

fn answer(asked: Asked) {
    asked.answer("200 OK", "", &foxdata_page(PAGE));
}

/// The next run completes the file with one request, for the cell that has no page.
fn complete(place: &Place, wire: &Wire, lacking: &str) {
    let running = place.start(&["run", "ranks.toml", &wire.set("foxdata"), "--json"]);
    let asked = wire.accept();
    assert!(asked.text.contains(lacking), "{} instead of {lacking}", asked.text);
    answer(asked);
    assert_eq!(running.end().expect(0).json()["jobs"][0]["requests"], 1);
    assert_eq!(place.rows("data").len(), 2);
    place.tidemill(&["verify", "ranks.toml", "--read-data"]).expect(0);
}

#[test]
fn a_provider_that_never_answers_is_left_after_the_grace() {
    for (signal, code) in [("TERM", 143), ("HUP", 143), ("INT", 130)] {
        let (place, wire, clock) = (place(), Wire::new(), Clock::system());
        let mut running = place.start(&["run", "ranks.toml", &wire.set("foxdata"), "--json", "--grace", "1s"]);
        answer(wire.accept());
        let never_answered = wire.accept();
        let asked_to_end = clock.now().elapsed;
        running.signal(signal);
        assert!(running.wait_for("within 1 s is kept"), "{signal}: nobody says how long it will take");
        let ended = running.end().expect(code);
        let took = clock.now().elapsed - asked_to_end;
        assert!(took >= Duration::from_secs(1), "{signal}: it left after {took:?}");
        let job = ended.json()["jobs"][0].clone();
        assert_eq!((&job["requests"], &job["cells"]["records"]), (&2.into(), &1.into()), "{job:#}");
        assert!(place.parquet("data").is_empty(), "half a partition is visible");
        assert!(!wire.is_asked_again());
        let lacking = if never_answered.text.contains("389801252") { "389801252" } else { "389801253" };
        complete(&place, &wire, lacking);
    }
}

#[test]
fn an_answer_within_the_grace_is_kept() {
    let (place, wire) = (place(), Wire::new());
    let mut running = place.start(&["run", "ranks.toml", &wire.set("foxdata"), "--json"]);
    let asked = wire.accept();
    running.signal("TERM");
    assert!(running.wait_for("within 20 s is kept"));
    let lacking = if asked.text.contains("389801252") { "389801253" } else { "389801252" };
    answer(asked);
    let ended = running.end().expect(143);
    assert_eq!(ended.json()["jobs"][0]["cells"]["records"], 1);
    assert!(!wire.is_asked_again(), "something new left after the signal");
    complete(&place, &wire, lacking);
}

#[test]
fn a_grace_that_is_no_time_is_refused() {
    for grace in ["20", "soon", "2d", "1w"] {
        let ended = place().tidemill(&["run", "ranks.toml", "--grace", grace]).expect(2);
        assert!(ended.err.contains("--grace"), "{ended:?}");
    }
}
