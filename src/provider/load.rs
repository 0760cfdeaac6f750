//! Finds and reads the files of a workspace. [io]
//!
//! Invariant: everything that is wrong with settings is reported before anything is sent, all of it at once.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use schemars::schema_for;
use serde_json::{Map, Value};

use crate::job::{Problem, Problems, Source, check, nearest};

use super::file::ProviderFile;
use super::layers::{Layer, Text, locate};
use super::limits_file::guessed;
use super::merge::merge;
use super::settings::{Settings, SettingsFile, folder};
use super::{Environment, Provider, preset, variables};

const SETTINGS: &str = "tidemill.toml";

/// The settings that hold for a job file, and the providers it may name.
#[derive(Debug, Clone)]
pub struct Workspace {
    /// Folders.
    pub settings: Settings,
    /// The variables of the process and of `.env`.
    pub environment: Environment,
    presets: BTreeMap<String, Text>,
    files: BTreeMap<String, Text>,
    /// Flags, environment, `tidemill.toml`: the strongest first.
    shared: Vec<Text>,
    in_doubt: Doubt,
}

/// The providers whose settings have problems of their own, reported when they were read.
#[derive(Debug, Clone)]
enum Doubt {
    /// Of these names.
    Named(BTreeSet<String>),
    /// A file that may speak of any provider cannot be read.
    All,
}

impl Workspace {
    /// Reads `tidemill.toml`, found from `start` (a folder) upward, then from `cwd` upward; `providers/*.toml` and
    /// `.env` beside it; settings among the variables of `environment`; and `flags`, each a key path such as
    /// `provider.foxdata.limits.qps` and a value.
    pub fn load(
        start: &Path,
        cwd: &Path,
        environment: Environment,
        flags: &[(String, String)],
    ) -> Result<Self, Problems> {
        let (workspace, problems) = Self::read(start, cwd, environment, flags);
        problems.or(workspace)
    }

    /// The same, as far as it can be read, with every problem. What has no problem can be used to find those of the
    /// jobs; nothing may be sent while there is one.
    pub fn read(
        start: &Path,
        cwd: &Path,
        mut environment: Environment,
        flags: &[(String, String)],
    ) -> (Self, Problems) {
        let mut problems = Problems::default();
        let schema = schema_for!(SettingsFile);
        let file = find(&cwd.join(start)).or_else(|| find(cwd));
        let root = file.as_deref().and_then(Path::parent).unwrap_or(cwd).to_owned();
        add_dotenv(&root, cwd, &mut environment, &mut problems);
        let tidemill = match &file {
            None => None,
            Some(file) => read(file, cwd, &mut problems),
        };
        // Without `.env` nobody knows which secrets are there; without its file, what a provider is.
        let is_all_in_doubt = !problems.0.is_empty();
        if let Some(text) = &tidemill {
            problems.0.extend(text.check(&schema).0);
        }
        let tidemill = tidemill.unwrap_or_else(|| Text::of_file(Source::environment(Map::new(), &BTreeMap::new())));
        let (variables, wrong) = variables::from_environment(&environment, &schema);
        problems.0.extend(wrong.0);
        let (flags, wrong) = variables::from_flags(flags, &schema);
        problems.0.extend(wrong.0);
        let mut in_doubt = BTreeSet::new();
        let files = provider_files(&root, cwd, &mut in_doubt, &mut problems);
        let layers = [(&flags, cwd), (&variables, cwd), (&tidemill, root.as_path())];
        let state = folder("state", ".tidemill", &layers, &mut problems);
        let output = folder("output", "data", &layers, &mut problems);
        let presets = preset::names().filter_map(|name| Some((name.to_owned(), preset_text(name, &mut problems)?)));
        let presets: BTreeMap<String, Text> = presets.collect();
        let durability = layers.iter().find_map(|(text, _)| text.get("/durability")?.as_str());
        let survives_power_loss = durability != Some("process");
        let settings = Settings { root, file, state, output, survives_power_loss };
        let shared = vec![flags, variables, tidemill];
        let mut workspace = Self { settings, environment, presets, files, shared, in_doubt: Doubt::All };
        workspace.refuse_unknown_providers(&mut problems);
        if !is_all_in_doubt {
            let name_of =
                |problem: &Problem| Some(problem.path.strip_prefix("/provider/")?.split('/').next()?.to_owned());
            in_doubt.extend(problems.0.iter().filter_map(name_of));
            workspace.in_doubt = Doubt::Named(in_doubt);
        }
        (workspace, problems)
    }

