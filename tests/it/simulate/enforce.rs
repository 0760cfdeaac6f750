//! Each way to keep a limit, at its boundary instants and against its definition.

use std::time::Duration;

use proptest::prelude::*;
use tidemill::provider::{Cause, Limits, Window};
use tidemill::simulate::{Enforcer, Kind, Refusal, Rules};

use super::help::{at, ms, open_limits, rolling};

fn keep(window: Window, kind: Kind) -> Enforcer {
    keep_by(window, Rules { kind, ..Rules::default() })
}

fn keep_by(window: Window, rules: Rules) -> Enforcer {
    Enforcer::new(&Limits { windows: vec![window], ..open_limits() }, &rules)
}

/// What a call meets: `None` is let in, otherwise the milliseconds until it opens.
fn meets(enforcer: &mut Enforcer, now: u64) -> Option<u64> {
    enforcer.admit(ms(now)).err().map(|refusal| u64::try_from(refusal.opens_in.as_millis()).unwrap())
}

fn check(name: &str, mut enforcer: Enforcer, calls: &[(u64, Option<u64>)]) {
    for (now, wanted) in calls {
        assert_eq!(meets(&mut enforcer, *now), *wanted, "{name} at {now} ms");
    }
}

#[test]
fn the_sequences_worked_out_by_hand() {
    check(
        "log, 2 per second",
        keep(rolling(2, 1), Kind::Log),
        &[(0, None), (400, None), (999, Some(1)), (1000, None), (1399, Some(1)), (1400, None)],
    );
    check(
        "fixed, 2 per second",
        keep(rolling(2, 1), Kind::Fixed),
        // Four calls within 200 ms around the edge.
        &[(900, None), (999, None), (999, Some(1)), (1000, None), (1100, None), (1101, Some(899)), (2000, None)],
    );
    check(
        "counter, 4 per second",
        keep(rolling(4, 1), Kind::Counter),
        &[
            (0, None),
            (0, None),
            (500, None),
            (600, None),
            // Full by itself; as the window before it weighs 4 (1 - f) and leaves room for one at f = 1/4.
            (700, Some(550)),
            (1249, Some(1)),
            (1250, None),
            // 4 (1 - f) + 1 + 1 <= 4 from f = 1/2 on.
            (1499, Some(1)),
            (1500, None),
            (1749, Some(1)),
            (1750, None),
            // 3 of the window before, now weighing 3 (1 - f): 3 + 1 = 4 fits at once.
            (2000, None),
            // A whole window of silence and nothing weighs.
            (4000, None),
            (4000, None),
            (4000, None),
            (4000, None),
            (4000, Some(1250)),
        ],
    );
    check(
        "counter, 1 per second",
        keep(rolling(1, 1), Kind::Counter),
        &[(300, None), (999, Some(1001)), (1999, Some(1)), (2000, None)],
    );
    check(
        "bucket of 3, 10 per second",
        keep(rolling(10, 1), Kind::Bucket { burst: 3 }),
        &[
            (0, None),
            (0, None),
            (0, None),
            (0, Some(100)),
            (99, Some(1)),
            (100, None),
            (150, Some(50)),
            // Half a call and two more, but never more than three.
            (5000, None),
            (5000, None),
            (5000, None),
            (5000, Some(100)),
        ],
    );
    check(
        "gcra without burst, 10 per second",
        keep(rolling(10, 1), Kind::Gcra { burst: 0 }),
        &[(0, None), (0, Some(100)), (99, Some(1)), (100, None), (250, None), (349, Some(1)), (350, None)],
    );
    check(
        "gcra with 2, 10 per second",
        keep(rolling(10, 1), Kind::Gcra { burst: 2 }),
        &[(0, None), (0, None), (0, None), (0, Some(100)), (100, None), (101, Some(99))],
    );
    check(
        "a bucket without a place",
        keep(rolling(10, 1), Kind::Bucket { burst: 0 }),
        &[(0, Some(100)), (60_000, Some(100))],
    );
}

