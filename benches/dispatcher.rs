//! What the dispatcher costs, in real time: a thousand waiters on one credential (how much of the pace is reached, how
//! often a waiter is woken, how many overtake each other); ten thousand that wait for a window; and one permit from asking
//! for it to the end of its request.
//!
//! `cargo bench --bench dispatcher`, about a minute; `-- pace`, `-- idle` and `-- permit` are its parts. It fails below
//! 99.5 % of the pace, and where waiting takes a hundredth of a core. Time of the processor is that of the whole process.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a bench that cannot go on has failed, and prints")]

use std::future::Future;
use std::path::Path;
use std::pin::pin;
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tidemill::job::JobName;
use tidemill::provider::{Limits, Window};
use tidemill::quota::{Clock, Feedback, History, Journal, Quota, open};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;

const WAITERS: usize = 1000;
const PERMITS: usize = 1000;

/// The limits of one credential and whoever keeps them.
fn quota(windows: Vec<Window>, concurrency: u32, folder: Option<&Path>, keeper: &mut JoinSet<()>) -> Quota {
    let limits = Limits { windows, concurrency, guessed: Vec::new() };
    let clock = Clock::system();
    let (journal, history) = match folder {
        Some(folder) => {
            let (journal, history) = Journal::open(folder, "bench", &clock, &limits.windows).unwrap();
            (Some(journal), history)
        }
        None => (None, History::default()),
    };
    let (quota, dispatcher) = open(&limits, Duration::from_secs(60), journal, history, clock);
    keeper.spawn(dispatcher.run());
    quota
}

fn name() -> JobName {
    JobName::parse("bench").unwrap()
}

fn where_kept(journalled: bool) -> &'static str {
    if journalled { "with a journal" } else { "in memory" }
}

/// One waiter that stands in line once: when its turn came.
async fn wait(quota: Quota, number: usize, polls: Arc<AtomicUsize>, order: Arc<Mutex<Vec<(usize, Duration)>>>) {
    let name = name();
    let mut waiting = pin!(quota.permit(&name));
    let permit = std::future::poll_fn(|context| {
        polls.fetch_add(1, Ordering::Relaxed);
        waiting.as_mut().poll(context)
    });
    let mut departed = permit.await.unwrap().depart();
    order.lock().unwrap().push((number, quota.clock().now().elapsed));
    departed.answered(Feedback::Accepted);
}

async fn pace(journalled: bool) -> bool {
    let folder = tempfile::tempdir().unwrap();
    // A hundred a second, evenly: a gap of 10.25 ms.
    let window = Window { bucket: true, ..Window::rolling(100, Duration::from_secs(1)) };
    let (mut tasks, mut keeper) = (JoinSet::new(), JoinSet::new());
    let quota = quota(vec![window], 64, journalled.then_some(folder.path()), &mut keeper);
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
        where_kept(journalled)
    );
    reached >= 99.5 && overtaken == 0
}

/// What it costs when nearly everybody waits for a window of a minute.
async fn idle(journalled: bool, others: usize) -> bool {
    const WAITING: usize = 10_000;
    let folder = tempfile::tempdir().unwrap();
    let (mut tasks, mut keeper) = (JoinSet::new(), JoinSet::new());
    let windows = vec![Window::rolling(30, Duration::from_secs(60))];
    // Other processes of the credential, as far as anybody can tell.
    let others: Vec<Quota> =
        (0..others).map(|_| quota(windows.clone(), 64, Some(folder.path()), &mut keeper)).collect();
    let quota = quota(windows, 64, journalled.then_some(folder.path()), &mut keeper);
    let served = Arc::new(AtomicUsize::new(0));
    for _ in 0..WAITING {
        let (quota, served) = (quota.clone(), Arc::clone(&served));
        tasks.spawn(async move {
            let mut departed = quota.permit(&name()).await.unwrap().depart();
            departed.answered(Feedback::Accepted);
            served.fetch_add(1, Ordering::Relaxed);
        });
    }
    let clock = quota.clock().clone();
    clock.sleep_until(Duration::from_secs(1)).await;
    let (used, begun) = (Clock::processor(), clock.now().elapsed);
    clock.sleep_until(Duration::from_secs(9)).await;
    let (used, passed) = (Clock::processor() - used, clock.now().elapsed - begun);
    let share = 100.0 * used.as_secs_f64() / passed.as_secs_f64();
    println!(
        "{WAITING} waiters for a minute, {}, {} others: {share:.3} % of a core, {} served",
        where_kept(journalled),
        others.len(),
        served.load(Ordering::Relaxed)
    );
    tasks.shutdown().await;
    share < 1.0
}

/// What one permit takes of the processor, from asking for it until its request is done, with 64 in flight.
fn permit(runtime: &Runtime, what: &str, windows: &[Window], journalled: bool) {
    const IN_FLIGHT: usize = 64;
    const EACH: usize = 3000;
    let folder = tempfile::tempdir().unwrap();
    let (used, passed) = runtime.block_on(async {
        let (mut tasks, mut keeper) = (JoinSet::new(), JoinSet::new());
        let folder = journalled.then_some(folder.path());
        let quota = quota(windows.to_vec(), IN_FLIGHT as u32, folder, &mut keeper);
        let name = name();
        // The first goes alone.
        quota.permit(&name).await.unwrap().depart().answered(Feedback::Accepted);
        let (used, begun) = (Clock::processor(), quota.clock().now().elapsed);
        for _ in 0..IN_FLIGHT {
            let (quota, name) = (quota.clone(), name.clone());
            tasks.spawn(async move {
                for _ in 0..EACH {
                    let mut departed = quota.permit(&name).await.unwrap().depart();
                    // Its answer takes a turn of everybody else.
                    tokio::task::yield_now().await;
                    departed.answered(Feedback::Accepted);
                }
            });
        }
        while tasks.join_next().await.is_some() {}
        (Clock::processor() - used, quota.clock().now().elapsed - begun)
    });
    let each = |time: Duration| 1e6 * time.as_secs_f64() / (IN_FLIGHT * EACH) as f64;
    println!("a permit, {what}: {:.2} us of the processor, {:.2} us of time", each(used), each(passed));
}

fn permits() {
    let second = || vec![Window::rolling(1_000_000, Duration::from_secs(1))];
    for (threads, runtime) in [
        ("1 thread", Builder::new_current_thread().enable_all().build().unwrap()),
        ("2 threads", Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap()),
    ] {
        permit(&runtime, &format!("{threads}, no window"), &[], false);
        permit(&runtime, &format!("{threads}, a million a second, in memory"), &second(), false);
        permit(&runtime, &format!("{threads}, a million a second, with a journal"), &second(), true);
    }
}

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    let is_chosen = |part: &str| words.is_empty() || words.iter().any(|word| word == part);
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let mut reached = true;
    if is_chosen("pace") {
        reached &= [false, true].map(|journalled| runtime.block_on(pace(journalled))) == [true, true];
    }
    if is_chosen("idle") {
        let cases = [(false, 0), (true, 0), (true, 1), (true, 4)];
        reached &= cases.map(|(journalled, others)| runtime.block_on(idle(journalled, others))) == [true; 4];
    }
    if is_chosen("permit") {
        permits();
    }
    if reached { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
