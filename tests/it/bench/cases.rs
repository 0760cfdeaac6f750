//! Which scenarios show which goal.

use std::time::Duration;

use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use tidemill::bench::{Incident, Mishap, Pattern, Scenario};
use tidemill::provider::{Limits, Window};
use tidemill::simulate::{CountAt, Kind, Latency, Rules};

use super::goals::{ALWAYS, END, Goal, Wanted};

const SEED: u64 = 1;
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const CLEAN: Wanted = Wanted::Refusals { most: 0, from: ALWAYS };

fn rules(kind: Kind, count_refusals: bool) -> Rules {
    Rules { kind, count_refusals, ..Rules::default() }
}

fn limits(windows: Vec<Window>) -> Limits {
    Limits { windows, concurrency: 16, guessed: Vec::new() }
}

fn per_minute(max: u32) -> Limits {
    limits(vec![Window::rolling(max, MINUTE)])
}

fn per_second(max: u32, bucket: bool) -> Limits {
    limits(vec![Window { bucket, ..Window::rolling(max, Duration::from_secs(1)) }])
}

/// Ten a second, three hundred a minute, and a day.
fn three(day: Window) -> Limits {
    limits(vec![Window::rolling(10, Duration::from_secs(1)), Window::rolling(300, MINUTE), day])
}

fn calendar(max: u32, zone: &str) -> Window {
    Window::day(max, Time::midnight(), TimeZone::get(zone).unwrap())
}

/// The ways of keeping 300 a minute that a client can meet, but for the one that allows no two calls to come close.
const OF_A_MINUTE: [(Kind, bool); 9] = [
    (Kind::Fixed, false),
    (Kind::Log, false),
    (Kind::Log, true),
    (Kind::Counter, false),
    (Kind::Counter, true),
    (Kind::Bucket { burst: 300 }, false),
    (Kind::Bucket { burst: 30 }, false),
    (Kind::Gcra { burst: 20 }, false),
    (Kind::Gcra { burst: 5 }, false),
];

/// The ways of keeping 10 a second for which the goal is the same.
const OF_A_SECOND: [(Kind, bool); 5] = [
    (Kind::Fixed, false),
    (Kind::Log, false),
    (Kind::Log, true),
    (Kind::Bucket { burst: 10 }, false),
    (Kind::Gcra { burst: 5 }, false),
];

const LINES: [Latency; 3] = [Latency::J1, Latency::J2, Latency::J3];

fn kept((kind, count_refusals): (Kind, bool)) -> String {
    format!("{kind:?}{}", if count_refusals { " + refusals" } else { "" })
}

/// A day that is not used is as much a loss as one that is exceeded.
const DAY_USED: Wanted = Wanted::Use { window: 2, percent: 99.5, from: ALWAYS, until: END };

fn used(percent: f64) -> Wanted {
    Wanted::Use { window: 0, percent, from: ALWAYS, until: END }
}

/// All of them; `length` is played where it is free to choose, and days hold `day` calls.
pub(crate) fn cases(length: Duration, day: u32) -> Vec<Goal> {
    let mut goals = minute(length);
    goals.extend(second(length));
    goals.extend(on_off(length));
    goals.extend(killed(day));
    goals.extend(wrong_terms(length.min(6 * HOUR)));
    goals.extend(foreign(length.min(2 * HOUR)));
    goals.extend(clocks(day));
    goals
}

fn goal(number: u32, name: String, scenario: Scenario, wanted: &[Wanted]) -> Goal {
    Goal { number, name, scenario, wanted: wanted.to_vec() }
}

fn minute(length: Duration) -> Vec<Goal> {
    let mut goals = Vec::new();
    for latency in LINES {
        for keeper in OF_A_MINUTE {
            let scenario = Scenario::new(per_minute(300), rules(keeper.0, keeper.1), latency, length, SEED);
            goals.push(goal(1, format!("300/min, {}, {latency:?}", kept(keeper)), scenario, &[used(98.0), CLEAN]));
        }
    }
    goals
}

