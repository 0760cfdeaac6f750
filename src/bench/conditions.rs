//! A scenario in words, for whoever reads its figures.

use std::time::Duration;

use crate::provider::{Limits, WindowKind};
use crate::simulate::{CountAt, Kind, Latency};

use super::incident::Mishap;
use super::scenario::{Pattern, Scenario, of_calls};
use super::truth::name;

/// Names and values, in the order they are shown. `of` says whose limits these are; nothing if they are nobody's.
pub(super) fn conditions(of: &str, scenario: &Scenario) -> Vec<(&'static str, String)> {
    let told = limits(&scenario.limits);
    let told = if of.is_empty() { told } else { format!("{of}: {told}") };
    let mut found = vec![("limits", told)];
    if scenario.server.limits != scenario.limits {
        found.push(("in truth", limits(&scenario.server.limits)));
    }
    found.push(("server", server(scenario)));
    found.push(("latency", latency(scenario.server.latency)));
    let work = match scenario.load.pattern {
        Pattern::Endless => "endless".to_owned(),
        Pattern::OnOff { on, off } => format!("{} on, {} off", time(on), time(off)),
    };
    found.push(("work", format!("{work}, {} cells at once", scenario.load.cells)));
    if !scenario.incidents.is_empty() {
        found.push(("incidents", incidents(scenario)));
    }
    found.push(("played", format!("{} in virtual time, seed {}", time(scenario.length), scenario.seed)));
    found
}

/// How jobs are run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Means {
    /// Against simulators, over sockets of this machine, in real time.
    Loopback,
    /// Against simulators in memory, in virtual time.
    Virtual,
    /// Against the provider itself.
    Live {
        /// Requests at the most, of all jobs.
        spend: u64,
    },
}

/// The same for jobs that ran for `took`.
pub(super) fn conditions_of_jobs(
    of: &str,
    jobs: &[&str],
    means: Means,
    scenario: &Scenario,
    took: Duration,
) -> Vec<(&'static str, String)> {
    let mut found = vec![("limits", format!("{of}: {}", limits(&scenario.limits)))];
    let how = match means {
        Means::Loopback => format!("in real time, seed {}", scenario.seed),
        Means::Virtual => format!("in virtual time, seed {}", scenario.seed),
        Means::Live { spend } => format!("live, at most {spend} requests of all jobs"),
    };
    if let Means::Live { .. } = means {
        found.push(("server", "the provider itself; what it accepted is our count, as its answers came".to_owned()));
    } else {
        found.push(("server", server(scenario)));
        found.push(("latency", latency(scenario.server.latency)));
    }
    found.push(("work", jobs.join(", ")));
    found.push(("played", format!("{:.1}s of {} at the most, {how}", took.as_secs_f64(), time(scenario.length))));
    found
}

fn limits(limits: &Limits) -> String {
    let window = |kind: &WindowKind| match kind {
        WindowKind::Rolling(period) => name(*period),
        WindowKind::Day { resets, zone } => {
            format!("day from {} {}", resets.strftime("%H:%M"), zone.iana_name().unwrap_or("UTC"))
        }
    };
    let mut words: Vec<String> =
        of_calls(limits).windows.iter().map(|limit| format!("{} per {}", limit.max, window(&limit.kind))).collect();
    words.push(format!("{} at once", limits.concurrency));
    words.join(", ")
}

fn server(scenario: &Scenario) -> String {
    let server = &scenario.server;
    let kept = match server.rules.kind {
        Kind::Log => "an exact log".to_owned(),
        Kind::Fixed => "fixed windows".to_owned(),
        Kind::Counter => "a sliding counter".to_owned(),
        Kind::Bucket { burst } => format!("a bucket of {burst}"),
        Kind::Gcra { burst } => format!("GCRA, burst {burst}"),
    };
    let counted = match server.count_at {
        CountAt::Start => "start",
        CountAt::Middle => "middle",
        CountAt::End => "end",
    };
    let mut words = format!("{kept}, counts at the {counted} of its work");
    if server.rules.count_refusals {
        words.push_str(", refusals too");
    }
    if server.retry_after {
        words.push_str(", says when to come back");
    }
    if scenario.drift_ppm != 0 {
        words.push_str(&format!(", clock {:+} ppm", -scenario.drift_ppm));
    }
    words
}

fn latency(latency: Latency) -> String {
    match latency {
        Latency::Plain { floor, mean_extra } => {
            format!("{} and {} more in the mean, all at the server", time(floor), time(mean_extra))
        }
        Latency::J0 => "j0: 25 ms there, 50 ms at the server, 25 ms back".to_owned(),
        Latency::J1 => "j1: a good wide-area line".to_owned(),
        Latency::J2 => "j2: a bad wide-area line".to_owned(),
        Latency::J3 => "j3: a bad wide-area line with cold connections and stalls".to_owned(),
    }
}

fn incidents(scenario: &Scenario) -> String {
    let count = |is: fn(&Mishap) -> bool| scenario.incidents.iter().filter(|incident| is(&incident.what)).count();
    let counted = [
        (count(|what| matches!(what, Mishap::Kill { .. })), "kills"),
        (count(|what| matches!(what, Mishap::Terms(_))), "changes of the limits"),
        (count(|what| matches!(what, Mishap::Foreign { .. })), "bursts of another user"),
        (count(|what| matches!(what, Mishap::WallStep(_))), "steps of the wall clock"),
    ];
    let words: Vec<String> =
        counted.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
    words.join(", ")
}

/// In the largest unit that leaves no rest.
fn time(time: Duration) -> String {
    let millis = time.as_millis();
    let units = [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000)];
    let unit = units.into_iter().find(|(_, length)| millis > 0 && millis.is_multiple_of(*length));
    unit.map_or_else(|| format!("{millis}ms"), |(name, length)| format!("{}{name}", millis / length))
}
