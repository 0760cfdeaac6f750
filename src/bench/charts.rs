//! The three drawings: calls per window over time, use and refusals, and how long calls wait and take.

use std::time::Duration;

use crate::draw::{self, Frame, Scale, Times, escape, in_groups, number, round_steps};
use crate::run::Histogram;

use super::engine::Played;

use super::report::Report;
use super::strategy::Strategy;
use super::truth::WindowPlayed;

/// More points than this are no longer told apart.
const COLUMNS: usize = 300;
const WIDTH: f64 = 860.0;
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const TWO_HOURS: Duration = Duration::from_secs(7200);

/// The class that colours a strategy.
pub(super) fn class(strategy: Strategy) -> &'static str {
    match strategy {
        Strategy::GovernorDefault => "s0",
        Strategy::GovernorBurst1 => "s1",
        Strategy::LogAtSend => "s2",
        Strategy::Hold => "s3",
        Strategy::Tidemill => "s4",
    }
}

/// One drawing per strategy for the limit with this number, on common scales.
pub(super) fn over_time(report: &Report, index: usize) -> String {
    let windows: Vec<(&Played, &WindowPlayed)> =
        report.plays.iter().filter_map(|play| Some((play, play.windows.get(index)?))).collect();
    let length = report.plays.first().map_or(Duration::ZERO, |play| play.length);
    let (unit, unit_name) = if length < TWO_HOURS { (MINUTE, "minutes") } else { (HOUR, "hours") };
    let curves: Vec<Curve> = windows.iter().map(|(play, window)| Curve::of(play, window, unit)).collect();
    let limit = windows.first().map_or(1.0, |(_, window)| f64::from(window.max));
    let largest = curves.iter().map(|curve| curve.largest()).fold(limit, f64::max) * 1.12;
    let times = length.as_secs_f64() / unit.as_secs_f64();
    let mut text = String::new();
    for ((play, _), curve) in windows.iter().zip(&curves) {
        let is_last = std::ptr::eq(*play, report.plays.last().unwrap_or(play));
        let bottom = if is_last { 34.0 } else { 8.0 };
        let (x, y) = (Scale::Linear { largest: times }, Scale::Linear { largest });
        let mut frame = Frame::new([WIDTH, 84.0 + bottom], [196.0, 20.0, 8.0, bottom], x, y);
        for value in round_steps(largest) {
            frame.tick_y(value, &number(value));
        }
        if is_last {
            for value in round_steps(times) {
                frame.tick_x(value, &number(value));
            }
            frame.write(186.0, 84.0 + bottom - 17.0, "tick end", unit_name);
        }
        frame.write(0.0, 38.0, "name", play.strategy.name());
        frame.write(0.0, 56.0, "note", &curve.note(limit));
        frame.band(class(play.strategy), &curve.points.iter().map(|p| (p.time, p.low, p.high)).collect::<Vec<_>>());
        let means: Vec<(f64, f64)> = curve.points.iter().map(|point| (point.time, point.mean)).collect();
        frame.line(class(play.strategy), &means);
        frame.limit(limit);
        text.push_str(&frame.finish(&format!("{}: {} over time", play.strategy.name(), curve.note(limit))));
    }
    text
}

/// Calls step by step, thinned out to what can be drawn.
struct Curve {
    points: Vec<Point>,
}

struct Point {
    time: f64,
    low: f64,
    mean: f64,
    high: f64,
}

impl Curve {
    fn of(play: &Played, window: &WindowPlayed, unit: Duration) -> Self {
        let steps = usize::try_from(play.length.as_nanos() / window.step.as_nanos().max(1)).unwrap_or(usize::MAX);
        let mut values: Vec<f64> = window.curve.iter().map(|count| f64::from(*count)).collect();
        // A last step that the play cut off would look like a drop.
        values.resize(steps.max(1), 0.0);
        if window.step < window.period {
            values = filled(&values, window);
        }
        let step = window.step.as_secs_f64() / unit.as_secs_f64();
        let each = values.len().div_ceil(COLUMNS).max(1);
        let points = values.chunks(each).enumerate().map(|(nth, chunk)| Point {
            time: ((nth * each) as f64 + chunk.len() as f64 / 2.0) * step,
            low: chunk.iter().copied().fold(f64::INFINITY, f64::min),
            mean: chunk.iter().sum::<f64>() / chunk.len() as f64,
            high: chunk.iter().copied().fold(0.0, f64::max),
        });
        Self { points: points.collect() }
    }

