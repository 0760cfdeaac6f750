//! Looks at the world: files, folders, variables, locks. [io]

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::cli::args::DoctorArguments;
use crate::fetch::HttpTransport;
use crate::job::{Problem, Problems};
use crate::ledger::{JobLock, LedgerError, ledger_version};
use crate::provider::{self, Environment, SecretError, SecretRef, WindowKind, Workspace};
use crate::quota::Calendar;
use crate::run::{Folders, next_step};

use super::findings::{Findings, Folder, Ledger, Provider, Secret, Space};

/// Variables that name a proxy, as HTTP clients read them.
const PROXIES: [&str; 8] =
    ["HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"];

/// What was found, and the providers it was found for, in the same order.
pub(super) fn look(arguments: &DoctorArguments, cwd: &Path, now: Timestamp) -> (Findings, Vec<provider::Provider>) {
    let (workspace, problems) = Workspace::read(Path::new(""), cwd, Environment::of_process(), &arguments.set);
    let folders = Folders::of(&workspace.settings, &workspace.environment);
    let mut problems: Vec<_> = problems.0.iter().map(place_and_hint).collect();
    let dotenv = workspace.settings.root.join(".env");
    let mut known = Vec::new();
    let names: Vec<&str> = match arguments.providers.is_empty() {
        true => workspace.providers(),
        false => arguments.providers.iter().map(String::as_str).collect(),
    };
    for name in names {
        match workspace.provider(name) {
            Ok(provider) => known.push(provider),
            Err(Problems(found)) => problems.extend(found.iter().map(place_and_hint)),
        }
    }
    let in_dotenv = std::fs::read_to_string(&dotenv).unwrap_or_default();
    let providers = known.iter().map(|provider| Provider {
        name: provider.name.clone(),
        named: arguments.providers.contains(&provider.name),
        configured: workspace.is_configured(&provider.name),
        base_url: provider.base_url.to_string(),
        secrets: provider.auth.secrets().map(|one| secret(one, &workspace.environment, &in_dotenv)).collect(),
        resets: resets(provider, now),
        guessed: provider.limits.guessed.clone(),
        answer: None,
    });
    let found = Findings {
        now,
        settings: workspace.settings.file.as_deref().map(shown),
        folder: shown(cwd),
        problems,
        dotenv: (shown(&dotenv), mode(&dotenv)),
        folders: vec![
            folder("state", &folders.state),
            folder("output", &folders.output),
            folder("quota", &folders.quota),
        ],
        ledger: ledger(&folders.ledger()),
        held: JobLock::held(&folders.state).map_err(|error| in_full(&error)),
        zone: TimeZone::system(),
        tls: known.first().and_then(|provider| HttpTransport::new(provider).err()).map(|error| error.to_string()),
        proxies: proxies(&workspace.environment),
        providers: providers.collect(),
        live: arguments.live,
    };
    (found, known)
}

/// What is wrong, where, and what to do about it.
fn place_and_hint(problem: &Problem) -> (String, Option<String>) {
    let message = match &problem.location {
        Some(location) if location.line > 0 => {
            format!("{}:{}:{}: {}", location.file.display(), location.line, location.column, problem.message)
        }
        Some(_) | None => problem.message.clone(),
    };
    (message, problem.hint.clone())
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

/// Permissions of a file that is there.
fn mode(path: &Path) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).ok().map(|found| found.permissions().mode())
}

fn secret(reference: &SecretRef, environment: &Environment, dotenv: &str) -> Secret {
    let at = match reference.place(environment) {
        Ok(at) => at,
        Err(error @ SecretError::Missing { .. }) => {
            return Secret::Missing { why: error.to_string(), hint: error.hint() };
        }
        Err(error @ SecretError::Unusable { .. }) => {
            return Secret::Unusable { why: error.to_string(), hint: error.hint() };
        }
    };
    let mut of_file = Environment::default();
    // What is wrong with `.env` is among the problems of the settings.
    let (Ok(()) | Err(_)) = of_file.add_dotenv(dotenv);
    let of_process = Environment::of_process();
    let usable = |value: Option<&str>| value.is_some_and(|value| !value.trim().is_empty());
    match reference {
        SecretRef::Env(name) if usable(environment.get(name)) => {
            let (here, there) = (of_process.get(name), of_file.get(name));
            let at = if here.is_none() { format!("{at} of `.env`") } else { at };
            Secret::Found { at, file: None, shadows: here.is_some() && there.is_some() && here != there }
        }
        SecretRef::Env(name) => {
            let path = environment.get(&format!("{name}_FILE")).map(PathBuf::from);
            Secret::Found { at, file: path.and_then(|path| Some((shown(&path), mode(&path)?))), shadows: false }
        }
        SecretRef::File(path) => Secret::Found { at, file: mode(path).map(|mode| (shown(path), mode)), shadows: false },
    }
}

fn resets(provider: &provider::Provider, now: Timestamp) -> Vec<(Timestamp, TimeZone)> {
    let days = provider.limits.windows.iter().filter_map(|window| match &window.kind {
        WindowKind::Day { resets, zone } => {
            Some((Calendar::new(window.max, *resets, zone.clone()).resets_at(now), zone.clone()))
        }
        WindowKind::Rolling(_) => None,
    });
    let mut days: Vec<_> = days.collect();
    // Calls and credits mostly change their day together.
    days.dedup();
    days
}

fn folder(name: &'static str, path: &Path) -> Folder {
    let there = path.ancestors().find(|above| above.exists()).unwrap_or(Path::new("/"));
    let writable = match there.is_dir() {
        true => rustix::fs::access(there, rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK)
            .map_err(|error| std::io::Error::from(error).to_string()),
        false => Err(format!("`{}` is no folder", there.display())),
    };
    let space = rustix::fs::statvfs(there).ok().map(|disk| Space {
        free: disk.f_bavail.saturating_mul(disk.f_frsize),
        size: disk.f_blocks.saturating_mul(disk.f_frsize),
        files: (disk.f_files > 0).then_some(disk.f_favail),
    });
    Folder { name, path: shown(path), exists: path.exists(), writable, space }
}

fn ledger(path: &Path) -> Ledger {
    if !path.exists() {
        return Ledger::Absent;
    }
    match ledger_version(path) {
        Ok((version, known)) => Ledger::Opens { version, known },
        Err(error @ LedgerError::Damaged { .. }) => Ledger::Damaged(error.to_string()),
        Err(error @ (LedgerError::Newer { .. } | LedgerError::Foreign { .. })) => Ledger::NotOurs(error.to_string()),
        Err(error) => Ledger::Refused(in_full(&error)),
    }
}

/// An error with its causes and what to do.
fn in_full(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(&format!(": {cause}"));
        source = cause.source();
    }
    match next_step(error) {
        Some(step) => format!("{text}; {step}"),
        None => text,
    }
}

/// The proxies that variables name. An address may hold a user and a password: they are left out.
fn proxies(environment: &Environment) -> Vec<(String, String)> {
    let set = PROXIES.iter().filter_map(|name| Some((*name, environment.get(name).filter(|value| !value.is_empty())?)));
    set.map(|(name, value)| {
        let shown = match url::Url::parse(value) {
            _ if name.eq_ignore_ascii_case("no_proxy") => value.to_owned(),
            Ok(url) if url.has_host() => {
                let port = url.port().map_or_else(String::new, |port| format!(":{port}"));
                format!("{}://{}{port}", url.scheme(), url.host_str().unwrap_or_default())
            }
            Ok(_) | Err(_) => "an address that is no URL".to_owned(),
        };
        (name.to_owned(), shown)
    })
    .collect()
}
