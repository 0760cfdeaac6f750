//! The latency models: their means, their floors, the same for the same hash.

use std::time::Duration;

use tidemill::simulate::{Latency, Legs};

const DRAWS: u64 = 100_000;

/// Hashes as the simulator makes them: unrelated bits.
fn legs(model: Latency) -> impl Iterator<Item = Legs> {
    let mut random = fastrand::Rng::with_seed(7);
    (0..DRAWS).map(move |_| model.legs(random.u64(..)))
}

/// Means in milliseconds.
fn means(model: Latency) -> [f64; 3] {
    let sums = legs(model).fold([0.0; 3], |sums: [f64; 3], legs| {
        let parts = [legs.there, legs.work, legs.back].map(|part| part.as_secs_f64() * 1000.0);
        [sums[0] + parts[0], sums[1] + parts[1], sums[2] + parts[2]]
    });
    sums.map(|sum| sum / DRAWS as f64)
}

#[test]
fn means_are_those_of_the_models() {
    // A lognormal has the mean exp(1/2).
    let bad = 60.0 + 15.0 * 0.5_f64.exp() + 0.005 * 500.0;
    let plain = Latency::Plain { floor: Duration::from_millis(30), mean_extra: Duration::from_millis(50) };
    let expected = [
        (plain, [0.0, 80.0, 0.0]),
        (Latency::J0, [25.0, 50.0, 25.0]),
        (Latency::J1, [24.0, 50.0, 24.0]),
        (Latency::J2, [bad, 300.0, bad]),
        (Latency::J3, [bad + 0.1 * 320.0, 300.0 + 0.0005 * 3000.0, bad]),
    ];
    for (model, wanted) in expected {
        for (mean, wanted) in means(model).into_iter().zip(wanted) {
            assert!((mean - wanted).abs() <= wanted * 0.02, "{model:?}: {mean} instead of {wanted}");
        }
    }
}

#[test]
fn no_request_is_quicker_than_its_model() {
    let floors = [(Latency::J1, [20, 20, 20]), (Latency::J2, [60, 100, 60]), (Latency::J3, [60, 100, 60])];
    for (model, floors) in floors {
        let [there, work, back] = floors.map(Duration::from_millis);
        assert!(legs(model).all(|legs| legs.there >= there && legs.work >= work && legs.back >= back), "{model:?}");
    }
    let rare = |wanted: &dyn Fn(Legs) -> bool, model| legs(model).filter(|legs| wanted(*legs)).count();
    let slow = |legs: Legs| legs.work >= Duration::from_millis(3100);
    assert_eq!(rare(&slow, Latency::J2), 0);
    // One in two thousand of a hundred thousand.
    assert!((25..100).contains(&rare(&slow, Latency::J3)));
}

#[test]
fn a_hash_has_one_latency_and_its_parts_are_unrelated() {
    for model in [Latency::default(), Latency::J0, Latency::J1, Latency::J2, Latency::J3] {
        assert!(legs(model).eq(legs(model)));
    }
    for model in [Latency::J1, Latency::J2, Latency::J3] {
        let correlation = correlation(model);
        assert!(correlation.abs() < 0.03, "{model:?}: {correlation}");
    }
}

/// Of the way there and the way back.
fn correlation(model: Latency) -> f64 {
    let [there, _, back] = means(model);
    let [mut both, mut one, mut other] = [0.0; 3];
    for legs in legs(model) {
        let off = |part: Duration, mean: f64| part.as_secs_f64() * 1000.0 - mean;
        let (there, back) = (off(legs.there, there), off(legs.back, back));
        both += there * back;
        one += there * there;
        other += back * back;
    }
    both / (one * other).sqrt()
}

#[test]
fn latencies_are_read() {
    let plain =
        |floor, extra| Latency::Plain { floor: Duration::from_millis(floor), mean_extra: Duration::from_millis(extra) };
    let good = [
        ("j0", Latency::J0),
        ("j1", Latency::J1),
        ("j2", Latency::J2),
        ("j3", Latency::J3),
        ("30ms+30ms", Latency::default()),
        ("1s+0ms", plain(1000, 0)),
    ];
    for (text, latency) in good {
        assert_eq!(text.parse(), Ok(latency), "{text}");
    }
    for text in ["", "j4", "J0", "30ms", "30+30", "30ms+", "30ms-30ms", "j0+30ms"] {
        let error = text.parse::<Latency>().unwrap_err().to_string();
        let allowed = "j0, j1, j2, j3, or a floor and a mean extra such as 30ms+30ms";
        assert_eq!(error, format!("`{text}` is no latency: write {allowed}"));
    }
}
