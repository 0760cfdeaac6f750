//! Providers, jobs and requests made of texts.

use std::path::Path;

use serde_json::{Map, Value};
use tidemill::fetch::{Body, Request};
use tidemill::job::{Job, Problems};
use tidemill::provider::{Credential, Environment, Provider, Workspace};

/// A provider of a workspace whose `tidemill.toml` is `settings`.
pub(crate) fn provider(settings: &str, name: &str) -> Provider {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("tidemill.toml"), settings).unwrap();
    let shown = |problems: Problems| problems.to_string();
    let workspace = Workspace::load(folder.path(), folder.path(), Environment::default(), &[]).map_err(shown).unwrap();
    workspace.provider(name).map_err(shown).unwrap()
}

/// The provider `own`: without auth unless `settings`, which stand in its table, say otherwise.
pub(crate) fn own(settings: &str) -> Provider {
    let base = "[provider.own]\nbase_url = \"https://api.own.test/v1\"\n";
    provider(&format!("{base}{settings}"), "own")
}

pub(crate) fn credential(provider: &Provider, variables: &[(&str, &str)]) -> Credential {
    Credential::resolve(provider, &variables.iter().copied().collect()).unwrap()
}

/// A job of one cell, with `rest` below its `[request]`.
pub(crate) fn job(rest: &str) -> Job {
    let text = format!("name = \"j\"\nprovider = \"own\"\n[grid]\na = [1]\n[request]\n{rest}");
    Job::parse(Path::new("j.toml"), &text).map_err(|problems| problems.to_string()).unwrap()
}

pub(crate) fn values(json: &str) -> Map<String, Value> {
    serde_json::from_str(json).unwrap()
}

/// `GET path` without anything.
pub(crate) fn get(path: &str) -> Request {
    Request {
        method: http::Method::GET,
        path: path.to_owned(),
        query: Vec::new(),
        headers: Vec::new(),
        body: Body::None,
        next_page: false,
    }
}
