//! Everything that can be wrong before the first request, found before the first request.

use std::collections::HashSet;
use std::sync::Arc;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::fetch::render;
use crate::job::{Job, Problem, Problems, Sources};
use crate::plan;
use crate::provider::{Credential, Provider, Workspace};

/// A job, who serves it, and the secrets that takes.
pub struct Prepared {
    /// The job.
    pub job: Arc<Job>,
    /// Its provider.
    pub provider: Arc<Provider>,
    /// Its credential.
    pub credential: Credential,
}

/// A job file that is no [`Job`] for problems of its own, but names its provider.
pub struct Broken {
    /// The provider's name.
    pub provider: String,
    /// The file, to find places in it.
    pub sources: Sources,
}

/// Finds each job's provider and secrets and expands its grid once, or reports every problem of every job.
///
/// # Errors
/// All problems at once; nothing was sent and nothing written. None when the only ones are those that
/// [`Workspace::read`] has reported.
pub fn prepare(workspace: &Workspace, jobs: Vec<Job>, now: Timestamp) -> Result<Vec<Prepared>, Problems> {
    prepare_beside(workspace, jobs, &[], now)
}

/// The same, and what is wrong with the providers of files that are no jobs.
///
/// # Errors
/// As for [`prepare`].
pub fn prepare_beside(
    workspace: &Workspace,
    jobs: Vec<Job>,
    broken: &[Broken],
    now: Timestamp,
) -> Result<Vec<Prepared>, Problems> {
    let count = jobs.len();
    let mut problems = plan::check_together(&jobs);
    let mut secrets = Secrets::default();
    let mut prepared = Vec::new();
    for job in jobs {
        match prepare_one(workspace, job, now, &mut secrets) {
            Ok(job) => prepared.push(job),
            Err(found) => problems.0.extend(found.0),
        }
    }
    for Broken { provider, sources } in broken {
        let locate = |problem| sources.locate(problem);
        match provider_of(workspace, provider, locate) {
            Ok(provider) => drop(secrets.read(workspace, &provider, locate, &mut problems)),
            Err(found) => problems.0.extend(found.0),
        }
    }
    // Two jobs of one provider report its problems once.
    let mut seen = HashSet::new();
    problems.0.retain(|problem| seen.insert(problem.to_string()));
    if prepared.len() < count { Err(problems) } else { problems.or(prepared) }
}

fn prepare_one(workspace: &Workspace, job: Job, now: Timestamp, secrets: &mut Secrets) -> Result<Prepared, Problems> {
    let mut problems = Problems::default();
    let locate = |problem| job.locate(problem);
    let provider = provider_of(workspace, &job.provider, locate);
    let provider = provider.map_err(|found| problems.0.extend(found.0)).ok();
    // What is wrong with an axis is wrong in every zone.
    let zone = provider.as_ref().map_or(TimeZone::UTC, |provider| provider.zone.clone());
    match plan::cells(&job, now, &zone) {
        Ok(cells) => {
            // The fields of a row are only known from the rows; the first one shows a misspelt name before any is paid for.
            if let Some(Err(error)) = cells.get(0).map(|cell| render(&job, &cell.values())) {
                problems.push(job.problem("/request", format!("the first cell cannot be asked for: {error}")));
            }
        }
        Err(found) => problems.0.extend(found.0),
    }
    let Some(provider) = provider else { return Err(problems) };
    match secrets.read(workspace, &provider, locate, &mut problems) {
        Some(credential) => problems.or(Prepared { job: Arc::new(job), provider: Arc::new(provider), credential }),
        None => Err(problems),
    }
}

/// The name of an unknown provider stands in the job file; whatever else is wrong has a place in the settings.
fn provider_of(workspace: &Workspace, name: &str, locate: impl Fn(Problem) -> Problem) -> Result<Provider, Problems> {
    workspace.provider(name).map_err(|found| {
        let located = found.0.into_iter().map(|mut problem| match problem.location {
            Some(_) => problem,
            None => {
                problem.path = "/provider".to_owned();
                problem.at_key = false;
                locate(problem)
            }
        });
        Problems(located.collect())
    })
}

/// Reads credentials; a secret that several jobs lack is one problem, at the first of them.
#[derive(Default)]
struct Secrets {
    told: HashSet<String>,
}

impl Secrets {
    fn read(
        &mut self,
        workspace: &Workspace,
        provider: &Provider,
        locate: impl Fn(Problem) -> Problem,
        problems: &mut Problems,
    ) -> Option<Credential> {
        let missing = match Credential::resolve(provider, &workspace.environment) {
            Ok(credential) => return Some(credential),
            Err(missing) => missing,
        };
        for error in missing.errors {
            let message = format!("provider `{}`: {error}", provider.name);
            if self.told.insert(message.clone()) {
                problems.push(locate(Problem::new("/provider", message).hint(error.hint())));
            }
        }
        None
    }
}