fn second(length: Duration) -> Vec<Goal> {
    let mut goals = Vec::new();
    for (latency, percent) in [(Latency::J1, 92.0), (Latency::J2, 74.0)] {
        for keeper in OF_A_SECOND {
            let scenario = Scenario::new(per_second(10, false), rules(keeper.0, keeper.1), latency, length, SEED);
            goals.push(goal(2, format!("10/s, {}, {latency:?}", kept(keeper)), scenario, &[used(percent), CLEAN]));
        }
        let scenario = Scenario::new(per_second(10, false), rules(Kind::Counter, false), latency, length, SEED);
        // On a bad line a stall of seconds, met once in half a day, throws so many calls together that no spacing helps.
        let most = if latency == Latency::J2 { 2 } else { 0 };
        let wanted = [Wanted::Per10k { most: 50.0 }, Wanted::Refusals { most, from: HOUR }];
        goals.push(goal(2, format!("10/s, Counter, {latency:?}: {most} after an hour"), scenario, &wanted));
        for kind in [Kind::Bucket { burst: 10 }, Kind::Gcra { burst: 5 }] {
            let scenario = Scenario::new(per_second(10, true), rules(kind, false), latency, length, SEED);
            goals.push(goal(
                2,
                format!("10/s known as a bucket, {kind:?}, {latency:?}"),
                scenario,
                &[used(97.0), CLEAN],
            ));
        }
    }
    for latency in LINES {
        for kind in [Kind::Fixed, Kind::Log] {
            let mut scenario = Scenario::new(per_second(10, false), rules(kind, false), latency, length, SEED);
            scenario.server.count_at = CountAt::End;
            goals.push(goal(2, format!("10/s, {kind:?}, {latency:?}, counted at the end"), scenario, &[CLEAN]));
        }
    }
    goals
}

fn on_off(length: Duration) -> Vec<Goal> {
    let mut goals = Vec::new();
    for latency in LINES {
        for keeper in OF_A_MINUTE {
            let mut scenario = Scenario::new(per_minute(300), rules(keeper.0, keeper.1), latency, length, SEED);
            scenario.load.pattern = Pattern::OnOff { on: 2 * MINUTE, off: MINUTE + MINUTE / 2 };
            goals.push(goal(3, format!("300/min on and off, {}, {latency:?}", kept(keeper)), scenario, &[CLEAN]));
        }
    }
    goals
}

/// Days are used up within six hours; the first begins at midnight, the second 24 hours later.
fn killed(max: u32) -> Vec<Goal> {
    let mut goals = Vec::new();
    let day = Window::rolling(max, 24 * HOUR);
    for (name, day) in [("calendar day", calendar(max, "Asia/Shanghai")), ("rolling day", day)] {
        for latency in [Latency::J1, Latency::J3] {
            let length = 33 * HOUR;
            let mut scenario = Scenario::new(three(day.clone()), rules(Kind::Log, false), latency, length, SEED);
            scenario.start = "2026-03-02T16:00:00Z".parse().unwrap();
            scenario.incidents = Incident::kills(10 * MINUTE, Duration::from_secs(1), length);
            let wanted = [CLEAN, Wanted::Count { window: 2, percent: 0.5 }, DAY_USED];
            goals.push(goal(4, format!("10/s + 300/min + {name}, killed, {latency:?}"), scenario, &wanted));
        }
    }
    goals
}

fn wrong_terms(length: Duration) -> Vec<Goal> {
    let mut goals = Vec::new();
    let keepers = [
        (Kind::Gcra { burst: 5 }, false, Latency::J1),
        (Kind::Log, false, Latency::J1),
        (Kind::Fixed, false, Latency::J1),
        (Kind::Bucket { burst: 10 }, true, Latency::J2),
        (Kind::Gcra { burst: 5 }, true, Latency::J2),
    ];
    for (kind, bucket, latency) in keepers {
        let known = if bucket { "known as a bucket, " } else { "" };
        let mut scenario = Scenario::new(per_second(10, bucket), rules(kind, false), latency, length, SEED);
        scenario.server.limits = per_second(8, false);
        // The study's goal is for evenly refilled limits. A log or an aligned window is kept by spacing and holding, which
        // on this line leave 94 to 95 % of eight a second: more would be a risk.
        let windowed = matches!(kind, Kind::Log | Kind::Fixed);
        let wanted = [used(if windowed { 94.0 } else { 96.0 }), Wanted::PerHour { most: 3.0, from: MINUTE }];
        goals.push(goal(5, format!("8/s for 10/s, {known}{kind:?}, {latency:?}"), scenario, &wanted));

        let mut scenario = Scenario::new(per_second(10, bucket), rules(kind, false), latency, length, SEED);
        scenario.incidents = vec![Incident { at: length / 3, what: Mishap::Terms(per_second(5, false)) }];
        let percent = if windowed { 94.0 } else { 97.0 };
        let after = Wanted::Use { window: 0, percent, from: length / 3, until: END };
        let wanted = [after, Wanted::Refusals { most: 25, from: ALWAYS }];
        goals.push(goal(5, format!("10/s drops to 5/s, {known}{kind:?}, {latency:?}"), scenario, &wanted));
    }
    goals
}

