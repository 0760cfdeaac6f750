//! Which jobs a command looks at, and the ledger that knows them: by file, by name, or all of them.
//!
//! Invariant: no secret is needed, and a job file that is wrong hides nothing that its runs have left.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::job::{Problem, Problems};
use crate::ledger::{Ledger, ModelLedger, SqliteLedger};
use crate::run::{Folders, Prepared, RunError};

use super::args::{JobArguments, LookArguments};
use super::load::{load, workspace};
use super::start::CommandError;
use crate::simulate::with_secrets;

/// The jobs of a call.
pub(super) struct Selected {
    /// In the order named.
    pub(super) jobs: Vec<Chosen>,
    /// Where they leave what.
    pub(super) folders: Folders,
    /// What is known of them; empty where nothing was ever run.
    pub(super) ledger: Box<dyn Ledger>,
    /// What is wrong with job files or settings.
    pub(super) problems: Option<Problems>,
    /// Jobs that were run here and that nobody named.
    pub(super) others: Vec<String>,
}

/// One job.
pub(super) struct Chosen {
    /// Its name.
    pub(super) name: String,
    /// Its file and who serves it, if the file was named and is right.
    pub(super) prepared: Option<Prepared>,
}

impl Chosen {
    fn named(name: String) -> Self {
        Self { name, prepared: None }
    }
}

/// Finds the jobs of a call.
///
/// # Errors
/// When settings are wrong, a job is not known, or the ledger cannot be read.
pub(super) fn select(arguments: &LookArguments, now: Timestamp) -> Result<Selected, CommandError> {
    let is_all = arguments.jobs.is_empty();
    let (mut files, names): (Vec<PathBuf>, Vec<PathBuf>) =
        arguments.jobs.iter().cloned().partition(|job| job.exists() || !is_name(job));
    let start = files.first().and_then(|file| file.parent()).unwrap_or(Path::new(""));
    // Where settings are wrong nobody knows where the state is.
    let settings = workspace(start, &arguments.set)?.settings;
    if is_all {
        let cwd = std::env::current_dir().unwrap_or_default();
        let jobs = settings.root.join("jobs");
        files.extend(jobs.is_dir().then(|| jobs.strip_prefix(cwd).map(Path::to_owned).unwrap_or(jobs)));
    }
    let mut loaded = load(&JobArguments { jobs: files, set: arguments.set.clone(), json: false })?;
    loaded.workspace.environment = with_secrets(&loaded.workspace.environment, &loaded.providers());
    let folders = Folders::chosen(&settings, &loaded.workspace.environment, arguments.simulate);
    let ledger: Box<dyn Ledger> = match folders.ledger().exists() {
        true => Box::new(SqliteLedger::open(&folders.ledger()).map_err(RunError::from)?),
        false => Box::new(ModelLedger::new()),
    };
    let known = ledger.jobs().map_err(RunError::from)?;
    let mut jobs: Vec<Chosen> =
        loaded.each(now).into_iter().map(|(name, prepared)| Chosen { name, prepared }).collect();
    let problems = loaded.prepare(now).err();
    for name in names {
        let name = name.display().to_string();
        if !known.contains(&name) {
            return Err(unknown(&name, &known).into());
        }
        jobs.push(Chosen::named(name));
    }
    let mut seen = HashSet::new();
    jobs.retain(|job| seen.insert(job.name.clone()));
    let mut others: Vec<String> = known.into_iter().filter(|name| jobs.iter().all(|job| job.name != *name)).collect();
    if !is_all {
        others.clear();
    } else if jobs.is_empty() || problems.is_some() {
        jobs.extend(others.drain(..).map(Chosen::named));
    }
    Ok(Selected { jobs, folders, ledger, problems, others })
}

/// Whether it could be the name of a job and is no path.
fn is_name(job: &Path) -> bool {
    job.components().count() == 1 && job.extension().is_none()
}

fn unknown(name: &str, known: &[String]) -> Problems {
    let problem = Problem::new("", format!("`{name}` is no job file, and no job of that name was run here"));
    let known: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
    Problems(vec![match known.is_empty() {
        true => problem.hint("nothing was run here yet"),
        false => problem.hint(format!("these were run here: {}", known.join(", "))),
    }])
}
