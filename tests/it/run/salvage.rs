//! A ledger that is gone, damaged or older than what it describes: the job goes on, and nothing is bought twice.

use std::fs;

use tidemill::run::{Exit, Scope, VerifyOptions, open_ledger, verify};

use super::jobs::{APPS, CODES, chat, ranks, stocks};
use super::scene::{Ended, Night, Scene, Twist};

fn jobs() -> [String; 3] {
    [stocks(&CODES), ranks(&APPS[..2], "2026-01-01", "2026-01-02"), chat(12)]
}

impl Scene {
    fn lose_ledger(&self) {
        for ending in ["", "-wal", "-shm"] {
            let path = self.folders().state.join(format!("ledger.db{ending}"));
            if path.exists() {
                fs::remove_file(path).unwrap();
            }
        }
    }

    fn assert_verified(&self, what: &str) {
        let (folders, jobs) = (self.folders(), self.parsed());
        for job in &jobs {
            let scope = Scope { folders: &folders, job };
            let found =
                verify(&scope, self.ledger().as_ref(), VerifyOptions { read_data: true, planned: None }).unwrap();
            assert_eq!(found.findings, [], "{what}");
        }
    }
}

fn told(ended: &Ended) -> usize {
    ended.report.jobs.iter().filter(|job| job.warnings.iter().any(|text| text.contains("rebuilt from"))).count()
}

#[tokio::test(start_paused = true)]
async fn finished_jobs_are_known_again_and_nothing_is_asked() {
    let jobs = jobs();
    let jobs: Vec<&str> = jobs.iter().map(String::as_str).collect();
    let scene = Night { jobs: &jobs, faults: &[("sensenova", "1301x2@3")], ..Night::default() }.begin();
    scene.run().await.assert(Exit::Rejected);
    let (before, output) = (scene.ledger(), scene.output());
    let rows = |ledger: &dyn tidemill::ledger::Ledger| -> Vec<_> {
        let names = ["stocks", "ranks", "chat"];
        let rows = names.iter().flat_map(|name| ledger.partitions(name).unwrap());
        rows.map(|row| {
            let cells = ledger.cells(row.id).unwrap();
            (row.key, row.folders, row.state, row.generation, row.file, row.digest, row.rows, row.bytes, cells)
        })
        .collect()
    };
    let known = rows(before.as_ref());
    drop(before);
    scene.lose_ledger();
    let again = scene.run().await;
    again.assert(Exit::Rejected);
    assert_eq!((again.requests, told(&again)), (0, 3));
    assert!(output == scene.output(), "no file was touched");
    assert_eq!(rows(scene.ledger().as_ref()), known);
    scene.assert_verified("rebuilt");
    scene.assert_settled(Exit::Rejected).await;
}

/// Killed after every event, and then the ledger is lost as well.
#[tokio::test(start_paused = true)]
async fn an_unfinished_job_goes_on_at_its_page() {
    let job = ranks(&APPS[..2], "2026-01-01", "2026-01-02");
    let jobs: [&str; 1] = [&job];
    let whole = Night { jobs: &jobs, ..Night::default() }.begin().run().await.events.len();
    for after in 1..whole {
        let scene = Night { jobs: &jobs, ..Night::default() }.begin();
        assert!(scene.run_twisted(Twist::Kill(after)).await.is_none());
        let bought = scene.requests();
        scene.lose_ledger();
        scene.run().await.assert(Exit::Done);
        scene.assert_exact();
        assert!(scene.duplicates() <= 4, "after event {after}, {bought} bought: {} again", scene.duplicates());
        scene.assert_verified("finished");
        assert_eq!(scene.too_fast(), 0, "the journal remembers");
    }
}

#[tokio::test(start_paused = true)]
async fn an_older_ledger_learns_what_came_after_it() {
    let job = stocks(&CODES);
    let mut scene = Night { jobs: &[&job], ..Night::default() }.begin();
    assert!(scene.run_twisted(Twist::Kill(6)).await.is_none());
    let older = scene.folders().state.join("older");
    drop(scene.ledger());
    fs::copy(scene.folders().ledger(), &older).unwrap();
    scene.run().await.assert(Exit::Done);
    let output = scene.output();
    scene.lose_ledger();
    fs::rename(older, scene.folders().ledger()).unwrap();
    // Other files than those of the first plan: their cells must not come twice.
    scene.jobs[0] = job.replace("cells_per_file = 4", "cells_per_file = 3");
    let again = scene.run().await;
    again.assert(Exit::Done);
    assert_eq!(again.requests, 0);
    assert!(output == scene.output());
    scene.assert_verified("older ledger");
}

#[tokio::test(start_paused = true)]
async fn a_changed_request_is_refused_although_only_its_hash_is_known() {
    let job = ranks(&APPS[..2], "2026-01-01", "2026-01-02");
    let mut scene = Night { jobs: &[&job], ..Night::default() }.begin();
    scene.run().await.assert(Exit::Done);
    scene.lose_ledger();
    scene.jobs[0] = job.replace("region = \"US\"", "region = \"CN\"");
    let ended = scene.run().await;
    ended.assert(Exit::Usage);
    assert!(
        ended.reason().contains("the request changed") && ended.reason().contains("--refetch"),
        "{}",
        ended.reason()
    );
}

/// Without the journal nobody knows what was sent: the day counts as used up, and the next one does not.
#[tokio::test(start_paused = true)]
async fn without_a_journal_the_windows_count_as_full() {
    let job = ranks(&APPS[..2], "2026-01-01", "2026-01-02");
    let more = ranks(&APPS[..2], "2026-01-01", "2026-01-03");
    let mut scene = Night { jobs: &[&job], ..Night::default() }.begin();
    scene.run().await.assert(Exit::Done);
    scene.lose_ledger();
    fs::remove_dir_all(scene.folders().quota).unwrap();
    scene.jobs[0] = more;
    let ended = scene.run().await;
    ended.assert(Exit::Paused);
    assert_eq!(ended.requests, 0);
    scene.wait_until(&ended.resume_at().to_string()).await;
    scene.run().await.assert(Exit::Done);
    scene.assert_exact();
}

#[tokio::test(start_paused = true)]
async fn a_damaged_ledger_is_moved_aside_and_a_newer_one_is_not() {
    let job = chat(12);
    let scene = Night { jobs: &[&job], ..Night::default() }.begin();
    scene.run().await.assert(Exit::Done);
    let path = scene.folders().ledger();
    let whole = fs::read(&path).unwrap();
    fs::write(&path, "this is no database, however long it may be ".repeat(9)).unwrap();
    let now = scene.clock.now().wall;
    let (ledger, note) = open_ledger(&scene.folders(), now).unwrap();
    assert!(note.unwrap().contains("was moved to"));
    let again = scene.run_with(Twist::None, Box::new(ledger)).await.unwrap();
    again.assert(Exit::Done);
    assert_eq!(again.requests, 0);
    scene.assert_verified("rebuilt");
    let aside: Vec<_> = fs::read_dir(scene.folders().state).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(aside.iter().any(|name| name.to_str().unwrap().starts_with("ledger.db.damaged-")), "{aside:?}");

    fs::write(&path, whole).unwrap();
    rusqlite::Connection::open(&path).unwrap().execute_batch("PRAGMA user_version = 99").unwrap();
    let before = fs::read(&path).unwrap();
    let error = open_ledger(&scene.folders(), now).map(drop).unwrap_err();
    assert!(format!("{:#}", anyhow::Error::from(error)).contains("version 99"));
    assert!(before == fs::read(&path).unwrap());
}
