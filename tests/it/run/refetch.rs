//! `refetch` and `--refetch`: what is due is asked again, and each file is replaced in one step, or stays as it is.

use std::time::Duration;

use tidemill::run::Exit;

use super::again::changed;
use super::jobs::{APPS, PLAN, history};
use super::scene::{Night, Scene};

const DAY: Duration = Duration::from_secs(86_400);

/// Two days of two cells, of which two are asked again.
fn pair() -> String {
    history(&APPS[..2], "2026-01-01", "2026-01-02")
}

/// The first night of `job`, and the next day with other rows and `faults`.
async fn second_day(job: &str, faults: &[(&str, &str)]) -> Scene {
    let mut scene = Night { jobs: &[job], ..Night::default() }.begin();
    scene.run().await.assert(Exit::Done);
    scene.assert_exact();
    scene.other_rows(2, faults);
    scene.wait_until("2026-03-03T02:00:00Z").await;
    scene
}

#[tokio::test(start_paused = true)]
async fn only_what_is_due_is_asked_again() {
    // Five days at first; a new one since, which each of them fetches.
    let table = [
        ("'never'", &[][..], 0),
        ("'always'", &["25", "26", "27", "28", "01"], 6),
        ("{ last = '3d', of = 'day' }", &["28", "01"], 3),
        ("{ last = '1d', of = 'day' }", &[], 1),
        ("{ after = '12h' }", &["25", "26", "27", "28", "01"], 0),
        ("{ after = '25h' }", &[], 0),
    ];
    for (refetch, due, at_once) in table {
        let job = format!("refetch = {refetch}\n{}", history(&APPS[..1], "2026-02-25", "yesterday"));
        let scene = second_day(&job, &[]).await;
        let (before, rows) = (scene.output(), scene.rows_of(0));
        assert_eq!(before.len(), 5, "{refetch}: a day without records proves nothing");
        let ended = scene.run().await;
        ended.assert(Exit::Done);
        assert_eq!((ended.requests, scene.duplicates()), (due.len() as u64 + 1, 0), "{refetch}");
        assert_eq!(ended.job(0).cells.settled(), 6, "{refetch}");
        let found = changed(&before, &scene.output());
        let is_new = |path: &str| path.contains("day=2026-03-02");
        let days = found.iter().map(|path| path.display().to_string()).filter(|path| !is_new(path));
        let days: Vec<String> = days.map(|path| path.split("day=2026-").nth(1).unwrap()[3..5].to_owned()).collect();
        let mut wanted: Vec<&str> = due.to_vec();
        wanted.sort_unstable();
        let mut days: Vec<&str> = days.iter().map(String::as_str).collect();
        days.sort_unstable();
        assert_eq!(days, wanted, "{refetch}");
        assert_eq!(scene.output().len(), 6, "{refetch}: under the same names");
        let again = scene.rows_of(0).iter().filter(|row| row.generation == 2).count();
        assert_eq!(again, due.len(), "{refetch}");
        assert!(rows.iter().all(|row| row.generation == 1));
        if due.len() == 5 {
            scene.assert_exact();
        }
        scene.assert_sound(refetch);
        assert_eq!(scene.run().await.requests, at_once, "{refetch}: once more at once");
    }
}

#[tokio::test(start_paused = true)]
async fn a_person_refetches_all_of_it_once() {
    let mut scene = second_day(&pair(), &[]).await;
    let ended = scene.refetch().await;
    ended.assert(Exit::Done);
    assert_eq!((ended.requests, ended.job(0).files.len(), scene.duplicates()), (4, 2, 0));
    scene.assert_exact();
    scene.assert_settled(Exit::Done).await;
}

/// Some answers are shorter than they were, all are whole.
#[tokio::test(start_paused = true)]
async fn fewer_records_in_a_complete_answer_replace_more() {
    let mut scene = second_day(&pair(), &[]).await;
    let rows = |scene: &Scene| scene.rows_of(0).iter().map(|row| row.rows).collect::<Vec<_>>();
    let before = rows(&scene);
    scene.refetch().await.assert(Exit::Done);
    let after = rows(&scene);
    assert!(before.iter().zip(&after).any(|(before, after)| after < before), "{before:?} {after:?}");
    scene.assert_exact();
}

