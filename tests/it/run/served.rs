//! What every run of a scene reads, read once: settings and jobs do not change what they say, and reading them takes
//! longer than most runs.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use tidemill::job::Job;
use tidemill::provider::{Credential, Provider, Workspace};

#[derive(Default)]
pub(crate) struct Served {
    /// By their texts.
    jobs: RefCell<BTreeMap<String, Job>>,
    providers: RefCell<BTreeMap<String, (Arc<Provider>, Credential)>>,
}

impl Served {
    /// The job that `text` in `file` is.
    pub(crate) fn job(&self, file: &Path, text: &str) -> Job {
        let parse = || Job::parse(file, text).unwrap_or_else(|problems| panic!("{problems}"));
        self.jobs.borrow_mut().entry(text.to_owned()).or_insert_with(parse).clone()
    }

    /// A provider and its credential.
    pub(crate) fn provider(&self, name: &str, workspace: impl FnOnce() -> Workspace) -> (Arc<Provider>, Credential) {
        let read = || {
            let workspace = workspace();
            let provider = workspace.provider(name).unwrap_or_else(|problems| panic!("{problems}"));
            let credential = Credential::resolve(&provider, &workspace.environment).unwrap();
            (Arc::new(provider), credential)
        };
        self.providers.borrow_mut().entry(name.to_owned()).or_insert_with(read).clone()
    }

    /// The environment changed.
    pub(crate) fn forget(&self) {
        self.providers.borrow_mut().clear();
    }
}
