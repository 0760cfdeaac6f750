//! `tidemill.toml`: what is true for this workspace and your plan with each provider.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::Deserialize;

use crate::job::{Problem, Problems};

use super::file::ProviderFile;
use super::layers::Text;

/// `tidemill.toml`: what is true for a workspace. It is looked for in the folder of the job file and above, then in the
/// current folder and above.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Tidemill settings")]
pub struct SettingsFile {
    /// Where the state is kept: a folder; `.tidemill` when absent. Relative to this file.
    pub state: Option<String>,
    /// Where the datasets go: a folder; `data` when absent. Relative to this file.
    pub output: Option<String>,
    /// What a page that was answered for survives: `power` (the default) syncs it to the disk, `process` leaves that to the
    /// system, which is enough for anything but a loss of power.
    pub durability: Option<DurabilityFile>,
    /// Your plan with each provider: `[provider.NAME]` tables with the keys of a provider file.
    pub provider: Option<BTreeMap<String, ProviderFile>>,
}

/// What a page that was answered for survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DurabilityFile {
    /// Loss of power.
    Power,
    /// Death of the process.
    Process,
}

/// Settings of a workspace, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Folder of `tidemill.toml`, or the current folder when there is none.
    pub root: PathBuf,
    /// `tidemill.toml` itself, if there is one.
    pub file: Option<PathBuf>,
    /// Folder of the state.
    pub state: PathBuf,
    /// Folder of the datasets.
    pub output: PathBuf,
    /// Pages survive a loss of power, not the death of the process alone.
    pub survives_power_loss: bool,
}

/// The folder that `key` names in the strongest of `layers`, which come with the folder their relative paths belong to.
pub(super) fn folder(key: &str, otherwise: &str, layers: &[(&Text, &Path)], problems: &mut Problems) -> PathBuf {
    let path = format!("/{key}");
    for (text, base) in layers {
        let Some(written) = text.get(&path).and_then(serde_json::Value::as_str) else { continue };
        if let Some((scheme, _)) = written.split_once("://") {
            let message = format!("`{key}` on `{scheme}://` is not built yet");
            problems.push(text.locate(Problem::new(&path, message).hint("name a folder of this machine")));
        } else if written.is_empty() {
            problems.push(text.locate(Problem::new(&path, format!("`{key}` names no folder"))));
        }
        return base.join(written);
    }
    layers.last().map_or_else(|| PathBuf::from(otherwise), |(_, base)| base.join(otherwise))
}
