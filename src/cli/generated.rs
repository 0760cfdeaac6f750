//! `tidemill completions` and `tidemill man`: made of the arguments themselves, for shells and packagers.

use std::io::Write;

use clap::{Command, CommandFactory};
use clap_mangen::Man;

use crate::disk::{self, DiskFile, Durability};
use crate::run::Exit;

use super::args::{Arguments, CompletionsArguments, ManArguments};
use super::start::CommandError;
use super::term::{put_raw, say};

const NAME: &str = "tidemill";

/// Prints the script of a shell.
pub(super) fn completions(arguments: &CompletionsArguments) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(arguments.shell, &mut Arguments::command(), NAME, &mut script);
    put_raw(&script);
    Exit::Done
}

/// Prints the page of the program, or writes those of all commands.
pub(super) fn man(arguments: &ManArguments) -> Result<Exit, CommandError> {
    let failed = |what: String| move |source| CommandError::Io { what, source };
    let Some(folder) = &arguments.out else {
        let mut page = Vec::new();
        let rendered = manual(program()).render(&mut page);
        rendered.map_err(failed("the page cannot be made".to_owned()))?;
        put_raw(&page);
        return Ok(Exit::Done);
    };
    let shown = folder.display();
    disk::create_folders(folder, Durability::Process)
        .map_err(failed(format!("the folder `{shown}` cannot be made")))?;
    let pages = pages();
    for page in &pages {
        let path = folder.join(page.get_filename());
        let mut text = Vec::new();
        let written = page.render(&mut text).and_then(|()| DiskFile::create(&path)?.write_all(&text));
        written.map_err(failed(format!("the page `{}` cannot be written", path.display())))?;
    }
    say(&format!("{} pages written to `{shown}`", pages.len()));
    say(&format!("next: man -l {}", folder.join(format!("{NAME}.1")).display()));
    Ok(Exit::Done)
}

/// The page of the program and those of its commands.
fn pages() -> Vec<Man> {
    let mut program = program();
    program.build();
    let commands: Vec<Man> = program.get_subcommands().cloned().map(manual).collect();
    std::iter::once(manual(program)).chain(commands).collect()
}

/// `tidemill help` has no page: it only shows what the pages say.
fn program() -> Command {
    Arguments::command().disable_help_subcommand(true)
}

fn manual(command: Command) -> Man {
    Man::new(command).source(concat!("tidemill ", env!("CARGO_PKG_VERSION")))
}
