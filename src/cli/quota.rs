//! `tidemill quota`: how full the limits of each credential are, and who has used them. Sends nothing.

use serde_json::{Value, json};

use crate::job::{Problem, Problems};
use crate::provider::{Credential, Provider, Window, WindowKind, Workspace};
use crate::quota::{Clock, History, Journal, Limiter, Moment, Snapshot, WindowUse};
use crate::run::{Exit, Folders, RunError};

use super::args::QuotaArguments;
use super::columns::table;
use super::load::workspace;
use super::start::CommandError;
use super::term::{put, say};

/// A provider whose credential is set here, and what is known of its limits.
struct Account {
    provider: Provider,
    fingerprint: String,
    history: History,
    snapshot: Snapshot,
}

/// Shows, or first corrects, what is used.
pub(super) fn quota(arguments: &QuotaArguments) -> Result<Exit, CommandError> {
    let workspace = workspace(std::path::Path::new(""), &arguments.set)?;
    let folders = Folders::of(&workspace.settings, &workspace.environment);
    let clock = Clock::system();
    let providers = providers(&workspace, &arguments.providers)?;
    if !arguments.set_used.is_empty() {
        correct(&providers, &folders, &arguments.set_used, &clock)?;
    }
    let mut accounts = Vec::new();
    for (provider, credential) in providers {
        let fingerprint = credential.fingerprint();
        let (history, snapshot) = known(&provider, &fingerprint, &folders, &clock)?;
        accounts.push(Account { provider, fingerprint, history, snapshot });
    }
    let now = clock.now();
    if arguments.json {
        let accounts: Vec<Value> = accounts.iter().map(|account| account.json(now)).collect();
        put(&serde_json::to_string_pretty(&json!({ "accounts": accounts })).unwrap_or_default());
    } else if accounts.is_empty() {
        say("no credential of any provider is set here: set one in the environment or in .env");
    } else {
        let texts: Vec<String> = accounts.iter().map(|account| account.text(now)).collect();
        put(texts.join("\n").trim_end());
    }
    Ok(Exit::Done)
}

/// What the journal of a credential tells, and how full its limits are by that.
pub(super) fn known(
    provider: &Provider,
    fingerprint: &str,
    folders: &Folders,
    clock: &Clock,
) -> Result<(History, Snapshot), CommandError> {
    let history = Journal::read(&folders.quota, fingerprint, clock).map_err(RunError::from)?;
    let now = clock.now();
    let snapshot = Limiter::new(&provider.limits, provider.max_wait, &history, now).snapshot(now, 0);
    Ok((history, snapshot))
}

/// Those that are named, or all whose credential is set.
fn providers(workspace: &Workspace, named: &[String]) -> Result<Vec<(Provider, Credential)>, CommandError> {
    if named.is_empty() {
        let known = workspace.providers().into_iter().filter_map(|name| workspace.provider(name).ok());
        let set = known.filter_map(|provider| {
            let credential = Credential::resolve(&provider, &workspace.environment).ok()?;
            Some((provider, credential))
        });
        return Ok(set.collect());
    }
    let mut found = Vec::new();
    for name in named {
        let provider = workspace.provider(name)?;
        let credential = Credential::resolve(&provider, &workspace.environment)
            .map_err(|error| Problems(vec![Problem::new("", error.to_string())]))?;
        found.push((provider, credential));
    }
    Ok(found)
}

