//! The mirror of `[limits]` and its check.

use std::time::Duration;

use jiff::civil::Time;
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use crate::job::{Problem, Problems, parse_duration, unknown_zone};

use super::{Limits, Unit, Window};

/// What the provider allows one credential. All limits hold at once.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LimitsFile {
    /// Calls per second: a number, or a table that also says how the provider keeps the limit; no such limit when absent.
    pub qps: Option<RateFile>,
    /// Calls per minute, wherever the minute starts; no such limit when absent.
    pub per_minute: Option<RateFile>,
    /// Calls per hour, wherever the hour starts; no such limit when absent.
    pub per_hour: Option<RateFile>,
    /// Calls per day: a number, or a table that also says when the day begins. A plain number keeps `resets` and
    /// `zone` of the weaker layer; without any the last 24 hours count. No such limit when
    /// absent.
    pub per_day: Option<DayFile>,
    /// Credits per day, written like `per_day`. What a call costs is known from its answer (`[envelope] cost`); until
    /// then the dearest of the calls before is supposed. No such limit when absent.
    pub credits_per_day: Option<DayFile>,
    /// Further windows, each with a length of its own; none when absent.
    pub windows: Option<Vec<WindowFile>>,
    /// Requests in flight; `1` when absent.
    #[schemars(range(min = 1, max = 10_000))]
    pub concurrency: Option<u32>,
    /// The numbers of this layer are a cautious guess: `check` names those that no stronger layer gives. `false` in a
    /// stronger layer says that they have been looked up and are right; it is `false` when absent.
    pub guess: Option<bool>,
}

/// The keys that hold numbers.
const LIMIT_KEYS: [&str; 7] = ["qps", "per_minute", "per_hour", "per_day", "credits_per_day", "windows", "concurrency"];

/// The keys whose number may stand alone or as `max` of a table.
pub(super) const RATE_KEYS: [&str; 5] = ["qps", "per_minute", "per_hour", "per_day", "credits_per_day"];

/// A limit per second, minute or hour.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum RateFile {
    /// Calls.
    Max(#[schemars(range(min = 1, max = 10_000_000))] u32),
    /// Calls and how they are kept.
    Table(RateTable),
}

/// A limit per second, minute or hour, and how the provider keeps it.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RateTable {
    /// Calls in one window; the number of the weaker layer when absent.
    #[schemars(range(min = 1, max = 10_000_000))]
    pub max: Option<u32>,
    /// How the provider keeps it; `window` when absent, which is safe whatever it does.
    pub kind: Option<RateKind>,
}

/// How a provider keeps a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RateKind {
    /// It counts the calls of a window, or nobody knows.
    Window,
    /// A bucket that refills evenly and holds a few calls at least, such as nginx `limit_req` with a `burst`: nothing
    /// needs to be held, so more of a limit per second is used.
    Bucket,
}

/// What the number of a window counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum UnitFile {
    /// Attempts.
    Calls,
    /// What the answers say they cost.
    Credits,
}

/// A daily limit.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum DayFile {
    /// Calls.
    Max(#[schemars(range(min = 1, max = 1_000_000_000))] u32),
    /// Calls and when they count.
    Table(DayTable),
}

/// A daily limit and when its day begins.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DayTable {
    /// Calls, or credits, in one day; the number of the weaker layer when absent.
    #[schemars(range(min = 1, max = 1_000_000_000))]
    pub max: Option<u32>,
    /// Wall-clock time at which the day begins, such as `"00:00"`; the last 24 hours count when absent.
    pub resets: Option<String>,
    /// IANA zone `resets` is read in; the provider's when absent.
    pub zone: Option<String>,
    /// `rolling`: the last 24 hours count, wherever they start.
    pub window: Option<DayWindow>,
}

/// How a day that follows no calendar counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DayWindow {
    /// The last 24 hours, wherever they start.
    Rolling,
}

/// A window of any length.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WindowFile {
    /// Calls, or credits, in one window.
    #[schemars(range(min = 1, max = 1_000_000_000))]
    pub max: u32,
    /// Length, such as `10s` or `5h`; at most 31 days.
    pub per: String,
    /// What is counted; `calls` when absent.
    pub of: Option<UnitFile>,
    /// How the provider keeps it; `window` when absent.
    pub kind: Option<RateKind>,
}

const DAY: Duration = Duration::from_secs(86_400);

/// The keys whose numbers are guesses, given the `limits` tables of all layers, the strongest first.
pub(super) fn guessed(tables: &[&Value]) -> Vec<String> {
    let says = |table: &Value, guess: bool| table.get("guess") == Some(&Value::Bool(guess));
    let is_guessed = |key: &&str| {
        let giver = tables.iter().position(|table| gives(table, key));
        giver.is_some_and(|giver| {
            says(tables[giver], true) && !tables[..giver].iter().any(|stronger| says(stronger, false))
        })
    };
    LIMIT_KEYS.into_iter().filter(is_guessed).map(str::to_owned).collect()
}

