//! The way of a request: when it is counted, what it occupies, when its answer is back, by whose clock.

#![expect(clippy::unwrap_used, reason = "a helper of tests fails the test")]

use std::sync::Mutex;
use std::time::Duration;

use futures_util::future::join_all;
use tidemill::provider::{Limits, Window};
use tidemill::quota::Clock;
use tidemill::simulate::{CountAt, Entry, Kind, Latency, Options, Rules, Simulator, Stats, answer};

use super::help::{WALL, foxdata, ms, open_limits, play, quick, rank, rolling, verdict};

/// 25 ms there, 50 ms of work, 25 ms back.
fn far(count_at: CountAt, limits: Limits) -> Options {
    Options { latency: Latency::J0, count_at, limits: Some(limits), ..quick() }
}

fn limits(windows: Vec<Window>) -> Limits {
    Limits { windows, ..open_limits() }
}

/// Sends a request at each of `starts` (ms); gives when its answer is back and its code, by the log when each was
/// counted, and the totals.
async fn sent(options: Options, starts: &[u64]) -> (Vec<(u64, String)>, Vec<Entry>, Stats) {
    let clock = Clock::starting_at(WALL.parse().unwrap());
    let simulator = Mutex::new(play(&foxdata(), options));
    let answers = starts.iter().map(async |start| {
        clock.sleep_until(Duration::from_millis(*start)).await;
        let response = answer(&simulator, &clock, &rank("1")).await.unwrap();
        let body: serde_json::Value = serde_json::from_slice(response.body()).unwrap();
        (u64::try_from(clock.now().elapsed.as_millis()).unwrap(), body["code"].to_string())
    });
    let answers = join_all(answers).await;
    let simulator: Simulator = simulator.into_inner().unwrap();
    (answers, simulator.log().to_vec(), simulator.stats())
}

