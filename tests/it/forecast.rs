//! Forecasts: tables of limits and days, and every one against calls made one by one.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::time::Duration;

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use tidemill::job::Ceilings;
use tidemill::plan::{Bottleneck, Forecast, Learned, Used, Work, forecast};
use tidemill::provider::{Limits, Unit, Window};

const NOON: &str = "2026-11-25T04:00:00Z";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap()
}

const fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn second(max: u32) -> Window {
    Window::rolling(max, s(1))
}

fn minute(max: u32) -> Window {
    Window::rolling(max, s(60))
}

fn day(max: u32, name: &str) -> Window {
    Window::day(max, Time::midnight(), zone(name))
}

fn limits(windows: &[Window]) -> Limits {
    Limits { windows: windows.to_vec(), concurrency: 8, guessed: Vec::new() }
}

fn cells(cells: u64) -> Work {
    Work { cells, ..Work::default() }
}

fn of(work: Work, windows: &[Window], now: &str) -> Forecast {
    forecast(&[work], &limits(windows), &[], &zone("Asia/Shanghai"), at(now))
}

/// Calls, when done, bottleneck, days and most calls in one.
fn told(forecast: &Forecast) -> (u64, String, Option<Bottleneck>, u64, u64) {
    let done = forecast.done.map_or_else(|| "never".to_owned(), |done| done.to_string());
    (forecast.calls, done, forecast.bottleneck, forecast.days, forecast.per_day)
}

#[test]
fn limits_give_a_finishing_time() {
    use Bottleneck::Window as On;
    let shanghai = || day(1000, "Asia/Shanghai");
    type Case<'a> = (u64, &'a [Window], &'a str, Option<Bottleneck>, u64, u64);
    let table: [Case; 12] = [
        (0, &[second(10)], "2026-11-25T04:00:00Z", None, 0, 0),
        (1, &[second(10)], "2026-11-25T04:00:00Z", None, 1, 1),
        // Spaced by 115 ms: a second holds ten and a headroom.
        (11, &[second(10)], "2026-11-25T04:00:01.15Z", Some(On(0)), 1, 11),
        (3001, &[second(10), minute(300)], "2026-11-25T04:10:06Z", Some(On(1)), 1, 3001),
        (5, &[], "2026-11-25T04:00:00Z", None, 1, 5),
        // Seven a minute and the rest of the day, four whole days, and the first calls of a fifth.
        (3001, &[second(10), shanghai()], "2026-11-27T16:00:05Z", Some(On(1)), 4, 1000),
        (3000, &[second(10), shanghai()], "2026-11-26T16:01:59.885Z", Some(On(1)), 3, 1000),
        // No limit of a day: days are the provider's, here twelve hours and then all of them.
        (400_000, &[minute(200)], "2026-11-26T13:39:59.697Z", Some(On(0)), 2, 257_425),
        (2001, &[Window::rolling(1000, s(86_400)), second(10)], "2026-11-27T04:00:00Z", Some(On(0)), 3, 1000),
        (3, &[Window::rolling(1, s(3600))], "2026-11-25T06:01:12Z", Some(On(0)), 1, 3),
        (3, &[Window::rolling(1, s(3601))], "2026-11-25T06:00:02Z", Some(On(0)), 1, 3),
        (40_000, &[day(1, "UTC")], "never", Some(On(0)), 36_601, 1),
    ];
    for (calls, windows, done, bottleneck, days, most) in table {
        let found = of(cells(calls), windows, NOON);
        assert_eq!(told(&found), (calls, done.to_owned(), bottleneck, days, most), "{calls} in {windows:?}");
    }
}

