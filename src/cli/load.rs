//! From paths on the command line to checked jobs and their workspace.
//!
//! Invariant: what is wrong in one file hides nothing that is wrong in another; all of it comes out of
//! [`Loaded::prepare`] at once.

use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::job::{Job, Problem, Problems, Source, Sources};
use crate::provider::{Environment, Provider, Workspace};
use crate::run::{Broken, Prepared, prepare, prepare_beside};

use super::args::JobArguments;

/// The jobs a command names, the settings that hold for them, and what is wrong with either so far.
pub(super) struct Loaded {
    /// Settings and providers, as far as they can be read.
    pub(super) workspace: Workspace,
    /// In the order named; those of a folder by file name.
    jobs: Vec<Job>,
    broken: Vec<Broken>,
    files: Vec<PathBuf>,
    problems: Problems,
}

/// Reads everything.
///
/// # Errors
/// When there is no current folder; what is wrong with files is kept for [`Loaded::prepare`].
pub(super) fn load(arguments: &JobArguments) -> Result<Loaded, Problems> {
    let mut problems = Problems::default();
    let files = job_files(&arguments.jobs, &mut problems);
    let (mut jobs, mut broken) = (Vec::new(), Vec::new());
    for file in &files {
        match Job::read(file) {
            Ok(job) => jobs.push(job),
            Err(found) => {
                problems.0.extend(found.0);
                broken.extend(named_provider(file));
            }
        }
    }
    let start = files.first().and_then(|file| file.parent()).map_or_else(PathBuf::new, Path::to_owned);
    let (workspace, found) = Workspace::read(&start, &current_folder()?, Environment::of_process(), &arguments.set);
    problems.0.extend(found.0);
    Ok(Loaded { workspace, jobs, broken, files, problems })
}

impl Loaded {
    /// The jobs that could be read, each by its name, and ready where nothing is wrong with it alone.
    pub(super) fn each(&self, now: Timestamp) -> Vec<(String, Option<Prepared>)> {
        let ready = |job: &Job| prepare(&self.workspace, vec![job.clone()], now).ok()?.pop();
        self.jobs.iter().map(|job| (job.name.as_str().to_owned(), ready(job))).collect()
    }

    /// The providers that the jobs name, as far as they are known; the rest is reported by [`Self::prepare`].
    pub(super) fn providers(&self) -> Vec<Provider> {
        let names = self.jobs.iter().map(|job| &job.provider).chain(self.broken.iter().map(|broken| &broken.provider));
        names.filter_map(|name| self.workspace.provider(name).ok()).collect()
    }

    /// The jobs, ready to run.
    ///
    /// # Errors
    /// Every problem of every job file, in the order of the files, then those of settings.
    pub(super) fn prepare(&mut self, now: Timestamp) -> Result<Vec<Prepared>, Problems> {
        let jobs = std::mem::take(&mut self.jobs);
        let prepared = prepare_beside(&self.workspace, jobs, &self.broken, now);
        let mut problems = std::mem::take(&mut self.problems);
        let prepared = prepared.map_err(|found| problems.0.extend(found.0)).unwrap_or_default();
        problems.0.sort_by_key(|problem| {
            let location = problem.location.as_ref();
            let file = location.and_then(|location| self.files.iter().position(|file| *file == location.file));
            let start = location.filter(|_| file.is_some()).map(|location| location.span.start);
            (file.unwrap_or(self.files.len()), start)
        });
        problems.or(prepared)
    }
}

/// The provider that a file names although it is no job.
fn named_provider(file: &Path) -> Option<Broken> {
    let source = Source::parse(file, &std::fs::read_to_string(file).ok()?).ok()?;
    let provider = source.value().get("provider")?.as_str().filter(|name| !name.trim().is_empty())?.to_owned();
    Some(Broken { provider, sources: Sources(vec![source]) })
}

/// The workspace that `start`, a folder, belongs to.
pub(super) fn workspace(start: &Path, set: &[(String, String)]) -> Result<Workspace, Problems> {
    Workspace::load(start, &current_folder()?, Environment::of_process(), set)
}

fn current_folder() -> Result<PathBuf, Problems> {
    std::env::current_dir()
        .map_err(|error| Problems(vec![Problem::new("", format!("the current folder cannot be read: {error}"))]))
}

fn job_files(paths: &[PathBuf], problems: &mut Problems) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for path in paths {
        if !path.is_dir() {
            files.push(path.clone());
            continue;
        }
        match toml_files(path) {
            Ok(found) if found.is_empty() => {
                problems.push(Problem::new("", format!("`{}` holds no job file (*.toml)", path.display())));
            }
            Ok(found) => files.extend(found),
            Err(error) => {
                problems.push(Problem::new("", format!("`{}` cannot be read: {error}", path.display())));
            }
        }
    }
    files
}

/// Job files directly in `folder`; settings are no job.
fn toml_files(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let is_toml = path.extension().is_some_and(|extension| extension == "toml");
        if is_toml && path.file_name().is_some_and(|name| name != "tidemill.toml") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}
