//! The screens of `tidemill explain`. Pure.

use crate::provider::{Known, Provider};

use super::columns::{pad, widest, wrap};
use super::explain::{Entry, entries};

/// Longer codes stand in a line of their own.
const CODE: usize = 20;
/// The last column is never narrower.
const LEAST: usize = 24;

/// Who reads, and where.
pub(super) struct Screen {
    /// Chinese before English, where there are both.
    pub(super) chinese_first: bool,
    /// Columns of the terminal; none: lines are not cut.
    pub(super) columns: Option<usize>,
}

impl Screen {
    /// `text` in lines for what is left of the screen behind `used` columns.
    fn lines(&self, text: &str, used: usize) -> Vec<String> {
        let wide = self.columns.map_or(usize::MAX, |columns| columns.saturating_sub(used).max(LEAST));
        wrap(text, wide)
    }
}

/// All codes of a provider in the order in which they are asked for.
pub(super) fn screen_of_all(provider: &Provider, screen: &Screen) -> String {
    let first = match provider.envelope.code.is_empty() {
        true => format!("{}: the HTTP status decides; the first line that fits counts", provider.name),
        false => format!(
            "{}: the code in the body decides, then the HTTP status; the first line that fits counts",
            provider.name
        ),
    };
    let mut text = screen.lines(&first, 0).join("\n");
    text.push_str("\n\n");
    if !provider.envelope.ok.is_empty() {
        let ok: Vec<String> = provider.envelope.ok.iter().map(|code| format!("`{code}`")).collect();
        let or_none = if provider.envelope.ok_when_absent { ", or a body without a code," } else { "" };
        let line = format!("code {}{or_none} on HTTP 200 to 299 is a success", ok.join(" or "));
        text.push_str(&screen.lines(&line, 0).join("\n"));
        text.push_str("\n\n");
    }
    text.push_str(&table(&Entry::all(provider), screen));
    text.trim_end().to_owned()
}

/// One code with all its rules.
pub(super) fn screen_of_one(
    provider: &Provider,
    code: &str,
    known: &Known<'_>,
    by_http: &[Entry],
    screen: &Screen,
) -> String {
    let name = &provider.name;
    let mut blocks = Vec::new();
    if known.is_ok {
        blocks
            .push(format!("{name} {code}: accept\n  a success on HTTP 200 to 299; on another status it says nothing"));
    }
    for (index, entry) in entries(provider, &known.by_code).iter().enumerate() {
        let http = match entry.http.is_empty() {
            true => String::new(),
            false => format!(" (HTTP {})", entry.http.join(", ")),
        };
        let when = match entry.conditions.is_empty() {
            false => format!(", where {}", entry.conditions.join(", ")),
            true if index > 0 => ", otherwise".to_owned(),
            true => String::new(),
        };
        blocks.push(block(&format!("{name} {code}{http}{when}"), entry, screen));
    }
    if !known.before.is_empty() {
        let intro = screen.lines("before the code, the first of these that fits decides:", 0).join("\n");
        blocks.push(format!("{intro}\n{}", table(&entries(provider, &known.before), screen)));
    }
    let is_no_code = known.by_code.is_empty() && !known.is_ok;
    if is_no_code && (by_http.len() == 1 || provider.envelope.code.is_empty()) {
        for entry in by_http {
            let of_codes = if entry.codes.iter().any(|code| code == "none") { " without a code" } else { "" };
            let when: String = entry.conditions.iter().map(|condition| format!(", where {condition}")).collect();
            blocks.push(block(&format!("{name} HTTP {code}{of_codes}{when}"), entry, screen));
        }
    } else if !by_http.is_empty() {
        let intro = match is_no_code {
            true => format!("{name} {code} is no code in the body but an HTTP status; the code in the body decides:"),
            false => format!("HTTP status {code} comes with these; the code in the body decides:"),
        };
        let intro = screen.lines(&intro, 0).join("\n");
        blocks.push(format!("{intro}\n{}", table(by_http, screen)));
    }
    blocks.iter().map(|block| block.trim_end()).collect::<Vec<_>>().join("\n\n")
}

