//! What the findings mean. Pure.

use jiff::tz::TimeZone;

use super::check::Check;
use super::findings::{Findings, Folder, Ledger, Space};
use super::judge_provider::{providers, reset};
use crate::ledger::Holder;
use crate::run::Exit;

/// Less free space keeps a run from ending well.
const LEAST_FREE: u64 = 100_000_000;
/// Less is soon used up.
const SCANT_FREE: u64 = 1_000_000_000;
/// Fewer files can hardly hold the pages and files of a run.
const LEAST_FILES: u64 = 1000;

/// Every check, in the order in which a run would meet what is wrong.
pub(super) fn judge(found: &Findings) -> Vec<Check> {
    let mut checks = settings(found);
    checks.push(dotenv(found));
    checks.extend(providers(found));
    checks.extend(found.folders.iter().flat_map(folder));
    checks.push(ledger(&found.ledger));
    checks.extend(held(found));
    checks.extend(zones(found));
    checks.extend(network(found));
    checks
}

fn settings(found: &Findings) -> Vec<Check> {
    let mut checks = vec![match &found.settings {
        Some(file) => Check::ok("settings", format!("`{file}`")),
        None => Check::ok(
            "settings",
            format!("no tidemill.toml in `{}` or above: limits are those of the presets", found.folder),
        ),
    }];
    let check = |(message, hint): &(String, Option<String>)| {
        let next = hint.clone().unwrap_or_else(|| "mend it, then `tidemill check JOB` shows the rest".to_owned());
        Check::problem(Exit::Usage, "settings", message, next)
    };
    checks.extend(found.problems.iter().map(check));
    checks
}

fn dotenv(found: &Findings) -> Check {
    let (path, mode) = &found.dotenv;
    match mode {
        None => Check::ok(".env", format!("none at `{path}`")),
        Some(mode) if readable_by_others(*mode) => Check::warning(
            ".env",
            format!("`{path}` can be read by others (mode {:o})", mode & 0o777),
            format!("chmod 600 {path}"),
        ),
        Some(_) => Check::ok(".env", format!("`{path}`, readable by you alone")),
    }
}

/// Whether anybody but the owner may read.
pub(super) fn readable_by_others(mode: u32) -> bool {
    mode & 0o044 != 0
}

fn folder(folder: &Folder) -> Vec<Check> {
    let Folder { name, path, exists, writable, space } = folder;
    let mut checks = Vec::new();
    let later = if *exists { "" } else { ", made by the first run" };
    match writable {
        Ok(()) => {
            let free = space.map(|space| format!(", {} of {} free", size(space.free), size(space.size)));
            checks.push(Check::ok(name, format!("`{path}`{later}{}", free.unwrap_or_default())));
        }
        Err(why) => checks.push(Check::problem(
            Exit::Failed,
            name,
            format!("`{path}` cannot be written: {why}"),
            "give this user the right to write there, or name another folder in tidemill.toml",
        )),
    }
    checks.extend(space.and_then(|space| full(name, path, space)));
    checks
}

fn full(name: &str, path: &str, space: Space) -> Option<Check> {
    let Space { free, size: all, files } = space;
    if free < LEAST_FREE || files.is_some_and(|files| files < LEAST_FILES) {
        let what = match files {
            Some(files) if free >= LEAST_FREE => format!("only {files} more files can be made"),
            Some(_) | None => format!("only {} are free", size(free)),
        };
        let message = format!("{what} on the disk of `{path}`");
        return Some(Check::problem(
            Exit::Failed,
            name,
            message,
            "free space first, a run would end with its disk full",
        ));
    }
    let scant = free < SCANT_FREE && free < all / 10;
    scant.then(|| {
        Check::warning(name, format!("only {} are free on the disk of `{path}`", size(free)), "free space soon")
    })
}

/// `980 MB`, `12.3 GB`
fn size(bytes: u64) -> String {
    match bytes {
        0..1_000_000_000 => format!("{} MB", bytes / 1_000_000),
        1_000_000_000..1_000_000_000_000 => format!("{:.1} GB", bytes as f64 / 1e9),
        _ => format!("{:.1} TB", bytes as f64 / 1e12),
    }
}

fn ledger(ledger: &Ledger) -> Check {
    match ledger {
        Ledger::Absent => Check::ok("ledger", "none yet, made by the first run"),
        Ledger::Opens { version, known } if version < known => {
            Check::ok("ledger", format!("opens, version {version}; the next run brings it to {known}"))
        }
        Ledger::Opens { version, .. } => Check::ok("ledger", format!("opens, version {version}")),
        Ledger::Damaged(why) => {
            Check::warning("ledger", why, "nothing has to be done; a copy of the state folder first does no harm")
        }
        Ledger::NotOurs(why) => Check::problem(
            Exit::Usage,
            "ledger",
            why,
            "no run can work with this state folder; `state` in tidemill.toml names it",
        ),
        Ledger::Refused(why) => Check::problem(Exit::Failed, "ledger", why, "no run can work before that"),
    }
}

