//! Which rules speak of a code or an HTTP status. Pure.

use super::{CodeMatch, Provider, Rule, Scope};

/// What a provider file says of one code or HTTP status.
#[derive(Debug, Default)]
pub struct Known<'a> {
    /// The code means success.
    pub is_ok: bool,
    /// Rules without a code that are asked before the last of those of the code: they decide where they fit.
    pub before: Vec<&'a Rule>,
    /// Rules that name the code, up to the first that asks for nothing else.
    pub by_code: Vec<&'a Rule>,
    /// Rules of answers that come with it as HTTP status; none of those above.
    pub by_http: Vec<&'a Rule>,
}

impl Known<'_> {
    /// True when the file does not speak of it at all.
    pub fn is_empty(&self) -> bool {
        !self.is_ok && self.by_code.is_empty() && self.by_http.is_empty()
    }
}

impl Provider {
    /// What is known of `asked`, a code or an HTTP status.
    pub fn known(&self, asked: &str) -> Known<'_> {
        let mut known = Known { is_ok: self.envelope.ok.iter().any(|code| code == asked), ..Known::default() };
        for rule in &self.rules {
            if rule.code.is_empty() {
                known.before.push(rule);
            } else if rule.names(asked) {
                known.by_code.push(rule);
                if rule.http.is_empty() && rule.message.is_none() && rule.on == Scope::Any {
                    break;
                }
            }
        }
        if known.by_code.is_empty() {
            known.before.clear();
        }
        let status = asked.parse().ok().filter(|status| (100..=599).contains(status));
        for rule in self.rules.iter().filter(|rule| status.is_some_and(|status| self.comes_with(rule, status))) {
            let is_told = |told: &Vec<&Rule>| told.iter().any(|one| std::ptr::eq(*one, rule));
            if !is_told(&known.by_code) && !is_told(&known.before) {
                known.by_http.push(rule);
            }
        }
        known
    }

    /// The HTTP status that `code` is known to come with.
    pub fn http_of(&self, code: &CodeMatch) -> Option<u16> {
        let CodeMatch::Exact(code) = code else { return None };
        let is_telling = !self.simulation.errors_in_http_200;
        self.simulation.codes.get(code).filter(|_| is_telling).map(|code| code.http)
    }

    fn comes_with(&self, rule: &Rule, status: u16) -> bool {
        match rule.http.is_empty() {
            true => rule.code.iter().any(|code| self.http_of(code) == Some(status)),
            false => rule.http.iter().any(|range| range.contains(&status)),
        }
    }

    /// Whether a rule decides on every body without a code that comes with `status`.
    pub fn decides(&self, status: u16) -> bool {
        let names = |rule: &Rule| rule.http.is_empty() || rule.http.iter().any(|range| range.contains(&status));
        let is_silent = |rule: &Rule| rule.code.is_empty() || rule.code.contains(&CodeMatch::Missing);
        self.rules.iter().any(|rule| rule.message.is_none() && rule.on == Scope::Any && names(rule) && is_silent(rule))
    }

    /// Every code that the file names one by one, those that mean success first.
    pub fn codes(&self) -> impl Iterator<Item = &str> {
        let named = self.rules.iter().flat_map(|rule| &rule.code).filter_map(|code| match code {
            CodeMatch::Exact(code) => Some(code.as_str()),
            CodeMatch::Range(_) | CodeMatch::Missing => None,
        });
        self.envelope.ok.iter().map(String::as_str).chain(named)
    }
}

impl Rule {
    fn names(&self, asked: &str) -> bool {
        self.code.iter().any(|code| match code {
            CodeMatch::Exact(code) => code == asked,
            CodeMatch::Range(range) => asked.parse().is_ok_and(|number: i64| range.contains(&number)),
            CodeMatch::Missing => false,
        })
    }
}
