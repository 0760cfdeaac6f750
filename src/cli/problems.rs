//! What is wrong with the person's files, for the person and for programs.

use serde_json::{Value, json};

use crate::job::{Problem, Problems};

use super::term::{put, say};

/// Prints all of them: text on stderr, or with `as_json` one JSON value on stdout.
pub(super) fn print(problems: &Problems, as_json: bool) {
    if as_json {
        let problems: Vec<Value> = problems.0.iter().map(json_of).collect();
        put(&json!({ "ok": false, "problems": problems }).to_string());
        return;
    }
    say(&problems.to_string());
    let count = problems.0.len();
    say(&format!("\n{count} problem{} found, nothing was sent", if count == 1 { "" } else { "s" }));
}

/// `file` is `null` for what stands in no file, such as a file that is missing; `line` and `column`, from 1, also for
/// settings given one by one.
fn json_of(problem: &Problem) -> Value {
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
