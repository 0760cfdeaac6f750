//! Text in columns: widths as a terminal shows them, where a Chinese character takes two.

use std::ops::RangeInclusive;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// `text` with spaces up to `wide`.
pub(super) fn pad(text: &str, wide: usize) -> String {
    format!("{text}{}", " ".repeat(wide.saturating_sub(text.width())))
}

/// The widest of `texts`.
pub(super) fn widest<'a>(texts: impl IntoIterator<Item = &'a str>) -> usize {
    texts.into_iter().map(UnicodeWidthStr::width).max().unwrap_or(0)
}

/// Rows below each other, in columns as wide as they must be; those of `numbers` stand at the right.
pub(super) fn table<const N: usize>(rows: &[[String; N]], numbers: &RangeInclusive<usize>) -> String {
    let wide = std::array::from_fn::<usize, N, _>(|column| widest(rows.iter().map(|row| row[column].as_str())));
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (column, (cell, wide)) in row.iter().zip(wide).enumerate() {
            let space = " ".repeat(wide.saturating_sub(cell.width()));
            line.push_str(&match numbers.contains(&column) {
                true => format!("  {space}{cell}"),
                false => format!("  {cell}{space}"),
            });
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// `text` in lines of at most `wide`, cut at spaces and beside wide characters; a longer word stays whole.
pub(super) fn wrap(text: &str, wide: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for piece in pieces(text) {
        let line = lines.last().map_or(0, |line| line.width());
        if line > 0 && line + piece.trim_end().width() > wide {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            line.push_str(if line.is_empty() { piece.trim_start() } else { piece });
        }
    }
    lines.iter().map(|line| line.trim_end().to_owned()).collect()
}

/// Words with the space behind them; a wide character is one of its own.
fn pieces(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut start = 0;
    let mut chars = text.char_indices().peekable();
    while let Some((at, found)) = chars.next() {
        let end = at + found.len_utf8();
        let is_wide = |letter: char| letter.width() == Some(2);
        if found == ' ' || is_wide(found) || chars.peek().is_none_or(|(_, next)| is_wide(*next)) {
            pieces.push(&text[start..end]);
            start = end;
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_where_they_may() {
        let cases: [(&str, usize, &[&str]); 7] = [
            ("", 5, &[""]),
            ("calls per day", 20, &["calls per day"]),
            ("calls per day", 9, &["calls per", "day"]),
            ("calls per day", 1, &["calls", "per", "day"]),
            ("请求频率超限", 5, &["请求", "频率", "超限"]),
            ("缺少API密钥", 6, &["缺少", "API密", "钥"]),
            ("a  b", 2, &["a", "b"]),
        ];
        for (text, wide, lines) in cases {
            assert_eq!(wrap(text, wide), lines, "{text} {wide}");
        }
        assert_eq!(pad("余额", 6), "余额  ");
        assert_eq!(widest(["abc", "余额"]), 4);
    }

    #[test]
    fn columns_are_straight() {
        let rows = [["名称", "used", "by"], ["day", "1,200", "日线 3"], ["钱塘江潮", "7", ""]];
        let rows = rows.map(|row| row.map(ToOwned::to_owned));
        assert_eq!(
            table(&rows, &(1..=1)),
            "  名称       used  by\n\
             \x20 day       1,200  日线 3\n\
             \x20 钱塘江潮      7\n"
        );
    }
}
