//! `tidemill init`: a workspace that passes `check` and can be rehearsed as it stands.
//!
//! Invariant: nothing that is there is changed; either all files are written or none stays.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::ValueEnum;

use crate::disk::{self, DiskFile, Durability};
use crate::run::Exit;

use super::args::{InitArguments, Kind};
use super::scaffolds::{GITIGNORE, SCAFFOLDS, Scaffold};
use super::schema;
use super::start::CommandError;
use super::term::{put, say};

/// Writes the workspace and names what comes next.
pub(super) fn init(InitArguments { folder, from }: &InitArguments) -> Result<Exit, CommandError> {
    let Some(scaffold) = SCAFFOLDS.iter().find(|scaffold| Some(scaffold.name) == from.as_deref()) else {
        say("error: nothing was written: `--from` says what a workspace begins with");
        SCAFFOLDS.iter().for_each(|scaffold| say(&format!("  {:<10} {}", scaffold.name, scaffold.about)));
        say("next: tidemill init feeds --from foxdata");
        return Ok(Exit::Usage);
    };
    let files = files(scaffold, folder);
    let there: Vec<_> = files.iter().filter(|(path, _)| path.symlink_metadata().is_ok()).collect();
    if !there.is_empty() {
        say("error: nothing was written: init overwrites nothing, and this is there already");
        there.iter().for_each(|(path, _)| say(&format!("  {}", path.display())));
        say("  = help: name another folder, or move it out of the way");
        return Ok(Exit::Usage);
    }
    write_all(&files)?;
    files.iter().for_each(|(path, _)| put(&path.display().to_string()));
    next(scaffold, folder).iter().for_each(|line| say(line));
    Ok(Exit::Done)
}

/// All files of the workspace, schemas for the editor included.
fn files(scaffold: &Scaffold, folder: &Path) -> Vec<(PathBuf, String)> {
    // `./a` reads no better than `a`.
    let folder = if folder == Path::new(".") { Path::new("") } else { folder };
    let texts = scaffold.files.iter().chain([&GITIGNORE]).map(|(path, text)| (folder.join(path), (*text).to_owned()));
    let schemas = Kind::value_variants().iter().map(|kind| {
        let path = format!("schema/{}.json", kind.word());
        (folder.join(path), schema::text(*kind))
    });
    texts.chain(schemas).collect()
}

fn write_all(files: &[(PathBuf, String)]) -> Result<(), CommandError> {
    for (count, (path, text)) in files.iter().enumerate() {
        if let Err(source) = write(path, text) {
            // So that it can be asked for again.
            files.iter().take(count).for_each(|(path, _)| drop(disk::remove_file(path)));
            return Err(CommandError::Io { what: format!("`{}` cannot be written", path.display()), source });
        }
    }
    Ok(())
}

fn write(path: &Path, text: &str) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        disk::create_folders(folder, Durability::Process)?;
    }
    DiskFile::create_new(path)?.write_all(text.as_bytes())
}

/// The first five minutes.
fn next(scaffold: &Scaffold, folder: &Path) -> Vec<String> {
    let mut commands = Vec::new();
    if folder != Path::new(".") {
        commands.push(format!("cd {}", quoted(&folder.display().to_string())));
    }
    commands.extend([
        "tidemill check jobs                # what is still to be set".to_owned(),
        "tidemill run jobs --simulate       # a rehearsal: needs no key, costs nothing".to_owned(),
        "cp .env.example .env               # and fill it in".to_owned(),
        format!("tidemill preview {}", scaffold.job),
        "tidemill run jobs".to_owned(),
    ]);
    let mark = |index: usize| if index == 0 { "next: " } else { "      " };
    commands.iter().enumerate().map(|(index, command)| format!("{}{command}", mark(index))).collect()
}

/// As a shell takes it for one word.
fn quoted(text: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || matches!(c, '/' | '.' | '_' | '-');
    if text.chars().all(is_plain) { text.to_owned() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn one_word_for_the_shell() {
        for (text, expected) in [("feeds", "feeds"), ("a b", "'a b'"), ("it's", r"'it'\''s'"), ("潮/x", "潮/x")] {
            assert_eq!(quoted(text), expected);
        }
    }
}
