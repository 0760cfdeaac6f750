//! The drawings of a run: requests over time beside the limit, how long answers took, what is left of the day.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::cli::render::{grouped, minute_limit};
use crate::draw::{Frame, Scale, distribution, escape, number, round_steps};
use crate::run::{JobReport, Pace, QuotaCurve, WindowCurve};

const WIDTH: f64 = 860.0;
const MARGINS: [f64; 4] = [56.0, 20.0, 12.0, 36.0];
const DAY: f64 = 86_400.0;

/// Requests a minute over time, and whether the limit is near enough to be in it; `None` where there is no course to see.
pub(super) fn requests(report: &JobReport) -> Option<(String, bool)> {
    let Pace { start, step_s, sent, refused } = &report.pace;
    let start = start.filter(|_| sent.len() > 1)?;
    let minutes = *step_s as f64 / 60.0;
    let values = |counts: &[u32]| counts.iter().map(|count| f64::from(*count) / minutes).collect::<Vec<_>>();
    let (sent, refused) = (values(sent), values(refused));
    let most = sent.iter().copied().fold(1.0, f64::max);
    // A limit that is far away would press the curve flat.
    let limit = minute_limit(&report.quota).map(|(limit, window)| match window {
        "second" => f64::from(limit) * 60.0,
        _ => f64::from(limit),
    });
    let limit = limit.filter(|limit| *limit < most * 20.0);
    let largest = limit.unwrap_or(0.0).max(most) * 1.1;
    let length = sent.len() as f64 * *step_s as f64;
    let mut frame = Frame::new([WIDTH, 230.0], MARGINS, Scale::Linear { largest: length }, Scale::Linear { largest });
    round_steps(largest).into_iter().for_each(|value| frame.tick_y(value, &number(value)));
    clock(&mut frame, start, length, &report.zone);
    let points = |values: &[f64]| {
        let ends = |(at, value): (usize, &f64)| [at, at + 1].map(|at| (at as f64 * *step_s as f64, *value));
        values.iter().enumerate().flat_map(ends).collect::<Vec<_>>()
    };
    let band: Vec<_> = points(&sent).into_iter().map(|(at, value)| (at, 0.0, value)).collect();
    frame.band("sent", &band);
    frame.line("sent", &points(&sent));
    if refused.iter().any(|count| *count > 0.0) {
        frame.line("refused", &points(&refused));
    }
    limit.into_iter().for_each(|limit| frame.limit(limit));
    Some((frame.finish("requests a minute over time"), limit.is_some()))
}

/// The share of answers that took no longer than a time; `None` when there was none.
pub(super) fn latency(report: &JobReport) -> Option<String> {
    let times = &report.latency;
    let heading = "% of answers within";
    (times.total() > 0).then(|| distribution(WIDTH / 2.0, heading, "distribution of latency", &[("sent", times)]))
}

/// Whether what is left of a window says anything a minute later.
pub(super) fn is_long(window: &WindowCurve) -> bool {
    !matches!(window.window.as_str(), "second" | "minute")
}

/// What is left of each window that is longer than a minute, over time.
pub(super) fn burn_downs(report: &JobReport) -> Vec<(&WindowCurve, String)> {
    let QuotaCurve { start, seconds, windows, .. } = &report.quota;
    // Of less than a minute there is no course to see.
    let start = start.filter(|_| seconds.last().is_some_and(|last| *last >= 60));
    let Some(start) = start else { return Vec::new() };
    windows
        .iter()
        .filter(|window| is_long(window))
        .map(|window| (window, burn_down(start, seconds, window, &report.zone)))
        .collect()
}

fn burn_down(start: Timestamp, seconds: &[u32], window: &WindowCurve, zone: &str) -> String {
    let looks: Vec<f64> = seconds.iter().map(|second| f64::from(*second)).collect();
    let last = looks.last().copied().unwrap_or_default();
    // The whole day where the run took much of it; of a short run the line would stand upright.
    let is_day = window.window.starts_with("day") && last * 8.0 > DAY;
    let resets = window.resets_at.filter(|_| is_day).map(|at| at.duration_since(start).as_secs_f64());
    let (from, to) = match resets {
        Some(resets) if resets > last => ((resets - DAY).min(0.0), resets),
        Some(_) | None => (0.0, last.max(60.0)),
    };
    let largest = f64::from(window.limit.max(1));
    let (x, y) = (Scale::Linear { largest: to - from }, Scale::Linear { largest: largest * 1.05 });
    let mut frame = Frame::new([WIDTH, 200.0], MARGINS, x, y);
    let steps = round_steps(largest).into_iter().filter(|value| *value < largest * 0.9).chain([largest]);
    steps.for_each(|value| frame.tick_y(value, &number(value)));
    let begin = start.checked_sub(Duration::from_secs_f64(-from)).unwrap_or(start);
    clock(&mut frame, begin, to - from, zone);
    let left = |used: &u32| f64::from(window.limit.saturating_sub(*used));
    let points: Vec<(f64, f64)> = looks.iter().map(|at| at - from).zip(window.used.iter().map(left)).collect();
    let band: Vec<_> = points.iter().map(|(at, left)| (*at, 0.0, *left)).collect();
    frame.band("sent", &band);
    frame.line("sent", &points);
    if let Some((at, left)) = points.last() {
        frame.dot("sent", *at, *left);
        let name = format!("{} left", grouped(*left as u64));
        frame.note(*at, *left, &name);
    }
    frame.finish(&format!("what is left of the {} over time", window.window))
}

/// Times of day below the frame, about six of them, on whole hours or minutes.
fn clock(frame: &mut Frame, start: Timestamp, length: f64, zone: &str) {
    const STEPS: [f64; 16] = [
        10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0, 7200.0, 10_800.0, 14_400.0, 21_600.0, 43_200.0,
        DAY, 604_800.0,
    ];
    let step = STEPS.into_iter().find(|step| length / step <= 8.0).unwrap_or(length / 8.0);
    let zone = TimeZone::get(zone).unwrap_or(TimeZone::UTC);
    let offset = f64::from(zone.to_offset(start).seconds());
    let local = start.as_second() as f64 + offset;
    let mut at = (local / step).ceil() * step - local;
    while at <= length {
        let name = start.checked_add(Duration::from_secs_f64(at.max(0.0))).map(|time| {
            let format = if step < 60.0 {
                "%H:%M:%S"
            } else if step < DAY {
                "%H:%M"
            } else {
                "%m-%d"
            };
            time.to_zoned(zone.clone()).strftime(format).to_string()
        });
        frame.tick_x(at, &name.unwrap_or_default());
        at += step;
    }
}

/// A bar whose parts are as long as their numbers.
pub(super) fn share_bar(parts: &[(&'static str, u64)]) -> String {
    let parts: Vec<String> = parts
        .iter()
        .map(|(class, count)| format!("<i class=\"{}\" style=\"flex-grow:{count}\"></i>", escape(class)))
        .collect();
    format!("<div class=\"share\" aria-hidden=\"true\">{}</div>\n", parts.concat())
}
