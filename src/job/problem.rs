//! What is wrong with a file, where, and what to write instead.

use std::fmt;
use std::ops::Range;
use std::path::PathBuf;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

/// One thing a person must mend in a file they wrote.
#[derive(Debug, Clone)]
pub struct Problem {
    /// Path of the key in the tree, parts joined by `/`: `/grid/day/from`. Empty: the file as a whole.
    pub path: String,
    /// True when the key itself is wrong, false when its value is.
    pub at_key: bool,
    /// The part of the value that is wrong, when not all of it is.
    pub part: Option<String>,
    /// What is wrong, lower case, no full stop, the value in backticks.
    pub message: String,
    /// What to do next.
    pub hint: Option<String>,
    /// Where it stands; filled in by [`super::Sources::locate`].
    pub location: Option<Box<Location>>,
}

/// A place in a text.
#[derive(Debug, Clone)]
pub struct Location {
    /// The file, as the user named it.
    pub file: PathBuf,
    /// The whole text.
    pub text: String,
    /// Byte range of the key or value.
    pub span: Range<usize>,
    /// Line, from 1; 0 where the text is no file but settings given one by one, whose order means nothing.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

/// How grave a problem is: a list of problems holds errors unless it says otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// It must be mended first.
    Error,
    /// It works, but is seldom meant.
    Warning,
}

impl Severity {
    /// Its name before a message, also for GitHub.
    pub fn word(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

impl Problem {
    /// A problem with the value at `path`.
    pub fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { path: path.into(), at_key: false, part: None, message: message.into(), hint: None, location: None }
    }

    /// The same, but the key itself is wrong.
    #[must_use]
    pub fn key(mut self) -> Self {
        self.at_key = true;
        self
    }

    /// The same, but only `part` of the value is wrong.
    #[must_use]
    pub fn part(mut self, part: impl Into<String>) -> Self {
        self.part = Some(part.into());
        self
    }

    /// Adds what to do next.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Says where it stands.
    #[must_use]
    pub fn at(mut self, location: Location) -> Self {
        self.location = Some(Box::new(location));
        self
    }
}

impl Problem {
    /// As a person reads it, with the line it stands in; `colour` is for terminals that show it.
    pub fn shown(&self, severity: Severity, colour: bool) -> String {
        let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
        let level = match severity {
            Severity::Error => Level::ERROR,
            Severity::Warning => Level::WARNING,
        };
        let title = level.primary_title(self.message.as_str());
        let help = self.hint.as_ref().map(|hint| Level::HELP.message(hint.as_str()));
        let Some(location) = self.location.as_ref().filter(|location| location.line > 0) else {
            let mut text = renderer.render(&[Group::with_title(title)]);
            if let Some(location) = &self.location {
                let setting = location.text.get(location.span.clone()).unwrap_or_default();
                text.push_str(&format!("\n --> {} {setting}", location.file.display()));
            }
            if let Some(hint) = &self.hint {
                text.push_str(&format!("\n  = help: {hint}"));
            }
            return text;
        };
        let path = location.file.display().to_string();
        let length = location.text.len();
        let span = location.span.start.min(length)..location.span.end.min(length);
        let snippet = Snippet::source(location.text.as_str()).path(path).annotation(AnnotationKind::Primary.span(span));
        let mut group = title.element(snippet);
        if let Some(help) = help {
            group = group.element(help);
        }
        renderer.render(&[group])
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.shown(Severity::Error, false))
    }
}

/// Everything that is wrong, at once.
#[derive(Debug, Clone, Default)]
pub struct Problems(pub Vec<Problem>);

impl Problems {
    /// Adds one more.
    pub fn push(&mut self, problem: Problem) {
        self.0.push(problem);
    }

    /// `Ok(value)` when nothing is wrong.
    pub fn or<T>(self, value: T) -> Result<T, Self> {
        if self.0.is_empty() { Ok(value) } else { Err(self) }
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n\n")?;
            }
            write!(f, "{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

/// The known name nearest to `found`, when one is near enough to be what was meant.
pub fn nearest<'a>(found: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let found = found.to_lowercase();
    known
        .into_iter()
        .map(|name| (likeness(&found, &name.to_lowercase()), name))
        .filter(|(score, _)| *score > 0.75)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}

/// What to say of `zone`, which is no zone, at `path`. Names of zones are alike (`Asia/…`): only a slip of one or two letters
/// shows what was meant.
pub fn unknown_zone(zone: &str, path: impl Into<String>) -> Problem {
    let slips = |name: &str| strsim::damerau_levenshtein(&zone.to_lowercase(), &name.to_lowercase());
    let known = jiff::tz::db().available().map(|name| (slips(name.as_str()), name.to_string()));
    let message = match known.min().filter(|(slips, _)| *slips <= 2) {
        Some((_, meant)) => format!("unknown time zone `{zone}`, did you mean `{meant}`?"),
        None => format!("unknown time zone `{zone}`"),
    };
    Problem::new(path, message).hint("write an IANA name, such as `Asia/Shanghai` or `UTC`")
}

/// Jaro-Winkler, but two letters swapped in a short word (`dya`) are always near.
fn likeness(found: &str, name: &str) -> f64 {
    let near = name.len() > 2 && strsim::damerau_levenshtein(found, name) == 1;
    strsim::jaro_winkler(found, name).max(if near { 0.9 } else { 0.0 })
}
