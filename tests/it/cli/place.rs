//! A workspace in a temporary folder, the binary in it, and simulators of their own process.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};

use parquet::file::reader::{FileReader, SerializedFileReader};
use serde_json::Value;
use tempfile::TempDir;

/// Limits that let a test finish at once.
pub(crate) fn fast() -> String {
    let day = day(1_000_000);
    format!("limits = {{ qps = 1000, per_minute = 60000, per_day = {day}, concurrency = 8 }}")
}

/// So many calls in a day that ends half a day from now, whatever the time: a used up quota is then never one whose end
/// is worth waiting for. The zone of the presets is that of Shanghai.
#[expect(clippy::disallowed_methods, reason = "the binary reads the same clock")]
pub(crate) fn day(max: u32) -> String {
    let hour = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::get("Asia/Shanghai").unwrap()).hour();
    format!("{{ max = {max}, resets = \"{:02}:00\" }}", (hour + 12) % 24)
}

/// Whether `text` is an instant at which such a day begins.
#[expect(clippy::disallowed_methods, reason = "the binary reads the same clock")]
pub(crate) fn begins_day(text: &str) -> bool {
    let ahead = text.parse::<jiff::Timestamp>().unwrap().duration_since(jiff::Timestamp::now()).as_mins();
    text.contains(":00:0") && (11 * 60 - 1..=12 * 60).contains(&ahead)
}

/// A workspace.
pub(crate) struct Place {
    folder: TempDir,
    variables: Vec<(String, String)>,
}

/// How a process ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

/// A process whose stderr is read line by line; killed when dropped.
pub(crate) struct Running {
    child: Child,
    lines: BufReader<ChildStderr>,
    seen: String,
}

/// `tidemill simulate` in a process of its own; killed when dropped.
pub(crate) struct Simulating {
    child: Child,
    out: BufReader<ChildStdout>,
    /// What a run sets as `base_url`.
    pub(crate) base_url: String,
}

impl Place {
    /// An empty workspace whose presets are as fast as the tests like them.
    pub(crate) fn new() -> Self {
        let place = Self::bare();
        let providers = ["agushuju", "foxdata", "sensenova"];
        let limits = fast();
        place.write("tidemill.toml", &providers.map(|name| format!("[provider.{name}]\n{limits}\n")).concat());
        place
    }

    /// The same, but one request is in flight at a time: what comes after a fault is always the same.
    pub(crate) fn in_turn() -> Self {
        let place = Self::new();
        let settings = fs::read_to_string(place.path().join("tidemill.toml")).unwrap();
        place.write("tidemill.toml", &settings.replace("concurrency = 8", "concurrency = 1"));
        place
    }

    /// An empty folder.
    pub(crate) fn bare() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), variables: Vec::new() }
    }

    /// The same with a variable more in the environment of all its processes.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> &Self {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        self
    }

    /// A FoxData job over `apps` apps and `days` days, one file per day.
    pub(crate) fn ranks(&self, name: &str, apps: usize, days: usize) -> &Self {
        let apps: Vec<String> = (0..apps).map(|app| format!("\"{}\"", 389_801_252 + app)).collect();
        self.write(
            &format!("{name}.toml"),
            &format!(
                r#"name = "{name}"
provider = "foxdata"
[grid]
app = [{}]
day = {{ from = "2026-01-01", to = "2026-01-{days:02}" }}
[request]
method = "POST"
path = "/app/rank"
json = {{ appId = "{{app}}", region = "US", date = "{{day}}" }}
[records]
path = "ranks"
add = {{ app_id = "{{app}}" }}
[schema]
columns = {{ rank = "int64" }}
[output]
path = "{name}"
partition_by = ["day"]
"#,
                apps.join(", ")
            ),
        )
    }

    /// The binary with `arguments`, in this folder, knowing no variable but its own.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tidemill"));
        command.args(arguments).current_dir(self.path()).env_clear().stdin(Stdio::null());
        command.env("HOME", self.path().join("home")).env("XDG_STATE_HOME", self.path().join("xdg"));
        command.envs(self.variables.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Runs the binary to its end.
    pub(crate) fn tidemill(&self, arguments: &[&str]) -> Ended {
        Ended::of(self.command(arguments).output().unwrap())
    }

    /// Starts the binary.
    pub(crate) fn start(&self, arguments: &[&str]) -> Running {
        let mut child = self.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap());
        Running { child, lines, seen: String::new() }
    }

    /// Plays `provider` on a free port.
    pub(crate) fn simulate(&self, provider: &str, more: &[&str]) -> Simulating {
        let mut command = self.command(&["simulate", provider, "--port", "0"]);
        let mut child = command.args(more).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        let base_url = line.trim().rsplit(' ').next().unwrap().to_owned();
        Simulating { child, out, base_url }
    }

    /// Every file below `folder` of this workspace, sorted.
    pub(crate) fn files(&self, folder: &str) -> Vec<PathBuf> {
        let mut files = Vec::new();
        collect(&self.path().join(folder), &mut files);
        files.sort();
        files
    }

    /// The visible Parquet files below `folder`.
    pub(crate) fn parquet(&self, folder: &str) -> Vec<PathBuf> {
        let mut files = self.files(folder);
        files.retain(|file| file.extension().is_some_and(|extension| extension == "parquet"));
        files
    }

    /// All rows of all Parquet files below `folder`, file by file in order, each with its path below `folder`.
    pub(crate) fn rows(&self, folder: &str) -> Vec<String> {
        let root = self.path().join(folder);
        let mut rows = Vec::new();
        for file in self.parquet(folder) {
            let name = file.strip_prefix(&root).unwrap().display().to_string();
            rows.extend(read_parquet(&file).into_iter().map(|row| format!("{name} {row}")));
        }
        rows
    }
}