    /// Names of all providers a job can name, sorted.
    pub fn providers(&self) -> Vec<&str> {
        // A variable alone defines nothing: it may be a misspelt name.
        let tables = self.shared.last().and_then(|tidemill| tidemill.get("/provider")?.as_object());
        let defined = tables.into_iter().flatten().filter(|(_, table)| table.get("base_url").is_some());
        let defined = defined.map(|(name, _)| name);
        let mut names: Vec<&str> =
            self.presets.keys().chain(self.files.keys()).chain(defined).map(String::as_str).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Whether anything here says something about the provider `name`, be it only a flag or a variable.
    pub fn is_configured(&self, name: &str) -> bool {
        let path = format!("/provider/{name}");
        self.files.contains_key(name) || self.shared.iter().any(|text| text.get(&path).is_some())
    }

    /// The provider `name`: preset, `providers/NAME.toml`, `[provider.NAME]`, environment and flags, merged and checked.
    ///
    /// # Errors
    /// What is wrong with it; nothing more when [`Workspace::read`] has reported its settings.
    pub fn provider(&self, name: &str) -> Result<Provider, Problems> {
        match &self.in_doubt {
            Doubt::Named(names) if !names.contains(name) => {}
            Doubt::Named(_) | Doubt::All => return Err(Problems::default()),
        }
        if !self.providers().contains(&name) {
            return Err(Problems(vec![self.unknown(name, "")]));
        }
        let layers = self.layers(name);
        let located = |problems: Problems| Problems(problems.0.into_iter().map(|one| locate(&layers, one)).collect());
        let mut merged = Map::new();
        for layer in layers.iter().rev() {
            let Some(Value::Object(table)) = layer.text.get(&layer.prefix) else { continue };
            merged = merge(merged, table.clone())
                .map_err(|error| Problems(vec![Problem::new("", format!("settings cannot be merged: {error}"))]))?;
        }
        let merged = Value::Object(merged);
        let problems = check(&schema_for!(ProviderFile), &merged);
        problems.or(()).map_err(located)?;
        let file: ProviderFile = serde_json::from_value(merged)
            .map_err(|error| located(Problems(vec![Problem::new("", error.to_string())])))?;
        let mut provider = file.build(name, &self.settings.root).map_err(located)?;
        let limits: Vec<&Value> = layers.iter().filter_map(|layer| layer.get("/limits")).collect();
        provider.limits.guessed = guessed(&limits);
        Ok(provider)
    }

    /// Fills in where `problem` with the provider `name` stands in a file, variable or flag of the person's, if it does: a
    /// preset is nobody's to mend.
    pub fn locate(&self, name: &str, problem: Problem) -> Problem {
        let mut layers = self.layers(name);
        layers.retain(|layer| {
            let is_preset = self.presets.get(name).is_some_and(|preset| std::ptr::eq(preset, layer.text));
            // A variable or a flag is its own place alone; a file is one for what is missing in it too.
            !is_preset && (layer.text.is_file() || layer.get(&problem.path).is_some())
        });
        locate(&layers, problem)
    }

    /// The layers that say something about `name`, the strongest first.
    fn layers(&self, name: &str) -> Vec<Layer<'_>> {
        let prefix = format!("/provider/{name}");
        let shared = self.shared.iter().map(|text| Layer { text, prefix: prefix.clone() });
        let file = self.files.get(name).map(|text| Layer { text, prefix: String::new() });
        let preset = self.presets.get(name).map(|text| Layer { text, prefix: String::new() });
        shared.chain(file).chain(preset).filter(|layer| layer.text.get(&layer.prefix).is_some()).collect()
    }

