//! Reads a job file from disk [io]; all rules are in [`Job::parse`].

use std::path::Path;

use super::{Job, Problem, Problems, nearest};

/// A job file is a page or two of text; more is some other file.
const LARGEST: u64 = 4 << 20;

impl Job {
    /// Reads and parses `file`. A file that cannot be read is a problem like any other.
    pub fn read(file: &Path) -> Result<Self, Problems> {
        Self::parse(file, &text(file).map_err(|message| Problems(vec![Problem::new("", message)]))?)
    }
}

/// What to say of a path that does not exist: which of its neighbours was meant.
fn missing(file: &Path) -> String {
    let folder = match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        Some(_) | None => Path::new("."),
    };
    let entries = std::fs::read_dir(folder).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path()));
    let is_job = |path: &Path| {
        let is_settings = path.file_name().is_some_and(|name| name == "tidemill.toml");
        path.extension().is_some_and(|extension| extension == "toml") && !is_settings
    };
    let mut names: Vec<String> = entries
        .filter(|path| is_job(path) || (file.extension().is_none() && path.is_dir()))
        .filter_map(|path| Some(path.file_name()?.to_string_lossy().into_owned()))
        .collect();
    // The order of a folder is the system's; of two equally near names the same one is always meant.
    names.sort();
    let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let what = if file.extension().is_none() { "file or folder" } else { "file" };
    let shown = file.display();
    match nearest(&name, names.iter().map(String::as_str)) {
        Some(meant) => {
            format!("there is no {what} `{shown}`, did you mean `{}`?", file.with_file_name(meant).display())
        }
        None => format!("there is no {what} `{shown}`"),
    }
}

fn text(file: &Path) -> Result<String, String> {
    let cannot = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::NotFound => missing(file),
        _ => format!("cannot read job file `{}`: {error}", file.display()),
    };
    let size = std::fs::metadata(file).map_err(cannot)?.len();
    if size > LARGEST {
        return Err(format!("`{}` is no job file: it has {size} bytes, the most allowed is {LARGEST}", file.display()));
    }
    let bytes = std::fs::read(file).map_err(cannot)?;
    let text = String::from_utf8(bytes)
        .map_err(|error| format!("`{}` is not UTF-8 at byte {}", file.display(), error.utf8_error().valid_up_to()))?;
    // A byte order mark is how some editors save; it is no part of the text.
    Ok(text.strip_prefix('\u{feff}').map_or_else(|| text.clone(), str::to_owned))
}
