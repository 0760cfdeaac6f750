//! The only file that prints: output on stdout, everything else on stderr.

use std::io::{self, IsTerminal, Write};

/// One line of output. A reader that went away (`| head`) is no error.
pub(super) fn put(text: &str) {
    ignore_broken_pipe(writeln!(io::stdout().lock(), "{text}"));
}

/// One line for the person.
pub(super) fn say(text: &str) {
    ignore_broken_pipe(writeln!(io::stderr().lock(), "{text}"));
}

/// Whether stderr shows colours: a terminal, unless `NO_COLOR` or `TERM=dumb` say otherwise.
pub(super) fn colour() -> bool {
    let is_set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let is_dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
    io::stderr().is_terminal() && !is_set("NO_COLOR") && !is_dumb
}

/// Columns of the terminal that stdout is; none when it is none.
pub(super) fn columns() -> Option<usize> {
    rustix::termios::tcgetwinsize(io::stdout()).ok().map(|size| usize::from(size.ws_col)).filter(|columns| *columns > 0)
}

/// There is nobody left to tell when stdout or stderr cannot be written.
fn ignore_broken_pipe(result: io::Result<()>) {
    drop(result);
}
