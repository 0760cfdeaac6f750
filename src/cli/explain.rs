//! `tidemill explain`: what a code means, what is done about it, what a person can do.

use std::ops::RangeInclusive;

use serde_json::{Value, json};

use crate::fetch::{deed, remedy, unnamed};
use crate::job::{Problem, Problems, nearest};
use crate::provider::{CodeMatch, Environment, Known, Means, Provider, Rule, Scope, Verdict};
use crate::run::Exit;

use super::args::ExplainArguments;
use super::explain_text::{Screen, screen_of_all, screen_of_one};
use super::load::workspace;
use super::start::CommandError;
use super::term::{columns, put, say};

/// One line of a provider's error table, for a person.
pub(super) struct Entry {
    /// Codes in the body as the file writes them; empty: any.
    pub(super) codes: Vec<String>,
    /// HTTP statuses it asks for, or is known to come with; empty: any.
    pub(super) http: Vec<String>,
    /// What else must hold.
    pub(super) conditions: Vec<String>,
    /// What it means for us.
    pub(super) verdict: Verdict,
    /// The vendor's words.
    pub(super) means: Means,
    /// What to say where there are none.
    pub(super) without: &'static str,
    /// What is done.
    pub(super) deed: String,
    /// What a person can do.
    pub(super) remedy: String,
}

/// Explains one code, or all of a provider.
pub(super) fn explain(arguments: &ExplainArguments) -> Result<Exit, CommandError> {
    let workspace = workspace(std::path::Path::new(""), &arguments.set)?;
    let provider = workspace.provider(&arguments.provider)?;
    let screen = Screen { chinese_first: reads_chinese(&workspace.environment), columns: columns() };
    let Some(code) = &arguments.code else {
        if arguments.json {
            let rules: Vec<Value> = Entry::all(&provider).iter().map(Entry::json).collect();
            print(&json!({ "provider": provider.name, "ok": provider.envelope.ok, "rules": rules }));
        } else {
            put(&screen_of_all(&provider, &screen));
            say(&format!("next: tidemill explain {} CODE", provider.name));
        }
        return Ok(Exit::Done);
    };
    let known = provider.known(code);
    let mut by_http = entries(&provider, &known.by_http);
    if let Ok(status) = code.parse() {
        by_http.extend(Entry::unnamed(&provider, Some(status)));
    }
    if known.is_empty() && by_http.is_empty() {
        return Err(unknown(&provider, code).into());
    }
    if arguments.json {
        print(&json_of(&provider, code, &known, &by_http));
    } else {
        put(&screen_of_one(&provider, code, &known, &by_http, &screen));
        say(&format!("next: tidemill explain {}", provider.name));
    }
    Ok(Exit::Done)
}

/// As files write it: `429`, `500..599`.
fn range<T: PartialEq + std::fmt::Display>(range: &RangeInclusive<T>) -> String {
    match range.start() == range.end() {
        true => range.start().to_string(),
        false => format!("{}..{}", range.start(), range.end()),
    }
}

fn print(value: &Value) {
    put(&serde_json::to_string_pretty(value).unwrap_or_default());
}

/// As POSIX orders them: the first that is set says the language.
fn reads_chinese(environment: &Environment) -> bool {
    let set = ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().filter_map(|name| environment.get(name));
    set.into_iter().find(|value| !value.is_empty()).is_some_and(|value| value.starts_with("zh"))
}

fn unknown(provider: &Provider, code: &str) -> Problems {
    let name = &provider.name;
    // A number that is near another one means nothing of the same.
    let names = provider.codes().filter(|known| known.parse::<i64>().is_err());
    let message = match nearest(code, names) {
        Some(meant) => format!("`{name}` is not known to answer with code `{code}`, did you mean `{meant}`?"),
        None => format!("`{name}` is not known to answer with code `{code}`"),
    };
    let (verdict, _) = unnamed(400, false, true);
    let hint = format!(
        "no rule names it, so it is never a success: tidemill {}; `tidemill explain {name}` shows all that are known",
        deed(&verdict, provider.max_wait)
    );
    Problems(vec![Problem::new("", message).hint(hint)])
}

fn json_of(provider: &Provider, code: &str, known: &Known<'_>, by_http: &[Entry]) -> Value {
    let json = |entries: &[Entry]| -> Vec<Value> { entries.iter().map(Entry::json).collect() };
    json!({
        "provider": provider.name, "code": code, "ok": known.is_ok, "before": json(&entries(provider, &known.before)),
        "rules": json(&entries(provider, &known.by_code)), "as_http_status": json(by_http),
    })
}

