//! What a run says while it goes on, where nobody watches.

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
