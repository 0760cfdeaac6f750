//! How much of the limits is used.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::task::JoinSet;

use super::kit::{MINUTE, SECOND, job, keep, limits, rolling};
use crate::provider::Window;
use crate::quota::Feedback;

/// Workers without end for an hour and the answers' latencies in milliseconds; when the server counted, sorted.
async fn hour(windows: Vec<Window>, latency: fn(&mut fastrand::Rng) -> f64) -> Vec<Duration> {
    let (mut keeper, mut tasks) = (JoinSet::new(), JoinSet::new());
    let quota = keep(&limits(windows, 40), &mut keeper);
    let calls = Arc::new(Mutex::new(Vec::new()));
    for worker in 0..40 {
        let (quota, calls) = (quota.clone(), Arc::clone(&calls));
        tasks.spawn(async move {
            let mut random = fastrand::Rng::with_seed(worker);
            loop {
                let mut departed = quota.permit(&job("a")).await.unwrap().depart();
                let sent = quota.clock().now().elapsed;
                let latency = Duration::from_secs_f64(latency(&mut random) / 1000.0);
                if sent >= 60 * MINUTE {
                    return;
                }
                // Where the server counts: half of the least latency before its answer arrives.
                calls.lock().unwrap().push(sent + latency - Duration::from_millis(30));
                quota.clock().sleep_until(sent + latency).await;
                departed.answered(Feedback::Accepted);
            }
        });
    }
    tasks.join_all().await;
    let mut counted = std::mem::take(&mut *calls.lock().unwrap());
    counted.sort_unstable();
    counted
}

fn over(counted: &[Duration], max: usize, period: Duration) -> usize {
    counted.windows(max + 1).filter(|calls| calls[max] - calls[0] < period).count()
}

fn exponential(random: &mut fastrand::Rng, mean: f64) -> f64 {
    -(1.0 - random.f64()).ln() * mean
}

#[tokio::test(start_paused = true)]
async fn three_hundred_a_minute_for_an_hour() {
    let counted = hour(vec![rolling(300, MINUTE)], |random| 100.0 + 800.0 * random.f64()).await;
    assert!(counted.len() * 100 >= 300 * 60 * 98, "{} of 18000", counted.len());
    assert_eq!(over(&counted, 300, MINUTE), 0);
}

#[tokio::test(start_paused = true)]
async fn ten_a_second_for_an_hour() {
    // A good line, then a bad one.
    let good =
        hour(vec![rolling(10, SECOND)], |random| 60.0 + exponential(random, 8.0) + exponential(random, 30.0)).await;
    assert!(good.len() * 100 >= 36_000 * 90, "{} of 36000", good.len());
    assert_eq!(over(&good, 10, SECOND), 0);
    let bad = hour(vec![rolling(10, SECOND)], |random| 250.0 + exponential(random, 200.0)).await;
    assert!(bad.len() * 100 >= 36_000 * 75, "{} of 36000", bad.len());
    assert_eq!(over(&bad, 10, SECOND), 0);
}