/// An entry for each of `rules`.
pub(super) fn entries(provider: &Provider, rules: &[&Rule]) -> Vec<Entry> {
    rules.iter().map(|rule| Entry::of(provider, rule)).collect()
}

impl Entry {
    /// Everything an answer that is no success can mean, in the order in which it is asked for.
    pub(super) fn all(provider: &Provider) -> Vec<Self> {
        let mut all = entries(provider, &provider.rules.iter().collect::<Vec<_>>());
        all.extend(Self::unnamed(provider, None));
        let other = vec!["any other".to_owned()];
        all.push(Self::default(provider, other, Vec::new(), 400, "named by no rule, and never a success"));
        all
    }

    fn of(provider: &Provider, rule: &Rule) -> Self {
        let codes = rule.code.iter().map(|code| match code {
            CodeMatch::Exact(code) => code.clone(),
            CodeMatch::Range(codes) => range(codes),
            CodeMatch::Missing => "none".to_owned(),
        });
        let mut http: Vec<String> = rule.http.iter().map(range).collect();
        if http.is_empty() {
            http = rule.code.iter().filter_map(|code| Some(provider.http_of(code)?.to_string())).collect();
            http.dedup();
        }
        let mut conditions = Vec::new();
        match &rule.on {
            Scope::Any => {}
            Scope::NextPage => conditions.push("a following page was asked for".to_owned()),
            Scope::Path(path) => conditions.push(format!("the path begins with `{path}`")),
        }
        conditions.extend(rule.message.as_ref().map(|pattern| format!("its message matches `{pattern}`")));
        Self {
            codes: codes.collect(),
            http,
            conditions,
            deed: deed(&rule.verdict, provider.max_wait),
            remedy: rule.hint.clone().unwrap_or_else(|| remedy(&rule.verdict).to_owned()),
            means: rule.means.clone(),
            without: "not documented by the vendor",
            verdict: rule.verdict.clone(),
        }
    }

    /// The HTTP statuses, or `only` that one, which mean something by themselves in a body without a code and which no
    /// rule names.
    fn unnamed(provider: &Provider, only: Option<u16>) -> Vec<Self> {
        let mut groups: Vec<(Verdict, Vec<RangeInclusive<u16>>)> = Vec::new();
        let statuses = (300..=599).filter(|status| only.is_none_or(|only| only == *status));
        for status in statuses.filter(|status| !provider.decides(*status)) {
            let (verdict, _) = unnamed(status, true, true);
            if verdict == Verdict::Reject {
                continue;
            }
            let at = groups.iter().position(|(known, _)| *known == verdict);
            let at = at.unwrap_or_else(|| {
                groups.push((verdict, Vec::new()));
                groups.len() - 1
            });
            let ranges = &mut groups[at].1;
            match ranges.last_mut() {
                Some(range) if range.end() + 1 == status => *range = *range.start()..=status,
                _ => ranges.push(status..=status),
            }
        }
        let entry = |(_, ranges): (Verdict, Vec<RangeInclusive<u16>>)| {
            let status = ranges.first().map_or(400, |range| *range.start());
            let http = ranges.iter().map(range).collect();
            Self::default(
                provider,
                vec!["none".to_owned()],
                http,
                status,
                "named by no rule: what it means for any provider",
            )
        };
        groups.into_iter().map(entry).collect()
    }

    /// What HTTP `status` means where no rule decides.
    fn default(provider: &Provider, codes: Vec<String>, http: Vec<String>, status: u16, without: &'static str) -> Self {
        let (verdict, hint) = unnamed(status, true, true);
        Self {
            codes,
            http,
            conditions: Vec::new(),
            deed: deed(&verdict, provider.max_wait),
            remedy: hint.map_or_else(|| remedy(&verdict).to_owned(), str::to_owned),
            means: Means::default(),
            without,
            verdict,
        }
    }

    fn json(&self) -> Value {
        json!({
            "codes": self.codes, "http": self.http, "when": self.conditions, "verdict": self.verdict.word(),
            "means": { "en": self.means.en, "zh": self.means.zh }, "tidemill": self.deed, "you": self.remedy,
        })
    }
}
