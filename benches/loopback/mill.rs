//! `tidemill` itself: a workspace for one workload, made anew for every run.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::workload::{Asking, Shape, Workload};

/// Writes the workspace into `folder`; the command runs its job.
pub(crate) fn command(workload: &Workload, port: u16, durability: &str, folder: &Path) -> Command {
    fs::write(folder.join("tidemill.toml"), settings(workload, port, durability)).unwrap();
    fs::write(folder.join("job.toml"), job(workload)).unwrap();
    let pages: String = (0..workload.pages).map(|page| format!("{page}\n")).collect();
    fs::write(folder.join("pages.txt"), pages).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidemill"));
    command.args(["run", "job.toml", "--progress", "none"]).current_dir(folder).env_clear();
    command.env("HOME", folder.join("home")).env("XDG_STATE_HOME", folder.join("state"));
    command
}

fn settings(workload: &Workload, port: u16, durability: &str) -> String {
    format!(
        r#"durability = "{durability}"

[provider.loopback]
base_url = "http://127.0.0.1:{port}"
limits = {{ concurrency = {} }}

[provider.loopback.envelope]
code = "/code"
message = "/message"
ok = [0]
records = "/data/list"
"#,
        workload.in_flight
    )
}

/// Declares what inference would read as text.
fn job(workload: &Workload) -> String {
    let side_by_side = format!(
        "[paging]\nkind = \"page\"\npage = \"page\"\nfirst = 0\npage_size = {}\ntotal = \"/data/total\"\nparallel_pages = {}",
        workload.shape.records(),
        workload.in_flight
    );
    let (grid, asked) = match workload.asking {
        Asking::Cells => ("[grid]\npage = { file = \"pages.txt\" }", r#"query = { page = "{page}" }"#),
        Asking::Parallel => ("", side_by_side.as_str()),
        Asking::Cursor => ("", "[paging]\nkind = \"cursor\"\nfields = { page = \"/data/next\" }"),
    };
    let columns = match workload.shape {
        Shape::Wide => r#"price = "decimal(20,4)", day = "date", at = "timestamp(ms, Asia/Shanghai)""#,
        Shape::Small => "",
    };
    format!(
        r#"name = "{}"
provider = "loopback"

{grid}

[request]
path = "/pages"
{asked}

[schema]
columns = {{ {columns} }}

[output]
cells_per_file = {}
"#,
        workload.name, workload.pages
    )
}

/// The one file that the job made in `folder`.
pub(crate) fn file(folder: &Path) -> Option<PathBuf> {
    let mut found = Vec::new();
    gather(&folder.join("data"), &mut found);
    if found.len() == 1 { found.pop() } else { None }
}

fn gather(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            gather(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "parquet") {
            found.push(path);
        }
    }
}