fn block(what: &str, entry: &Entry, screen: &Screen) -> String {
    let mut text = screen.lines(&format!("{what}: {}", entry.verdict.word()), 0).join("\n");
    text.push('\n');
    let mut means: Vec<&str> = entry.means.texts(screen.chinese_first).collect();
    if means.is_empty() {
        means.push(entry.without);
    }
    for (index, means) in means.into_iter().enumerate() {
        text.push_str(&labelled(if index == 0 { "means" } else { "" }, means, screen));
    }
    text.push_str(&labelled("tidemill", &entry.deed, screen));
    text.push_str(&labelled("you", &entry.remedy, screen));
    text
}

fn labelled(label: &str, text: &str, screen: &Screen) -> String {
    let lines = screen.lines(text, 12).into_iter().enumerate();
    lines.map(|(index, line)| format!("  {}{line}\n", pad(if index == 0 { label } else { "" }, 10))).collect()
}

/// A table; a rule takes as many lines as its longest cell.
fn table(entries: &[Entry], screen: &Screen) -> String {
    let any = || vec!["any".to_owned()];
    let rows: Vec<[Vec<String>; 3]> = entries
        .iter()
        .map(|entry| {
            let codes = if entry.codes.is_empty() { any() } else { entry.codes.clone() };
            let http = if entry.http.is_empty() { any() } else { entry.http.clone() };
            [codes, http, vec![entry.verdict.word().to_owned()]]
        })
        .collect();
    let heads = ["code", "HTTP", "verdict"];
    let wide: Vec<usize> = (0..3)
        .map(|column| {
            let cells = rows.iter().filter_map(|row| row.get(column)).flatten().map(String::as_str);
            widest(cells.chain(heads.get(column).copied())).min(CODE)
        })
        .collect();
    let used = 2 + wide.iter().map(|wide| wide + 2).sum::<usize>();
    let mut text = line(&heads.map(str::to_owned), "means", &wide);
    for (entry, row) in entries.iter().zip(&rows) {
        let mut said: Vec<String> = screen.lines(&said(entry, screen), used);
        said.reverse();
        for index in 0..row.iter().map(Vec::len).max().unwrap_or(0) {
            let cells = row.each_ref().map(|cell| cell.get(index).cloned().unwrap_or_default());
            let is_long = widest([cells[0].as_str()]) > CODE;
            let last = if is_long { String::new() } else { said.pop().unwrap_or_default() };
            text.push_str(&line(&cells, &last, &wide));
        }
        while let Some(last) = said.pop() {
            text.push_str(&line(&<[String; 3]>::default(), &last, &wide));
        }
    }
    text
}

/// The last cell: what else must hold, then the vendor's words.
fn said(entry: &Entry, screen: &Screen) -> String {
    let means = entry.means.texts(screen.chinese_first).collect::<Vec<_>>().join(" / ");
    match (entry.conditions.join(", "), means) {
        (conditions, means) if conditions.is_empty() && means.is_empty() => entry.without.to_owned(),
        (conditions, means) if conditions.is_empty() => means,
        (conditions, means) if means.is_empty() => format!("where {conditions}"),
        (conditions, means) => format!("where {conditions}: {means}"),
    }
}

fn line(cells: &[String; 3], last: &str, wide: &[usize]) -> String {
    let cells = cells.iter().zip(wide).map(|(cell, wide)| pad(cell, wide + 2));
    format!("  {}{last}", cells.collect::<String>()).trim_end().to_owned() + "\n"
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use unicode_width::UnicodeWidthStr;

    use crate::provider::{Environment, Workspace};

    use super::*;

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        let nowhere = Path::new("/nowhere");
        let workspace = Workspace::load(nowhere, nowhere, Environment::default(), &[]).unwrap();
        let screen = Screen { chinese_first: true, columns: Some(80) };
        for name in workspace.providers() {
            let provider = workspace.provider(name).unwrap();
            let mut screens = vec![screen_of_all(&provider, &screen)];
            for code in provider.codes() {
                let known = provider.known(code);
                let by_http = entries(&provider, &known.by_http);
                screens.push(screen_of_one(&provider, code, &known, &by_http, &screen));
            }
            for line in screens.iter().flat_map(|screen| screen.lines()) {
                assert!(line.width() <= 80, "{name}: {line}");
            }
        }
    }
}
