//! Workspaces made of texts.

use tempfile::TempDir;
use tidemill::provider::{Environment, Provider, SecretRef, Workspace};

/// A workspace of `files` (path, text), of `variables` and of `flags`.
pub(crate) struct Given<'a> {
    pub(crate) files: &'a [(&'a str, &'a str)],
    pub(crate) variables: &'a [(&'a str, &'a str)],
    pub(crate) flags: &'a [(&'a str, &'a str)],
}

impl Given<'_> {
    pub(crate) fn load(&self) -> (TempDir, Result<Workspace, String>) {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in self.files {
            let path = folder.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let environment: Environment = self.variables.iter().copied().collect();
        let flags: Vec<_> = self.flags.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let workspace = Workspace::load(folder.path(), folder.path(), environment, &flags);
        (folder, workspace.map_err(|problems| problems.to_string()))
    }

    pub(crate) fn provider(&self, name: &str) -> Result<Provider, String> {
        self.load().1.and_then(|workspace| workspace.provider(name).map_err(|problems| problems.to_string()))
    }
}

pub(crate) fn toml(text: &str, name: &str) -> Result<Provider, String> {
    Given { files: &[("tidemill.toml", text)], variables: &[], flags: &[] }.provider(name)
}

pub(crate) fn env(name: &str) -> SecretRef {
    SecretRef::Env(name.to_owned())
}