#[tokio::test(start_paused = true)]
async fn a_round_of_many_nights_is_finished_before_the_next_begins() {
    let job = history(&APPS[..1], "2026-01-01", "2026-01-05");
    let settings = PLAN.replacen("per_day = 20000", "per_day = 3", 1);
    let mut scene = Night { jobs: &[&job], settings: &settings, ..Night::default() }.begin();
    for requests in [3, 2] {
        assert_eq!(scene.run().await.requests, requests);
        scene.clock.sleep_until(scene.clock.now().elapsed + DAY).await;
    }
    scene.assert_exact();
    scene.jobs = vec![format!("refetch = 'always'\n{job}")];
    for round in 2..4 {
        scene.other_rows(round, &[]);
        let before = scene.output();
        let first = scene.run().await;
        first.assert(Exit::Paused);
        assert_eq!((first.requests, changed(&before, &scene.output()).len()), (3, 3), "round {round}");
        scene.assert_sound("between two nights");
        scene.wait_until(&first.resume_at().to_string()).await;
        let second = scene.run().await;
        second.assert(Exit::Done);
        assert_eq!((second.requests, scene.duplicates()), (2, 0), "round {round} was begun again");
        scene.assert_exact();
        assert!(scene.rows_of(0).iter().all(|row| u64::from(row.generation) == round));
        scene.clock.sleep_until(scene.clock.now().elapsed + DAY).await;
    }
}

