//! The mirror of one `[[rules]]` table and its check: each verdict takes its own parameters and no others.

use std::ops::RangeInclusive;
use std::time::Duration;

use regex::Regex;
use schemars::JsonSchema;
use serde::Deserialize;

use crate::job::{Problem, Problems, parse_duration};

use super::file::Item;
use super::means::MeansFile;
use super::{AfterRetries, CodeMatch, Rule, Scope, ThrottleWindow, Verdict};

/// Conditions, all of which must hold, and what they mean.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RuleFile {
    /// HTTP status: a number, a range such as `"500..599"` (both ends included), or a list of these.
    pub http: Option<Items>,
    /// Code in the body: a number or text, a range such as `"60000..60099"`, `"missing"` for a body without one, or a
    /// list of these. `3` and `"3"` are the same.
    pub code: Option<Items>,
    /// A regular expression found in the message.
    pub message: Option<String>,
    /// `next_page`: only requests for a following page.
    pub on: Option<On>,
    /// Only requests whose path starts so, such as `"/report"`.
    pub path: Option<String>,
    /// What it means for us.
    pub verdict: VerdictName,
    /// What the vendor says it means: text, or `{ en = "…", zh = "…" }`; absent where it documents nothing. Shown by
    /// `tidemill explain`.
    pub means: Option<MeansFile>,
    /// `throttle`: the limit that was hit.
    pub window: Option<ThrottleName>,
    /// `retry`: attempts in all, the first included, `5` when absent. `reauthorize`: new signatures, `1` when absent.
    #[schemars(range(min = 1, max = 100))]
    pub max_attempts: Option<u32>,
    /// `retry`: first delay, doubled each time; `1s` when absent.
    pub delay: Option<String>,
    /// `retry`: longest delay. `pending`: longest wait between two questions. `60s` when absent.
    pub cap: Option<String>,
    /// `retry`: what the last failed attempt means; `pending` when absent.
    pub then: Option<ThenName>,
    /// `pending`: first wait; `5s` when absent.
    pub every: Option<String>,
    /// `pending`: give up asking in this run after so long; `15m` when absent.
    pub deadline: Option<String>,
    /// `empty`: the provider may mean "not yet", and a person may want to ask again; `false` when absent.
    pub unconfirmed: Option<bool>,
    /// What a person should know or do, shown with the provider's own words.
    pub hint: Option<String>,
}

/// One or several.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Items {
    /// `429`
    One(Item),
    /// `[408, "500..599"]`
    Many(Vec<Item>),
}

/// Which requests a rule is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum On {
    /// Requests for a following page.
    NextPage,
}

/// What an answer means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum VerdictName {
    /// A page.
    Accept,
    /// A success that says there is nothing.
    Empty,
    /// Not ready yet: ask again later.
    Pending,
    /// A fault on their side: ask again after a delay.
    Retry,
    /// Too fast, or a window is used up.
    Throttle,
    /// The credential was not taken: sign anew and ask again.
    Reauthorize,
    /// This cell can never succeed; go on with the others.
    Reject,
    /// Nothing more is sent to this provider until a person acts.
    Stop,
}

/// Which limit was hit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ThrottleName {
    /// Calls per second.
    Second,
    /// Calls per minute.
    Minute,
    /// Calls per day.
    Day,
    /// Requests in flight.
    Concurrency,
}

/// What exhausted attempts mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ThenName {
    /// The cell stays pending; the next run asks again.
    Pending,
    /// Nothing more is sent to this provider until a person acts.
    Stop,
}

impl VerdictName {
    fn word(self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::Empty => "empty",
            Self::Pending => "pending",
            Self::Retry => "retry",
            Self::Throttle => "throttle",
            Self::Reauthorize => "reauthorize",
            Self::Reject => "reject",
            Self::Stop => "stop",
        }
    }

    fn parameters(self) -> &'static [&'static str] {
        match self {
            Self::Accept | Self::Reject | Self::Stop => &[],
            Self::Empty => &["unconfirmed"],
            Self::Pending => &["every", "cap", "deadline"],
            Self::Retry => &["max_attempts", "delay", "cap", "then"],
            Self::Throttle => &["window"],
            Self::Reauthorize => &["max_attempts"],
        }
    }
}

