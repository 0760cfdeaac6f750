//! The power goes at any step: what is left of the changes that were not synced is left to chance.
//!
//! Whatever is left, visible files are whole, the next run completes them to the byte, and no page is bought again whose
//! append was answered. Each test looks at every state it can name, or draws as many of them as it says with the seed
//! `TIDEMILL_POWER_SEED` (1); `TIDEMILL_POWER_STATES` is another number for each test, `1000000` for the whole lot.

use tidemill::run::Exit;

use super::case::{Case, after_a_failed_write, first, later_generations};
use super::mill::{EDITED, How, STOCKS};
use super::proof::State;
use super::recording::Recording;
use super::states::States;

/// Adds what may be left of `case`, and of the run after it when it was killed before every `nth` step: what was handed
/// to the system only, that run sees as if it were durable.
async fn add(states: &mut States, case: &Case, nth: usize) {
    let moments = case.moments();
    states.add(&moments, case.what);
    for (at, killed) in moments.iter().enumerate().step_by(nth) {
        let what = format!("{}, killed before step {at} and run again", case.what);
        states.add(&case.moments_after(killed, &what).await, &what);
    }
}

#[tokio::test(start_paused = true)]
async fn in_a_first_run() {
    let case = first(STOCKS).await;
    let mut states = States::new();
    states.add(&case.moments(), case.what);
    assert!(states.count() > 100);
    states.hold(&case.proof, u64::MAX).await;
}

#[tokio::test(start_paused = true)]
async fn in_a_run_after_a_killed_one() {
    let case = first(STOCKS).await;
    let mut states = States::new();
    add(&mut states, &case, 2).await;
    states.hold(&case.proof, 700).await;
}

#[tokio::test(start_paused = true)]
async fn in_a_run_after_a_failed_write() {
    let case = after_a_failed_write().await;
    let mut states = States::new();
    add(&mut states, &case, 2).await;
    states.hold(&case.proof, 300).await;
}

#[tokio::test(start_paused = true)]
async fn in_a_later_generation() {
    for case in later_generations().await {
        let mut states = States::new();
        add(&mut states, &case, 3).await;
        states.hold(&case.proof, 150).await;
    }
}

/// The journals of attempts may be lost, in part or whole; they must never be in the way.
#[tokio::test(start_paused = true)]
async fn over_a_journal_of_attempts() {
    let mut case = first(STOCKS).await;
    case.begin.journals = true;
    let mut states = States::new();
    states.add(&case.moments(), case.what);
    states.hold(&case.proof, 200).await;
}

/// Pages that answer the old question must not come back once the new one is asked.
#[tokio::test(start_paused = true)]
async fn in_a_run_of_a_job_that_was_edited() {
    let (old, new) = (first(STOCKS).await, first(EDITED).await);
    let mut states = States::new();
    for (at, killed) in old.moments().iter().enumerate().step_by(3) {
        let mut killed = killed.clone();
        killed.kept.clear();
        let place = new.proof.found(&State::killed(&killed, String::new()), 1);
        let (ended, recording) = Recording::of(&place, place.run(How::Plain)).await;
        if ended.exit == Exit::Usage {
            // Something is published: that takes more than an edit.
            assert!(at > 50, "{ended:?}");
            break;
        }
        let what = format!("killed before step {at}, edited and run again");
        assert!(place.output() == new.proof.after, "{what}");
        states.add(&recording.moments(&killed), &what);
    }
    states.hold(&new.proof, 300).await;
}