#[test]
fn days_are_as_long_as_their_zone_makes_them() {
    let first = |date: &str, name: &str| {
        let start = date.parse::<Date>().unwrap().to_zoned(zone(name)).unwrap();
        start.timestamp() + SignedDuration::from_secs(5)
    };
    let table = [
        // Clocks go forward on the 8th of March and back on the 1st of November; Cairo begins that day at one.
        ("America/New_York", "2026-03-07T17:00:00Z", "2026-03-09", 3),
        ("America/New_York", "2026-10-31T16:00:00Z", "2026-11-02", 3),
        ("Africa/Cairo", "2026-04-22T12:00:00Z", "2026-04-24", 3),
        ("Asia/Shanghai", "2026-12-30T12:00:00Z", "2027-01-01", 3),
    ];
    for (name, now, last, days) in table {
        let found = of(cells(201), &[day(100, name)], now);
        assert_eq!(
            told(&found),
            (201, first(last, name).to_string(), Some(Bottleneck::Window(0)), days, 100),
            "{name}"
        );
    }
    // A day that begins at six in the evening.
    let evening = Window::day(100, Time::constant(18, 0, 0, 0), zone("America/New_York"));
    assert_eq!(of(cells(101), &[evening], "2026-10-31T23:00:00Z").done, Some(at("2026-11-01T23:00:05Z")));
    // Right before midnight nothing leaves.
    assert_eq!(of(cells(1), &[day(100, "UTC")], "2026-11-25T23:59:57Z").done, Some(at("2026-11-26T00:00:05Z")));
    assert_eq!(of(cells(1), &[day(100, "UTC")], "2026-11-26T00:00:02Z").done, Some(at("2026-11-26T00:00:05Z")));
}

#[test]
fn what_cells_took_counts_for_those_left() {
    let learned = Learned { cells: 200, pages: 600, calls: 600, credits: 6000, took: s(300) };
    let work = Work { cells: 1040, learned, ceilings: Ceilings::default() };
    let found = of(work, &[second(10), day(1000, "Asia/Shanghai")], NOON);
    assert_eq!((found.calls, found.credits), (3120, 31_200));
    assert_eq!((found.days, found.done), (4, Some(at("2026-11-27T16:00:19.185Z"))), "the last answer takes 0.5 s");

    // Ten credits a call, 5000 a day: 500 calls. In a minute 600 credits are 60 calls.
    let credits = |window: Window| Window { unit: Unit::Credits, ..window };
    let found = of(work, &[credits(day(5000, "Asia/Shanghai"))], NOON);
    assert_eq!((found.days, found.per_day), (7, 500));
    let found = of(Work { cells: 20, ..work }, &[credits(minute(600))], NOON);
    assert_eq!(found.done, Some(at(NOON) + SignedDuration::from_millis(59 * 1010 + 500)));
    // What costs nothing so far is not limited by credits.
    let free = Work { learned: Learned { credits: 0, ..learned }, ..work };
    assert_eq!(
        of(free, &[credits(day(10, "UTC")), credits(minute(1))], NOON).bottleneck,
        Some(Bottleneck::Concurrency)
    );
    // One call that costs more than a day has goes out alone.
    let dear =
        Work { cells: 1, learned: Learned { cells: 1, pages: 3, calls: 3, credits: 90_000, took: s(0) }, ..work };
    assert_eq!(of(dear, &[credits(day(5000, "UTC"))], NOON).days, 3);
}

#[test]
fn slow_answers_are_a_limit_of_their_own() {
    // Ten seconds an answer, eight at once: 0.8 a second.
    let learned = Learned { cells: 10, pages: 10, calls: 10, credits: 0, took: s(100) };
    let work = |cells| Work { cells, learned, ceilings: Ceilings::default() };
    let found = of(work(81), &[second(10)], NOON);
    assert_eq!(
        (found.bottleneck, found.done),
        (Some(Bottleneck::Concurrency), Some(at(NOON) + SignedDuration::from_secs(110)))
    );
    assert_eq!(of(work(1), &[second(10)], NOON).done, Some(at(NOON) + SignedDuration::from_secs(10)));
    assert_eq!(of(work(2), &[], NOON).done, Some(at(NOON) + SignedDuration::from_secs(15)), "two cells, two at once");
}

#[test]
fn jobs_of_one_credential_share_its_days() {
    let learned = Learned { cells: 1, pages: 2, calls: 2, credits: 0, took: s(0) };
    let jobs = [cells(500), Work { cells: 300, learned, ceilings: Ceilings::default() }];
    let limits = limits(&[day(1000, "Asia/Shanghai")]);
    let found = forecast(&jobs, &limits, &[], &TimeZone::UTC, at(NOON));
    assert_eq!(told(&found), (1100, "2026-11-25T16:00:05Z".to_owned(), Some(Bottleneck::Window(0)), 2, 1000));
    assert_eq!(forecast(&[], &limits, &[], &TimeZone::UTC, at(NOON)).done, Some(at(NOON)));
}