fn held(found: &Findings) -> Vec<Check> {
    match &found.held {
        Ok(held) if held.is_empty() => vec![Check::ok("locks", "no job is being run")],
        Ok(held) => held
            .iter()
            .map(|(job, Holder { doing, pid, .. })| {
                let by = pid.map_or_else(|| "another process".to_owned(), |pid| format!("process {pid}"));
                Check::ok("locks", format!("job `{job}` is {doing} by {by}: a run of it would end with 75"))
            })
            .collect(),
        Err(why) => vec![Check::problem(
            Exit::Failed,
            "locks",
            format!("the locks cannot be looked at: {why}"),
            "give this user the right to read the state folder",
        )],
    }
}

fn zones(found: &Findings) -> Vec<Check> {
    let here = name_of(&found.zone, found);
    let now = found.now.to_zoned(found.zone.clone()).strftime("%F %H:%M").to_string();
    let mut checks =
        vec![Check::ok("zone", format!("{now} here ({here}); jobs go by their provider's zone, never by this one"))];
    checks.extend(found.providers.iter().flat_map(|provider| reset(provider, found)));
    checks
}

/// `Asia/Shanghai`, or where a zone has no name its offset now.
pub(super) fn name_of(zone: &TimeZone, found: &Findings) -> String {
    match zone.iana_name() {
        Some(name) => name.to_owned(),
        None => zone.to_offset(found.now).to_string(),
    }
}

