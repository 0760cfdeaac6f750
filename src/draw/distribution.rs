//! The share of calls that wait, or take, no longer than a time.

use std::time::Duration;

use crate::run::Histogram;

use super::plot::{Frame, Scale, number};

/// Times and the class that colours them.
pub(crate) type Times<'a> = (&'static str, &'a Histogram);

/// One curve for each of `all`, on a scale of powers of ten. `heading` is written above, `title` says what is shown.
pub(crate) fn distribution(width: f64, heading: &str, title: &str, all: &[Times<'_>]) -> String {
    let met = || all.iter().map(|(_, times)| times).filter(|times| times.total() > 0);
    let least = met().map(|times| times.at_most(1)).min().unwrap_or_default().as_secs_f64() * 1000.0;
    let largest = met().map(|times| times.at_most(1000)).max().unwrap_or_default().as_secs_f64() * 1000.0;
    let least = 10_f64.powf(least.max(1.0).log10().floor());
    let largest = 10_f64.powf(largest.max(least * 10.0).log10().ceil());
    let (x, y) = (Scale::Log { least, largest }, Scale::Linear { largest: 100.0 });
    let mut frame = Frame::new([width, 270.0], [46.0, 26.0, 28.0, 42.0], x, y);
    frame.write(46.0, 14.0, "head", heading);
    for value in [0.0, 25.0, 50.0, 75.0, 100.0] {
        frame.tick_y(value, &number(value));
    }
    // Names of more than five powers of ten would run into one another.
    let each = if (largest / least).log10() > 5.5 { 100.0 } else { 10.0 };
    let mut tick = least;
    while tick <= largest * 1.001 {
        frame.tick_x(tick, &in_words(tick));
        tick *= each;
    }
    for (class, times) in all {
        let points = (0_u32..=200).map(|nth| {
            let ms = least * (largest / least).powf(f64::from(nth) / 200.0);
            (ms, times.share_up_to(Duration::from_secs_f64(ms / 1000.0)) * 100.0)
        });
        frame.line(class, &points.collect::<Vec<_>>());
    }
    frame.finish(title)
}

fn in_words(ms: f64) -> String {
    if ms < 1000.0 { format!("{} ms", number(ms)) } else { format!("{} s", number(ms / 1000.0)) }
}
