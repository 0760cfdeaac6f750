//! The power goes at any step: what is left of the changes that were not synced is left to chance.
//!
//! Whatever is left, visible files are whole, the next run completes them to the byte, and no page is bought again whose
//! append was answered. Each test looks at every state it can name, or draws as many of them as it says with the seed
//! `TIDEMILL_POWER_SEED` (1); `TIDEMILL_POWER_STATES` is another number for each test, `1000000` for the whole lot.

use tidemill::run::Exit;

use super::case::{Case, after_a_failed_write, first, later_generations};
use super::mill::{EDITED, How, STOCKS};
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
    assert!(states.count() > 90, "{}", states.count());
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
    add(&mut states, &case, 1).await;
    states.hold(&case.proof, 400).await;
}

#[tokio::test(start_paused = true)]
async fn in_a_later_generation() {
    for case in later_generations().await {
        let mut states = States::new();
        add(&mut states, &case, 3).await;
        states.hold(&case.proof, 150).await;
    }
}

/// A generation that was given up must not come back when it is begun again.
#[tokio::test(start_paused = true)]
async fn in_a_generation_after_one_that_was_given_up() {
    let [answered, given_up, _] = later_generations().await;
    let mut states = States::new();
    for (at, killed) in given_up.moments().iter().enumerate().skip(1) {
        let (place, ended, moments) = answered.after(killed, How::RetryFailed).await;
        if ended.exit == Exit::Done {
            assert!(place.output() == answered.proof.after, "killed before step {at}");
            states.add(&moments, &format!("given up, killed before step {at} and asked again"));
        }
    }
    states.hold(&answered.proof, 150).await;
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
        let (place, ended, moments) = new.after(killed, How::Plain).await;
        if ended.exit == Exit::Usage {
            // Something is published: that takes more than an edit.
            assert!(at > 50, "{ended:?}");
            break;
        }
        let what = format!("killed before step {at}, edited and run again");
        assert!(place.output() == new.proof.after, "{what}");
        states.add(&moments, &what);
        if at % 12 == 0 {
            // The run that forgets the old pages is killed too.
            for killed in &moments[..20] {
                states.add(&new.moments_after(killed, &what).await, &format!("{what}, and killed and run again"));
            }
        }
    }
    states.hold(&new.proof, 300).await;
}
