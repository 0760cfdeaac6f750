//! Lays rows out for a screen: names, types under them, values cut to what fits, by the width that letters really have.
//! Pure.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// How wide a column of text may be at the most; the first of these that lets all columns fit is taken.
const CAPS: [usize; 4] = [48, 32, 24, 16];
/// The same where even the last does not: then columns are left out.
const CROWDED: usize = 24;
/// No number is longer, as long as it is to be read: one that is cut would be another.
const NUMBER: usize = 48;

/// One column: its name, the spelling of its type, whether its values stand at the right.
#[derive(Debug, Clone)]
pub(super) struct Heading {
    /// The name.
    pub(super) name: String,
    /// The type.
    pub(super) kind: String,
}

impl Heading {
    fn is_number(&self) -> bool {
        ["int", "float", "decimal"].iter().any(|kind| self.kind.starts_with(kind))
    }
}

/// The table, no line wider than `width`; columns that do not fit are named below it.
pub(super) fn table(headings: &[Heading], rows: &[Vec<Option<String>>], width: usize) -> String {
    let value = |row: &[Option<String>], at: usize| match row.get(at) {
        Some(Some(text)) => clean(text),
        Some(None) | None => "null".to_owned(),
    };
    let values: Vec<Vec<String>> =
        rows.iter().map(|row| (0..headings.len()).map(|at| value(row, at)).collect()).collect();
    let needs: Vec<usize> = headings.iter().enumerate().map(|(at, heading)| need(heading, &values, at)).collect();
    let capped = |cap: usize| -> Vec<usize> {
        let capped = headings.iter().zip(&needs);
        capped.map(|(heading, need)| (*need).min(if heading.is_number() { NUMBER } else { cap })).collect()
    };
    let fits = |cap: &usize| outer(&capped(*cap)) <= width;
    let mut widths = capped(CAPS.into_iter().find(fits).unwrap_or(CROWDED));
    while widths.len() > 1 && outer(&widths) > width {
        widths.pop();
    }
    if let [only] = widths.as_mut_slice() {
        *only = (*only).min(width.saturating_sub(4)).max(1);
    }
    let line = |left: &str, middle: &str, right: &str| {
        let bars: Vec<String> = widths.iter().map(|width| "─".repeat(width + 2)).collect();
        format!("{left}{}{right}\n", bars.join(middle))
    };
    let row = |cells: &mut dyn Iterator<Item = (String, bool)>| {
        let cells = widths.iter().zip(cells).map(|(width, (text, is_right))| fill(&text, *width, is_right));
        format!("│ {} │\n", cells.collect::<Vec<_>>().join(" │ "))
    };
    let mut text = line("┌", "┬", "┐");
    text.push_str(&row(&mut headings.iter().map(|heading| (clean(&heading.name), heading.is_number()))));
    text.push_str(&row(&mut headings.iter().map(|heading| (clean(&heading.kind), heading.is_number()))));
    text.push_str(&line("├", "┼", "┤"));
    for cells in &values {
        text.push_str(&row(&mut cells.iter().zip(headings).map(|(text, heading)| (text.clone(), heading.is_number()))));
    }
    text.push_str(&line("└", "┴", "┘"));
    let left_out: Vec<String> = headings.iter().skip(widths.len()).map(|heading| clean(&heading.name)).collect();
    if !left_out.is_empty() {
        let names = left_out.join(", ");
        text.push_str(&cut(&format!("{} more: {names}", left_out.len()), width));
        text.push('\n');
    }
    text
}

fn need(heading: &Heading, values: &[Vec<String>], at: usize) -> usize {
    let cells = values.iter().filter_map(|row| row.get(at)).map(|text| text.width());
    cells.chain([clean(&heading.name).width(), heading.kind.width()]).max().unwrap_or_default().max(1)
}

/// Of a whole line, frame included.
fn outer(widths: &[usize]) -> usize {
    widths.iter().map(|width| width + 3).sum::<usize>() + 1
}

fn fill(text: &str, width: usize, is_right: bool) -> String {
    let text = cut(text, width);
    let space = " ".repeat(width.saturating_sub(text.width()));
    if is_right { format!("{space}{text}") } else { format!("{text}{space}") }
}

/// `text` in at most `width` columns of a terminal; what is cut off is an ellipsis.
pub(super) fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut kept = String::new();
    let mut used = 0;
    for character in text.chars() {
        let wide = character.width().unwrap_or_default();
        if used + wide > width.saturating_sub(1) {
            break;
        }
        used += wide;
        kept.push(character);
    }
    kept + if width > 0 { "…" } else { "" }
}

