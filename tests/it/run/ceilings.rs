//! What one run may spend: it pauses with everything kept, and the next run goes on.

use std::time::Duration;

use tidemill::ledger::JobLock;
use tidemill::run::Exit;

use super::jobs::{APPS, ranks};
use super::scene::{Night, Scene};

/// A job of 24 requests with `ceiling` at its top.
fn under(ceiling: &str) -> Scene {
    let job = format!("{ceiling}\n{}", ranks(&APPS, "2026-01-01", "2026-01-02"));
    Night { jobs: &[&job], ..Night::default() }.begin()
}

#[tokio::test(start_paused = true)]
async fn ceilings_pause_and_the_next_run_goes_on() {
    // 11 credits a request: the ceiling is seen after it is reached.
    for (ceiling, most) in [("max_requests = 5", 5), ("max_credits = 55", 8), ("deadline = '1s'", 9)] {
        let scene = under(ceiling);
        let mut runs = 0;
        loop {
            let ended = scene.run().await;
            runs += 1;
            assert!(ended.requests <= most, "{ceiling}: {} requests", ended.requests);
            if ended.report.exit == Exit::Done {
                break;
            }
            ended.assert(Exit::Paused);
            assert!(ended.requests > 0, "{ceiling}: no progress");
            assert!(ended.reason().contains(ceiling.split(' ').next().unwrap()), "{ceiling}: {}", ended.reason());
            assert!(ended.report.resume_at.is_some());
            scene.assert_part();
            // What the last run sent just now still counts.
            scene.clock.sleep_until(scene.clock.now().elapsed + Duration::from_secs(10)).await;
        }
        assert!(runs > 2, "{ceiling}: only {runs} runs");
        scene.assert_exact();
        assert_eq!((scene.requests(), scene.duplicates(), scene.too_fast()), (24, 0, 0), "{ceiling}");
        scene.assert_settled(Exit::Done).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_job_that_asks_for_something_else_is_refused_until_a_person_chooses() {
    let job = format!("max_requests = 30\n{}", ranks(&APPS, "2026-01-01", "2026-01-04"));
    let mut scene = Night { jobs: &[&job], ..Night::default() }.begin();
    scene.run().await.assert(Exit::Paused);
    let kept = scene.output();
    assert_eq!(kept.len(), 2, "two days of four");

    let before = std::mem::take(&mut scene.jobs);
    scene.jobs = before.iter().map(|job| job.replace("\"US\"", "\"CN\"")).collect();
    let ended = scene.run().await;
    ended.assert(Exit::Usage);
    assert_eq!(ended.requests, 0);
    assert!(ended.reason().contains("request") && ended.reason().contains("--keep"), "{}", ended.reason());

    scene.keep = true;
    scene.run().await.assert(Exit::Done);
    let now = scene.output();
    assert!(kept.iter().all(|(path, bytes)| now.get(path) == Some(bytes)));
    assert_eq!(now.len(), 4);

    // From now on the job is what it was kept as.
    scene.keep = false;
    scene.assert_settled(Exit::Done).await;
}

/// Nothing is committed yet, but half of a cell is there: its pages answer the old question.
#[tokio::test(start_paused = true)]
async fn pages_of_an_old_question_are_void() {
    let mut scene = under("max_requests = 5");
    scene.run().await.assert(Exit::Paused);
    assert!(scene.output().is_empty());
    let before = std::mem::take(&mut scene.jobs);
    let job = |job: &String| job.replace("max_requests = 5", "").replace("\"US\"", "\"CN\"");
    scene.jobs = before.iter().map(job).collect();
    scene.run().await.assert(Exit::Done);
    scene.assert_exact();
    assert_eq!(scene.requests(), 5 + 24, "all of it was bought anew");
}

#[tokio::test(start_paused = true)]
async fn limits_output_and_ceilings_may_change_freely() {
    let mut scene = under("max_requests = 14");
    scene.run().await.assert(Exit::Paused);
    scene.jobs = scene.jobs.iter().map(|job| job.replace("max_requests = 14", "max_requests = 1000")).collect();
    scene.run().await.assert(Exit::Done);
    scene.assert_exact();
    assert_eq!(scene.duplicates(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_job_that_another_run_holds_is_left_alone() {
    let scene = under("max_requests = 1000");
    let held = JobLock::acquire(&scene.folders().state, "ranks").unwrap();
    let ended = scene.run().await;
    ended.assert(Exit::Paused);
    assert_eq!(ended.requests, 0);
    drop(held);
    let ended = scene.run().await;
    scene.assert_clean(&ended).await;
}
