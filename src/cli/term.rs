//! The only file that prints: output on stdout, everything else on stderr.

use std::io::{self, Write};

/// One line of output. A reader that went away (`| head`) is no error.
pub(super) fn put(text: &str) {
    ignore_broken_pipe(writeln!(io::stdout().lock(), "{text}"));
}

/// One line for the person.
pub(super) fn say(text: &str) {
    ignore_broken_pipe(writeln!(io::stderr().lock(), "{text}"));
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
