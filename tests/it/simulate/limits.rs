//! Windows are enforced exactly at their edge.

use std::time::Duration;

use jiff::civil::time;
use jiff::tz::TimeZone;
use proptest::prelude::*;
use tidemill::provider::{Limits, Window};
use tidemill::simulate::{Latency, Options, Rules, Simulator};

use super::help::{agu, agushuju, foxdata, ms, open_limits, play, quick, rank, rolling, sensenova, verdict};

fn limited(windows: Vec<Window>) -> Options {
    Options { limits: Some(Limits { windows, ..open_limits() }), ..quick() }
}

fn code(simulator: &mut Simulator, now: u64) -> String {
    verdict(&simulator.answer(ms(now), &rank("1")), "/code").1
}

#[test]
fn second_and_minute_at_their_edges() {
    let mut simulator = play(&foxdata(), limited(vec![rolling(6, 60), rolling(2, 1)]));
    let expected = [
        (0, "200"),
        (500, "200"),
        (999, "429"), // three within (-1, 999]
        (1000, "200"),
        (1499, "429"),
        (1500, "200"),
        (3000, "200"),
        (4000, "200"),
        (9000, "60004"), // seven within a minute
        (59_999, "60004"),
        (60_000, "200"), // the call at 0 left exactly now
        (60_499, "60004"),
        (60_500, "200"),
    ];
    for (now, wanted) in expected {
        assert_eq!(code(&mut simulator, now), wanted, "{now} ms");
    }
    let stats = simulator.stats();
    assert_eq!((stats.windows[0].most_offered, stats.windows[0].most_counted, stats.windows[0].max), (4, 2, 2));
    assert_eq!((stats.windows[1].most_counted, stats.windows[1].refused), (6, 3));
    assert_eq!(stats.refusals["429"], 2);
    assert!(simulator.log().iter().all(|entry| entry.counted == (entry.code.as_deref() == Some("200"))));
}

#[test]
fn refusals_count_when_asked() {
    let options = Options { rules: Rules { count_refusals: true, ..Rules::default() }, ..limited(vec![rolling(1, 1)]) };
    let mut simulator = play(&foxdata(), options);
    let answers: Vec<String> = [0, 600, 1200, 1800, 2800].map(|now| code(&mut simulator, now)).into();
    assert_eq!(answers, ["200", "429", "429", "429", "200"]);
}

#[test]
fn a_day_begins_at_its_reset_in_its_zone() {
    let zone = TimeZone::get("Asia/Shanghai").unwrap();
    let day = Window::day(2, time(8, 30, 0, 0), zone);
    let mut simulator = play(&foxdata(), limited(vec![day]));
    // The clock starts at 08:00 in Shanghai, half an hour before the reset.
    let half = 30 * 60 * 1000;
    let expected = [
        (0, "200"),
        (1, "200"),
        (half - 1, "60003"),
        (half, "200"),
        (half + 1, "200"),
        (half + 86_400_000 - 1, "60003"),
        (half + 86_400_000, "200"),
    ];
    for (now, wanted) in expected {
        assert_eq!(code(&mut simulator, now), wanted, "{now} ms");
    }
}

#[test]
fn a_rolling_day_frees_call_by_call() {
    let mut simulator = play(&foxdata(), limited(vec![rolling(1, 86_400)]));
    let answers: Vec<String> = [0, 86_399_999, 86_400_000].map(|now| code(&mut simulator, now)).into();
    assert_eq!(answers, ["200", "60003", "200"]);
}

#[test]
fn concurrency_is_what_is_being_processed() {
    let options = || Options {
        latency: Latency::fixed(Duration::from_millis(100)),
        limits: Some(Limits { concurrency: 2, ..open_limits() }),
        ..quick()
    };
    let mut simulator = play(&sensenova(), options());
    let asked: Vec<_> = [0, 10, 99, 100, 101, 110]
        .map(|now| verdict(&simulator.answer(ms(now), &super::help::chat_now()), "/error/code"))
        .into();
    let codes: Vec<&str> = asked.iter().map(|(_, code)| code.as_str()).collect();
    assert_eq!(codes, ["", "", "1303", "", "1303", ""]);
    assert_eq!(asked[2].0, 429);
    assert_eq!(simulator.stats().windows[0].most_offered, 3);
}

#[test]
fn each_provider_refuses_in_its_own_words() {
    let retry_after = |simulator: &mut Simulator, now| {
        let reply = simulator.answer(ms(now), &agu("/stock_basic?limit=1"));
        let header = reply.response.headers().get("retry-after").map(|value| value.to_str().unwrap().to_owned());
        (reply.response.status().as_u16(), header)
    };
    let mut simulator = play(&agushuju(), limited(vec![rolling(1, 60)]));
    assert_eq!(retry_after(&mut simulator, 0), (200, None));
    assert_eq!(retry_after(&mut simulator, 29_500), (429, Some("31".to_owned())));
    assert_eq!(retry_after(&mut simulator, 60_500), (200, None));

    let mut simulator = play(&sensenova(), limited(vec![rolling(1, 60)]));
    simulator.answer(ms(0), &super::help::chat_now());
    let reply = simulator.answer(ms(5), &super::help::chat_now());
    assert_eq!(verdict(&reply, "/error/code"), (429, "1302".to_owned()));

    let follows = Options { errors_in_http_200: Some(false), ..limited(vec![rolling(1, 60)]) };
    for (options, http) in [(limited(vec![rolling(1, 60)]), 200), (follows, 429)] {
        let mut simulator = play(&foxdata(), options);
        simulator.answer(ms(0), &rank("1"));
        assert_eq!(verdict(&simulator.answer(ms(5), &rank("1")), "/code"), (http, "60004".to_owned()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// No window `(t - T, t]` holds more counted calls than allowed, and no call is refused that would have fitted.
    #[test]
    fn a_window_is_exact(gaps in proptest::collection::vec(0_u64..700, 1..60), max in 1_u32..5) {
        let mut simulator = play(&foxdata(), limited(vec![rolling(max, 1)]));
        let mut now = 0;
        let mut counted: Vec<u64> = Vec::new();
        for gap in gaps {
            now += gap;
            let inside = counted.iter().filter(|at| *at + 1000 > now).count();
            let accepted = code(&mut simulator, now) == "200";
            prop_assert_eq!(accepted, inside < max as usize);
            if accepted {
                counted.push(now);
            }
        }
    }
}
