//! The bar of one job as text. Pure.
//!
//! Invariant: no text is wider than asked, by what a terminal shows; and the columns of all rows stand below each other.

use std::ops::RangeInclusive;

use console::{measure_text_width, truncate_str};

use crate::cli::render::grouped;
use crate::cli::term::{Color, paint};

/// A name gets a quarter of the width, but not less or more than this.
const NAMES: RangeInclusive<usize> = 10..=32;
/// `100 %`
const PERCENT: usize = 5;
/// The bar itself.
const BAR: RangeInclusive<usize> = 8..=24;
/// Room for a time, which counts leave; for what is waited for, which a bar leaves; for both, which a longer one leaves.
const TIME: usize = 15;
const WAIT: usize = 26;
const BOTH: usize = 46;
const GAP: &str = "  ";

/// What is shown of one job.
#[derive(Debug, Clone, Default)]
pub(super) struct Row {
    pub(super) name: String,
    pub(super) done: u64,
    /// Cells in all; none before they are planned.
    pub(super) total: Option<u64>,
    pub(super) rate: Option<f64>,
    pub(super) retries: u64,
    pub(super) eta: Option<String>,
    pub(super) waiting: Option<String>,
    /// How it ended.
    pub(super) end: Option<(String, Color)>,
}

/// What all rows of a screen have in common.
#[derive(Debug, Clone, Copy)]
pub(super) struct Columns {
    width: usize,
    name: usize,
    counts: Option<usize>,
    bar: usize,
}

impl Columns {
    /// For `rows` on so many columns.
    pub(super) fn of(rows: &[Row], width: usize) -> Self {
        let widest = |text: fn(&Row) -> String| rows.iter().map(|row| measure_text_width(&text(row))).max();
        let most = match width {
            // Nothing but the name and how far it is.
            0..30 => width.saturating_sub(GAP.len() + PERCENT),
            _ => (width / 4).clamp(*NAMES.start(), *NAMES.end()),
        };
        let name = widest(|row| row.name.clone()).unwrap_or(0).min(most);
        let left = width.saturating_sub(name + GAP.len() + PERCENT);
        let counts = widest(Row::counts).filter(|counts| left >= GAP.len() + counts + GAP.len() + TIME);
        let left = left.saturating_sub(counts.map_or(0, |counts| GAP.len() + counts));
        let bar = match counts {
            Some(_) if left >= 2 * GAP.len() + BAR.start() + WAIT => {
                left.saturating_sub(2 * GAP.len() + BOTH).clamp(*BAR.start(), *BAR.end())
            }
            Some(_) | None => 0,
        };
        Self { width, name, counts, bar }
    }
}

impl Row {
    fn counts(&self) -> String {
        self.total.map_or_else(String::new, |total| format!("{}/{}", grouped(self.done), grouped(total)))
    }

    fn percent(&self) -> String {
        // Nothing to do is done.
        let percent = |total: u64| (self.done.min(total) * 100).checked_div(total).unwrap_or(100);
        self.total.map_or_else(String::new, |total| format!("{} %", percent(total)))
    }

    fn bar(&self, width: usize) -> String {
        let eighths = match self.total {
            Some(0) => width * 8,
            Some(total) => {
                let share = u128::from(self.done.min(total)) * (width as u128 * 8) / u128::from(total);
                usize::try_from(share).unwrap_or_default()
            }
            None => 0,
        };
        let part = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"].get(eighths % 8).copied().unwrap_or_default();
        let bar = format!("{}{part}", "█".repeat(eighths / 8));
        let rest = width.saturating_sub(measure_text_width(&bar));
        format!("{bar}{}", "░".repeat(rest))
    }

    /// What follows the counts: of what does not fit all, the most telling.
    fn tail(&self, width: usize) -> (String, Color) {
        if let Some((end, color)) = &self.end {
            return (end.clone(), *color);
        }
        let rate = self.rate.map(|rate| match rate {
            rate if rate < 9.95 => format!("{rate:.1} req/s"),
            rate => format!("{} req/s", grouped(rate.round() as u64)),
        });
        let retries = match self.retries {
            0 => None,
            1 => Some("1 retry".to_owned()),
            more => Some(format!("{} retries", grouped(more))),
        };
        let waiting = self.waiting.as_ref().map(|what| format!("waiting: {what}"));
        let color = if waiting.is_some() { Color::Yellow } else { Color::Plain };
        // In the order of the screen, with the width that keeps columns straight and the rank of who stays.
        let mut parts = [(rate, 11, 2), (self.eta.clone(), 15, 1), (retries, 10, 3), (waiting, 0, 0)]
            .map(|(text, column, rank)| (text.unwrap_or_default(), column, rank));
        let length = |text: &str| if text.is_empty() { 0 } else { measure_text_width(text) + GAP.len() };
        let straight = parts.iter().map(|(text, column, _)| (*column).max(length(text)) + GAP.len()).sum::<usize>();
        if straight <= width {
            parts.iter_mut().for_each(|(text, column, _)| *text = format!("{text:<column$}"));
        } else {
            for rank in [3, 2, 1] {
                let needed: usize = parts.iter().map(|(text, ..)| length(text)).sum();
                if needed > width + GAP.len() {
                    parts.iter_mut().filter(|part| part.2 == rank).for_each(|part| part.0.clear());
                }
            }
        }
        let texts: Vec<&str> = parts.iter().map(|(text, ..)| text.as_str()).filter(|text| !text.is_empty()).collect();
        (texts.join(GAP).trim_end().to_owned(), color)
    }