/// Notes what a person says is used.
fn correct(
    providers: &[(Provider, Credential)],
    folders: &Folders,
    used: &[(String, u32)],
    clock: &Clock,
) -> Result<(), CommandError> {
    let [(provider, credential)] = providers else {
        let message = "`--set-used` is about one provider: name it, as in `tidemill quota foxdata --set-used day=1200`";
        return Err(Problems(vec![Problem::new("", message)]).into());
    };
    let now = clock.now();
    let limiter = Limiter::new(&provider.limits, provider.max_wait, &History::default(), now);
    let names: Vec<String> = limiter.snapshot(now, 0).windows.into_iter().map(|window| window.name).collect();
    let windows = &provider.limits.windows;
    let mut noted = Vec::new();
    for (name, used) in used {
        let Some(index) = names.iter().position(|known| known == name) else {
            let allowed: Vec<String> = names.iter().map(|known| format!("`{known}`")).collect();
            let message = format!("`{}` has no window `{name}`", provider.name);
            let hint = format!("its windows: {}", allowed.join(", "));
            return Err(Problems(vec![Problem::new("", message).hint(hint)]).into());
        };
        noted.push((&windows[index], *used));
    }
    let opened = Journal::open(&folders.quota, &credential.fingerprint(), clock, windows);
    let (mut journal, _) = opened.map_err(RunError::from)?;
    for (window, used) in noted {
        journal.set_used(clock.now(), window, used).map_err(RunError::from)?;
    }
    journal.leave(clock.now()).map_err(RunError::from)?;
    Ok(())
}

impl Account {
    fn windows(&self) -> impl Iterator<Item = (&WindowUse, &Window)> {
        self.snapshot.windows.iter().zip(&self.provider.limits.windows)
    }

    fn json(&self, now: Moment) -> Value {
        let windows: Vec<Value> = self
            .windows()
            .map(|(used, window)| {
                let jobs: Vec<Value> = self.history.used_by(window, now).into_iter().map(user).collect();
                json!({
                    "window": used.name, "limit": used.max, "used": used.used, "left": left(used),
                    "resets_at": used.resets_at, "ceiling": used.ceiling, "used_by": jobs,
                })
            })
            .collect();
        json!({
            "provider": self.provider.name, "credential": self.fingerprint, "windows": windows,
            "in_flight": self.snapshot.in_flight, "concurrency": self.snapshot.concurrency,
            "next_request_at": self.snapshot.next_permit_at, "waits_for": self.snapshot.waits_for,
            "notes": self.snapshot.notes,
        })
    }

    fn text(&self, now: Moment) -> String {
        let mut text = format!("{} (credential {}…)\n", self.provider.name, &self.fingerprint[..8]);
        let mut rows = vec![["window", "limit", "used", "left", "learned", "resets", "used by"].map(str::to_owned)];
        for (used, window) in self.windows() {
            let jobs = self.history.used_by(window, now);
            let jobs: Vec<String> = jobs.iter().take(3).map(|(job, used)| format!("{job} {used}")).collect();
            let resets = used.resets_at.map_or_else(|| "-".to_owned(), |at| resets(at, window, now));
            let learned = used.ceiling.map_or_else(|| "-".to_owned(), |ceiling| ceiling.to_string());
            let [max, count, rest] = [used.max, used.used, left(used)].map(|number| number.to_string());
            rows.push([used.name.clone(), max, count, rest, learned, resets, jobs.join(", ")]);
        }
        text.push_str(&table(&rows, &(1..=4)));
        let Snapshot { in_flight, concurrency, next_permit_at, waits_for, notes, .. } = &self.snapshot;
        text.push_str(&format!("  in flight {in_flight} of {concurrency}; "));
        text.push_str(&match (next_permit_at, waits_for) {
            (Some(_), None) => "the next request may leave now\n".to_owned(),
            (Some(at), Some(why)) => format!("the next request may leave at {at:.0}: {why}\n"),
            (None, why) => format!("{}\n", why.as_deref().unwrap_or("nothing may leave")),
        });
        notes.iter().for_each(|note| text.push_str(&format!("  - {note}\n")));
        text
    }
}

fn user((job, used): (String, u32)) -> Value {
    json!({ "job": job, "used": used })
}

fn left(window: &WindowUse) -> u32 {
    window.ceiling.unwrap_or(window.max).min(window.max).saturating_sub(window.used)
}

/// A day by its wall-clock time in its zone, the rest by how long it is until then.
fn resets(at: jiff::Timestamp, window: &Window, now: Moment) -> String {
    match &window.kind {
        WindowKind::Day { zone, .. } => at.to_zoned(zone.clone()).strftime("%F %H:%M %Z").to_string(),
        WindowKind::Rolling(_) => format!("in {} s", at.duration_since(now.wall).as_secs().max(0)),
    }
}
