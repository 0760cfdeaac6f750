//! Nothing goes wrong: every job of the repository and of each preset is fetched once, exactly, and then left alone.

use std::fs;
use std::path::Path;

use super::scene::{Night, Scene};
use tidemill::run::Exit;

/// The jobs that come with the program, with the files they name.
fn repository() -> Scene {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("jobs");
    let read = |name: &str| fs::read_to_string(folder.join(name)).unwrap();
    let jobs: Vec<String> =
        ["agushuju_stock_daily.toml", "foxdata_app_rank.toml", "sensenova_chat.toml"].map(read).to_vec();
    let jobs: Vec<&str> = jobs.iter().map(String::as_str).collect();
    // The limits are the presets' own guesses.
    let scene = Night { jobs: &jobs, settings: "", ..Night::default() }.begin();
    scene.write("symbols.csv", &read("symbols.csv"));
    scene.write("prompts.jsonl", &read("prompts.jsonl"));
    scene
}

#[tokio::test(start_paused = true)]
async fn the_jobs_of_the_repository() {
    let scene = repository();
    let ended = scene.run().await;
    // 4 stocks of 1694 days in pages of 1000; 2 apps on 3 days in 3 pages; 5 prompts.
    assert_eq!(ended.requests, 4 * 2 + 2 * 3 * 3 + 5);
    assert_eq!(ended.report.jobs.iter().map(|job| job.files.len()).collect::<Vec<_>>(), [1, 3, 1]);
    assert!(ended.report.jobs.iter().all(|job| job.refused == 0 && job.warnings.is_empty()), "{:#?}", ended.report);
    let credits: u64 = ended.report.jobs.iter().map(|job| job.credits).sum();
    assert_eq!(credits, scene.stats("foxdata").credits, "what was charged is what is reported");
    scene.assert_clean(&ended).await;
}

#[tokio::test(start_paused = true)]
async fn a_run_that_has_nothing_to_do_reads_no_secret_and_no_wire() {
    let scene = repository();
    scene.run().await.assert(Exit::Done);
    let before = scene.clock.now();
    scene.assert_settled(Exit::Done).await;
    assert_eq!(scene.clock.now().elapsed, before.elapsed, "and takes no time");
}