/// Every row as text; fails when the file is not whole.
pub(crate) fn read_parquet(path: &Path) -> Vec<String> {
    let reader = SerializedFileReader::new(fs::File::open(path).unwrap());
    let reader = reader.unwrap_or_else(|error| panic!("{} is no whole Parquet file: {error}", path.display()));
    let rows: Vec<String> = reader.get_row_iter(None).unwrap().map(|row| row.unwrap().to_string()).collect();
    assert_eq!(rows.len() as i64, reader.metadata().file_metadata().num_rows());
    rows
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, files);
        } else {
            files.push(path);
        }
    }
}

impl Ended {
    pub(crate) fn of(output: std::process::Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }

    /// Fails, showing everything, unless the code is `code`.
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "stdout:\n{}\nstderr:\n{}", self.out, self.err);
        self
    }

    /// stdout as one JSON value.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}:\n{}", self.out))
    }
}

/// Sends `signal`, such as `INT`, to a process that was started here.
fn send(child: &Child, signal: &str) {
    let sent = Command::new("kill").args([&format!("-{signal}"), &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

impl Running {
    /// Reads stderr until a line holds `text`; false when it ends before.
    pub(crate) fn wait_for(&mut self, text: &str) -> bool {
        let mut line = String::new();
        while self.lines.read_line(&mut line).unwrap() > 0 {
            let found = line.contains(text);
            self.seen.push_str(&line);
            if found {
                return true;
            }
            line.clear();
        }
        false
    }

    pub(crate) fn signal(&self, signal: &str) {
        send(&self.child, signal);
    }

    /// True once the process has ended.
    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// kill -9.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Waits for its end.
    pub(crate) fn end(mut self) -> Ended {
        // What is on stdout is small; it cannot block the child before stderr is read to its end.
        self.lines.read_to_string(&mut self.seen).unwrap();
        let mut out = String::new();
        self.child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
        let status = self.child.wait().unwrap();
        Ended { code: status.code(), out, err: std::mem::take(&mut self.seen) }
    }
}

impl Simulating {
    /// The flag that leads a run here.
    pub(crate) fn set(&self, provider: &str) -> String {
        format!("--set=provider.{provider}.base_url={}", self.base_url)
    }

    /// Ends it and returns stdout after its first line, and its statistics.
    pub(crate) fn end(mut self) -> (String, Value) {
        send(&self.child, "TERM");
        let (mut out, mut err) = (String::new(), String::new());
        self.child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
        self.out.read_to_string(&mut out).unwrap();
        self.child.wait().unwrap();
        let stats = err.find('{').unwrap_or_else(|| panic!("no statistics in {err}"));
        (out, serde_json::from_str(&err[stats..]).unwrap())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Drop for Simulating {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
