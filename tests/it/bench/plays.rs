//! The engine against what is known by theory and by measurement.

use std::time::Duration;

use jiff::SignedDuration;
use jiff::civil::Time;
use jiff::tz::TimeZone;
use proptest::prelude::*;
use tidemill::bench::{Figures, Incident, Mishap, Pattern, Played, Scenario, Strategy, play};
use tidemill::provider::{Limits, Window};
use tidemill::simulate::{CountAt, Kind, Latency, Rules};

const MINUTE: Duration = Duration::from_secs(60);

fn limits(max: u32, period: Duration) -> Limits {
    Limits { windows: vec![Window::rolling(max, period)], concurrency: 1000, guessed: Vec::new() }
}

fn scenario(max: u32, latency: Latency, length: Duration) -> Scenario {
    let mut scenario = Scenario::new(limits(max, MINUTE), Rules::default(), latency, length, 1);
    scenario.load.cells = 16;
    scenario
}

/// Against a server that lets everything in: what a client offers by itself.
fn unhindered(max: u32, latency: Latency, strategy: Strategy) -> Played {
    let mut scenario = scenario(max, latency, 3 * MINUTE);
    scenario.load.cells = 1000;
    scenario.server.rules.kind = Kind::Bucket { burst: 1_000_000 };
    play(&scenario, strategy)
}

#[test]
fn a_governor_as_it_comes_lets_twice_the_limit_through_in_the_first_window() {
    let most = |strategy| unhindered(200, Latency::J0, strategy).windows[0].most;
    assert_eq!(most(Strategy::GovernorDefault), 399, "2 N - 1, as measured with the real one");
    assert_eq!(most(Strategy::GovernorBurst1), 200);
    assert_eq!(most(Strategy::LogAtSend), 200, "no jitter, no excess");
}

#[test]
fn a_log_at_send_is_exceeded_by_jitter_and_a_hold_never() {
    let most = |strategy| unhindered(300, Latency::J2, strategy).windows[0].most;
    assert!(most(Strategy::LogAtSend) > 300);
    assert!(most(Strategy::Hold) <= 300);
    assert!(most(Strategy::Tidemill) <= 300);
}

#[test]
fn a_second_play_is_the_same_and_another_seed_is_not() {
    let figures = |seed| {
        let scenario = Scenario { seed, ..scenario(300, Latency::J2, 10 * MINUTE) };
        let figures = Strategy::ALL.map(|strategy| Figures::of(&play(&scenario, strategy), None));
        serde_json::to_string(&figures).unwrap()
    };
    assert_eq!(figures(1), figures(1));
    assert_ne!(figures(1), figures(2));
}

#[test]
fn a_peer_comes_back_when_it_is_told_to() {
    let mut scenario = scenario(300, Latency::J2, 20 * MINUTE);
    scenario.server.limits = limits(100, MINUTE);
    let refused = |scenario: &Scenario| play(scenario, Strategy::GovernorBurst1).refused.len();
    let by_itself = refused(&scenario);
    scenario.server.retry_after = true;
    assert!(refused(&scenario) * 2 < by_itself, "{} after being told, {by_itself} before", refused(&scenario));
}

#[test]
fn only_ours_remembers_what_it_sent_before_it_was_killed() {
    let mut scenario = scenario(300, Latency::J1, 30 * MINUTE);
    scenario.incidents = Incident::kills(5 * MINUTE + MINUTE / 2, Duration::from_secs(1), scenario.length);
    let refused = |strategy| play(&scenario, strategy).refused.len();
    assert_eq!(refused(Strategy::Tidemill), 0);
    assert!(refused(Strategy::Hold) > 0);
    assert!(refused(Strategy::GovernorDefault) > 500);
}

#[test]
fn time_that_could_have_been_used_is_idle() {
    let idle = |told: u32| {
        let mut scenario = scenario(told, Latency::J0, 30 * MINUTE);
        scenario.server.limits = limits(60, MINUTE);
        Figures::of(&play(&scenario, Strategy::GovernorBurst1), None).idle_percent
    };
    assert!(idle(60) < 0.5, "{}", idle(60));
    assert!((idle(30) - 50.0).abs() < 0.5, "half the limit is left: {}", idle(30));
    assert!((idle(6) - 90.0).abs() < 0.5, "{}", idle(6));
    // What is left over when the work ends waits for nobody.
    let mut scenario = scenario(6, Latency::J0, 30 * MINUTE);
    scenario.server.limits = limits(60, MINUTE);
    scenario.load.pattern = Pattern::OnOff { on: MINUTE, off: 9 * MINUTE };
    let idle = Figures::of(&play(&scenario, Strategy::GovernorBurst1), None).idle_percent;
    assert!((80.0..=100.0).contains(&idle), "{idle}");
}