/// `text` in lines of at most `width` columns; what goes beyond `most` lines is an ellipsis.
pub(super) fn wrap(text: &str, width: usize, most: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut used = width;
    for character in text.chars() {
        let wide = character.width().unwrap_or_default();
        if used + wide > width || lines.is_empty() {
            if lines.len() == most {
                if let Some(last) = lines.last_mut() {
                    *last = cut(&format!("{last}…"), width);
                }
                break;
            }
            lines.push(String::new());
            used = 0;
        }
        used += wide;
        lines.last_mut().into_iter().for_each(|line| line.push(character));
    }
    lines
}

/// All of `text` in lines of at most `width` columns, cut at spaces; a longer word stands alone on its line.
pub(super) fn fold(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(last) if last.width() + 1 + word.width() <= width => {
                last.push(' ');
                last.push_str(word);
            }
            Some(_) | None => lines.push(word.to_owned()),
        }
    }
    lines
}

/// A provider's text on one line: what would move the cursor or colour the screen is spelled out.
pub(super) fn clean(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    for character in text.chars() {
        match character.is_control() {
            true => clean.extend(character.escape_default()),
            false => clean.push(character),
        }
    }
    clean
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn heading((name, kind): (&str, &str)) -> Heading {
        Heading { name: name.to_owned(), kind: kind.to_owned() }
    }

    fn some(cells: &[&str]) -> Vec<Option<String>> {
        cells.iter().map(|text| (*text != "-").then(|| (*text).to_owned())).collect()
    }

    #[test]
    fn what_it_looks_like() {
        let headings = [("rank", "int64"), ("名称", "string"), ("note", "string")].map(heading);
        let rows = [some(&["7", "微信", "a\nb"]), some(&["120", "Night Owl", "-"])];
        assert_eq!(
            table(&headings, &rows, 80),
            "┌───────┬───────────┬────────┐\n\
             │  rank │ 名称      │ note   │\n\
             │ int64 │ string    │ string │\n\
             ├───────┼───────────┼────────┤\n\
             │     7 │ 微信      │ a\\nb   │\n\
             │   120 │ Night Owl │ null   │\n\
             └───────┴───────────┴────────┘\n"
        );
        assert_eq!(
            table(&headings, &rows, 22),
            "┌───────┬───────────┐\n\
             │  rank │ 名称      │\n\
             │ int64 │ string    │\n\
             ├───────┼───────────┤\n\
             │     7 │ 微信      │\n\
             │   120 │ Night Owl │\n\
             └───────┴───────────┘\n\
             1 more: note\n"
        );
    }

    #[test]
    fn texts_are_cut_by_their_width() {
        for (text, width, expected) in [
            ("tide", 4, "tide"),
            ("tidemill", 4, "tid…"),
            ("钱塘江", 6, "钱塘江"),
            ("钱塘江", 5, "钱塘…"),
            ("钱塘江", 4, "钱…"),
            ("钱", 1, "…"),
            ("tide", 0, ""),
            ("", 3, ""),
        ] {
            assert_eq!(cut(text, width), expected, "{text} in {width}");
        }
        for (text, width, most, expected) in [
            ("tidemill", 3, 9, vec!["tid", "emi", "ll"]),
            ("tidemill", 3, 2, vec!["tid", "em…"]),
            ("钱塘江", 5, 9, vec!["钱塘", "江"]),
            ("tide", 4, 1, vec!["tide"]),
            ("", 4, 1, vec![]),
        ] {
            assert_eq!(wrap(text, width, most), expected, "{text} in {width}");
        }
        for (text, width, expected) in [
            ("the tide comes in", 8, vec!["the tide", "comes in"]),
            ("the tidemill grinds", 5, vec!["the", "tidemill", "grinds"]),
            ("a  b", 9, vec!["a  b"]),
            ("", 3, vec![""]),
        ] {
            assert_eq!(fold(text, width), expected, "{text} in {width}");
        }
        assert_eq!(clean("a\u{1b}[31mb\t"), "a\\u{1b}[31mb\\t");
    }

    proptest! {
        /// Whatever stands in the cells, no line is wider than the screen, and those of the frame are equally wide.
        #[test]
        fn it_fits(
            names in prop::collection::vec("[a-z钱塘江 ]{1,30}", 1..9),
            rows in prop::collection::vec(prop::collection::vec(prop::option::of(".{0,40}"), 9), 0..4),
            width in 5_usize..140,
        ) {
            let headings: Vec<Heading> = names.iter().map(|name| heading((name, "decimal(18,4)"))).collect();
            let table = table(&headings, &rows, width);
            for line in table.lines() {
                prop_assert!(line.width() <= width, "{} > {width}: {line}", line.width());
            }
            let frame: Vec<usize> = table.lines().filter(|line| !line.contains(" more: ")).map(str::width).collect();
            prop_assert!(frame.iter().all(|one| *one == frame[0]), "{table}");
        }
    }
}
