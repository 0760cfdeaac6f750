//! The only file that prints: output on stdout, everything else on stderr, and never into the bars of a run.

use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};

use serde_json::json;
use tracing_subscriber::fmt::MakeWriter;

use super::args::ColorChoice;
use super::progress::around;

static CHOICE: OnceLock<ColorChoice> = OnceLock::new();

/// What is said, while it is held.
static HELD: Mutex<Option<Vec<String>>> = Mutex::new(None);

/// Whoever reads stderr expects JSON.
static JSON: AtomicBool = AtomicBool::new(false);

/// One line of output. A reader that went away (`| head`) is no error.
pub(super) fn put(text: &str) {
    ignore_broken_pipe(around(|| writeln!(io::stdout().lock(), "{text}")));
}

/// Output that is text already, to its last line break.
pub(super) fn put_raw(bytes: &[u8]) {
    ignore_broken_pipe(around(|| io::stdout().lock().write_all(bytes)));
}

/// One line for the person.
pub(super) fn say(text: &str) {
    match HELD.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
        Some(held) => held.push(text.to_owned()),
        None => line(text),
    }
}

/// One line for a program, on stderr.
pub(super) fn say_json(value: &serde_json::Value) {
    ignore_broken_pipe(around(|| writeln!(io::stderr().lock(), "{value}")));
}

fn line(text: &str) {
    if JSON.load(Ordering::Relaxed) {
        say_json(&json!({ "event": "message", "message": text }));
    } else {
        ignore_broken_pipe(around(|| writeln!(io::stderr().lock(), "{text}")));
    }
}

/// Keeps what is said from here on, until it is known whether somebody must read it.
pub(super) fn hold() {
    HELD.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_default();
}

/// Says what was held.
pub(super) fn release() {
    let held = HELD.lock().unwrap_or_else(PoisonError::into_inner).take();
    held.into_iter().flatten().for_each(|text| line(&text));
}

/// From here on everything on stderr is one JSON object a line.
pub(super) fn speak_json() {
    JSON.store(true, Ordering::Relaxed);
}

/// Columns of the terminal that stdout is; none when it is none.
pub(super) fn columns() -> Option<usize> {
    rustix::termios::tcgetwinsize(io::stdout()).ok().map(|size| usize::from(size.ws_col)).filter(|columns| *columns > 0)
}

/// Columns of the screen that stdout goes to: what `COLUMNS` says, else the terminal, else 120.
pub(super) fn width() -> usize {
    let said = std::env::var("COLUMNS").ok().and_then(|text| text.parse().ok());
    let asked = || rustix::termios::tcgetwinsize(io::stdout()).ok().map(|size| usize::from(size.ws_col));
    said.or_else(asked).filter(|columns| *columns > 0).unwrap_or(120).max(40)
}

/// There is nobody left to tell when stdout or stderr cannot be written.
fn ignore_broken_pipe(result: io::Result<()>) {
    drop(result);
}

/// Where logs go: to stderr like all that is said, and at once, for they were asked for by name.
#[derive(Debug, Clone, Copy)]
pub(super) struct Log;

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        line(String::from_utf8_lossy(bytes).trim_end_matches('\n'));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        Self
    }
}

/// What a text may look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Color {
    #[default]
    Plain,
    Dim,
    Red,
    Green,
    Yellow,
    Cyan,
}

/// `text` in `color`, if colors are `on`.
pub(super) fn paint(text: &str, color: Color, on: bool) -> String {
    let code = match color {
        Color::Plain => return text.to_owned(),
        Color::Dim => 2,
        Color::Red => 31,
        Color::Green => 32,
        Color::Yellow => 33,
        Color::Cyan => 36,
    };
    if on && !text.is_empty() { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
}

/// What `--color` says, for the whole of this process.
pub(super) fn choose_color(choice: ColorChoice) {
    CHOICE.get_or_init(|| choice);
}

/// Whether stdout gets colors.
pub(super) fn colors_out() -> bool {
    colors(io::stdout().is_terminal())
}

/// Whether stderr gets colors.
pub(super) fn colors_err() -> bool {
    colors(io::stderr().is_terminal())
}

/// Whether stderr is a terminal on which lines can be drawn anew.
pub(super) fn can_draw() -> bool {
    let is_dumb = std::env::var_os("TERM").is_none_or(|term| term.is_empty() || term == "dumb");
    io::stderr().is_terminal() && !is_dumb
}

fn colors(is_terminal: bool) -> bool {
    let choice = CHOICE.get().copied().unwrap_or(ColorChoice::Auto);
    decide(choice, |name| std::env::var(name).ok().filter(|value| !value.is_empty()), is_terminal)
}

/// The flag decides, then `NO_COLOR`, `CLICOLOR_FORCE`, `CLICOLOR` and `TERM` (no-color.org, bixense.com/clicolors), then
/// whether a person sees it.
fn decide(choice: ColorChoice, variable: impl Fn(&str) -> Option<String>, is_terminal: bool) -> bool {
    match choice {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        ColorChoice::Auto if variable("NO_COLOR").is_some() => false,
        ColorChoice::Auto if variable("CLICOLOR_FORCE").is_some_and(|value| value != "0") => true,
        ColorChoice::Auto if variable("CLICOLOR").is_some_and(|value| value == "0") => false,
        ColorChoice::Auto if variable("TERM").is_none_or(|value| value == "dumb") => false,
        ColorChoice::Auto => is_terminal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colors_are_for_those_who_want_them() {
        use ColorChoice::{Always, Auto, Never};
        const XTERM: (&str, &str) = ("TERM", "xterm");
        type Case = (ColorChoice, &'static [(&'static str, &'static str)], bool, bool);
        let table: [Case; 11] = [
            (Auto, &[XTERM], true, true),
            (Auto, &[XTERM], false, false),
            (Auto, &[], true, false),
            (Auto, &[("TERM", "dumb")], true, false),
            (Auto, &[XTERM, ("NO_COLOR", "1")], true, false),
            (Auto, &[XTERM, ("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")], true, false),
            (Auto, &[("CLICOLOR_FORCE", "1")], false, true),
            (Auto, &[XTERM, ("CLICOLOR_FORCE", "0")], false, false),
            (Auto, &[XTERM, ("CLICOLOR", "0")], true, false),
            (Always, &[("NO_COLOR", "1")], false, true),
            (Never, &[XTERM, ("CLICOLOR_FORCE", "1")], true, false),
        ];
        for (choice, variables, is_terminal, due) in table {
            let variable =
                |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
            assert_eq!(decide(choice, variable, is_terminal), due, "{choice:?} {variables:?} {is_terminal}");
        }
        assert_eq!(paint("done", Color::Green, true), "\u{1b}[32mdone\u{1b}[0m");
        assert_eq!(paint("done", Color::Green, false), "done");
    }
}
