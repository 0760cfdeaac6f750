//! Which seeds are played, side by side, and what is said of those that fail.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use tidemill::disk::OnTheSpot;

use super::play::{Counts, Played, play};
use super::schedule::Quarter;

/// Seeds that failed once, and what they found.
const KNOWN: [(u64, &str); 2] = [
    (4, "a run that began just before a spent day opened gave the night up"),
    (95, "a Retry-After of hours was forgotten by the next run"),
];

/// Seeds of the default suite, from 1.
const SEEDS: u64 = 12;

/// What the seeds of the default suite must have met, or they prove less than they say.
const MET: [&str; 16] = [
    "exit 0",
    "exit 1",
    "exit 3",
    "exit 4",
    "exit 75",
    "exit 130",
    "exit 143",
    "killed",
    "the ledger died",
    "the disk was full",
    "ledgers lost",
    "runs at once",
    "nights missed",
    "nights after others used foxdata",
    "nights after others used agushuju",
    "days of the backfill",
];

/// Plays a quarter on a paused clock of its own; what is wrong with it comes with its schedule.
fn one(quarter: &Quarter) -> Result<Played, String> {
    let at = AtomicUsize::new(0);
    // No other thread has a say in what comes first, so a seed plays the same each time.
    let _here = OnTheSpot::begin();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    catch_unwind(AssertUnwindSafe(|| runtime.block_on(play(quarter, &at)))).map_err(|panic| {
        let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
        let wrong = text.unwrap_or("a panic without a word");
        let (seed, told) = (quarter.seed, quarter.told(at.load(Ordering::Relaxed)));
        format!("{told}{wrong}\nplay it again with TIDEMILL_SEED={seed} cargo test --test it -- quarter\n")
    })
}

/// Plays all of them, as many at a time as there are cores; one more while another waits for the disk.
fn all(quarters: &[Quarter]) -> Vec<Result<Played, String>> {
    let next = AtomicUsize::new(0);
    let played = Mutex::new(Vec::new());
    let threads = std::thread::available_parallelism().map_or(1, usize::from) + 1;
    std::thread::scope(|scope| {
        for _ in 0..threads.min(quarters.len()) {
            scope.spawn(|| {
                while let Some(quarter) = quarters.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let one = one(quarter);
                    played.lock().unwrap().push(one);
                }
            });
        }
    });
    played.into_inner().unwrap()
}

fn number(variable: &str) -> Option<u64> {
    let text = std::env::var(variable).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{variable}={text} is no number")))
}

/// With `-- --nocapture`.
#[expect(clippy::print_stderr, reason = "what the seeds were made of is for whoever asks")]
fn tell(seeds: usize, counts: &Counts) {
    eprintln!("{seeds} seeds: {counts:#?}");
}

#[test]
fn ninety_nights_and_a_backfill() {
    let (only, first) = (number("TIDEMILL_SEED"), number("TIDEMILL_SEEDS").unwrap_or(SEEDS));
    let seeds: Vec<u64> = match only {
        Some(seed) => vec![seed],
        None => KNOWN.iter().map(|(seed, _)| *seed).chain(1..=first).collect(),
    };
    let quarters: Vec<Quarter> = seeds.iter().map(|seed| Quarter::of(*seed)).collect();
    let mut counts = Counts::new();
    let mut failed = Vec::new();
    for played in all(&quarters) {
        match played {
            Ok(played) => played.counts.into_iter().for_each(|(what, count)| *counts.entry(what).or_default() += count),
            Err(wrong) => failed.push(wrong),
        }
    }
    tell(seeds.len(), &counts);
    assert!(failed.is_empty(), "{} of {} seeds failed\n{}", failed.len(), seeds.len(), failed.join("\n"));
    let unmet: Vec<&str> = MET.into_iter().filter(|what| !counts.contains_key(*what)).collect();
    assert!(only.is_some() || unmet.is_empty(), "never met: {unmet:?}");
}

/// What a seed finds can be found again.
#[test]
fn a_seed_is_the_same_quarter_each_time() {
    let quarters = [7, 7].map(|seed| {
        let mut quarter = Quarter::of(seed);
        quarter.nights.truncate(25);
        quarter
    });
    let played: Vec<Played> =
        all(&quarters).into_iter().map(|played| played.unwrap_or_else(|wrong| panic!("{wrong}"))).collect();
    assert_eq!(played[0], played[1]);
}