impl RuleFile {
    /// The checked form.
    pub(super) fn parse(self, path: &str, problems: &mut Problems) -> Option<Rule> {
        let before = problems.0.len();
        self.refuse_foreign_parameters(path, problems);
        if self.http.is_none()
            && self.code.is_none()
            && self.message.is_none()
            && self.on.is_none()
            && self.path.is_none()
        {
            let message = "a rule without a condition would match every answer";
            problems.push(Problem::new(path, message).hint("add `http`, `code`, `message`, `on` or `path`"));
        }
        let verdict = self.verdict(path, problems);
        let scope = match (self.on, self.path) {
            (None, None) => Scope::Any,
            (Some(On::NextPage), None) => Scope::NextPage,
            (None, Some(prefix)) => {
                if !prefix.starts_with('/') {
                    let message = format!("`{prefix}` is no path below the base URL");
                    problems.push(Problem::new(format!("{path}/path"), message).hint("it starts with `/`"));
                }
                Scope::Path(prefix)
            }
            (Some(_), Some(_)) => {
                problems.push(Problem::new(format!("{path}/on"), "`on` and `path` cannot stand in one rule").key());
                Scope::Any
            }
        };
        let http = read_items(self.http, &format!("{path}/http"), problems, http_match);
        let code = read_items(self.code, &format!("{path}/code"), problems, code_match);
        let message = self.message.and_then(|pattern| {
            Regex::new(&pattern)
                .map_err(|_| {
                    let wrong = format!("`{pattern}` is no regular expression");
                    problems.push(Problem::new(format!("{path}/message"), wrong));
                })
                .ok()
        });
        let means = self.means.map(|means| means.parse(&format!("{path}/means"), problems)).unwrap_or_default();
        if problems.0.len() > before {
            return None;
        }
        Some(Rule { http, code, message, on: scope, verdict: verdict?, means, hint: self.hint })
    }

    fn refuse_foreign_parameters(&self, path: &str, problems: &mut Problems) {
        let present = [
            ("window", self.window.is_some()),
            ("max_attempts", self.max_attempts.is_some()),
            ("delay", self.delay.is_some()),
            ("cap", self.cap.is_some()),
            ("then", self.then.is_some()),
            ("every", self.every.is_some()),
            ("deadline", self.deadline.is_some()),
            ("unconfirmed", self.unconfirmed.is_some()),
        ];
        let allowed = self.verdict.parameters();
        for (key, _) in present.iter().filter(|(key, is_present)| *is_present && !allowed.contains(key)) {
            let hint = if allowed.is_empty() {
                "it takes no parameter".to_owned()
            } else {
                let names: Vec<String> = allowed.iter().map(|name| format!("`{name}`")).collect();
                format!("it takes {}", names.join(", "))
            };
            let message = format!("the verdict `{}` takes no `{key}`", self.verdict.word());
            problems.push(Problem::new(format!("{path}/{key}"), message).key().hint(hint));
        }
    }

