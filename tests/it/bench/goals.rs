//! The goals of the limiter as cases that can be played, in full by `cargo bench --bench limits` and in small by tests.
//!
//! Each case is one scenario and what is wanted of it. Numbers are those of the goals; a case is never weakened to fit
//! what the limiter reaches.

use std::time::Duration;

use tidemill::bench::{Played, Scenario, Strategy, WindowPlayed, play};
use tidemill::provider::Cause;

/// One thing to be shown.
#[derive(Debug)]
pub(crate) struct Goal {
    /// Its number in the list of goals.
    pub(crate) number: u32,
    /// Which scenario.
    pub(crate) name: String,
    pub(crate) scenario: Scenario,
    pub(crate) wanted: Vec<Wanted>,
}

/// What is wanted.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Wanted {
    /// At least so many percent of the window with this number, from a time on, or between two times.
    Use { window: usize, percent: f64, from: Duration, until: Duration },
    /// At most so many refusals from a time on.
    Refusals { most: usize, from: Duration },
    /// At most so many refusals per hour from a time on.
    PerHour { most: f64, from: Duration },
    /// At most so many refusals per 10,000 calls.
    Per10k { most: f64 },
    /// The client counts no fewer calls of the window than the server does, and at most so many percent too many.
    Count { window: usize, percent: f64 },
}

pub(crate) const ALWAYS: Duration = Duration::ZERO;
pub(crate) const END: Duration = Duration::MAX;

/// What was reached.
#[derive(Debug)]
pub(crate) struct Reached {
    pub(crate) is_met: bool,
    pub(crate) figure: String,
}

impl Goal {
    /// Plays it.
    pub(crate) fn play(&self) -> (Played, Reached) {
        let played = play(&self.scenario, Strategy::Tidemill);
        let reached: Vec<Reached> = self.wanted.iter().map(|wanted| wanted.judge(&played)).collect();
        let is_met = reached.iter().all(|reached| reached.is_met);
        let figure = reached.into_iter().map(|reached| reached.figure).collect::<Vec<_>>().join(", ");
        (played, Reached { is_met, figure })
    }
}

impl Wanted {
    fn judge(self, played: &Played) -> Reached {
        let refusals = |from: Duration| played.refused.iter().filter(|refused| refused.at >= from).count();
        match self {
            Self::Use { window, percent, from, until } => {
                let reached = used(&played.windows[window], from, until.min(played.length));
                Reached { is_met: reached >= percent, figure: format!("{reached:.2} % (>= {percent})") }
            }
            Self::Refusals { most, from } => {
                let reached = refusals(from);
                Reached {
                    is_met: reached <= most,
                    figure: format!("{reached} refused (<= {most}){}", by_cause(played)),
                }
            }
            Self::PerHour { most, from } => {
                let reached = refusals(from) as f64 * 3600.0 / (played.length - from).as_secs_f64();
                Reached { is_met: reached <= most, figure: format!("{reached:.2} refused/h (<= {most})") }
            }
            Self::Per10k { most } => {
                let reached = played.refused.len() as f64 * 10_000.0 / played.sent.max(1) as f64;
                Reached { is_met: reached <= most, figure: format!("{reached:.2} refused/10k (<= {most})") }
            }
            Self::Count { window, percent } => {
                let theirs = &played.windows[window];
                let ours = played.believed.iter().find(|believed| believed.name == theirs.name).unwrap().used;
                let over = f64::from(ours) - f64::from(theirs.at_end);
                let share = over * 100.0 / f64::from(theirs.max);
                let figure = format!("counts {ours} of {} (+{percent} %)", theirs.at_end);
                Reached { is_met: over >= 0.0 && share <= percent, figure }
            }
        }
    }
}

/// Which limits spoke, if any did.
fn by_cause(played: &Played) -> String {
    let of = |cause: Cause| played.refused.iter().filter(|refused| refused.cause == cause).count();
    let spoke =
        [(Cause::Second, "second"), (Cause::Minute, "minute"), (Cause::Day, "day"), (Cause::Concurrency, "at once")];
    let spoke: Vec<String> = spoke
        .iter()
        .filter(|(cause, _)| of(*cause) > 0)
        .map(|(cause, name)| format!("{} {name}", of(*cause)))
        .collect();
    if spoke.is_empty() { String::new() } else { format!(" [{}]", spoke.join(", ")) }
}

/// The share of a window from a time on: of the whole, what the window had room for while there was work.
fn used(window: &WindowPlayed, from: Duration, until: Duration) -> f64 {
    if from.is_zero() {
        return window.achieved as f64 * 100.0 / window.allowed;
    }
    // Steps that begin before `from` or end after `until` are left out.
    let first = from.as_nanos().div_ceil(window.step.as_nanos());
    let end = until.as_nanos() / window.step.as_nanos();
    let counted: u32 = window.curve.iter().take(end as usize).skip(first as usize).sum();
    let allowed =
        f64::from(window.max) * (end - first) as f64 * window.step.as_secs_f64() / window.period.as_secs_f64();
    f64::from(counted) * 100.0 / allowed
}