#[test]
fn a_day_that_has_ended_is_allowed_whole() {
    let day = |max| Limits { windows: vec![Window::day(max, Time::midnight(), TimeZone::UTC)], ..limits(1, MINUTE) };
    let mut scenario = Scenario { limits: day(40), ..scenario(1, Latency::J0, 50 * 60 * MINUTE) };
    scenario.server.limits = day(100);
    let window = &Figures::of(&play(&scenario, Strategy::LogAtSend), None).windows[0];
    assert_eq!((window.achieved, window.allowed), (3 * 40, 2 * 100 + 40));
}

#[test]
fn what_is_allowed_follows_the_work_and_the_terms() {
    let allowed = |change: &dyn Fn(&mut Scenario)| {
        let mut scenario = scenario(300, Latency::J0, 42 * MINUTE);
        change(&mut scenario);
        let figures = Figures::of(&play(&scenario, Strategy::Tidemill), None);
        (figures.windows[0].allowed, figures.windows[0].limit)
    };
    assert_eq!(allowed(&|_| {}), (42 * 300, 300));
    let on_off = Pattern::OnOff { on: 2 * MINUTE, off: MINUTE + MINUTE / 2 };
    assert_eq!(allowed(&|scenario| scenario.load.pattern = on_off), (24 * 300, 300));
    let terms = Incident { at: 21 * MINUTE, what: Mishap::Terms(limits(100, MINUTE)) };
    assert_eq!(allowed(&|scenario| scenario.incidents = vec![terms.clone()]), (21 * 400, 100));
}

#[test]
fn a_wall_clock_that_is_set_moves_no_rolling_window() {
    let mut scenario = scenario(300, Latency::J2, 10 * MINUTE);
    let plain = play(&scenario, Strategy::Tidemill);
    scenario.incidents = [3, 4]
        .map(|at| Incident {
            at: at * MINUTE,
            what: Mishap::WallStep(SignedDuration::from_hours(7 - 2 * i64::from(at))),
        })
        .to_vec();
    let stepped = play(&scenario, Strategy::Tidemill);
    assert_eq!((plain.sent, plain.waits), (stepped.sent, stepped.waits));
}

fn strategies() -> impl proptest::strategy::Strategy<Value = Strategy> {
    prop::sample::select(Strategy::ALL.to_vec())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    /// Whatever is played: no call is lost or decided twice, and no exact log is ever exceeded.
    #[test]
    fn every_call_is_accounted_for(
        strategy in strategies(),
        seed in any::<u64>(),
        max in 1_u32..40,
        period in 1_u64..30,
        cells in 1_u32..40,
        latency in prop::sample::select(vec![Latency::J0, Latency::J1, Latency::J2, Latency::J3]),
        count_at in prop::sample::select(vec![CountAt::Start, CountAt::Middle, CountAt::End]),
        count_refusals: bool,
        killed: bool,
    ) {
        let rules = Rules { count_refusals, ..Rules::default() };
        let told = limits(max, Duration::from_secs(period));
        let mut scenario = Scenario::new(told, rules, latency, 3 * MINUTE, seed);
        (scenario.load.cells, scenario.server.count_at) = (cells, count_at);
        if killed {
            scenario.incidents = Incident::kills(Duration::from_secs(50), Duration::from_secs(3), scenario.length);
        }
        let played = play(&scenario, strategy);
        let decided = played.accepted + played.refused.len() as u64;
        prop_assert!(decided <= played.sent && played.sent - decided <= u64::from(cells) * 4);
        prop_assert!(played.windows[0].most <= max);
        prop_assert_eq!(played.windows[0].achieved, played.accepted);
        prop_assert_eq!(u64::from(played.windows[0].curve.iter().sum::<u32>()), played.accepted);
        prop_assert_eq!(played.waits.total(), played.sent);
        prop_assert!(played.latencies.total() <= played.accepted && played.idle <= played.length);
        if matches!(strategy, Strategy::Hold | Strategy::Tidemill) && !killed {
            prop_assert_eq!(played.refused.len(), 0);
        }
    }
}