    fn verdict(&self, path: &str, problems: &mut Problems) -> Option<Verdict> {
        let mut wait = |key: &str, text: &Option<String>, otherwise: u64| match text.as_deref().map(parse_duration) {
            None => Some(Duration::from_secs(otherwise)),
            Some(Ok(length)) if !length.is_zero() => Some(length),
            Some(Ok(_)) => {
                problems.push(Problem::new(format!("{path}/{key}"), "a wait of nothing would ask without a pause"));
                None
            }
            Some(Err(message)) => {
                problems.push(Problem::new(format!("{path}/{key}"), message));
                None
            }
        };
        match self.verdict {
            VerdictName::Accept => Some(Verdict::Accept),
            VerdictName::Empty => Some(Verdict::Empty { unconfirmed: self.unconfirmed.unwrap_or(false) }),
            VerdictName::Pending => {
                let (every, cap) = (wait("every", &self.every, 5), wait("cap", &self.cap, 60));
                let deadline = wait("deadline", &self.deadline, 900);
                let (every, cap, deadline) = (every?, cap?, deadline?);
                self.in_order("every", every, cap, path, problems)?;
                Some(Verdict::Pending { every, cap, deadline })
            }
            VerdictName::Retry => {
                let (delay, cap) = (wait("delay", &self.delay, 1), wait("cap", &self.cap, 60));
                let (delay, cap) = (delay?, cap?);
                self.in_order("delay", delay, cap, path, problems)?;
                let then = match self.then {
                    None | Some(ThenName::Pending) => AfterRetries::Pending,
                    Some(ThenName::Stop) => AfterRetries::Stop,
                };
                Some(Verdict::Retry { max_attempts: self.max_attempts.unwrap_or(5), delay, cap, then })
            }
            VerdictName::Throttle => {
                let Some(window) = self.window else {
                    let missing = Problem::new(format!("{path}/window"), "missing key `window`");
                    problems.push(missing.hint("allowed: `second`, `minute`, `day`, `concurrency`"));
                    return None;
                };
                Some(Verdict::Throttle(match window {
                    ThrottleName::Second => ThrottleWindow::Second,
                    ThrottleName::Minute => ThrottleWindow::Minute,
                    ThrottleName::Day => ThrottleWindow::Day,
                    ThrottleName::Concurrency => ThrottleWindow::Concurrency,
                }))
            }
            VerdictName::Reauthorize => Some(Verdict::Reauthorize { max_attempts: self.max_attempts.unwrap_or(1) }),
            VerdictName::Reject => Some(Verdict::Reject),
            VerdictName::Stop => Some(Verdict::Stop),
        }
    }

    fn in_order(&self, key: &str, first: Duration, cap: Duration, path: &str, problems: &mut Problems) -> Option<()> {
        if first <= cap {
            return Some(());
        }
        let at = if self.cap.is_some() { "cap" } else { key };
        let message = format!("`cap` ({cap:?}) is shorter than `{key}` ({first:?})");
        problems.push(Problem::new(format!("{path}/{at}"), message));
        None
    }
}

fn read_items<T>(
    items: Option<Items>,
    path: &str,
    problems: &mut Problems,
    read: impl Fn(&Item) -> Result<T, String>,
) -> Vec<T> {
    let (items, is_list) = match items {
        None => return Vec::new(),
        Some(Items::One(item)) => (vec![item], false),
        Some(Items::Many(items)) => (items, true),
    };
    if items.is_empty() {
        problems.push(Problem::new(path, "an empty list matches nothing").hint("leave the key out to match all"));
    }
    let mut matches = Vec::new();
    for (index, item) in items.iter().enumerate() {
        match read(item) {
            Ok(found) => matches.push(found),
            Err(message) => {
                let at = if is_list { format!("{path}/{index}") } else { path.to_owned() };
                problems.push(Problem::new(at, message));
            }
        }
    }
    matches
}

fn http_match(item: &Item) -> Result<RangeInclusive<u16>, String> {
    let text = item.text();
    let (from, to) = text.split_once("..").unwrap_or((&text, &text));
    match (from.parse::<u16>(), to.parse::<u16>()) {
        (Ok(from), Ok(to)) if (100..=599).contains(&from) && (from..=599).contains(&to) => Ok(from..=to),
        (_, _) => Err(format!("`{text}` is no HTTP status: 100 to 599, or a range such as `500..599`")),
    }
}

fn code_match(item: &Item) -> Result<CodeMatch, String> {
    let text = match item {
        Item::Number(number) => return Ok(CodeMatch::Exact(number.to_string())),
        Item::Text(text) => text,
    };
    if text == "missing" {
        return Ok(CodeMatch::Missing);
    }
    match text.split_once("..").map(|(from, to)| (from.parse::<i64>(), to.parse::<i64>())) {
        Some((Ok(from), Ok(to))) if from <= to => Ok(CodeMatch::Range(from..=to)),
        Some((Ok(_), Ok(_))) => Err(format!("the range `{text}` ends before it begins")),
        Some((_, _)) | None => Ok(CodeMatch::Exact(text.clone())),
    }
}