/// Otherwise a quota smaller than what is published would be spent on the same files every night.
#[tokio::test(start_paused = true)]
async fn what_nobody_has_yet_comes_before_what_is_fetched_again() {
    let job = format!("refetch = 'always'\n{}", history(&APPS[..1], "2026-01-01", "2026-01-05"));
    let settings = PLAN.replacen("per_day = 20000", "per_day = 3", 1);
    let mut scene = Night { jobs: &[&job], settings: &settings, ..Night::default() }.begin();
    for (night, files) in [(1, 3), (2, 5), (3, 5)] {
        scene.other_rows(night, &[]);
        assert_eq!(scene.run().await.requests, if night == 3 { 2 } else { 3 }, "night {night}");
        assert_eq!(scene.output().len(), files, "night {night}");
        scene.assert_sound("every night");
        scene.clock.sleep_until(scene.clock.now().elapsed + DAY).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_rejected_cell_keeps_its_file_whole() {
    let job = format!("refetch = 'always'\n{}", pair());
    let scene = second_day(&job, &[("foxdata", "100@1")]).await;
    let (before, rows) = (scene.output(), scene.rows_of(0));
    let ended = scene.run().await;
    ended.assert(Exit::Rejected);
    let cell = super::again::rejected(&ended).remove(0);
    assert!(ended.reason().contains(&cell) && ended.reason().contains("stays as it is"), "{}", ended.reason());
    assert_eq!((ended.requests, ended.job(0).files.len()), (4, 1));
    assert_eq!(changed(&before, &scene.output()).len(), 1, "the other day is replaced");
    let held = scene.rows_of(0).iter().position(|row| row.generation == 1).unwrap();
    assert_eq!(scene.rows_of(0)[held].digest, rows[held].digest);
    scene.assert_sound("held");
    assert_eq!(scene.verified(0).leftovers, Vec::<String>::new());
    assert_eq!(scene.verified(0).cells.rejected, 0, "what stands has it");
    // All of it again, and this time every cell answers.
    let next = scene.run().await;
    next.assert(Exit::Done);
    scene.assert_exact();
    scene.assert_sound("replaced");
}

#[tokio::test(start_paused = true)]
async fn all_that_is_held_is_told() {
    let mut scene = second_day(&pair(), &[("foxdata", "100x4@1")]).await;
    let (before, rows) = (scene.output(), scene.rows_of(0));
    let ended = scene.refetch().await;
    ended.assert(Exit::Rejected);
    assert!(ended.reason().contains("and 1 more"), "{}", ended.reason());
    assert!(ended.job(0).warnings.iter().any(|one| one.contains("stays as it is")), "{:?}", ended.job(0).warnings);
    scene.assert_unchanged(&before, &rows, "both held");
    scene.assert_settled(Exit::Done).await;
}

#[tokio::test(start_paused = true)]
async fn nothing_where_something_was_needs_a_persons_word() {
    for (fault, left) in [("60008@1", 2), ("60008x4@1", 0)] {
        let mut scene = second_day(&pair(), &[("foxdata", fault)]).await;
        let (before, rows) = (scene.output(), scene.rows_of(0));
        let ended = scene.refetch().await;
        ended.assert(Exit::Rejected);
        assert!(ended.reason().contains("--accept-empty") && ended.reason().contains("records"), "{}", ended.reason());
        assert_eq!(scene.output().len(), before.len(), "{fault}");
        if left == 0 {
            scene.assert_unchanged(&before, &rows, fault);
        }
        scene.assert_sound(fault);

        scene.other_rows(2, &[("foxdata", fault)]);
        scene.accept_empty = true;
        scene.refetch().await.assert(Exit::Done);
        assert_eq!(scene.output().len(), left, "{fault}: what is empty has no file, what is not is smaller");
        let gone = scene.verified(0);
        assert_eq!((gone.findings, gone.leftovers, gone.files), (vec![], vec![], left as u64), "{fault}");
        assert_eq!(gone.cells.unconfirmed, if left == 0 { 4 } else { 1 }, "{fault}");
        scene.accept_empty = false;
        scene.assert_settled(Exit::Done).await;

        // What was empty may come back.
        scene.other_rows(3, &[]);
        scene.refetch().await.assert(Exit::Done);
        scene.assert_exact();
        scene.assert_sound("back");
    }
}

#[tokio::test(start_paused = true)]
async fn columns_that_take_the_new_records_no_longer_keep_the_file() {
    let mut scene = second_day(&pair(), &[]).await;
    let (before, rows) = (scene.output(), scene.rows_of(0));
    scene.jobs = vec![format!("{}[schema]\ncolumns = {{ chartsType = 'date' }}\n", pair())];
    let ended = scene.refetch().await;
    ended.assert(Exit::Rejected);
    assert!(ended.reason().contains("/chartsType") && ended.reason().contains("schema"), "{}", ended.reason());
    assert_eq!(scene.output(), before);
    assert!(scene.rows_of(0).iter().zip(&rows).all(|(now, was)| now.digest == was.digest && now.generation == 1));
    // The job file is mended.
    scene.jobs = vec![pair()];
    scene.refetch().await.assert(Exit::Done);
    scene.assert_exact();
    scene.assert_sound("mended");
}

/// Every file is replaced, so none is left that could not be read beside the new ones.
#[tokio::test(start_paused = true)]
async fn a_column_may_change_its_type_when_all_of_it_is_fetched_again() {
    let mut scene = second_day(&pair(), &[]).await;
    scene.jobs = vec![format!("{}[schema]\ncolumns = {{ categoryId = 'decimal(10,0)' }}\n", pair())];
    scene.refetch().await.assert(Exit::Done);
    scene.assert_exact();
    assert!(scene.ledger().schema("history").unwrap().unwrap().contains("decimal"));
}

#[tokio::test(start_paused = true)]
async fn records_that_fit_this_time_are_rejected_no_more() {
    let strict = format!("{}[schema]\ncolumns = {{ chartsType = 'int64' }}\n", pair());
    let mut scene = Night { jobs: &[&strict], ..Night::default() }.begin();
    scene.run().await.assert(Exit::Rejected);
    scene.other_rows(2, &[]);
    scene.jobs = vec![pair().replace("[output]", "[schema]\ncolumns = { chartsType = 'string' }\n[output]")];
    let ended = scene.refetch().await;
    ended.assert(Exit::Done);
    assert_eq!((ended.job(0).rejected_records, ended.job(0).rejected.len()), (0, 0));
    scene.assert_exact();
    scene.assert_settled(Exit::Done).await;
}

#[tokio::test(start_paused = true)]
async fn what_is_gone_from_an_axis_is_fetched_again_with_its_file() {
    let mut scene = second_day(&pair(), &[]).await;
    scene.jobs = vec![history(&APPS[..1], "2026-01-02", "2026-01-03")];
    let ended = scene.refetch().await;
    ended.assert(Exit::Done);
    assert_eq!(ended.requests, 5, "four that were, one that is new");
    scene.assert_sound("grown and shrunk");
    let mut visible = scene.visible(0);
    let new = scene.planned(0);
    scene.jobs = vec![pair()];
    let old = scene.planned(0);
    let added = new.iter().filter(|(cell, _)| cell.contains("2026-01-03"));
    let mut wanted: Vec<String> = old.iter().chain(added).flat_map(|(_, rows)| rows.clone()).collect();
    visible.sort_unstable();
    wanted.sort_unstable();
    assert_eq!(visible, wanted, "an app that is asked for no longer keeps its rows, and they are of today");
}