    /// A misspelt name would leave its settings without effect.
    fn refuse_unknown_providers(&self, problems: &mut Problems) {
        let known = self.providers();
        for text in &self.shared {
            let tables = text.get("/provider").and_then(Value::as_object);
            for name in tables.into_iter().flat_map(Map::keys) {
                let path = format!("/provider/{name}");
                if !is_provider_name(name) {
                    problems.push(text.locate(bad_name(name, &path)));
                } else if !known.contains(&name.as_str()) {
                    problems.push(text.locate(self.unknown(name, &path)));
                }
            }
        }
    }

    fn unknown(&self, name: &str, path: &str) -> Problem {
        let known = self.providers();
        let message = match nearest(name, known.iter().copied()) {
            Some(meant) => format!("unknown provider `{name}`, did you mean `{meant}`?"),
            None => format!("unknown provider `{name}`"),
        };
        let names: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
        let hint = format!("known: {}; a new one is a file `providers/{name}.toml` with `base_url`", names.join(", "));
        Problem::new(path, message).key().hint(hint)
    }
}

fn find(folder: &Path) -> Option<PathBuf> {
    folder.ancestors().map(|folder| folder.join(SETTINGS)).find(|file| file.is_file())
}

/// The name of `file` for people: below the current folder without it.
fn shown(file: &Path, cwd: &Path) -> PathBuf {
    file.strip_prefix(cwd).unwrap_or(file).to_owned()
}

fn read(file: &Path, cwd: &Path, problems: &mut Problems) -> Option<Text> {
    let label = shown(file, cwd);
    let text = match std::fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) => {
            problems.push(Problem::new("", format!("`{}` cannot be read: {error}", label.display())));
            return None;
        }
    };
    match Source::parse(&label, &text) {
        Ok(source) => Some(Text::of_file(source)),
        Err(problem) => {
            problems.push(problem);
            None
        }
    }
}

fn preset_text(name: &str, problems: &mut Problems) -> Option<Text> {
    let label = PathBuf::from(format!("preset {name}"));
    Source::parse(&label, preset::text(name)?).map(Text::of_file).map_err(|problem| problems.push(problem)).ok()
}

fn add_dotenv(root: &Path, cwd: &Path, environment: &mut Environment, problems: &mut Problems) {
    let file = root.join(".env");
    let label = shown(&file, cwd);
    match std::fs::read_to_string(&file) {
        Ok(text) => {
            if let Err(line) = environment.add_dotenv(&text) {
                let message = format!("line {line} of `{}` is no variable", label.display());
                problems
                    .push(Problem::new("", message).hint("write `NAME=value`, with quotes around a value with spaces"));
            }
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => problems.push(Problem::new("", format!("`{}` cannot be read: {error}", label.display()))),
    }
}

fn provider_files(
    root: &Path,
    cwd: &Path,
    in_doubt: &mut BTreeSet<String>,
    problems: &mut Problems,
) -> BTreeMap<String, Text> {
    let folder = root.join("providers");
    let entries = match std::fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return BTreeMap::new(),
        Err(error) => {
            let message = format!("`{}` cannot be read: {error}", shown(&folder, cwd).display());
            problems.push(Problem::new("", message));
            return BTreeMap::new();
        }
    };
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    paths.sort();
    let schema = schema_for!(ProviderFile);
    let mut files = BTreeMap::new();
    for path in paths {
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let before = problems.0.len();
        if let Some(text) = read(&path, cwd, problems) {
            if is_provider_name(&name) {
                problems.0.extend(text.check(&schema).0);
                files.insert(name.clone(), text);
            } else {
                problems.push(text.locate(bad_name(&name, "")));
            }
        }
        if problems.0.len() > before {
            in_doubt.insert(name);
        }
    }
    files
}

fn bad_name(name: &str, path: &str) -> Problem {
    let message = format!("`{name}` cannot be the name of a provider");
    Problem::new(path, message).key().hint("lower-case letters, digits, `_` and `-`")
}

fn is_provider_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-'))
}