#[test]
fn a_refusal_counts_when_asked_whatever_the_kind() {
    let counting = |kind| keep_by(rolling(2, 1), Rules { kind, count_refusals: true, ..Rules::default() });
    // Two of the three calls within the last second have to leave: the one at 0 and that at 300.
    check("log", counting(Kind::Log), &[(0, None), (300, None), (500, Some(800)), (1299, Some(201)), (1500, None)]);
    check("fixed", counting(Kind::Fixed), &[(0, None), (1, None), (2, Some(998)), (1000, None)]);
    // Three of the window before weigh one at f = 2/3; the refusal at 1666 ms makes it full for longer.
    check(
        "counter",
        counting(Kind::Counter),
        &[(0, None), (0, None), (0, Some(1666)), (1666, Some(334)), (2000, None)],
    );
    // Each refusal takes what has come in; an undisturbed half second lets a call in again.
    check(
        "bucket",
        counting(Kind::Bucket { burst: 2 }),
        &[(0, None), (0, None), (400, Some(500)), (899, Some(500)), (1399, None)],
    );
    check("gcra", counting(Kind::Gcra { burst: 1 }), &[(0, None), (0, None), (400, Some(500)), (900, None)]);
}

#[test]
fn windows_are_aligned_to_the_phase() {
    let rules = Rules { kind: Kind::Fixed, phase: Duration::from_millis(15_250), ..Rules::default() };
    let calls = [(0, None), (1, Some(15_249)), (15_249, Some(1)), (15_250, None), (75_249, Some(1)), (75_250, None)];
    check("fixed", keep_by(rolling(1, 60), rules), &calls);
    // Ten at the beginning weigh ten until the window ends, wherever that is.
    let mut counter = keep_by(rolling(10, 60), Rules { kind: Kind::Counter, ..rules });
    for _ in 0..10 {
        assert_eq!(meets(&mut counter, 15_250), None);
    }
    assert_eq!(meets(&mut counter, 75_250), Some(6000));
}

#[test]
fn all_windows_are_decided_at_once() {
    for kind in [Kind::Fixed, Kind::Log, Kind::Counter, Kind::Bucket { burst: 2 }, Kind::Gcra { burst: 1 }] {
        let limits = Limits { windows: vec![rolling(2, 60), rolling(1, 1)], ..open_limits() };
        let mut enforcer = Enforcer::new(&limits, &Rules { kind, ..Rules::default() });
        // A bucket of the second window holds two, so ask thrice.
        let answers = [0; 3].map(|now| enforcer.admit(ms(now)).map_err(|refusal| refusal.cause));
        assert_eq!(answers[0], Ok(()), "{kind:?}");
        assert_eq!(answers[2], Err(Cause::Second), "{kind:?}");
        let stats = enforcer.stats();
        let accepted = answers.iter().filter(|answer| answer.is_ok()).count() as u64;
        // The refused ones are in no window, and the minute is not what refused them.
        for stat in &stats {
            assert_eq!((stat.accepted, stat.most_counted.min(2)), (accepted, stat.most_counted), "{kind:?} {stat:?}");
        }
        assert_eq!((stats[0].refused, stats[0].most_offered, stats[1].refused), (3 - accepted, 3, 0), "{kind:?}");
    }
}

#[test]
fn the_exact_count_is_reported_whatever_the_kind() {
    let mut enforcer = keep(rolling(3, 1), Kind::Fixed);
    for now in [997, 998, 999, 1000, 1001, 1002, 1003] {
        enforcer.admit(ms(now)).unwrap_or_default();
    }
    let stat = &enforcer.stats()[0];
    assert_eq!((stat.max, stat.most_counted, stat.most_offered, stat.refused, stat.accepted), (3, 6, 7, 1, 6));
}