fn counted(log: &[Entry]) -> Vec<u128> {
    log.iter().map(|entry| entry.at.elapsed.as_millis()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_request_is_counted_where_it_is_said() {
    // The second is refused: it is answered without the work that is not done yet.
    let expected = [(CountAt::Start, 25, 60), (CountAt::Middle, 50, 85), (CountAt::End, 75, 110)];
    for (count_at, first, refused) in expected {
        let (answers, log, _) = sent(far(count_at, limits(vec![rolling(1, 60)])), &[0, 10]).await;
        assert_eq!(counted(&log), [first, first + 10], "{count_at:?}");
        assert_eq!(answers, [(100, "200".to_owned()), (refused, "60004".to_owned())], "{count_at:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn refusals_without_a_way_there_are_as_quick_as_the_floor() {
    let latency = Latency::fixed(Duration::from_millis(40));
    for (count_at, refused) in [(CountAt::Start, 40), (CountAt::Middle, 40), (CountAt::End, 40)] {
        let options = Options { latency, ..far(count_at, limits(vec![rolling(1, 60)])) };
        let (answers, ..) = sent(options, &[0, 0]).await;
        assert_eq!((answers[0].0, answers[1].0), (40, refused), "{count_at:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn requests_are_decided_in_the_order_they_are_counted() {
    let starts: Vec<u64> = (0..200).collect();
    for count_at in [CountAt::Start, CountAt::Middle, CountAt::End] {
        let options = Options { latency: Latency::J2, ..far(count_at, limits(vec![rolling(1000, 60)])) };
        let (answers, log, _) = sent(options, &starts).await;
        assert!(log.is_sorted_by_key(|entry| entry.at.elapsed));
        // And that is neither the order in which they left nor that in which they are back.
        assert!(!answers.is_sorted(), "{count_at:?}");
        assert_eq!(log.len(), 200);
    }
}

#[tokio::test(start_paused = true)]
async fn a_place_is_occupied_from_the_arrival_to_the_end() {
    for count_at in [CountAt::Start, CountAt::Middle, CountAt::End] {
        let options = far(count_at, Limits { concurrency: 1, ..open_limits() });
        // At the provider from 25 to 75; one too many from 35 until it is refused, at 85 at the latest; one at 95.
        let (answers, log, stats) = sent(options, &[0, 10, 70]).await;
        let codes: Vec<&str> = answers.iter().map(|(_, code)| code.as_str()).collect();
        assert_eq!(codes, ["200", "429", "200"], "{count_at:?}");
        assert_eq!((stats.windows[0].refused, stats.windows[0].accepted), (1, 2));
        assert_eq!(log.iter().map(|entry| entry.in_flight).collect::<Vec<_>>(), [0, 1, 0]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_client_that_goes_away_is_counted_all_the_same() {
    for (patience, wanted) in [(10, 10), (40, 40), (60, 50)] {
        let clock = Clock::starting_at(WALL.parse().unwrap());
        let simulator = Mutex::new(play(&foxdata(), far(CountAt::Middle, Limits { concurrency: 1, ..open_limits() })));
        let request = rank("1");
        tokio::select! {
            _ = answer(&simulator, &clock, &request) => panic!("nobody waited so long"),
            () = clock.sleep_until(Duration::from_millis(patience)) => {}
        }
        let mut simulator = simulator.into_inner().unwrap();
        assert_eq!((counted(simulator.log()), simulator.stats().windows[0].accepted), (vec![wanted], 1));
        // It goes on being processed, and nothing is occupied for ever.
        let codes = [patience + 10, 500].map(|now| verdict(&simulator.answer(ms(now), &rank("2")), "/code").1);
        assert_eq!(codes, ["429", "200"], "{patience}");
    }
}

#[test]
fn what_left_before_a_fatal_answer_was_back_is_not_held_against_the_client() {
    let faults = tidemill::simulate::Faults::parse("60005@1", &foxdata()).unwrap();
    let mut simulator = play(&foxdata(), Options { faults, ..far(CountAt::Start, open_limits()) });
    let first = simulator.depart(ms(0));
    let second = simulator.depart(ms(10));
    simulator.decide(ms(25), first, &rank("1"));
    simulator.decide(ms(500), second, &rank("2"));
    assert_eq!(simulator.stats().after_fatal, 0);
    simulator.depart(ms(101));
    assert_eq!(simulator.stats().after_fatal, 1);
}

#[test]
fn drift_moves_windows_days_and_the_date() {
    // 1000 ppm fast: after a quarter of an hour the provider's clock is 0.9 s ahead, so a window begins that much early.
    let let_in = |drift_ppm| {
        let rules = Rules { kind: Kind::Fixed, ..Rules::default() };
        let limits = limits(vec![rolling(1, 900)]);
        let mut simulator = play(&foxdata(), Options { rules, drift_ppm, limits: Some(limits), ..quick() });
        let codes =
            [0, 899_200, 900_000, 901_000].map(|now| verdict(&simulator.answer(ms(now), &rank("1")), "/code").1);
        codes.map(|code| code == "200")
    };
    assert_eq!(let_in(0), [true, false, true, false]);
    assert_eq!(let_in(1000), [true, true, false, false]);
    assert_eq!(let_in(-1000), [true, false, false, true]);

    // A log is a thousandth shorter or longer as well.
    for (drift_ppm, wanted) in [(1000, "200"), (0, "60004"), (-1000, "60004")] {
        let options = Options { drift_ppm, limits: Some(limits(vec![rolling(1, 1000)])), ..quick() };
        let mut simulator = play(&foxdata(), options);
        simulator.answer(ms(0), &rank("1"));
        assert_eq!(verdict(&simulator.answer(ms(999_500), &rank("1")), "/code").1, wanted, "{drift_ppm}");
    }

    let mut simulator = play(&foxdata(), Options { drift_ppm: -100_000, ..quick() });
    let reply = simulator.answer(ms(100_000), &rank("1"));
    assert_eq!(reply.response.headers()["date"], "Sun, 01 Mar 2026 00:01:30 GMT");
    assert_eq!(simulator.log()[0].at.elapsed, Duration::from_secs(90));
}

#[test]
fn counting_points_are_read() {
    for (text, point) in [("start", CountAt::Start), ("middle", CountAt::Middle), ("end", CountAt::End)] {
        assert_eq!(text.parse(), Ok(point));
    }
    let error = "late".parse::<CountAt>().unwrap_err().to_string();
    assert_eq!(error, "`late` is no point of the processing: write start, middle or end");
}
