//! The front door of the library: a workspace that runs jobs.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::sync::watch;

use crate::fetch::Transport;
use crate::job::{Job, Problems};
use crate::provider::{Environment, Provider, Workspace};
use crate::quota::Clock;
use crate::simulate::{self, InMemory, SimSecrets, Simulator};

use super::assign::{Assigned, assign, over_http};
use super::error::RunError;
use super::event::Event;
use super::folders::Folders;
use super::prepare::prepare;
use super::report::{JobReport, Report, apply};
use super::runner::run;
use super::site::Site;

/// A workspace, ready to run jobs.
///
/// It keeps the promises of `tidemill run`: the same ledger, spool and quota journals, so that a program and the
/// command line may take turns, or run different jobs side by side.
pub struct Mill {
    workspace: Workspace,
    is_rehearsal: bool,
}

/// Why nothing could be run.
#[derive(Debug, thiserror::Error)]
pub enum MillError {
    /// Files, settings, secrets or jobs are wrong; nothing was sent.
    #[error("{0}")]
    Input(Problems),
    /// A fault of this machine.
    #[error(transparent)]
    Run(#[from] RunError),
}

impl From<Problems> for MillError {
    fn from(problems: Problems) -> Self {
        Self::Input(problems)
    }
}

impl Mill {
    /// The workspace that `folder` belongs to: `tidemill.toml`, found there or in a parent folder, `providers/*.toml` and
    /// `.env` beside it, and the variables of the process. None of these has to be there.
    ///
    /// # Errors
    /// Every problem of these files at once.
    pub fn open(folder: &Path) -> Result<Self, Problems> {
        let workspace = Workspace::load(folder, folder, Environment::of_process(), &[])?;
        Ok(Self { workspace, is_rehearsal: false })
    }

    /// The same workspace against simulators in this process, with state and output in its `rehearsal` folder. No secret
    /// is needed and nothing is sent.
    pub fn rehearsal(self) -> Self {
        Self { is_rehearsal: true, ..self }
    }

    /// Where state, output and quota journals are.
    pub fn folders(&self) -> Folders {
        Folders::chosen(&self.workspace.settings, &self.workspace.environment, self.is_rehearsal)
    }

    /// Runs `jobs` to their ends, at once and under the limits they share, and tells `hear` of everything that happens.
    /// What earlier runs did is not done again. To be awaited on a tokio runtime.
    ///
    /// How each job ended is in the report, also when a provider refused: see [`super::Exit`]. Whoever drops the future ends
    /// the run at once, as a crash does, and loses nothing; the next run goes on. What a person should know is
    /// among the warnings; that the ledger was damaged and is rebuilt is among those of the first job.
    ///
    /// # Errors
    /// When the jobs cannot be begun: nothing was sent then. Or when at their end the report cannot be kept, as the disk is
    /// full: what was fetched is.
    pub async fn run(&self, jobs: Vec<Job>, mut hear: impl FnMut(&Event)) -> Result<Report, MillError> {
        let clock = Clock::system();
        let started = clock.now().wall;
        let folders = self.folders();
        let assigned = self.assign(jobs, &clock)?;
        let reports = assigned
            .iter()
            .map(|Assigned { prepared, .. }| JobReport::of(prepared, &folders.output.join(&prepared.job.output.path)));
        let mut reports: Vec<JobReport> = reports.collect();
        let site = Site::open(folders, &self.workspace.settings, started)?;
        // Nobody sends a signal; the sender is held so that none ever seems to come.
        let (_signal, signalled) = watch::channel(None);
        let options = site.options(signalled, Duration::ZERO);
        let (sender, mut events) = site.events(assigned.iter().map(|job| &job.prepared.job.name), started);
        let follow = async {
            while let Some(event) = events.recv().await {
                hear(&event);
                apply(&mut reports, &event);
            }
        };
        tokio::join!(run(assigned, site.store().clone(), options, clock.clone(), sender), follow);
        let report = Report::new(started, clock.now().wall, self.is_rehearsal, reports);
        site.remember(&report)?;
        Ok(report)
    }

    /// Each job with its wire: of HTTP, or to a simulator in memory.
    fn assign(&self, jobs: Vec<Job>, clock: &Clock) -> Result<Vec<Assigned>, MillError> {
        let mut workspace = self.workspace.clone();
        if self.is_rehearsal {
            let providers: Vec<_> = jobs.iter().filter_map(|job| workspace.provider(&job.provider).ok()).collect();
            workspace.environment = simulate::with_secrets(&workspace.environment, &providers);
        }
        let wire = |provider: &Provider| match self.is_rehearsal {
            true => Ok(simulated(provider, &workspace.environment, clock)),
            false => over_http(provider),
        };
        Ok(assign(prepare(&workspace, jobs, clock.now().wall)?, wire).map_err(RunError::from)?)
    }
}

/// A wire to a simulator in memory that demands the secrets `environment` holds.
fn simulated(provider: &Provider, environment: &Environment, clock: &Clock) -> Arc<dyn Transport> {
    let secrets = SimSecrets::resolve(provider, |secret| secret.resolve(environment).ok());
    let simulator = Simulator::new(provider, secrets, simulate::Options::default());
    Arc::new(InMemory::new(Arc::new(Mutex::new(simulator)), clock.clone()))
}
