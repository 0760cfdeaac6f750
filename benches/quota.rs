//! What one permit costs the limiter: check, take and answer with a full minute of ten thousand behind it.

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use tidemill::provider::{Limits, Window};
use tidemill::quota::{Decision, Feedback, History, Limiter, Moment};

fn limits() -> Limits {
    let rolling = |max, seconds| Window::rolling(max, Duration::from_secs(seconds));
    let zone = TimeZone::get("Asia/Shanghai").unwrap_or(TimeZone::UTC);
    let day = Window::day(u32::MAX, Time::midnight(), zone);
    Limits { windows: vec![rolling(200, 1), rolling(10_000, 60), day], concurrency: 64, guessed: Vec::new() }
}

fn permit(criterion: &mut Criterion) {
    let now = |elapsed: Duration| {
        let ahead = SignedDuration::try_from(elapsed).unwrap_or_default();
        Moment { elapsed, wall: Timestamp::UNIX_EPOCH + ahead }
    };
    let mut elapsed = Duration::ZERO;
    let mut limiter = Limiter::new(&limits(), Duration::from_secs(300), &History::default(), now(elapsed));
    let mut next = || {
        while let Decision::Wait { until, .. } = limiter.check(now(elapsed)) {
            elapsed = until.unwrap_or(elapsed);
        }
        if let Ok(ticket) = limiter.take(now(elapsed)) {
            limiter.answered(black_box(ticket), elapsed, Feedback::Accepted, now(elapsed));
            limiter.freed(now(elapsed));
        }
    };
    (0..20_000).for_each(|_| next());
    criterion.bench_function("quota/permit", |bencher| bencher.iter(&mut next));
}

criterion_group!(benches, permit);
criterion_main!(benches);
