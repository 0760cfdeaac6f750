//! Cells and records that can never be right: left out by name, the rest published, nothing wrong published.

use tidemill::run::Exit;

use super::again::rejected;
use super::jobs::{APPS, CODES, chat, ranks, stocks, three};
use super::scene::Night;

#[tokio::test(start_paused = true)]
async fn one_cell_among_many() {
    let table = [
        ("foxdata", "100", 1),
        ("agushuju", "403", 1),
        ("agushuju", "404", 2),
        ("agushuju", "400", 1),
        ("sensenova", "1200", 3),
        ("sensenova", "1201", 3),
        ("sensenova", "1103", 3),
        ("sensenova", "1301", 12),
        ("sensenova", "3", 5),
    ];
    let jobs = three();
    for (provider, code, at) in table {
        let own: Vec<&str> = jobs.iter().map(String::as_str).filter(|job| job.contains(provider)).collect();
        let scene = Night { jobs: &own, faults: &[(provider, &format!("{code}@{at}"))], ..Night::default() }.begin();
        let ended = scene.run().await;
        ended.assert(Exit::Rejected);
        let cells = rejected(&ended);
        assert_eq!((cells.len(), ended.job(0).cells.rejected), (1, 1), "{provider} {code}");
        let listed = &ended.job(0).rejected;
        assert!(listed[0].contains(&cells[0]) && listed[0].contains(code), "{listed:?}");
        scene.assert_exact_but(|cell| cell == cells[0]);
        assert_eq!(scene.duplicates(), 0);
        scene.assert_settled(Exit::Rejected).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_cursor_that_dies_once_costs_its_cell_a_new_beginning() {
    let jobs = three();
    let own: Vec<&str> = jobs.iter().map(String::as_str).filter(|job| job.contains("foxdata")).collect();
    let mut begun_anew = 0;
    for at in 1..=10 {
        let scene = Night { jobs: &own, faults: &[("foxdata", &format!("100@{at}"))], ..Night::default() }.begin();
        let ended = scene.run().await;
        if ended.job(0).warnings.iter().any(|warning| warning.contains("begins anew")) {
            begun_anew += 1;
            ended.assert(Exit::Done);
            scene.assert_exact();
            scene.assert_settled(Exit::Done).await;
        } else {
            // A first page: there is no cursor to blame.
            ended.assert(Exit::Rejected);
        }
    }
    assert!(begun_anew > 0, "no fault hit a following page");
}

/// A cell that has records already when it is refused for good: none of them may be published.
#[tokio::test(start_paused = true)]
async fn a_refusal_on_every_following_page_publishes_nothing_of_its_cell() {
    let jobs = three();
    let own: Vec<&str> = jobs.iter().map(String::as_str).filter(|job| job.contains("foxdata")).collect();
    let scene = Night { jobs: &own, faults: &[("foxdata", "100@next:99")], ..Night::default() }.begin();
    let ended = scene.run().await;
    ended.assert(Exit::Rejected);
    let cells = rejected(&ended);
    assert!(!cells.is_empty());
    scene.assert_exact_but(|cell| cells.iter().any(|rejected| cell == rejected));
    scene.assert_settled(Exit::Rejected).await;
}

#[tokio::test(start_paused = true)]
async fn a_job_that_is_wrong_from_the_start_is_not_paid_for_to_the_end() {
    let job = chat(60);
    let scene = Night { jobs: &[&job], faults: &[("sensenova", "1200x1000@1")], ..Night::default() }.begin();
    let ended = scene.run().await;
    ended.assert(Exit::Rejected);
    assert!((10..=18).contains(&ended.requests), "{} requests", ended.requests);
    assert!(ended.reason().contains("10"), "{}", ended.reason());
}

#[tokio::test(start_paused = true)]
async fn a_parameter_that_is_ignored_is_seen_by_its_echo() {
    let job = stocks(&CODES[..2]).replace("query = { stock_code =", "query = { stock_cod =");
    let scene = Night { jobs: &[&job], ..Night::default() }.begin();
    let ended = scene.run().await;
    ended.assert(Exit::Rejected);
    // The whole table begins with the first stock: its third page tells, for the other stock the first one does.
    assert_eq!(ended.requests, 3 + 1);
    assert!(scene.output().is_empty(), "the whole table was published as one stock");
    assert!(ended.job(0).rejected[0].contains("ignore"), "{:?}", ended.job(0).rejected);
    scene.assert_settled(Exit::Rejected).await;
}

#[tokio::test(start_paused = true)]
async fn a_record_that_does_not_fit_is_named_and_left_out() {
    let job = ranks(&APPS[..1], "2026-01-01", "2026-01-01").replace("rank = \"int64\"", "rank = \"int8\"");
    let scene = Night { jobs: &[&job], ..Night::default() }.begin();
    let ended = scene.run().await;
    ended.assert(Exit::Rejected);
    let rank =
        |row: &str| row.split("rank=").nth(1).map(|rest| rest.split(' ').next().unwrap().parse::<i64>().unwrap());
    let all: Vec<String> = scene.planned(0).iter().flat_map(|(_, rows)| rows.clone()).collect();
    let (fits, not): (Vec<String>, Vec<String>) =
        all.into_iter().partition(|row| rank(row).is_none_or(|rank| rank < 128));
    assert_eq!(ended.job(0).rejected_records, not.len() as u64);
    let (mut fits, mut visible) = (fits, scene.visible(0));
    fits.sort_unstable();
    visible.sort_unstable();
    assert_eq!(fits, visible);
    let first = &ended.job(0).rejected[0];
    assert!(first.contains("page 0 record") && first.contains("/rank"), "{first}");
    // What was left out stands, and is told again.
    scene.assert_settled(Exit::Rejected).await;
}
