//! Draws lines at the bottom of a terminal, again and again in the same place.
//!
//! The only file that knows indicatif. Invariant: whoever writes to the terminal while lines stand there does it within
//! [`around`], or both are garbled.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use console::{Term, measure_text_width};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle, TermLike};

static SHOWN: Mutex<Option<Shown>> = Mutex::new(None);

/// What stands on the terminal.
struct Shown {
    bar: ProgressBar,
    text: String,
    /// Columns of the terminal when it was drawn.
    width: usize,
}

/// Writes to the terminal above what stands there.
pub(in crate::cli) fn around<T>(write: impl FnOnce() -> T) -> T {
    match SHOWN.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
        Some(shown) => {
            shown.mend();
            shown.bar.suspend(write)
        }
        None => write(),
    }
}

/// The lines of one run; they are gone when it is dropped.
pub(super) struct Painter(());

impl Painter {
    /// Nothing is drawn yet.
    pub(super) fn new() -> Self {
        let target = ProgressDrawTarget::term_like(Box::new(HardLines::new()));
        let bar = ProgressBar::with_draw_target(None, target);
        if let Ok(style) = ProgressStyle::with_template("{msg}") {
            bar.set_style(style);
        }
        let shown = Shown { bar, text: String::new(), width: size().0 };
        *SHOWN.lock().unwrap_or_else(PoisonError::into_inner) = Some(shown);
        Self(())
    }

    /// Columns and lines of the terminal now.
    pub(super) fn size(&self) -> (usize, usize) {
        size()
    }

    /// Shows `lines` instead of those before; none of them may be as wide as the terminal.
    pub(super) fn draw(&self, lines: &[String]) {
        if let Some(shown) = SHOWN.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            shown.draw(lines.join("\n"));
        }
    }

    /// Leaves `lines` there for good.
    pub(super) fn leave(self, lines: &[String]) {
        self.draw(lines);
        let shown = SHOWN.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(Shown { bar, text, .. }) = shown {
            bar.abandon();
            if !text.is_empty() {
                // There is nobody left to tell when the terminal is gone.
                drop(Term::stderr().write_line(""));
            }
        }
    }
}

impl Drop for Painter {
    fn drop(&mut self) {
        let shown = SHOWN.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(mut shown) = shown {
            shown.mend();
            shown.bar.finish_and_clear();
        }
    }
}

impl Shown {
    fn draw(&mut self, text: String) {
        self.mend();
        if self.text != text {
            self.text = text;
            self.bar.set_message(self.text.clone());
        }
    }

    /// A terminal that became narrower has wrapped the lines: those that are more than were drawn are cleared too.
    fn mend(&mut self) {
        let width = size().0;
        if width < self.width && width > 0 && !self.text.is_empty() {
            let wrapped = self.text.lines().map(|line| measure_text_width(line).div_ceil(width).max(1));
            let more = wrapped.sum::<usize>() - self.text.lines().count();
            self.text.clear();
            self.bar.set_message("");
            drop(Term::stderr().clear_last_lines(more));
        }
        self.width = width;
    }
}

fn size() -> (usize, usize) {
    let (height, width) = Term::stderr().size();
    (width.into(), height.into())
}

/// A terminal on which a line ends with a line break. indicatif fills lines with blanks and lets the terminal wrap them,
/// which any change of the width then tears apart.
#[derive(Debug)]
struct HardLines {
    term: Term,
    at_end: AtomicBool,
}

impl HardLines {
    fn new() -> Self {
        Self { term: Term::buffered_stderr(), at_end: AtomicBool::new(false) }
    }
}

impl TermLike for HardLines {
    fn width(&self) -> u16 {
        self.term.size().1
    }

    fn height(&self) -> u16 {
        self.term.size().0
    }

    fn move_cursor_up(&self, n: usize) -> io::Result<()> {
        self.term.move_cursor_up(n)
    }

    fn move_cursor_down(&self, n: usize) -> io::Result<()> {
        self.term.move_cursor_down(n)
    }

    fn move_cursor_right(&self, n: usize) -> io::Result<()> {
        self.term.move_cursor_right(n)
    }

    fn move_cursor_left(&self, n: usize) -> io::Result<()> {
        self.term.move_cursor_left(n)
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.term.write_line(text)
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        if text.is_empty() || text == "\r" {
            return self.term.write_str(text);
        }
        let is_filler = text.bytes().all(|byte| byte == b' ');
        if self.at_end.swap(is_filler, Ordering::Relaxed) {
            self.term.write_str("\n")?;
        }
        self.term.write_str(if is_filler { "\u{1b}[K" } else { text })
    }

    fn clear_line(&self) -> io::Result<()> {
        self.term.clear_line()
    }

    fn flush(&self) -> io::Result<()> {
        self.at_end.store(false, Ordering::Relaxed);
        self.term.flush()
    }
}
