//! kill -9 at random moments: no record lost, none twice, nothing partial ever visible, little bought again.

use super::place::{Place, read_parquet};

/// How often the run is killed.
const KILLS: u64 = 12;
/// Requests in flight: what may be bought again per kill.
const CONCURRENCY: u64 = 4;

/// Kills the run after `notices` lines of its log and about `spins` looks at the process; false if it ended by itself.
fn run_and_kill(place: &Place, set: &str, notices: usize, spins: usize) -> bool {
    let mut running = place.start(&["run", "ranks.toml", set, "--progress", "none"]);
    for _ in 0..notices {
        if !running.wait_for("notice=") {
            return false;
        }
    }
    for _ in 0..spins {
        if running.has_ended() {
            return false;
        }
    }
    running.kill();
    true
}

#[test]
fn a_killed_run_loses_nothing_and_shows_nothing_partial() {
    let place = Place::new().with("FOXDATA_API_KEY", "sk-simulated-foxdata").with("TIDEMILL_LOG", "tidemill=debug");
    place.ranks("ranks", 5, 12);
    // What an undisturbed run leaves.
    place.tidemill(&["run", "ranks.toml", "--simulate"]).expect(0);
    let wanted = place.rows("rehearsal/data");

    let simulating = place.simulate("foxdata", &["--log", "requests.jsonl"]);
    place.write(
        "tidemill.toml",
        &format!(
            "[provider.foxdata]\nlimits = {{ qps = 200, per_minute = 100000, per_day = 1000000, concurrency = {CONCURRENCY} }}\n"
        ),
    );
    let set = simulating.set("foxdata");
    let mut random = fastrand::Rng::with_seed(7);
    let mut killed = 0;
    for _ in 0..KILLS {
        killed += u64::from(run_and_kill(&place, &set, random.usize(0..50), random.usize(0..3000)));
        for file in place.parquet("data") {
            assert!(!read_parquet(&file).is_empty(), "{} is visible and empty", file.display());
        }
    }
    assert!(killed > KILLS / 2, "only {killed} runs were killed before they ended: the job is too small");
    place.tidemill(&["run", "ranks.toml", &set]).expect(0);

    assert_eq!(place.rows("data"), wanted);
    let left = place.files("data").into_iter().chain(place.files(".tidemill"));
    let left: Vec<_> = left.filter(|file| file.extension().is_some_and(|extension| extension == "tmp")).collect();
    assert!(left.is_empty(), "{left:?}");
    let (_, stats) = simulating.end();
    let again = stats["duplicates"].as_u64().unwrap();
    assert!(again <= killed * CONCURRENCY, "{again} pages were bought again after {killed} kills");
    let log = std::fs::read_to_string(place.path().join("requests.jsonl")).unwrap();
    assert_eq!(log.lines().count() as u64, stats["requests"].as_u64().unwrap());
}