#[test]
fn concurrency_is_held_from_the_arrival_to_the_end() {
    let mut enforcer = Enforcer::new(&Limits { concurrency: 2, ..open_limits() }, &Rules::default());
    let ahead = [0, 1, 2].map(|now| enforcer.arrive(ms(now)));
    assert_eq!(ahead, [0, 1, 2]);
    // A fourth that is counted on arrival finds three there, and nobody knows yet when they end.
    let refusal = Refusal { cause: Cause::Concurrency, opens_in: Duration::ZERO };
    assert_eq!(enforcer.admit(ms(3)), Err(refusal));
    // Who came first is not refused for those behind it.
    for (ahead, wanted) in
        ahead.into_iter().zip([Ok(()), Ok(()), Err(Refusal { opens_in: Duration::from_millis(20), ..refusal })])
    {
        enforcer.take_turn();
        assert_eq!(enforcer.admit_behind(ms(10), ahead), wanted);
        if wanted.is_ok() {
            enforcer.occupy(Duration::from_millis(30));
        }
    }
    assert_eq!(enforcer.in_flight(ms(29)), 2);
    assert_eq!(enforcer.admit(ms(29)), Err(Refusal { opens_in: Duration::from_millis(1), ..refusal }));
    assert_eq!(enforcer.in_flight(ms(30)), 0);
    assert_eq!(enforcer.admit(ms(30)), Ok(()));
    let stat = &enforcer.stats()[0];
    assert_eq!((stat.most_offered, stat.most_counted, stat.refused, stat.accepted), (4, 2, 3, 3));
}

#[test]
fn kinds_are_read() {
    let good = [
        ("log", Kind::Log),
        ("fixed", Kind::Fixed),
        ("counter", Kind::Counter),
        ("bucket:1", Kind::Bucket { burst: 1 }),
        ("gcra:0", Kind::Gcra { burst: 0 }),
        ("gcra:20", Kind::Gcra { burst: 20 }),
    ];
    for (text, kind) in good {
        assert_eq!(text.parse(), Ok(kind), "{text}");
    }
    let all = "log, fixed, counter, bucket:N or gcra:N";
    for text in ["", "Log", "log:1", "bucket", "gcra", "bucket:", "bucket:-1", "gcra:x", "gcra:4294967296", "leaky:3"] {
        let error = text.parse::<Kind>().unwrap_err().to_string();
        assert_eq!(error, format!("`{text}` is no way to keep a limit: write {all}"));
    }
    let error = "bucket:0".parse::<Kind>().unwrap_err().to_string();
    assert_eq!(error, "`bucket:0` is no bucket that lets a call in: write bucket:1 or more");
}

/// The calls that were let in, in microseconds, and the instants of all that were offered.
fn played(mut enforcer: Enforcer, gaps: &[u64]) -> Vec<(u64, bool)> {
    let offered = gaps.iter().scan(0, |now, gap| {
        *now += gap;
        Some(*now)
    });
    offered.map(|now| (now, enforcer.admit(at(Duration::from_micros(now))).is_ok())).collect()
}

fn accepted(calls: &[(u64, bool)]) -> Vec<u64> {
    calls.iter().filter(|(_, accepted)| *accepted).map(|(now, _)| *now).collect()
}