    fn largest(&self) -> f64 {
        self.points.iter().map(|point| point.high).fold(0.0, f64::max)
    }

    fn note(&self, limit: f64) -> String {
        let mean = self.points.iter().map(|point| point.mean).sum::<f64>() / (self.points.len() as f64).max(1.0);
        let mean = if limit < 1000.0 { format!("{mean:.1}") } else { format!("{mean:.0}") };
        format!("mean {} of {}", in_groups(&mean), in_groups(&limit.to_string()))
    }
}

/// How full a window of many steps is after each of them.
fn filled(counts: &[f64], window: &WindowPlayed) -> Vec<f64> {
    let step = window.step.as_secs_f64();
    let period = window.period.as_secs_f64();
    let mut full = 0.0;
    let mut filled = Vec::with_capacity(counts.len());
    for (nth, count) in counts.iter().enumerate() {
        match window.resets {
            Some(first) => {
                let days = |nth: f64| ((nth * step - first.as_secs_f64()) / period).floor();
                full = if days(nth as f64) > days(nth as f64 - 1.0) { 0.0 } else { full };
            }
            None => {
                let left = nth.checked_sub((period / step).round() as usize).and_then(|old| counts.get(old));
                full -= left.copied().unwrap_or_default();
            }
        }
        full += count;
        filled.push(full);
    }
    filled
}

/// Two columns of bars: use of the tightest limit, and refusals on a scale of powers of ten.
pub(super) fn bars(report: &Report) -> String {
    let rows = report.strategies.len() as f64;
    let height = 30.0 + rows * 30.0 + 30.0;
    let none = Scale::Linear { largest: 1.0 };
    let used = Scale::Linear { largest: 100.0 };
    let refused = Scale::Log { least: 1.0, largest: 10_001.0 };
    let mut left = Frame::new([WIDTH / 2.0, height], [140.0, 66.0, 26.0, 26.0], used, none);
    let mut right = Frame::new([WIDTH / 2.0, height], [20.0, 76.0, 26.0, 26.0], refused, none);
    left.write(140.0, 14.0, "head", "used of the tightest limit, %");
    right.write(20.0, 14.0, "head", "refused of 10,000 calls (powers of ten)");
    for value in [0.0, 25.0, 50.0, 75.0, 100.0] {
        left.tick_x(value, &number(value));
    }
    for value in [0.0, 10.0, 100.0, 1000.0, 10_000.0] {
        right.tick_x(value + 1.0, &number(value));
    }
    for (nth, figures) in report.strategies.iter().enumerate() {
        let y = 34.0 + nth as f64 * 30.0;
        let share = figures.binding().map_or(0.0, |window| window.used_percent);
        let class = class(figures.strategy);
        left.write(130.0, y + 13.5, "name end", figures.strategy.name());
        left.bar(class, y, share, &format!("{share:.1}"));
        right.bar(class, y, figures.refused_per_10k + 1.0, &in_groups(&format!("{:.1}", figures.refused_per_10k)));
    }
    let pair = left.finish("use per strategy") + &right.finish("refusals per strategy");
    format!("<div class=\"pair\">{pair}</div>\n")
}

/// The share of calls that wait, or take, no longer than a time.
pub(super) fn times(report: &Report) -> String {
    let waits = distribution(report, "wait for leave", |play| &play.waits);
    let latencies = distribution(report, "latency", |play| &play.latencies);
    let mut legend = String::from("<p class=\"legend\">");
    for figures in &report.strategies {
        let class = class(figures.strategy);
        let name = escape(figures.strategy.name());
        legend.push_str(&format!(
            "<span><svg viewBox=\"0 0 34 8\" class=\"key\" aria-hidden=\"true\" xmlns=\"http://www.w3.org/2000/svg\">\
             <polyline class=\"line {class}\" points=\"1,4 33,4\"/></svg>{name}</span> "
        ));
    }
    format!("{legend}</p>\n<div class=\"pair\">{waits}{latencies}</div>\n")
}

fn distribution(report: &Report, title: &str, times: impl Fn(&Played) -> &Histogram) -> String {
    let all: Vec<Times<'_>> = report.plays.iter().map(|play| (class(play.strategy), times(play))).collect();
    let heading = format!("{title}: % of calls within");
    draw::distribution(WIDTH / 2.0, &heading, &format!("distribution of {title} per strategy"), &all)
}
