//! A thousand waiters on one credential in real time: how much of the pace is reached, how often a waiter is woken, how
//! many overtake each other. `cargo bench --bench dispatcher`, about 20 s; it fails below 99.5 % of the pace.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a bench that cannot go on has failed, and prints")]

use std::future::Future;
use std::pin::pin;
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tidemill::job::JobName;
use tidemill::provider::{Limits, Window};
use tidemill::quota::{Clock, Feedback, Journal, Quota, open};
use tokio::task::JoinSet;

const WAITERS: usize = 1000;
const PERMITS: usize = 1000;

/// One waiter that stands in line once: when its turn came.
async fn wait(quota: Quota, number: usize, polls: Arc<AtomicUsize>, order: Arc<Mutex<Vec<(usize, Duration)>>>) {
    let name = JobName::parse("bench").unwrap();
    let mut waiting = pin!(quota.permit(&name));
    let permit = std::future::poll_fn(|context| {
        polls.fetch_add(1, Ordering::Relaxed);
        waiting.as_mut().poll(context)
    });
    let mut departed = permit.await.unwrap().depart();
    order.lock().unwrap().push((number, quota.clock().now().elapsed));
    departed.answered(Feedback::Accepted);
}

async fn measure(journalled: bool) -> bool {
    let folder = tempfile::tempdir().unwrap();
    // A hundred a second, evenly: a gap of 10.25 ms.
    let window = Window { bucket: true, ..Window::rolling(100, Duration::from_secs(1)) };
    let limits = Limits { windows: vec![window], concurrency: 64, guessed: Vec::new() };
    let clock = Clock::system();
    let (journal, history) = match journalled {
        true => {
            let (journal, history) = Journal::open(folder.path(), "bench", &clock, &limits.windows).unwrap();
            (Some(journal), history)
        }
        false => (None, tidemill::quota::History::default()),
    };
    let (quota, dispatcher) = open(&limits, Duration::from_secs(60), journal, history, clock.clone());
    let mut tasks = JoinSet::new();
    let mut keeper = JoinSet::new();
    keeper.spawn(dispatcher.run());
    let (polls, order) = (Arc::new(AtomicUsize::new(0)), Arc::new(Mutex::new(Vec::new())));
    for number in 0..WAITERS + PERMITS {
        tasks.spawn(wait(quota.clone(), number, Arc::clone(&polls), Arc::clone(&order)));
        // In line before the next one comes.
        tokio::task::yield_now().await;
    }
    while order.lock().unwrap().len() < PERMITS {
        tasks.join_next().await;
    }
    let order = order.lock().unwrap().clone();
    tasks.shutdown().await;
    let (first, last) = (order[1].1, order[PERMITS - 1].1);
    let pace = Duration::from_micros(10_250) * u32::try_from(PERMITS - 2).unwrap();
    let reached = 100.0 * pace.as_secs_f64() / (last - first).as_secs_f64();
    let overtaken = order.windows(2).filter(|pair| pair[0].0 > pair[1].0).count();
    // Each was asked once when it came and, if its turn came, woken once.
    let woken = polls.load(Ordering::Relaxed).saturating_sub(WAITERS + PERMITS) as f64 / order.len() as f64;
    println!(
        "{WAITERS} waiters, {}: {reached:.2} % of the pace, {overtaken} overtaken, {woken:.3} wake-ups a permit",
        if journalled { "with a journal" } else { "in memory" }
    );
    reached >= 99.5 && overtaken == 0
}

fn main() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let reached = [false, true].map(|journalled| runtime.block_on(measure(journalled)));
    if reached == [true, true] { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