fn network(found: &Findings) -> Vec<Check> {
    let mut checks = vec![match &found.tls {
        None => Check::ok("tls", "the certificates that this machine trusts can be read"),
        Some(why) => Check::problem(
            Exit::Failed,
            "tls",
            format!("no connection can be made safe: {why}"),
            "install the CA certificates of the system (package `ca-certificates`), or set SSL_CERT_FILE",
        ),
    }];
    checks.extend(found.proxies.iter().map(|(name, proxy)| Check::ok("proxy", format!("{name} is set: {proxy}"))));
    if !found.live {
        let message = "not compared: `--live` asks the providers for theirs, and whether they can be reached";
        checks.push(Check::ok("clock", message));
    }
    checks
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::doctor::check::Level;
    use crate::cli::doctor::findings::{Answer, Provider, Secret};

    /// Nothing is wrong.
    fn sound() -> Findings {
        let zone = TimeZone::get("Asia/Shanghai").unwrap();
        let space = Some(Space { free: 50_000_000_000, size: 270_600_000_000, files: Some(1_000_000) });
        let folder = |name| Folder { name, path: format!("/w/{name}"), exists: true, writable: Ok(()), space };
        Findings {
            now: "2026-11-28T14:03:00Z".parse().unwrap(),
            settings: Some("/w/tidemill.toml".to_owned()),
            folder: "/w".to_owned(),
            problems: Vec::new(),
            dotenv: ("/w/.env".to_owned(), Some(0o100_600)),
            folders: vec![folder("state"), folder("output"), folder("quota")],
            ledger: Ledger::Opens { version: 4, known: 4 },
            held: Ok(Vec::new()),
            zone: TimeZone::UTC,
            tls: None,
            proxies: vec![("HTTPS_PROXY".to_owned(), "http://proxy:3128".to_owned())],
            providers: vec![Provider {
                name: "foxdata".to_owned(),
                named: false,
                configured: true,
                base_url: "https://api.example".to_owned(),
                secrets: vec![found("variable `KEY`", None, false)],
                resets: vec![("2026-11-28T16:00:00Z".parse().unwrap(), zone)],
                guessed: Vec::new(),
                answer: Some(Answer::Came { status: 404, ahead: Some(400), took_ms: 81 }),
            }],
            live: true,
        }
    }

    fn found(at: &str, file: Option<u32>, shadows: bool) -> Secret {
        Secret::Found { at: at.to_owned(), file: file.map(|mode| ("/w/key".to_owned(), mode)), shadows }
    }

    fn missing() -> Secret {
        Secret::Missing { why: "no secret found".to_owned(), hint: "set it".to_owned() }
    }

    /// The checks that are not ok.
    fn wrong(change: impl FnOnce(&mut Findings)) -> Vec<(String, Level, String)> {
        let mut found = sound();
        change(&mut found);
        let checks = judge(&found).into_iter().filter(|check| check.level != Level::Ok);
        checks.map(|check| (check.area, check.level, check.message)).collect()
    }

    #[test]
    fn what_is_sound_is_told_and_no_more() {
        assert_eq!(wrong(|_| {}), []);
        let told: Vec<String> = judge(&sound()).iter().map(|check| check.text(8, false)).collect();
        insta::assert_snapshot!(told.join("\n"));
    }

    #[test]
    fn each_fault_has_its_level_and_its_exit() {
        use Level::{Problem, Warning};
        type Change = fn(&mut Findings);
        let table: Vec<(Change, &str, Level, &str)> = vec![
            (
                |it| it.problems = vec![("a.toml:1:2: no".to_owned(), None)],
                "settings",
                Problem(Exit::Usage),
                "a.toml:1:2: no",
            ),
            (|it| it.dotenv.1 = Some(0o100_644), ".env", Warning, "(mode 644)"),
            (|it| it.dotenv.1 = Some(0o100_640), ".env", Warning, "(mode 640)"),
            (|it| it.folders[1].writable = Err("denied".to_owned()), "output", Problem(Exit::Failed), "denied"),
            (
                |it| it.folders[0].space = Some(Space { free: 99_000_000, size: 1 << 40, files: None }),
                "state",
                Problem(Exit::Failed),
                "only 99 MB are free",
            ),
            (
                |it| it.folders[0].space = Some(Space { free: 1 << 40, size: 1 << 40, files: Some(999) }),
                "state",
                Problem(Exit::Failed),
                "only 999 more files",
            ),
            (
                |it| it.folders[2].space = Some(Space { free: 900_000_000, size: 1 << 40, files: None }),
                "quota",
                Warning,
                "only 900 MB are free",
            ),
            (|it| it.ledger = Ledger::Damaged("torn".to_owned()), "ledger", Warning, "torn"),
            (|it| it.ledger = Ledger::NotOurs("newer".to_owned()), "ledger", Problem(Exit::Usage), "newer"),
            (|it| it.ledger = Ledger::Refused("locked".to_owned()), "ledger", Problem(Exit::Failed), "locked"),
            (|it| it.held = Err("denied".to_owned()), "locks", Problem(Exit::Failed), "denied"),
            (|it| it.tls = Some("no roots".to_owned()), "tls", Problem(Exit::Failed), "no roots"),
            (|it| it.providers[0].secrets[0] = found("file", Some(0o644), false), "foxdata", Warning, "(mode 644)"),
            (
                |it| it.providers[0].secrets[0] = found("variable `KEY`", None, true),
                "foxdata",
                Warning,
                "another value",
            ),
            (|it| it.providers[0].secrets.push(missing()), "foxdata", Problem(Exit::NeedsPerson), "no secret found"),
            (|it| it.providers[0].guessed = vec!["qps".to_owned()], "foxdata", Warning, "`qps`"),
            (
                |it| it.providers[0].answer = Some(Answer::Failed("refused".to_owned())),
                "foxdata",
                Problem(Exit::Failed),
                "cannot be reached: refused",
            ),
        ];
        for (change, area, level, message) in table {
            let wrong = wrong(change);
            // No key at all is told once more for all providers.
            let first = wrong.first().unwrap_or_else(|| panic!("{message}: nothing is wrong"));
            assert_eq!((first.0.as_str(), first.1), (area, level), "{message}");
            assert!(first.2.contains(message), "{message}: {}", first.2);
        }
    }

    #[test]
    fn clocks_apart_are_told() {
        use Level::{Problem, Warning};
        for (ahead, level) in [
            (Some(0), None),
            (Some(-4_999), None),
            (Some(5_000), Some(Warning)),
            (Some(-41_000), Some(Warning)),
            (Some(60_000), Some(Problem(Exit::Failed))),
            (Some(-3_600_000), Some(Problem(Exit::Failed))),
            (None, None),
        ] {
            let answer = Some(Answer::Came { status: 200, ahead, took_ms: 9 });
            let wrong = wrong(|it| it.providers[0].answer = answer);
            assert_eq!(wrong.first().map(|check| check.1), level, "{ahead:?}");
        }
    }

    #[test]
    fn a_key_is_missed_where_it_is_meant() {
        use Level::{Problem, Warning};
        // Named, configured, secrets; the level of the first thing that is wrong with it.
        let table = [
            (false, false, vec![missing(), missing()], None),
            (false, true, vec![missing()], Some(Warning)),
            (true, false, vec![missing()], Some(Problem(Exit::NeedsPerson))),
            (false, false, vec![found("file", None, false), missing()], Some(Problem(Exit::NeedsPerson))),
            (true, false, vec![], None),
        ];
        for (named, configured, secrets, level) in table {
            let wrong = wrong(|it| {
                let one =
                    Provider { named, configured, secrets: secrets.clone(), answer: None, ..it.providers[0].clone() };
                it.providers.push(Provider { name: "other".to_owned(), ..one });
            });
            let other = wrong.iter().find(|check| check.0 == "other");
            assert_eq!(other.map(|check| check.1), level, "{named} {configured} {secrets:?}");
        }
        let nobody = wrong(|it| it.providers[0].secrets = vec![missing()]);
        assert!(nobody.iter().any(|check| check.2.contains("no provider has its key")), "{nobody:?}");
    }
}
