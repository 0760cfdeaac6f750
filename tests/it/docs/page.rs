//! One page of Markdown, played from top to bottom by a reader who types every command into an empty folder.
//!
//! Comments that a browser does not show steer it: `<!-- file: NAME -->` writes the next block to that file, `<!-- exit N -->`
//! expects that code of the next block, `<!-- not run: REASON -->` leaves it out.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A fenced block and what the comment above it says.
struct Block {
    language: String,
    text: String,
    line: usize,
    note: Option<String>,
}

/// Plays the page at `path`, which is relative to the project.
///
/// # Panics
/// When a command ends with another code than the page says.
pub(super) fn play(path: &str) {
    let project = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = fs::read_to_string(project.join(path)).unwrap();
    let folder = tempfile::tempdir().unwrap();
    for block in blocks(&page) {
        let note = block.note.as_deref().unwrap_or_default();
        match (note.split_once(": "), block.language.as_str()) {
            (Some(("file", name)), _) => write(folder.path(), name, &block.text),
            (Some(("not run", reason)), _) => assert!(!reason.is_empty(), "{path}:{}: why not?", block.line),
            (_, "sh") => {
                let expected = note.strip_prefix("exit ").map_or(0, |code| code.parse().unwrap());
                let (code, screen) = run(folder.path(), &block.text);
                assert_eq!(code, Some(expected), "{path}:{}\n{}\n{screen}", block.line, block.text);
            }
            _ => {}
        }
    }
}

fn blocks(page: &str) -> Vec<Block> {
    let mut blocks: Vec<Block> = Vec::new();
    let (mut note, mut open) = (None, false);
    for (index, line) in page.lines().enumerate() {
        let fence = line.trim_start().strip_prefix("```");
        match (fence, open) {
            (Some(language), false) => {
                let language = language.trim().to_owned();
                blocks.push(Block { language, text: String::new(), line: index + 1, note: note.take() });
                open = true;
            }
            (Some(_), true) => open = false,
            (None, true) => {
                let block = blocks.last_mut().unwrap();
                block.text.push_str(line);
                block.text.push('\n');
            }
            (None, false) => {
                let comment = line.trim().strip_prefix("<!-- ").and_then(|rest| rest.strip_suffix(" -->"));
                note = comment.map(str::to_owned).or(note.filter(|_| line.trim().is_empty()));
            }
        }
    }
    assert!(!open, "a block is never closed");
    blocks
}

fn write(folder: &Path, name: &str, text: &str) {
    let file = folder.join(name);
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, text).unwrap();
}

/// The code and the screen of `script`, by a shell that stops at the first command that fails.
fn run(folder: &Path, script: &str) -> (Option<i32>, String) {
    let binary = PathBuf::from(env!("CARGO_BIN_EXE_tidemill"));
    let path = format!("{}:/usr/local/bin:/usr/bin:/bin", binary.parent().unwrap().display());
    let mut shell = Command::new("bash");
    shell.args(["-euc", script]).current_dir(folder).stdin(Stdio::null()).env_clear().env("PATH", path);
    shell.env("HOME", folder.join("home")).env("XDG_STATE_HOME", folder.join("xdg"));
    let output = shell.output().unwrap();
    let screen = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    (output.status.code(), screen.join("\n"))
}
