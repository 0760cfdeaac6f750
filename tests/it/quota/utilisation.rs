//! How much of a limit is used, and that none of it is too much: the figures the documentation quotes.

use std::time::Duration;

use super::play::{FIXED_STAGES, Path, Server, Stage, most, play};
use super::{MINUTE, limits, ms, noon, rolling};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);

/// Per mille of `max` per `period` that were sent in the hour after a first five minutes.
fn per_mille(sent: &[Duration], max: u32, period: Duration) -> u64 {
    let warm = 5 * MINUTE;
    let used = sent.iter().filter(|at| **at >= warm && **at < warm + HOUR).count() as u64;
    used * 1000 * u64::try_from(period.as_millis()).unwrap() / (u64::from(max) * 3_600_000)
}

#[test]
fn ten_a_second() {
    for (path, floor) in [(Path::Good, 915), (Path::Bad, 735)] {
        for stage in FIXED_STAGES {
            let limits = limits(vec![rolling(10, SECOND)], 64);
            let played = play(&limits, Server::new(path, stage), noon(), HOUR + 5 * MINUTE, 11);
            let used = per_mille(&played.sent, 10, SECOND);
            assert!(most(&played.counted, SECOND) <= 10, "{path:?} {stage:?}: {}", most(&played.counted, SECOND));
            assert!(used >= floor, "{path:?} {stage:?}: {used} per mille");
        }
    }
}

#[test]
fn three_hundred_a_minute() {
    for path in [Path::Good, Path::Bad] {
        for stage in [Stage::Send, Stage::Arrival, Stage::Done, Stage::Answer, Stage::Anywhere] {
            let limits = limits(vec![rolling(10, SECOND), rolling(300, MINUTE)], 16);
            let played = play(&limits, Server::new(path, stage), noon(), HOUR + 5 * MINUTE, 12);
            let used = per_mille(&played.sent, 300, MINUTE);
            assert!(most(&played.counted, MINUTE) <= 300, "{path:?} {stage:?}");
            assert!(used >= 980, "{path:?} {stage:?}: {used} per mille");
        }
    }
}

#[test]
fn work_that_comes_and_goes() {
    for path in [Path::Good, Path::Bad] {
        let limits = limits(vec![rolling(10, SECOND), rolling(300, MINUTE)], 16);
        let on_off = Some((Duration::from_secs(120), Duration::from_secs(90)));
        let server = Server { on_off, ..Server::new(path, Stage::Done) };
        let played = play(&limits, server, noon(), 4 * HOUR, 13);
        // Two minutes of work in three and a half.
        let backlog = 4 * 3600 * 5 * 120 / 210;
        assert!(played.sent.len() * 1000 >= backlog * 970, "{} of {backlog}", played.sent.len());
        assert!(most(&played.counted, MINUTE) <= 300, "{path:?}");
        assert!(most(&played.counted, SECOND) <= 10, "{path:?}");
    }
}

#[test]
fn a_quiet_minute_earns_no_burst() {
    // The governor's own per-minute quota lets 119 through in the first minute after a pause.
    let limits = limits(vec![rolling(60, MINUTE)], 64);
    let on_off = Some((Duration::from_secs(120), Duration::from_secs(600)));
    let server = Server { on_off, ..Server::new(Path::Even { floor: ms(1), excess: ms(1) }, Stage::Arrival) };
    let sent = play(&limits, server, noon(), HOUR, 7).sent;
    assert_eq!(most(&sent, MINUTE), 60);
    // Spaced too, not only counted: 60 s and 600 ms of headroom for sixty.
    let closest = sent.windows(2).map(|pair| pair[1] - pair[0]).min();
    assert_eq!(closest, Some(ms(1010)));
    assert!(sent.len() >= 5 * 118, "{}", sent.len());
}
