//! One line of the doctor.

use serde_json::{Value, json};

use crate::cli::term::{Color, paint};
use crate::run::Exit;

/// How good it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    Ok,
    Warning,
    /// It keeps runs from working; this is how they would end.
    Problem(Exit),
}

/// What was looked at, how it is, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Check {
    pub(super) area: String,
    pub(super) level: Level,
    pub(super) message: String,
    pub(super) next: Option<String>,
}

impl Level {
    fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Problem(_) => "problem",
        }
    }

    /// How the doctor ends for it.
    pub(super) fn exit(self) -> Exit {
        match self {
            Self::Ok | Self::Warning => Exit::Done,
            Self::Problem(exit) => exit,
        }
    }
}

impl Check {
    pub(super) fn ok(area: &str, message: impl Into<String>) -> Self {
        Self { area: area.to_owned(), level: Level::Ok, message: message.into(), next: None }
    }

    pub(super) fn warning(area: &str, message: impl Into<String>, next: impl Into<String>) -> Self {
        Self { level: Level::Warning, next: Some(next.into()), ..Self::ok(area, message) }
    }

    pub(super) fn problem(exit: Exit, area: &str, message: impl Into<String>, next: impl Into<String>) -> Self {
        Self { level: Level::Problem(exit), next: Some(next.into()), ..Self::ok(area, message) }
    }

    /// For a person; areas are `width` wide.
    pub(super) fn text(&self, width: usize, colored: bool) -> String {
        let color = match self.level {
            Level::Ok => Color::Green,
            Level::Warning => Color::Yellow,
            Level::Problem(_) => Color::Red,
        };
        let word = paint(&format!("{:<7}", self.level.word()), color, colored);
        let mut text = format!("{word}  {:<width$}  {}", self.area, self.message);
        if let Some(next) = &self.next {
            text.push_str(&format!("\n{:indent$}{next}", "", indent = 11 + width));
        }
        text
    }

    /// For a program.
    pub(super) fn json(&self) -> Value {
        json!({ "check": self.area, "level": self.level.word(), "message": self.message, "next": self.next })
    }
}
