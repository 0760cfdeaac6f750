//! Faults by script: the text of `--fault` becomes decisions, repeatable for a seed.
//!
//! `5001=2%` a share of all requests; `60006@3` the third; `429x5@10` five in a row from the tenth; `60008@next:2` the
//! first two askings of each following page. What happens: any code of the provider, or `reset`, `cut`, `hang`,
//! `html502`, `slow`, `forget` (a following page is not known any more), `expire` (the credential is too old).
//! `skew=600s` sets the provider's clock ahead.

use jiff::SignedDuration;

use crate::provider::Provider;

use super::mix::{mix, unit};

/// A parsed script.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Faults {
    faults: Vec<Fault>,
    skew: SignedDuration,
}

/// Why a script cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FaultError {
    /// Neither a code of the provider nor a fault by name.
    #[error(
        "`{what}`{} is neither a code of {provider} ({codes}) nor one of reset, cut, hang, html502, slow, forget, expire, skew",
        within(fault, what)
    )]
    Unknown {
        /// The item.
        fault: String,
        /// Its head.
        what: String,
        /// Who is played.
        provider: String,
        /// Its codes.
        codes: String,
    },
    /// No share and no place.
    #[error("`{0}` does not say when: write `{0}=2%`, `{0}@3` or `{0}@next:2`")]
    NoWhen(String),
    /// A share that is none.
    #[error("`{share}` in `{fault}` is no share: write a percentage from 0% to 100%, such as `2%` or `0.5%`")]
    Share {
        /// The item.
        fault: String,
        /// The text found.
        share: String,
    },
    /// A place that is none.
    #[error("`{place}` in `{fault}` is no place: write the number of a request from 1 on, such as `@3`, or `@next:2`")]
    Place {
        /// The item.
        fault: String,
        /// The text found.
        place: String,
    },
    /// A repetition that is none, or without a place to start.
    #[error("`{fault}`: a repetition is a number from 1 on and needs a first request, such as `429x5@10`")]
    Times {
        /// The item.
        fault: String,
    },
    /// A time that is none.
    #[error("`{text}` in `{fault}` is no duration: write `skew=600s` or `skew=-10m`")]
    Skew {
        /// The item.
        fault: String,
        /// The text found.
        text: String,
    },
}

/// The item around its head, when there is more to it.
fn within(fault: &str, what: &str) -> String {
    if fault == what { String::new() } else { format!(" in `{fault}`") }
}

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum What {
    Code(String),
    Html(u16),
    Reset,
    Cut,
    Hang,
    Slow,
    Forget,
    Expire,
}

#[derive(Debug, Clone, PartialEq)]
struct Fault {
    what: What,
    when: When,
}

#[derive(Debug, Clone, PartialEq)]
enum When {
    Share(f64),
    /// Requests `first..first + times`, the first request is 1.
    At {
        first: u64,
        times: u64,
    },
    /// The first so many askings of each following page.
    Next(u64),
}

impl Faults {
    /// Reads a script: items separated by commas.
    pub fn parse(text: &str, provider: &Provider) -> Result<Self, FaultError> {
        let mut faults = Self::default();
        for item in text.split(',').map(str::trim).filter(|item| !item.is_empty()) {
            if let Some(skew) = item.strip_prefix("skew=") {
                faults.skew =
                    skew.parse().map_err(|_| FaultError::Skew { fault: item.to_owned(), text: skew.to_owned() })?;
            } else {
                faults.faults.push(fault(item, provider)?);
            }
        }
        Ok(faults)
    }

    /// How far the provider's clock is ahead.
    pub(super) fn skew(&self) -> SignedDuration {
        self.skew
    }

    /// What goes wrong with request `ordinal` (from 1), which is asking number `asking` (from 1) of a following page,
    /// or `None` for a first page. The first item that applies counts, but `slow` goes with any other.
    pub(super) fn decide(&self, seed: u64, ordinal: u64, asking: Option<u64>) -> Vec<What> {
        let applies = |(index, fault): (usize, &Fault)| {
            let hit = match fault.when {
                When::Share(share) => unit(mix(mix(seed, ordinal), index as u64 + 1)) < share,
                When::At { first, times } => (first..first.saturating_add(times)).contains(&ordinal),
                When::Next(askings) => asking.is_some_and(|asking| asking <= askings),
            };
            hit.then(|| fault.what.clone())
        };
        let mut all: Vec<What> = self.faults.iter().enumerate().filter_map(applies).collect();
        let mut main = false;
        all.retain(|what| *what == What::Slow || !std::mem::replace(&mut main, true));
        all
    }
}

fn fault(item: &str, provider: &Provider) -> Result<Fault, FaultError> {
    let (head, when) = match item.find(['=', '@']) {
        Some(at) => (&item[..at], Some(item[at..].split_at(1))),
        None => (item, None),
    };
    let (what, times) = what(item, head, provider)?;
    let when = match when {
        None => return Err(FaultError::NoWhen(item.to_owned())),
        Some(("=", share)) if times.is_none() => When::Share(parse_share(item, share)?),
        Some(("@", place)) => parse_place(item, place, times)?,
        Some(_) => return Err(FaultError::Times { fault: item.to_owned() }),
    };
    Ok(Fault { what, when })
}

fn what(item: &str, head: &str, provider: &Provider) -> Result<(What, Option<u64>), FaultError> {
    let named = |name: &str| match name {
        "reset" => Some(What::Reset),
        "cut" => Some(What::Cut),
        "hang" => Some(What::Hang),
        "slow" => Some(What::Slow),
        "forget" => Some(What::Forget),
        "expire" => Some(What::Expire),
        code if provider.simulation.codes.contains_key(code) => Some(What::Code(code.to_owned())),
        other => {
            let status = other.strip_prefix("html")?.parse().ok()?;
            (200..=599).contains(&status).then_some(What::Html(status))
        }
    };
    if let Some(what) = named(head) {
        return Ok((what, None));
    }
    if let Some((name, times)) = head.rsplit_once('x')
        && let Some(what) = named(name)
    {
        let times = times.parse().ok().filter(|times| *times > 0);
        return Ok((what, Some(times.ok_or_else(|| FaultError::Times { fault: item.to_owned() })?)));
    }
    let codes: Vec<&str> = provider.simulation.codes.keys().map(String::as_str).collect();
    Err(FaultError::Unknown {
        fault: item.to_owned(),
        what: head.to_owned(),
        provider: provider.name.clone(),
        codes: if codes.is_empty() { "it has none".to_owned() } else { codes.join(", ") },
    })
}

fn parse_share(item: &str, text: &str) -> Result<f64, FaultError> {
    let share = text.strip_suffix('%').and_then(|number| number.trim().parse::<f64>().ok());
    share
        .filter(|percent| (0.0..=100.0).contains(percent))
        .map(|percent| percent / 100.0)
        .ok_or_else(|| FaultError::Share { fault: item.to_owned(), share: text.to_owned() })
}

fn parse_place(item: &str, text: &str, times: Option<u64>) -> Result<When, FaultError> {
    let wrong = || FaultError::Place { fault: item.to_owned(), place: text.to_owned() };
    let positive = |text: &str| text.parse::<u64>().ok().filter(|number| *number > 0).ok_or_else(wrong);
    match text.strip_prefix("next") {
        Some(_) if times.is_some() => Err(FaultError::Times { fault: item.to_owned() }),
        Some("") => Ok(When::Next(u64::MAX)),
        Some(askings) => Ok(When::Next(positive(askings.strip_prefix(':').ok_or_else(wrong)?)?)),
        None => Ok(When::At { first: positive(text)?, times: times.unwrap_or(1) }),
    }
}
