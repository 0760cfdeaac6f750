//! kill -9 at every step of the runs that reopen what is published, played back from their steps: the old file or the new
//! one is visible, and the run after it comes to the same end.

use super::case::later_generations;
use super::proof::State;

#[tokio::test(start_paused = true)]
async fn are_killed_at_every_step() {
    for case in later_generations().await {
        for (at, killed) in case.moments().iter().enumerate() {
            let what = format!("{}, killed before step {at}", case.what);
            case.proof.holds(&State::killed(killed, what.clone())).await;
            if at % 5 == 0 {
                // And the run after it, which recovers, too.
                let again = case.moments_after(killed, &what).await;
                for (at, killed) in again.iter().enumerate().step_by(4) {
                    case.proof.holds(&State::killed(killed, format!("{what}, then before step {at}"))).await;
                }
            }
        }
    }
}
