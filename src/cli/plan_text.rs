//! A plan as a person reads it, and as a program does.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::job::Job;
use crate::plan::{Bottleneck, Forecast, Work};
use crate::provider::{Limits, Provider, Unit, WindowKind};
use crate::run::Standing;

use super::render::grouped;

/// One job.
pub(super) struct Planned {
    pub(super) job: Arc<Job>,
    pub(super) standing: Standing,
    pub(super) work: Work,
}

/// The jobs of one credential.
pub(super) struct Together {
    pub(super) provider: Arc<Provider>,
    pub(super) jobs: Vec<Planned>,
}

impl Together {
    /// Whether some job may take more calls than is known.
    fn is_least(&self) -> bool {
        self.jobs.iter().any(Planned::is_least)
    }

    /// One object per job; each holds what all of them come to.
    pub(super) fn json(&self, forecast: &Forecast) -> Vec<Value> {
        let limits = &self.provider.limits;
        let together = json!({
            "calls": forecast.calls, "credits": forecast.credits, "at_least": self.is_least(), "done": forecast.done,
            "bottleneck": forecast.bottleneck.map(|on| Name::of(on, limits).json()),
            "days": forecast.days, "calls_per_day": forecast.per_day,
        });
        let line = |planned: &Planned| {
            let Planned { job, standing, work } = planned;
            json!({
                "job": job.name.as_str(), "provider": self.provider.name, "cells": standing.cells,
                "files": standing.files, "settled": standing.settled, "left": standing.left, "again": standing.again,
                "calls": work.calls(), "credits": work.credits(), "at_least": planned.is_least(),
                "pages_per_cell": work.learned.pages_per_cell(), "learned_from": work.learned.cells,
                "runs": work.runs(), "together": together,
            })
        };
        self.jobs.iter().map(line).collect()
    }
}

impl Planned {
    fn is_least(&self) -> bool {
        self.work.cells > 0 && !self.work.learned.is_known()
    }
}

/// The lines of all jobs, and what they come to.
pub(super) fn lines(together: &Together, forecast: &Forecast, now: Timestamp) -> Vec<String> {
    let mut lines: Vec<String> =
        together.jobs.iter().flat_map(|planned| job_lines(planned, &together.provider)).collect();
    if forecast.calls > 0 {
        let done = done(together, forecast, now);
        lines.push(match together.jobs.len() {
            1 => format!("  {done}"),
            jobs => {
                let about = if together.is_least() { "at least" } else { "about" };
                format!(
                    "{jobs} jobs from {}: {about} {}, {done}",
                    together.provider.name,
                    number(forecast.calls, "call")
                )
            }
        });
    }
    let late = together.jobs.iter().filter(|planned| planned.work.runs_late(forecast.done, now));
    lines.extend(late.filter_map(|Planned { job, .. }| {
        let deadline = job.ceilings.deadline?;
        Some(format!("  the deadline of {} ends a run of {} before that", length(deadline.as_secs()), job.name))
    }));
    lines
}

fn job_lines(planned: &Planned, provider: &Provider) -> Vec<String> {
    let Planned { job, standing, work } = planned;
    let again = match standing.again {
        0 => String::new(),
        again => format!(", {} fetched again", grouped(again)),
    };
    let mut lines = vec![format!(
        "{} from {}: {} in {}, {} settled, {} left{again}",
        job.name,
        provider.name,
        number(standing.cells, "cell"),
        number(standing.files, "file"),
        grouped(standing.settled),
        grouped(standing.left),
    )];
    if work.cells == 0 {
        return lines;
    }
    let calls = number(work.calls(), "call");
    lines.push(match work.learned.pages_per_cell() {
        Some(pages) => {
            let calls_per_cell = work.learned.calls as f64 / work.learned.cells as f64;
            let repeated = match calls_per_cell > pages * 1.05 {
                true => format!(" in {calls_per_cell:.1} calls"),
                false => String::new(),
            };
            let credits = match work.credits() {
                0 => String::new(),
                credits => format!(", {}", number(credits, "credit")),
            };
            let from = number(work.learned.cells, "cell");
            format!("  about {calls} ({pages:.1} pages{repeated} a cell, learned from {from}){credits}")
        }
        None => format!("  at least {calls}: page counts are not known yet"),
    });
    if work.runs() > 1 {
        lines.push(format!("  its ceilings split it into {} runs", grouped(work.runs())));
    }
    lines
}

/// When all is done, and what that hangs on.
fn done(together: &Together, forecast: &Forecast, now: Timestamp) -> String {
    let mut text = match forecast.done {
        Some(done) => {
            let least = if together.is_least() { "at the earliest" } else { "about" };
            let zoned = done.to_zoned(together.provider.zone.clone());
            let mut text = format!("done {least} {}", zoned.strftime("%Y-%m-%d %H:%M (%Q)"));
            if forecast.days <= 1 {
                let took = done.duration_since(now).as_millis().unsigned_abs().div_ceil(1000);
                text.push_str(&format!(", in {}", length(u64::try_from(took).unwrap_or(u64::MAX))));
            }
            text
        }
        None => "not done within a hundred years".to_owned(),
    };
    if let Some(on) = forecast.bottleneck {
        text.push_str(&format!(": the {} is the bottleneck", Name::of(on, &together.provider.limits)));
    }
    if forecast.days > 1 {
        text.push_str(&format!(", {} of at most {}", number(forecast.days, "day"), number(forecast.per_day, "call")));
    }
    text
}

/// A bottleneck by name.
struct Name {
    limit: String,
    max: u32,
    unit: Option<Unit>,
}

impl Name {
    fn of(on: Bottleneck, limits: &Limits) -> Self {
        let window = match on {
            Bottleneck::Window(index) => limits.windows.get(index),
            Bottleneck::Concurrency => None,
        };
        match window {
            Some(window) => {
                let limit = match window.kind {
                    WindowKind::Day { .. } => "day".to_owned(),
                    WindowKind::Rolling(period) => match period.as_secs() {
                        1 => "second".to_owned(),
                        60 => "minute".to_owned(),
                        3600 => "hour".to_owned(),
                        86_400 => "day".to_owned(),
                        seconds => length(seconds),
                    },
                };
                Self { limit, max: window.max, unit: Some(window.unit) }
            }
            None => Self { limit: "concurrency".to_owned(), max: limits.concurrency, unit: None },
        }
    }

    fn json(&self) -> Value {
        let unit = match self.unit {
            Some(Unit::Calls) => "calls",
            Some(Unit::Credits) => "credits",
            None => "in flight",
        };
        json!({ "limit": self.limit, "max": self.max, "unit": unit })
    }
}

impl std::fmt::Display for Name {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let unit = if self.unit == Some(Unit::Credits) { " credits" } else { "" };
        write!(f, "{} limit ({}{unit})", self.limit, grouped(u64::from(self.max)))
    }
}

/// `1 cell`, `1,240 cells`.
fn number(number: u64, noun: &str) -> String {
    format!("{} {noun}{}", grouped(number), if number == 1 { "" } else { "s" })
}

/// About how long that is.
fn length(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7200 => format!("{} min", seconds / 60),
        7200..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} days", grouped(seconds / 86_400)),
    }
}