#[test]
fn what_is_used_already_is_not_there_again() {
    let windows = [second(10), minute(300), day(1000, "Asia/Shanghai"), Window::rolling(2000, s(7 * 86_400))];
    let limits = limits(&windows);
    let with = |window, used, resets_at: &str| {
        let used = [Used { window, used, resets_at: at(resets_at) }];
        forecast(&[cells(900)], &limits, &used, &TimeZone::UTC, at(NOON)).done.unwrap().to_string()
    };
    let paced = "2026-11-25T04:03:01.598Z";
    assert_eq!(with(2, 100, "2026-11-25T16:00:00Z"), paced);
    assert_eq!(with(2, 101, "2026-11-25T16:00:00Z"), "2026-11-25T16:00:05Z", "one is too many for today");
    assert_eq!(with(2, 5000, "2026-11-25T16:00:00Z"), "2026-11-25T16:03:06.598Z");
    assert_eq!(with(1, 299, "2026-11-25T04:00:40Z"), paced);
    assert_eq!(with(1, 300, "2026-11-25T04:00:40Z"), "2026-11-25T04:03:41.598Z");
    assert_eq!(with(3, 1101, "2026-11-30T00:00:00Z"), "2026-11-30T00:00:00Z");
    assert_eq!(with(9, 5, "2026-11-30T00:00:00Z"), paced, "no such window");
}

#[test]
fn ceilings_split_the_work_into_runs() {
    let learned = Learned { cells: 1, pages: 3, calls: 3, credits: 30, took: s(0) };
    let work = |ceilings| Work { cells: 100, learned, ceilings };
    let none = Ceilings::default();
    let hour = Ceilings { deadline: Some(s(3600)), ..none };
    let table = [
        (none, 1),
        (Ceilings { max_requests: Some(300), ..none }, 1),
        (Ceilings { max_requests: Some(299), ..none }, 2),
        (Ceilings { max_credits: Some(1000), max_requests: Some(200), ..none }, 3),
        (hour, 1),
    ];
    for (ceilings, runs) in table {
        assert_eq!(work(ceilings).runs(), runs, "{ceilings:?}");
    }
    let late = |done: &str| work(hour).runs_late(Some(at(done)), at(NOON));
    assert_eq!((late("2026-11-25T05:00:00Z"), late("2026-11-25T05:00:01Z")), (false, true));
    assert!(!Work { cells: 0, ..work(hour) }.runs_late(None, at(NOON)), "it has nothing to do");
    assert!(work(hour).runs_late(None, at(NOON)) && !work(none).runs_late(None, at(NOON)));
}

/// A million cells over ten years cost no more than their days.
#[test]
fn the_work_grows_with_days_and_not_with_calls() {
    let found = of(cells(u64::MAX / 4), &[second(10), minute(300)], NOON);
    assert_eq!((found.done, found.per_day), (None, 427_723));
}

/// One by one: each call leaves as soon as the spacing and every long window allow.
fn one_by_one(calls: u64, gap: i128, windows: &[Window], now: Timestamp) -> Timestamp {
    use tidemill::provider::WindowKind::{Day, Rolling};
    let guard = SignedDuration::from_secs(5);
    let mut sent: Vec<Timestamp> = Vec::new();
    let nanos = |at: Timestamp| at.as_nanosecond();
    for _ in 0..calls {
        let paced = sent.last().map_or(nanos(now), |last| nanos(*last) + gap);
        let mut at = Timestamp::from_nanosecond(paced).unwrap();
        loop {
            let later = windows.iter().map(|window| match &window.kind {
                Rolling(period) if *period <= s(3600) => at,
                Rolling(period) => {
                    let period = SignedDuration::try_from(*period).unwrap();
                    let full = sent.len().checked_sub(window.max as usize).and_then(|index| sent.get(index));
                    full.map_or(at, |earlier| at.max(*earlier + period))
                }
                Day { resets, zone } => {
                    let begin = |date: Date| {
                        zone.to_ambiguous_zoned(date.to_datetime(*resets)).compatible().unwrap().timestamp()
                    };
                    let mut date = at.to_zoned(zone.clone()).date();
                    while begin(date) > at {
                        date = date.yesterday().unwrap();
                    }
                    while begin(date.tomorrow().unwrap()) <= at {
                        date = date.tomorrow().unwrap();
                    }
                    let (from, to) = (begin(date), begin(date.tomorrow().unwrap()));
                    let used = sent.iter().filter(|sent| (from..to).contains(*sent)).count();
                    match used < window.max as usize && at < to - guard {
                        true => at.max(from + guard),
                        false => to + guard,
                    }
                }
            });
            let later = later.max().unwrap_or(at);
            if later == at {
                break;
            }
            at = later;
        }
        sent.push(at);
    }
    sent.last().copied().unwrap_or(now)
}

