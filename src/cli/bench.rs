//! `tidemill bench`: how close to the limits a client comes: in a play of the limits alone, or in a run of jobs.

use std::io::Write;
use std::path::Path;
use std::time::Duration;

use crate::bench::{Figures, Load, Pattern, Played, Report, Scenario, Strategy, page, permits, play, table};
use crate::disk::DiskFile;
use crate::job::{Problem, Problems};
use crate::provider::Limits;
use crate::quota::Clock;
use crate::run::Exit;

use super::args::BenchArguments;
use super::bench_jobs::bench_jobs;
use super::load::workspace;
use super::start::CommandError;
use super::term::put;

/// Permits over which the cost of one is measured.
const MEASURED: u32 = 20_000;

/// A play is so long when nothing is said.
const LENGTH: Duration = Duration::from_hours(24);

/// What the call is about.
#[derive(Debug, PartialEq, Eq)]
enum About<'a> {
    /// The limits of a provider of this name, or those that are given.
    Limits(Option<&'a str>),
    /// Job files or folders.
    Jobs,
}

/// Prints the report, and writes the page if one is asked for.
pub(super) async fn bench(arguments: &BenchArguments) -> Result<Exit, CommandError> {
    match about(arguments)? {
        About::Limits(provider) => limits_alone(arguments, provider),
        About::Jobs => {
            let benched = match bench_jobs(arguments).await? {
                Ok(benched) => benched,
                Err(exit) => return Ok(exit),
            };
            keep_page(arguments, &benched.providers)?;
            let tables = || benched.providers.iter().map(|report| table(report) + "\n");
            match arguments.json {
                true => put(&serde_json::to_string(&benched).unwrap_or_default()),
                false => {
                    put(tables().chain(benched.jobs.iter().map(|job| job.line() + "\n")).collect::<String>().trim_end())
                }
            }
            Ok(benched.exit())
        }
    }
}

/// A path that exists or ends as a job file does is a job; anything else is a provider.
fn about(arguments: &BenchArguments) -> Result<About<'_>, Problems> {
    let refuse = |text: String, hint: &str| Err(Problems(vec![Problem::new("", text).hint(hint)]));
    let is_job = |path: &Path| path.extension().is_some_and(|extension| extension == "toml") || path.exists();
    let (jobs, others): (Vec<_>, Vec<_>) = arguments.targets.iter().partition(|target| is_job(target));
    match (jobs.as_slice(), others.as_slice()) {
        ([], _) if arguments.in_virtual_time || arguments.live => {
            let flag = if arguments.live { "--live" } else { "--virtual" };
            refuse(format!("`{flag}` is for jobs"), "name a job file, or a folder of them")
        }
        ([], []) => Ok(About::Limits(None)),
        ([], [provider]) if arguments.limits.is_some() => {
            refuse(format!("`{}` has limits of its own", provider.display()), "leave out the provider, or `--limits`")
        }
        ([], [provider]) => Ok(About::Limits(provider.to_str())),
        ([], [one, other, ..]) => refuse(
            format!("`{}` and `{}` are two providers", one.display(), other.display()),
            "a bench plays the limits of one provider at a time",
        ),
        ([_, ..], []) => Ok(About::Jobs),
        ([job, ..], [provider, ..]) => refuse(
            format!("`{}` is a job, and `{}` is none", job.display(), provider.display()),
            "name job files and folders, or one provider",
        ),
    }
}

fn limits_alone(arguments: &BenchArguments, provider: Option<&str>) -> Result<Exit, CommandError> {
    let (name, limits) = limits(arguments, provider)?;
    let scenario = scenario(arguments, limits);
    let strategies: &[Strategy] = if arguments.compare { &Strategy::ALL } else { &[Strategy::Tidemill] };
    let plays = strategies.iter().map(|strategy| played(&scenario, *strategy)).collect();
    let report = Report::new(&name, &scenario, plays);
    keep_page(arguments, std::slice::from_ref(&report))?;
    match arguments.json {
        true => put(&serde_json::to_string(&report).unwrap_or_default()),
        false => put(table(&report).trim_end()),
    }
    Ok(Exit::Done)
}

/// The limits that are played, and what they are called.
fn limits(arguments: &BenchArguments, provider: Option<&str>) -> Result<(String, Limits), Problems> {
    let (name, limits) = match (&arguments.limits, provider) {
        (Some(limits), _) => (String::new(), limits.clone()),
        (None, Some(name)) => {
            let provider = workspace(Path::new(""), &arguments.set)?.provider(name)?;
            (provider.name, provider.limits)
        }
        (None, None) => {
            let hint = "name a provider, or write `--limits qps=10,per_minute=300`";
            return Err(Problems(vec![Problem::new("", "no limits to play").hint(hint)]));
        }
    };
    if Scenario::has_windows(&limits) {
        return Ok((name, limits));
    }
    let hint = format!("set one, such as `--set provider.{name}.limits.qps=5`");
    Err(Problems(vec![Problem::new("", format!("`{name}` has no limit of calls per time")).hint(hint)]))
}

fn scenario(arguments: &BenchArguments, limits: Limits) -> Scenario {
    let rules = arguments.played.rules();
    let cells = arguments.cells.unwrap_or(limits.concurrency);
    let mut scenario =
        Scenario::new(limits, rules, arguments.latency, arguments.length.unwrap_or(LENGTH), arguments.seed);
    scenario.server.count_at = arguments.played.count_at;
    scenario.server.retry_after = arguments.retry_after;
    scenario.load = Load { pattern: arguments.load.unwrap_or(Pattern::Endless), cells };
    // The provider's clock is the true one here: where it runs fast, the client's runs slow.
    scenario.drift_ppm = -arguments.played.drift;
    scenario
}

fn played(scenario: &Scenario, strategy: Strategy) -> (Played, Figures) {
    let clock = Clock::system();
    let began = clock.now().elapsed;
    let got = permits(strategy, &scenario.limits, MEASURED);
    let each = clock.now().elapsed.saturating_sub(began).checked_div(got);
    let played = play(scenario, strategy);
    let figures = Figures::of(&played, each);
    (played, figures)
}

fn keep_page(arguments: &BenchArguments, reports: &[Report]) -> Result<(), CommandError> {
    let Some(path) = &arguments.html else { return Ok(()) };
    write(path, &page(reports))
        .map_err(|source| CommandError::Io { what: format!("`{}` cannot be written", path.display()), source })
}

fn write(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = DiskFile::create(path)?;
    file.write_all(text.as_bytes())
}