/// Another user of the key takes the whole minute in its last ten seconds.
fn foreign(length: Duration) -> Vec<Goal> {
    let mut goals = Vec::new();
    for kind in [Kind::Log, Kind::Counter] {
        for latency in [Latency::J1, Latency::J2] {
            let mut scenario = Scenario::new(per_minute(300), rules(kind, true), latency, length, SEED);
            let at = length / 2 - Duration::from_secs(10);
            let gap = Duration::from_secs(10) / 300;
            scenario.incidents = vec![Incident { at, what: Mishap::Foreign { calls: 300, gap } }];
            let from = length / 2 + 2 * MINUTE;
            let back = |until| Wanted::Use { window: 0, percent: 95.0, from, until };
            // On a bad line a refusal may take two seconds to arrive, and what leaves meanwhile cannot know.
            let most = if latency == Latency::J2 { 6 } else { 5 };
            let wanted = [back(from + MINUTE), back(END), Wanted::Refusals { most, from: ALWAYS }];
            goals.push(goal(
                6,
                format!("300/min, {}, a foreign burst, {latency:?}", kept((kind, true))),
                scenario,
                &wanted,
            ));
        }
    }
    goals
}

fn clocks(max: u32) -> Vec<Goal> {
    let mut goals = Vec::new();
    for drift_ppm in [-200, 200] {
        for latency in [Latency::J1, Latency::J3] {
            let limits = three(calendar(max, "Asia/Shanghai"));
            let mut scenario = Scenario::new(limits, rules(Kind::Log, false), latency, 26 * HOUR, SEED);
            scenario.start = "2026-03-02T16:00:00Z".parse().unwrap();
            scenario.drift_ppm = drift_ppm;
            goals.push(goal(12, format!("three limits, {drift_ppm} ppm, {latency:?}"), scenario, &[CLEAN, DAY_USED]));
        }
    }
    let step = |at, hours| vec![Incident { at, what: Mishap::WallStep(SignedDuration::from_hours(hours)) }];
    let berlin = |start: &str| (calendar(max, "Europe/Berlin"), start.parse::<Timestamp>().unwrap());
    // Midnight in Berlin is 23:00 UTC in winter and 22:00 in summer.
    let cases = [
        ("set back an hour at noon", berlin("2026-02-01T23:00:00Z"), step(12 * HOUR, -1)),
        (
            "set back an hour half an hour after midnight",
            berlin("2026-02-01T23:00:00Z"),
            step(24 * HOUR + 30 * MINUTE, -1),
        ),
        ("set to the next day at noon", berlin("2026-02-01T23:00:00Z"), step(12 * HOUR, 24)),
        ("a day of 23 hours", berlin("2026-03-28T23:00:00Z"), Vec::new()),
        ("a day of 25 hours", berlin("2026-10-24T22:00:00Z"), Vec::new()),
    ];
    for (name, (day, start), incidents) in cases {
        let mut scenario = Scenario::new(three(day), rules(Kind::Log, false), Latency::J2, 50 * HOUR, SEED);
        (scenario.start, scenario.incidents) = (start, incidents);
        goals.push(goal(12, format!("three limits, {name}, J2"), scenario, &[CLEAN, DAY_USED]));
    }
    goals
}
