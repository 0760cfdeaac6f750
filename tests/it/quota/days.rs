//! Days in the provider's zone, and the instants around their change.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::{date, time};
use jiff::tz::TimeZone;
use proptest::prelude::*;
use tidemill::quota::{Calendar, Feedback, History, Limiter, Walls};

use super::play::{Path, Server, Stage, play};
use super::{MAX_WAIT, MINUTE, at, day, limits, ms};

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(96) })]

    #[test]
    fn a_day_is_never_over(max in 1_u32..200, concurrency in 1_u32..9, seed: u64, excess in 0_u64..20_000) {
        // Two days from shortly before the short day of 2026 on.
        let zone = "America/New_York";
        let start: Timestamp = "2026-03-08T04:58:00Z".parse().unwrap();
        let limits = limits(vec![day(max, time(0, 0, 0, 0), zone)], concurrency);
        let path = Path::Even { floor: ms(1), excess: ms(excess) };
        let server = Server { refunded: 10, reset: 5, timed_out: 5, ..Server::new(path, Stage::Anywhere) };
        let counted = play(&limits, server, start, 40 * 60 * MINUTE, seed).counted;
        let mut days: BTreeMap<_, u32> = BTreeMap::new();
        for count in counted {
            let zoned = at(start, count).wall.to_zoned(TimeZone::get(zone).unwrap());
            *days.entry(zoned.date()).or_default() += 1;
        }
        prop_assert!(days.len() >= 3 && days.values().all(|used| *used <= max), "{days:?}");
    }
}

#[test]
fn days_in_their_zone() {
    let table = [
        // zone, resets, instant, the day it belongs to, when that day ends
        ("Asia/Shanghai", time(0, 0, 0, 0), "2026-03-10T15:59:59Z", date(2026, 3, 10), "2026-03-10T16:00:00Z"),
        ("Asia/Shanghai", time(0, 0, 0, 0), "2026-03-10T16:00:00Z", date(2026, 3, 11), "2026-03-11T16:00:00Z"),
        ("Asia/Shanghai", time(8, 0, 0, 0), "2026-03-10T16:00:00Z", date(2026, 3, 10), "2026-03-11T00:00:00Z"),
        ("America/New_York", time(0, 0, 0, 0), "2026-03-08T05:00:00Z", date(2026, 3, 8), "2026-03-09T04:00:00Z"),
        ("America/New_York", time(0, 0, 0, 0), "2026-11-01T04:00:00Z", date(2026, 11, 1), "2026-11-02T05:00:00Z"),
        // A reset in the hour that does not exist comes an hour later by the clock; one that exists twice at its first.
        ("America/New_York", time(2, 30, 0, 0), "2026-03-08T07:29:59Z", date(2026, 3, 7), "2026-03-08T07:30:00Z"),
        ("America/New_York", time(1, 30, 0, 0), "2026-11-01T05:30:00Z", date(2026, 11, 1), "2026-11-02T06:30:00Z"),
    ];
    for (zone, resets, instant, day, ends) in table {
        let calendar = Calendar::new(1, resets, TimeZone::get(zone).unwrap());
        let instant: Timestamp = instant.parse().unwrap();
        assert_eq!(calendar.day_of(instant), day, "{zone} {instant}");
        assert_eq!(calendar.resets_at(instant), ends.parse().unwrap(), "{zone} {instant}");
    }
}

#[test]
fn a_clock_set_back_opens_no_second_day() {
    let mut calendar = Calendar::new(2, time(0, 0, 0, 0), TimeZone::UTC);
    let (before, after): (Timestamp, Timestamp) =
        ("2026-03-10T23:00:00Z".parse().unwrap(), "2026-03-11T01:00:00Z".parse().unwrap());
    calendar.take(Walls::sure(after), 0, 1);
    calendar.take(Walls::sure(before), 0, 1);
    assert_eq!(calendar.used(Walls::sure(before), 0), 2);
    assert_eq!(calendar.next_free(Walls::sure(before), 0, 1), "2026-03-12T00:00:05Z".parse().unwrap());
}

#[test]
fn nothing_leaves_around_a_boundary() {
    let calendar = Calendar::new(2, time(0, 0, 0, 0), TimeZone::UTC);
    let open: Timestamp = "2026-03-11T00:00:05Z".parse().unwrap();
    for (wall, free) in [
        ("2026-03-10T23:59:54.999Z", None),
        ("2026-03-10T23:59:55Z", Some(open)),
        ("2026-03-11T00:00:04.999Z", Some(open)),
        ("2026-03-11T00:00:05Z", None),
    ] {
        let wall: Timestamp = wall.parse().unwrap();
        assert_eq!(calendar.next_free(Walls::sure(wall), 0, 1), free.unwrap_or(wall), "{wall}");
    }
}

#[test]
fn a_call_under_way_at_midnight_counts_in_both_days() {
    let start: Timestamp = "2026-03-10T23:59:54Z".parse().unwrap();
    let limits = limits(vec![day(2, time(0, 0, 0, 0), "UTC")], 4);
    let mut limiter = Limiter::new(&limits, MAX_WAIT, &History::default(), at(start, Duration::ZERO));
    let ticket = limiter.take(at(start, Duration::ZERO)).unwrap();
    limiter.answered(ticket, Duration::ZERO, Feedback::Accepted, at(start, ms(10_000)));
    limiter.freed(at(start, ms(10_000)));
    assert_eq!(limiter.snapshot(at(start, ms(11_000)), 0).windows[0].used, 1);
}
