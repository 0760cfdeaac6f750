//! Several jobs in one run: one credential's limits hold for all of them, other providers go on beside them.

use std::time::Duration;

use tidemill::provider::WindowKind;
use tidemill::run::Exit;

use super::jobs::{APPS, CODES, PLAN, ranks, stocks, three};
use super::scene::Night;

/// A second job of the same provider, other apps.
fn more_ranks() -> String {
    ranks(&["1", "2", "3", "4"], "2026-01-01", "2026-01-02")
        .replace("name = \"ranks\"", "name = \"more\"")
        .replace("path = \"ranks\"\npartition_by", "path = \"more\"\npartition_by")
}

#[tokio::test(start_paused = true)]
async fn two_jobs_share_one_credential() {
    let settings = PLAN.replace("qps = 10, per_minute = 300", "qps = 2, per_minute = 20");
    let jobs = [ranks(&APPS, "2026-01-01", "2026-01-02"), more_ranks()];
    let jobs: Vec<&str> = jobs.iter().map(String::as_str).collect();
    let scene = Night { jobs: &jobs, settings: &settings, ..Night::default() }.begin();
    let ended = scene.run().await;
    assert_eq!(ended.requests, 2 * 24);
    scene.assert_clean(&ended).await;
    let per_minute = scene
        .provider("foxdata")
        .limits
        .windows
        .iter()
        .any(|window| window.max == 20 && window.kind == WindowKind::Rolling(Duration::from_secs(60)));
    assert!(per_minute, "the scene is about a limit it does not have");
    // 48 calls at 20 a minute take between one and three minutes: not more than the limit, and not idle either.
    let took = scene.clock.now().elapsed.as_secs();
    assert!((120..=200).contains(&took), "{took} s");
}

#[tokio::test(start_paused = true)]
async fn two_jobs_share_one_day() {
    let settings = PLAN.replace("per_day = 20000", "per_day = 30");
    let jobs = [ranks(&APPS, "2026-01-01", "2026-01-02"), more_ranks()];
    let jobs: Vec<&str> = jobs.iter().map(String::as_str).collect();
    let scene = Night { jobs: &jobs, settings: &settings, ..Night::default() }.begin();
    let ended = scene.run().await;
    ended.assert(Exit::Paused);
    assert_eq!(ended.requests, 30);
    assert!(ended.report.jobs.iter().all(|job| job.requests >= 12), "one job took it all: {:#?}", ended.report);
    scene.wait_until(&ended.resume_at().to_string()).await;
    let ended = scene.run().await;
    assert_eq!(ended.requests, 18);
    scene.assert_clean(&ended).await;
}

#[tokio::test(start_paused = true)]
async fn providers_do_not_wait_for_each_other() {
    // Foxdata alone takes over half an hour at one call a minute.
    let settings = PLAN.replacen("per_minute = 300", "per_minute = 1", 1);
    let jobs = three();
    let jobs: Vec<&str> = jobs.iter().map(String::as_str).collect();
    let scene = Night { jobs: &jobs, settings: &settings, ..Night::default() }.begin();
    let ended = scene.run().await;
    let end = |job: &str| {
        let event = ended.events.iter().rfind(|event| event.job.as_str() == job).unwrap();
        event.at.duration_since(ended.report.started).as_secs()
    };
    assert!(end("ranks") > 30 * 60 && end("stocks") < 60 && end("chat") < 60);
    scene.assert_clean(&ended).await;
}

#[tokio::test(start_paused = true)]
async fn a_job_of_many_cells_opens_few_files_at_a_time() {
    let codes: Vec<String> = (1..=40).map(|code| format!("{code:06}.SZ")).collect();
    let codes: Vec<&str> = codes.iter().map(String::as_str).collect();
    let job = stocks(&codes);
    let scene = Night { jobs: &[&job], ..Night::default() }.begin();
    let ended = scene.run().await;
    assert_eq!(ended.job(0).files.len(), 10);
    assert!(codes.len() > CODES.len());
    scene.assert_clean(&ended).await;
}
