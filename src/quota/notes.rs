//! What the limiter has found out that a person should know.

use std::collections::BTreeMap;

use super::held::Held;

/// A learned ceiling is told of when it is less than this share of the limit.
const NOTABLE: f64 = 0.9;

#[derive(Debug, Clone, Default)]
pub(super) struct Notes {
    /// Per window, how many calls are not ours at the least.
    foreign: BTreeMap<String, u32>,
    /// Limits the provider announced in its headers where they differ: ours and theirs, by window.
    announced: BTreeMap<String, (u32, u32)>,
}

impl Notes {
    /// A window was full at the provider when at least `calls` of it were not ours.
    pub(super) fn foreign(&mut self, window: &str, calls: u32) {
        let most = self.foreign.entry(window.to_owned()).or_default();
        *most = calls.max(*most);
    }

    /// The provider announces `theirs` where `limits` says `ours`.
    pub(super) fn announced(&mut self, window: &str, ours: u32, theirs: u32) {
        self.announced.insert(window.to_owned(), (ours, theirs));
    }

    /// One sentence each.
    pub(super) fn told(&self, rolling: &[Held]) -> Vec<String> {
        let foreign = self.foreign.iter().map(|(window, calls)| {
            format!(
                "the provider called its {window} limit used up when at least {calls} of its calls were not ours: something \
                 else uses this credential, or the limit is lower than `limits` says"
            )
        });
        let ceilings = rolling.iter().filter(|held| held.ratchet.share() < NOTABLE).map(|held| {
            let believed = held.believed();
            format!(
                "the provider refuses more than about {believed} calls a {}, `limits` says {}: set {}",
                held.name,
                held.max,
                key(&held.name, believed),
            )
        });
        let announced = self.announced.iter().map(|(window, (ours, theirs))| match theirs < ours {
            true => format!(
                "the provider announces {theirs} calls a {window}, fewer than the {ours} of `limits`: kept to; set {}",
                key(window, *theirs)
            ),
            false => format!(
                "the provider announces {theirs} calls a {window}, `limits` says {ours}: more may be used with {}",
                key(window, *theirs)
            ),
        });
        foreign.chain(ceilings).chain(announced).collect()
    }
}

/// What to write into `limits`.
fn key(window: &str, max: u32) -> String {
    match window {
        "second" => format!("`qps = {max}`"),
        "minute" => format!("`per_minute = {max}`"),
        "hour" => format!("`per_hour = {max}`"),
        "day" => format!("`per_day = {max}`"),
        other => format!("`max = {max}` of the window of {other}"),
    }
}
