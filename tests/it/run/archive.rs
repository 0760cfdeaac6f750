//! `[archive]`: raw pages stay for a while after their file is published, and no longer.

use std::time::Duration;

use tidemill::run::{Exit, FindingKind, Scope, VerifyOptions, verify};
use tidemill::spool::size;

use super::jobs::{APPS, history};
use super::parquet::files;
use super::scene::{Night, Scene};

const HOUR: u64 = 3600;

/// A job of one cell a day up to yesterday, with what stands below `[archive]`.
fn job(archive: &str) -> String {
    format!("{}[archive]\n{archive}\n", history(&APPS[..1], "2026-02-28", "yesterday"))
}

async fn sleep(scene: &Scene, hours: u64) {
    scene.clock.sleep_until(scene.clock.now().elapsed + Duration::from_secs(hours * HOUR)).await;
}

/// The days whose pages are kept, in plan order.
fn kept(scene: &Scene) -> Vec<String> {
    let kept = scene.rows_of(0).into_iter().filter(|row| scene.folders().spool("history", &row.hash).exists());
    kept.map(|row| row.folders[0].1.clone()).collect()
}

#[tokio::test(start_paused = true)]
async fn pages_are_kept_as_long_as_they_are_to_be() {
    for (archive, hours) in [("", 7 * 24), ("keep = '2d'", 48), ("keep = '90m'", 2)] {
        let job = job(archive).replace("yesterday", "2026-03-01");
        let scene = Night { jobs: &[&job], ..Night::default() }.begin();
        scene.run().await.assert(Exit::Done);
        sleep(&scene, hours - 1).await;
        scene.run().await.assert(Exit::Done);
        assert_eq!(kept(&scene).len(), 2, "{archive}");
        scene.assert_exact();
        sleep(&scene, 2).await;
        scene.run().await.assert(Exit::Done);
        assert_eq!(kept(&scene), Vec::<String>::new(), "{archive}");
        scene.assert_exact();
        scene.assert_sound(archive);
    }
    let scene = Night { jobs: &[&job("keep = '0'")], ..Night::default() }.begin();
    scene.run().await.assert(Exit::Done);
    assert!(files(&scene.folders().spool("history", "")).is_empty());
    scene.assert_exact();
}

#[tokio::test(start_paused = true)]
async fn the_oldest_go_when_there_are_too_many() {
    let mut scene = Night { jobs: &[&job("")], ..Night::default() }.begin();
    for _ in 0..3 {
        scene.run().await.assert(Exit::Done);
        sleep(&scene, 24).await;
    }
    assert_eq!(kept(&scene), ["2026-02-28", "2026-03-01", "2026-03-02", "2026-03-03"]);
    let size = |day: &str| {
        let row = scene.rows_of(0).into_iter().find(|row| row.folders[0].1 == day).unwrap();
        size(&scene.folders().spool("history", &row.hash)).unwrap()
    };
    let most = size("2026-03-02") + size("2026-03-03");
    // In the fourth night a day is added, and only as much as fits is kept of the others.
    scene.jobs = vec![job(&format!("max_bytes = {}", most + size("2026-02-28") / 2))];
    scene.run().await.assert(Exit::Done);
    let left = kept(&scene);
    assert_eq!(left.last().map(String::as_str), Some("2026-03-04"), "{left:?}");
    assert!(left.len() < 4 && !left.contains(&"2026-02-28".to_owned()), "{left:?}");
    scene.jobs = vec![job("max_bytes = 0")];
    scene.run().await.assert(Exit::Done);
    assert_eq!(kept(&scene), Vec::<String>::new());
    scene.assert_sound("nothing kept");
}

#[tokio::test(start_paused = true)]
async fn what_can_be_asked_again_is_kept_whatever_is_said() {
    for archive in ["keep = 0", "max_bytes = 0", "keep = '1h'\nmax_bytes = '1B'"] {
        for fault in ["100@1", "60008@1"] {
            let job = job(archive).replace("yesterday", "2026-03-01");
            let mut scene = Night { jobs: &[&job], faults: &[("foxdata", fault)], ..Night::default() }.begin();
            scene.run().await;
            sleep(&scene, 24 * 30).await;
            scene.run().await;
            assert_eq!(kept(&scene).len(), 1, "{archive}, {fault}");
            scene.assert_sound(archive);
            let retried = scene.retry().await;
            retried.assert(Exit::Done);
            assert_eq!(retried.requests, 1, "{archive}, {fault}");
            scene.assert_part();
            let planned: usize = scene.planned(0).iter().map(|(_, rows)| rows.len()).sum();
            assert_eq!(scene.visible(0).len(), planned, "{archive}, {fault}");
            sleep(&scene, 2).await;
            scene.run().await.assert(Exit::Done);
            assert_eq!(kept(&scene), Vec::<String>::new(), "{archive}, {fault}: it is settled");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_flipped_byte_in_pages_that_are_kept_is_found() {
    let scene = Night { jobs: &[&job("")], ..Night::default() }.begin();
    scene.run().await.assert(Exit::Done);
    scene.assert_sound("whole");
    let path = files(&scene.folders().spool("history", "")).remove(0);
    let mut bytes = std::fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let found = scene.verified(0);
    assert_eq!(found.findings.iter().map(|one| one.kind).collect::<Vec<_>>(), [FindingKind::Damaged]);
    assert_eq!((found.exit(), found.files, found.cells.records), (Exit::Failed, 2, 2));
    // Nobody needs them to read the files, so only who reads everything looks.
    let (folders, jobs) = (scene.folders(), scene.parsed());
    let scope = Scope { folders: &folders, job: &jobs[0] };
    let quick = verify(&scope, scene.ledger().as_ref(), VerifyOptions::default()).unwrap();
    assert_eq!(quick.findings, []);
    scene.run().await.assert(Exit::Done);
}
