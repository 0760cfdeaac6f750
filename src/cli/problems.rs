//! What is wrong with the person's files, for the person and for programs.

use serde_json::{Value, json};

use crate::job::{Problem, Problems, Severity};

use super::term::{colors_err, put, say};

/// Prints all of them: text on stderr, or with `as_json` one JSON value on stdout.
pub(super) fn print(problems: &Problems, as_json: bool) {
    if as_json {
        let problems: Vec<Value> = problems.0.iter().map(json_of).collect();
        put(&json!({ "ok": false, "problems": problems }).to_string());
        return;
    }
    let colour = colors_err();
    let shown: Vec<String> = problems.0.iter().map(|problem| problem.shown(Severity::Error, colour)).collect();
    say(&shown.join("\n\n"));
    let count = problems.0.len();
    say(&format!("\n{count} problem{} found, nothing was sent", if count == 1 { "" } else { "s" }));
}

/// `file` is `null` for what stands in no file, such as a file that is missing; `line` and `column`, from 1, also for
/// settings given one by one.
pub(super) fn json_of(problem: &Problem) -> Value {
    let location = problem.location.as_deref();
    let in_file = location.filter(|location| location.line > 0);
    json!({
        "file": location.map(|location| location.file.display().to_string()),
        "line": in_file.map(|location| location.line),
        "column": in_file.map(|location| location.column),
        "message": problem.message,
        "hint": problem.hint,
    })
}

/// A workflow command that GitHub shows beside the line.
///
/// Source: GitHub Docs, "Workflow commands for GitHub Actions"; what it escapes is in `actions/toolkit`, `command.ts`.
pub(super) fn github(problem: &Problem, severity: Severity) -> String {
    let mut message = problem.message.clone();
    let mut properties = String::new();
    match problem.location.as_deref() {
        Some(location) if location.line > 0 => {
            let shown = location.text.get(location.span.clone()).unwrap_or_default();
            properties = format!(
                " file={},line={},col={},endLine={}",
                property(&location.file.display().to_string()),
                location.line,
                location.column,
                location.line + shown.trim_end().matches('\n').count(),
            );
        }
        // A variable or a flag has no line.
        Some(location) => {
            let setting = location.text.get(location.span.clone()).unwrap_or_default();
            message = format!("{} {setting}: {message}", location.file.display());
        }
        None => {}
    }
    if let Some(hint) = &problem.hint {
        message.push_str(&format!("\nhelp: {hint}"));
    }
    format!("::{}{properties}::{}", severity.word(), data(&message))
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use crate::job::Location;

    use super::*;

    #[test]
    fn github_shows_what_was_meant() {
        let at = |file: &str, text: &str, span, line| Location {
            file: PathBuf::from(file),
            text: text.to_owned(),
            span,
            line,
            column: 3,
        };
        let plain = Problem::new("/a", "100 % wrong\r\n::set-output name=a::b");
        let cases = [
            (plain.clone(), "::error::100 %25 wrong%0D%0A::set-output name=a::b"),
            (
                plain.clone().at(at("a,b:c%.toml", "x = [\n1]\n", 4..8, 7)),
                "::error file=a%2Cb%3Ac%25.toml,line=7,col=3,endLine=8::100 %25 wrong%0D%0A::set-output name=a::b",
            ),
            (
                Problem::new("/a", "odd").hint("mend it").at(at("environment", "TIDEMILL_X", 0..10, 0)),
                "::error::environment TIDEMILL_X: odd%0Ahelp: mend it",
            ),
        ];
        for (problem, line) in cases {
            assert_eq!(github(&problem, Severity::Error), line);
        }
    }
}