fn window() -> impl Strategy<Value = Window> {
    let zones = ["Asia/Shanghai", "America/New_York", "Europe/Berlin", "Africa/Cairo", "Australia/Lord_Howe", "UTC"];
    prop_oneof![
        (1_u32..40, prop::sample::select(vec![1_u64, 10, 60, 3600]))
            .prop_map(|(max, period)| Window::rolling(max, s(period))),
        (1_u32..40, 3601_u64..200_000).prop_map(|(max, period)| Window::rolling(max, s(period))),
        (1_u32..40, prop::sample::select(zones.to_vec()), 0_i8..24).prop_map(|(max, name, hour)| Window::day(
            max,
            Time::constant(hour, 0, 0, 0),
            zone(name)
        )),
    ]
}

/// The spacing the windows of up to an hour ask for, in nanoseconds.
fn gap(windows: &[Window]) -> i128 {
    let gaps = windows.iter().filter_map(|window| match window.kind {
        tidemill::provider::WindowKind::Rolling(period) if period <= s(3600) => {
            let headroom = if period <= s(5) {
                Duration::from_millis(150)
            } else {
                (period / 100).max(Duration::from_millis(600))
            };
            Some((period + headroom).as_nanos().div_ceil(u128::from(window.max)) as i128)
        }
        _ => None,
    });
    gaps.max().unwrap_or(0)
}

proptest! {
    /// The walk in stretches ends where calls made one by one end, whatever the limits, over changes of the clocks too.
    #[test]
    fn it_is_what_calls_one_by_one_take(
        calls in 1_u64..300,
        windows in prop::collection::vec(window(), 0..4),
        now in 1_772_000_000_i64..1_800_000_000,
    ) {
        let now = Timestamp::from_second(now).unwrap();
        let found = forecast(&[cells(calls)], &limits(&windows), &[], &TimeZone::UTC, now);
        prop_assert_eq!(found.done, Some(one_by_one(calls, gap(&windows), &windows, now)));
        prop_assert!(found.days >= 1 && found.days * found.per_day >= calls && found.per_day <= calls);
    }

    /// Never earlier than calls by limit, and more is never done sooner.
    #[test]
    fn it_is_no_sooner_than_the_limits(
        calls in 1_u64..20_000,
        more in 0_u64..1000,
        windows in prop::collection::vec(window(), 1..4),
        now in 1_772_000_000_i64..1_800_000_000,
    ) {
        let now = Timestamp::from_second(now).unwrap();
        let done = |calls| forecast(&[cells(calls)], &limits(&windows), &[], &TimeZone::UTC, now).done;
        let Some(found) = done(calls) else { return Ok(()) };
        let took = found.duration_since(now).as_secs_f64();
        for window in &windows {
            let whole = (calls - 1) / u64::from(window.max);
            let least = match window.kind {
                tidemill::provider::WindowKind::Rolling(period) => whole as f64 * period.as_secs_f64(),
                // The first day may be almost over, and each may be as short as 22.5 hours.
                tidemill::provider::WindowKind::Day { .. } => whole.saturating_sub(1) as f64 * 81_000.0,
            };
            prop_assert!(took >= least, "{took} s, {window:?} needs {least}");
        }
        prop_assert!(done(calls + more).is_none_or(|later| later >= found));
    }
}