    /// The whole row.
    pub(super) fn text(&self, columns: Columns, colored: bool) -> String {
        let Columns { width, name, counts, bar } = columns;
        let mut text = fit(&self.name, name);
        if bar > 0 {
            let color = self.end.as_ref().map_or(Color::Cyan, |(_, color)| *color);
            text.push_str(&format!("{GAP}{}", paint(&self.bar(bar), color, colored)));
        }
        if let Some(counts) = counts {
            text.push_str(&format!("{GAP}{:>counts$}", self.counts()));
        }
        text.push_str(&format!("{GAP}{:>PERCENT$}", self.percent()));
        let left = width.saturating_sub(measure_text_width(&text) + GAP.len());
        let (tail, color) = self.tail(left);
        let tail = cut(&tail, left);
        // A word and a half say nothing.
        if left >= 4 && !tail.is_empty() {
            text.push_str(&format!("{GAP}{}", paint(&tail, color, colored)));
        }
        cut(text.trim_end(), width)
    }
}

/// `text` cut to `width`, as a terminal shows it.
pub(super) fn cut(text: &str, width: usize) -> String {
    if width == 0 { String::new() } else { truncate_str(text, width, "…").into_owned() }
}

/// `text` cut or filled to `width`, as a terminal shows it.
fn fit(text: &str, width: usize) -> String {
    let text = cut(text, width);
    let missing = width.saturating_sub(measure_text_width(&text));
    format!("{text}{}", " ".repeat(missing))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows() -> Vec<Row> {
        let row = |name: &str, done, total| Row { name: name.to_owned(), done, total, ..Row::default() };
        let eta = |text: &str| Some(format!("eta {text}"));
        let end = |text: &str, color| Some((text.to_owned(), color));
        vec![
            Row { rate: Some(3.26), retries: 17, eta: eta("3 d 4 h"), ..row("app-ranks", 41_310, Some(84_000)) },
            Row {
                rate: Some(0.0),
                retries: 1,
                eta: eta("23 h 59 min"),
                waiting: Some("minute limit, 8 s".to_owned()),
                ..row("video-meta", 7, Some(2_000))
            },
            Row {
                waiting: Some("the day is used up, resets 00:00 Asia/Shanghai".to_owned()),
                ..row("app_reviews_of_all_countries_daily", 0, Some(12))
            },
            Row { end: end("done, 19,412 rows in 4 files", Color::Green), ..row("stock", 2_000, Some(2_000)) },
            Row {
                end: end("stopped: 账户已欠费，请充值后重试", Color::Red), ..row("榜单数据", 3, Some(9))
            },
            Row { end: end("done", Color::Green), ..row("nothing", 0, Some(0)) },
            Row { waiting: Some("its turn".to_owned()), ..row("later", 0, None) },
            Row { rate: Some(18_204.4), ..row("fast", u64::MAX, Some(3)) },
        ]
    }

    #[test]
    fn rows_at_every_width() {
        let mut shown = String::new();
        for width in [20, 40, 80, 120, 200] {
            let columns = Columns::of(&rows()[..7], width);
            shown.push_str(&format!("{width}\n"));
            rows().iter().take(7).for_each(|row| shown.push_str(&format!("|{}\n", row.text(columns, false))));
        }
        insta::assert_snapshot!(shown);
    }

    #[test]
    fn no_row_is_wider_than_the_screen_and_colors_take_no_room() {
        for width in 0..=300 {
            let columns = Columns::of(&rows(), width);
            for row in rows() {
                let plain = row.text(columns, false);
                assert!(measure_text_width(&plain) <= width, "{width}: {plain}");
                let colored = row.text(columns, true);
                assert_eq!(console::strip_ansi_codes(&colored), plain, "{width}");
            }
        }
    }

    #[test]
    fn percent_columns_stand_below_each_other() {
        for width in [40, 80, 200] {
            let columns = Columns::of(&rows(), width);
            let places: Vec<usize> = rows()
                .iter()
                .filter(|row| row.total.is_some())
                .map(|row| {
                    let text = row.text(columns, false);
                    measure_text_width(text.split_once(" %").unwrap().0)
                })
                .collect();
            assert!(places.windows(2).all(|pair| pair[0] == pair[1]), "{width}: {places:?}");
        }
    }
}