const SECOND: u64 = 1_000_000;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn a_log_holds_in_every_window(gaps in proptest::collection::vec(0..400_000_u64, 1..120), max in 1_u32..8) {
        let accepted = accepted(&played(keep(rolling(max, 1), Kind::Log), &gaps));
        for (index, first) in accepted.iter().enumerate() {
            let within = accepted[index..].iter().filter(|call| **call - first < SECOND).count();
            prop_assert!(within <= max as usize);
        }
    }

    /// In any span a bucket lets in at most what it holds and what refills; and it refuses only what is more.
    #[test]
    fn a_bucket_holds_in_every_span(
        gaps in proptest::collection::vec(0..200_000_u64, 1..120), max in 1_u32..30, burst in 1_u32..9, gcra: bool,
    ) {
        let kind = if gcra { Kind::Gcra { burst: burst - 1 } } else { Kind::Bucket { burst } };
        let calls = played(keep(rolling(max, 1), kind), &gaps);
        let mut inside: Vec<u64> = Vec::new();
        for (now, accepted) in calls {
            inside.push(now);
            // Multiplied by a second: n * 1s <= burst * 1s + span * max.
            let fits = inside.iter().enumerate().all(|(index, first)| {
                (inside.len() - index) as u64 * SECOND <= u64::from(burst) * SECOND + (now - first) * u64::from(max)
            });
            prop_assert_eq!(accepted, fits);
            if !accepted {
                inside.pop();
            }
        }
    }

    #[test]
    fn a_fixed_window_holds_per_aligned_window(
        gaps in proptest::collection::vec(0..400_000_u64, 1..120), max in 1_u32..8, phase in 0..2 * SECOND,
    ) {
        let rules = Rules { kind: Kind::Fixed, phase: Duration::from_micros(phase), ..Rules::default() };
        let mut counts = std::collections::HashMap::new();
        for (now, accepted) in played(keep_by(rolling(max, 1), rules), &gaps) {
            let window = (now + 2 * SECOND - phase) / SECOND;
            let count = counts.entry(window).or_insert(0);
            prop_assert_eq!(accepted, *count < max);
            *count += u32::from(accepted);
        }
    }

    #[test]
    fn a_counter_follows_its_definition(
        gaps in proptest::collection::vec(prop_oneof![9 => 0..400_000_u64, 1 => 0..2_500_000_u64], 1..120), max in 1_u32..8,
    ) {
        let mut accepted: Vec<u64> = Vec::new();
        for (now, was_accepted) in played(keep(rolling(max, 1), Kind::Counter), &gaps) {
            let begins = now - now % SECOND;
            let count = |from: u64, until: u64| accepted.iter().filter(|call| (from..until).contains(call)).count() as u64;
            let before = if begins == 0 { 0 } else { count(begins - SECOND, begins) };
            // In exact thousandths of thousandths: before * (1 - f) + current + 1 <= max.
            let estimate = before * (SECOND - now % SECOND) + (count(begins, now + 1) + 1) * SECOND;
            prop_assert_eq!(was_accepted, estimate <= u64::from(max) * SECOND);
            if was_accepted {
                accepted.push(now);
            }
        }
    }

    /// Whoever waits as long as a refusal says is let in, and not a nanosecond earlier.
    #[test]
    fn a_refusal_knows_when_it_opens(
        gaps in proptest::collection::vec(0..200_000_u64, 1..60), max in 1_u32..8, which in 0_usize..5, counting: bool,
    ) {
        let kinds = [Kind::Log, Kind::Fixed, Kind::Counter, Kind::Bucket { burst: 2 }, Kind::Gcra { burst: 0 }];
        let rules = Rules { kind: kinds[which], count_refusals: counting, ..Rules::default() };
        for length in 1..gaps.len() {
            let play = || {
                let mut enforcer = keep_by(rolling(max, 1), rules);
                let mut now = Duration::ZERO;
                let mut last = Ok(());
                for gap in &gaps[..length] {
                    now += Duration::from_micros(*gap);
                    last = enforcer.admit(at(now));
                }
                (enforcer, now, last)
            };
            let (mut enforcer, last_at, last) = play();
            if let Err(refusal) = last {
                prop_assert!(!refusal.opens_in.is_zero());
                prop_assert!(enforcer.admit(at(last_at + refusal.opens_in)).is_ok());
                let (mut enforcer, ..) = play();
                prop_assert!(enforcer.admit(at(last_at + refusal.opens_in - Duration::from_nanos(1))).is_err());
            }
        }
    }
}
