//! Where a run keeps what: output, state, quota journals, and the rehearsal's own copy of each.

use std::path::{Path, PathBuf};

use crate::provider::{Environment, Settings};

/// Folder of everything a rehearsal leaves, below the workspace: fake rows never mix with real ones.
pub const REHEARSAL: &str = "rehearsal";

/// The folders of one run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folders {
    /// Ledger, spool and locks.
    pub state: PathBuf,
    /// Parquet.
    pub output: PathBuf,
    /// Journals of attempts, shared by all workspaces of this user that use one credential.
    pub quota: PathBuf,
}

impl Folders {
    /// Those of a run of this workspace, or of its rehearsal.
    pub fn chosen(settings: &Settings, environment: &Environment, is_rehearsal: bool) -> Self {
        match is_rehearsal {
            true => Self::rehearsal(&settings.root),
            false => Self::of(settings, environment),
        }
    }

    /// Those of an earnest run: as the settings say; journals in `$XDG_STATE_HOME/tidemill/quota`, which is
    /// `~/.local/state/tidemill/quota` where it is unset, or in the state folder where there is no home either.
    pub fn of(settings: &Settings, environment: &Environment) -> Self {
        let state_home = match (environment.get("XDG_STATE_HOME"), environment.get("HOME")) {
            (Some(folder), _) if !folder.is_empty() => Some(PathBuf::from(folder)),
            (_, Some(home)) if !home.is_empty() => Some(Path::new(home).join(".local/state")),
            _ => None,
        };
        let quota = state_home.map_or_else(|| settings.state.clone(), |folder| folder.join("tidemill")).join("quota");
        Self { state: settings.state.clone(), output: settings.output.clone(), quota }
    }

    /// Those of a rehearsal.
    pub fn rehearsal(root: &Path) -> Self {
        Self::below(&root.join(REHEARSAL))
    }

    /// All of them in one folder.
    pub fn below(folder: &Path) -> Self {
        Self { state: folder.join("state"), output: folder.join("data"), quota: folder.join("quota") }
    }

    /// The ledger's file.
    pub fn ledger(&self) -> PathBuf {
        self.state.join("ledger.db")
    }

    /// The spool of one partition.
    pub fn spool(&self, job: &str, partition: &str) -> PathBuf {
        self.state.join("spool").join(job).join(partition)
    }

    /// Damaged pages of one partition, kept as they are.
    pub fn quarantine(&self, job: &str, partition: &str) -> PathBuf {
        self.state.join("quarantine").join(job).join(partition)
    }
}