/// A day's table that says only when the day begins leaves its number to the weaker layers.
fn gives(limits: &Value, key: &str) -> bool {
    limits.get(key).is_some_and(|value| !value.is_object() || value.get("max").is_some())
}

impl LimitsFile {
    /// The checked form; `zone` is the provider's. Which numbers are guesses only the layers know, see [`guessed`].
    pub(super) fn parse(self, zone: &TimeZone, path: &str, problems: &mut Problems) -> Option<Limits> {
        let before = problems.0.len();
        let rates = [("qps", self.qps, 1), ("per_minute", self.per_minute, 60), ("per_hour", self.per_hour, 3_600)];
        let mut windows: Vec<Window> = rates
            .into_iter()
            .filter_map(|(key, rate, seconds)| {
                rate?.parse(Duration::from_secs(seconds), &format!("{path}/{key}"), problems)
            })
            .collect();
        if let Some(day) = self.per_day {
            windows.extend(day.parse(zone, &format!("{path}/per_day"), problems));
        }
        if let Some(day) = self.credits_per_day {
            let day = day.parse(zone, &format!("{path}/credits_per_day"), problems);
            windows.extend(day.map(|window| Window { unit: Unit::Credits, ..window }));
        }
        for (index, window) in self.windows.into_iter().flatten().enumerate() {
            windows.extend(window.parse(&format!("{path}/windows/{index}"), problems));
        }
        let limits = Limits { windows, concurrency: self.concurrency.unwrap_or(1), guessed: Vec::new() };
        (problems.0.len() == before).then_some(limits)
    }
}

impl RateFile {
    fn parse(self, length: Duration, path: &str, problems: &mut Problems) -> Option<Window> {
        let (max, kind) = match self {
            Self::Max(max) => (max, None),
            Self::Table(RateTable { max: Some(max), kind }) => (max, kind),
            Self::Table(RateTable { max: None, .. }) => {
                problems.push(Problem::new(format!("{path}/max"), "missing key `max`"));
                return None;
            }
        };
        Some(Window { bucket: kind == Some(RateKind::Bucket), ..Window::rolling(max, length) })
    }
}

impl DayFile {
    fn parse(self, zone: &TimeZone, path: &str, problems: &mut Problems) -> Option<Window> {
        let table = match self {
            Self::Max(max) => return Some(Window::rolling(max, DAY)),
            Self::Table(table) => table,
        };
        if let Some(DayWindow::Rolling) = table.window {
            for (key, is_present) in [("resets", table.resets.is_some()), ("zone", table.zone.is_some())] {
                if is_present {
                    let message = format!("a rolling day has no `{key}`");
                    problems.push(Problem::new(format!("{path}/{key}"), message).key());
                }
            }
        } else if table.zone.is_some() && table.resets.is_none() {
            let message = "`zone` says nothing without `resets`";
            problems.push(Problem::new(format!("{path}/zone"), message).key().hint("add `resets = \"00:00\"`"));
        }
        let resets = table.resets.as_deref().map(|text| parse_time(text, &format!("{path}/resets"), problems));
        let zone = table
            .zone
            .as_deref()
            .map_or_else(|| Some(zone.clone()), |name| parse_zone(name, &format!("{path}/zone"), problems));
        let Some(max) = table.max else {
            problems.push(Problem::new(format!("{path}/max"), "missing key `max`"));
            return None;
        };
        match resets {
            None => Some(Window::rolling(max, DAY)),
            Some(resets) => Some(Window::day(max, resets?, zone?)),
        }
    }
}

impl WindowFile {
    fn parse(self, path: &str, problems: &mut Problems) -> Option<Window> {
        let length = match parse_duration(&self.per) {
            Ok(length) if length.is_zero() || length > DAY * 31 => {
                Err(format!("`{}` cannot be the length of a window: more than nothing, at most `31d`", self.per))
            }
            other => other,
        };
        length
            .map(|length| Window {
                unit: if self.of == Some(UnitFile::Credits) { Unit::Credits } else { Unit::Calls },
                bucket: self.kind == Some(RateKind::Bucket),
                ..Window::rolling(self.max, length)
            })
            .map_err(|message| problems.push(Problem::new(format!("{path}/per"), message)))
            .ok()
    }
}

/// An IANA zone by name.
pub(super) fn parse_zone(name: &str, path: &str, problems: &mut Problems) -> Option<TimeZone> {
    TimeZone::get(name).map_err(|_| problems.push(unknown_zone(name, path))).ok()
}

fn parse_time(text: &str, path: &str, problems: &mut Problems) -> Option<Time> {
    text.parse()
        .map_err(|_| {
            let message = format!("`{text}` is no time of day");
            problems.push(Problem::new(path, message).hint("write hours and minutes, such as `00:00`"));
        })
        .ok()
}
