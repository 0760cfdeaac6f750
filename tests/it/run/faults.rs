//! Trouble that passes: whatever the provider or the wire does now and then, every record is there once, bought once.

use std::fs;

use tidemill::run::Exit;

use super::jobs::{APPS, ranks, three};
use super::scene::{Night, Scene};

/// Runs until nothing is left, as cron would: a cell that met too many faults in a row waits for the next run.
async fn to_the_end(scene: &Scene, what: &str) {
    for _ in 0..4 {
        let ended = scene.run().await;
        if ended.report.exit == Exit::Done {
            break;
        }
        ended.assert(Exit::Failed);
        scene.assert_part();
    }
    scene.assert_exact();
    assert_eq!(scene.duplicates(), 0, "{what}");
    assert_eq!(scene.too_fast(), 0, "{what}");
    scene.assert_settled(Exit::Done).await;
}

async fn survives(faults: &[(&str, &str)], seed: u64) {
    let jobs = three();
    let concerned = |job: &&str| faults.iter().any(|(provider, _)| job.contains(provider));
    let jobs: Vec<&str> = jobs.iter().map(String::as_str).filter(concerned).collect();
    let scene = Night { jobs: &jobs, faults, seed, ..Night::default() }.begin();
    to_the_end(&scene, &format!("{faults:?} with seed {seed}")).await;
    let refused: u64 = faults.iter().map(|(provider, _)| scene.stats(provider).refusals.values().sum::<u64>()).sum();
    let lost: u64 =
        faults.iter().map(|(provider, _)| scene.stats(provider).requests - scene.stats(provider).successes).sum();
    assert!(refused + lost > 0 || faults[0].1.contains("slow"), "{faults:?} never happened");
}

#[tokio::test(start_paused = true)]
async fn each_code_that_may_be_asked_again() {
    let table = [
        ("foxdata", "510=8%"),
        ("foxdata", "60006=3%"),
        ("foxdata", "60004@7"),
        ("foxdata", "429x3@5"),
        ("agushuju", "500=8%"),
        ("agushuju", "502=8%"),
        ("agushuju", "503=8%"),
        ("agushuju", "504=8%"),
        ("agushuju", "429@4"),
        ("sensenova", "5000=8%"),
        ("sensenova", "5001=10%"),
        ("sensenova", "5002=5%"),
        ("sensenova", "2=5%"),
        ("sensenova", "4=5%"),
        ("sensenova", "10=5%"),
        ("sensenova", "13=5%"),
        ("sensenova", "14=5%"),
        ("sensenova", "8@5"),
        ("sensenova", "1302@6"),
        ("sensenova", "1303x2@6"),
    ];
    for fault in table {
        survives(&[fault], 3).await;
    }
}

#[tokio::test(start_paused = true)]
async fn each_fault_of_the_wire() {
    for what in ["reset", "cut", "html502", "hang", "slow"] {
        let script = format!("{what}=8%");
        survives(&[("foxdata", &script), ("agushuju", &script), ("sensenova", &script)], 5).await;
    }
}

#[tokio::test(start_paused = true)]
async fn everything_at_once() {
    for seed in 10..14 {
        let wire = "reset=3%,cut=2%,html502=2%,hang=1%,slow=5%";
        let (agushuju, foxdata, sensenova) =
            (format!("500=3%,{wire}"), format!("510=4%,60008@next:1,{wire}"), format!("5001=4%,5000=2%,{wire}"));
        survives(&[("agushuju", &agushuju), ("foxdata", &foxdata), ("sensenova", &sensenova)], seed).await;
    }
}

/// The output folder is in the way of the first file while cells of the others are in flight.
#[tokio::test(start_paused = true)]
async fn a_file_that_cannot_be_published_ends_the_job_and_loses_nothing() {
    let job = ranks(&APPS, "2026-01-01", "2026-01-06");
    let scene = Night { jobs: &[&job], ..Night::default() }.begin();
    let output = scene.folders().output.join("ranks");
    fs::create_dir_all(output.parent().unwrap()).unwrap();
    fs::write(&output, "a file").unwrap();
    let ended = scene.run().await;
    ended.assert(Exit::Failed);
    let (reason, output_shown) = (ended.reason(), output.display().to_string());
    assert!(reason.contains(&output_shown) && reason.contains("run again"), "{reason:?}");
    assert!(ended.job(0).cells.records > APPS.len() as u64, "no cell was in flight: {:#?}", ended.report);
    fs::remove_file(&output).unwrap();
    scene.run().await.assert(Exit::Done);
    scene.assert_exact();
    assert_eq!(scene.duplicates(), 0);
}
