//! `tidemill bench`: how close to the limits a client comes, in virtual time. Sends nothing.

use std::io::Write;
use std::path::Path;

use crate::bench::{Figures, Load, Played, Report, Scenario, Strategy, page, permits, play, table};
use crate::disk::DiskFile;
use crate::job::{Problem, Problems};
use crate::provider::Limits;
use crate::quota::Clock;
use crate::run::Exit;
use crate::simulate::Rules;

use super::args::BenchArguments;
use super::load::workspace;
use super::start::CommandError;
use super::term::put;

/// Permits over which the cost of one is measured.
const MEASURED: u32 = 20_000;

/// Prints the report, and writes the page if one is asked for.
pub(super) fn bench(arguments: &BenchArguments) -> Result<Exit, CommandError> {
    let (name, limits) = limits(arguments)?;
    let scenario = scenario(arguments, limits);
    let strategies: &[Strategy] = if arguments.compare { &Strategy::ALL } else { &[Strategy::Tidemill] };
    let plays = strategies.iter().map(|strategy| played(&scenario, *strategy)).collect();
    let report = Report::new(&name, &scenario, plays);
    if let Some(path) = &arguments.html {
        write(path, &page(&report))
            .map_err(|source| CommandError::Io { what: format!("`{}` cannot be written", path.display()), source })?;
    }
    match arguments.json {
        true => put(&serde_json::to_string(&report).unwrap_or_default()),
        false => put(table(&report).trim_end()),
    }
    Ok(Exit::Done)
}

/// The limits that are played, and what they are called.
fn limits(arguments: &BenchArguments) -> Result<(String, Limits), Problems> {
    let (name, limits) = match (&arguments.limits, &arguments.provider) {
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
    let rules = Rules { kind: arguments.enforce, count_refusals: arguments.count_refusals, ..Rules::default() };
    let cells = arguments.cells.unwrap_or(limits.concurrency);
    let mut scenario = Scenario::new(limits, rules, arguments.latency, arguments.length, arguments.seed);
    scenario.server.count_at = arguments.count_at;
    scenario.server.retry_after = arguments.retry_after;
    scenario.load = Load { pattern: arguments.load, cells };
    // The provider's clock is the true one here: where it runs fast, the client's runs slow.
    scenario.drift_ppm = -arguments.drift;
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

fn write(path: &Path, text: &str) -> std::io::Result<()> {
    let mut file = DiskFile::create(path)?;
    file.write_all(text.as_bytes())
}
