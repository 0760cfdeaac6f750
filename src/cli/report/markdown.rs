//! The report as Markdown, for the summary of a workflow or an issue.
//!
//! Invariant: no text from outside becomes markup, neither Markdown's nor HTML's.

use crate::cli::when::when;

use super::command::Reported;
use super::tables::{Table, end, lead, tables, tiles};

/// All jobs, one after the other.
pub(super) fn markdown(all: &[Reported]) -> String {
    all.iter().map(job).collect::<Vec<_>>().join("\n")
}

fn job(reported: &Reported) -> String {
    let report = &reported.report;
    let simulated = if reported.simulated { ", against the simulator" } else { "" };
    let mut text = format!("## {}: {}\n\n", plain(&report.job), end(report.exit).0);
    text.push_str(&format!("{}\n\n", plain(&lead(reported))));
    text.push_str(&format!(
        "From {} at {}{simulated}, exit code {}.\n\n",
        plain(&report.provider),
        when(reported.started, &report.zone),
        report.exit.code()
    ));
    let figures = tiles(reported);
    let heads: Vec<&str> = figures.iter().map(|(name, ..)| *name).collect();
    let row = |(_, figure, more): &(&str, String, String)| match more.as_str() {
        "" => figure.clone(),
        more => format!("{figure} ({more})"),
    };
    text.push_str(&rows(&heads, &[figures.iter().map(row).collect()]));
    for Table { title, heads, rows: lines } in tables(reported) {
        text.push_str(&format!("\n### {title}\n\n{}", rows(&heads, &lines)));
    }
    text
}

fn rows(heads: &[&str], lines: &[Vec<String>]) -> String {
    let mut text = format!("| {} |\n|{}\n", heads.join(" | "), " --- |".repeat(heads.len()));
    for line in lines {
        let cells: Vec<String> = line.iter().map(|cell| plain(cell)).collect();
        text.push_str(&format!("| {} |\n", cells.join(" | ")));
    }
    text
}

/// Text that stays text.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\n' | '\r' | '\t' => plain.push(' '),
            '<' => plain.push_str("&lt;"),
            '>' => plain.push_str("&gt;"),
            '&' => plain.push_str("&amp;"),
            '|' | '`' | '*' | '_' | '[' | ']' | '!' | '#' | '\\' | '~' => plain.extend(['\\', character]),
            // A name with this before it would be told of the report.
            '@' => plain.push_str("&#64;"),
            other if other.is_control() => plain.push('\u{fffd}'),
            other => plain.push(other),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_stays_text() {
        let given = "<script>|`a`| **b** [c](d) @all\n# e \u{7}";
        let due = "&lt;script&gt;\\|\\`a\\`\\| \\*\\*b\\*\\* \\[c\\](d) &#64;all \\# e \u{fffd}";
        assert_eq!(plain(given), due);
        let table = rows(&["a", "b"], &[vec!["1|2".to_owned(), "3".to_owned()]]);
        assert_eq!(table, "| a | b |\n| --- | --- |\n| 1\\|2 | 3 |\n");
    }
}
