//! The whole of what stands at the bottom of a terminal: a row per job, as many as fit, and a line per credential. Pure.

use super::row::{Columns, Row, cut};
use crate::cli::term::{Color, paint};

/// So many lines of `width` columns at the most fit into `height`, and one stays free for the cursor.
///
/// Jobs that run are shown first, in the order asked; of the rest it is said how many they are.
pub(super) fn page(rows: &[Row], quotas: &[String], width: usize, height: usize, colored: bool) -> Vec<String> {
    let lines = height.saturating_sub(1).max(1);
    // A line of a credential never takes the place of the only job.
    let quotas = quotas.get(..quotas.len().min(lines.saturating_sub(2))).unwrap_or_default();
    let room = lines - quotas.len();
    let (shown, hidden) = choose(rows, room);
    let columns = Columns::of(&shown, width);
    let mut page: Vec<String> = shown.iter().map(|row| row.text(columns, colored)).collect();
    if hidden > 0 {
        page.push(paint(&cut(&format!("… and {hidden} more"), width), Color::Dim, colored));
    }
    page.extend(quotas.iter().map(|line| paint(&cut(line, width), Color::Dim, colored)));
    page
}

/// The rows that fit into `room` lines, and how many do not.
fn choose(rows: &[Row], room: usize) -> (Vec<Row>, usize) {
    if rows.len() <= room {
        return (rows.to_vec(), 0);
    }
    let fit = room.saturating_sub(1).max(1);
    let rank = |row: &Row| match (&row.end, row.total) {
        (None, Some(_)) => 0,
        (None, None) => 1,
        (Some(_), _) => 2,
    };
    let mut order: Vec<usize> = (0..rows.len()).collect();
    order.sort_by_key(|index| rows.get(*index).map(rank));
    let mut chosen = order.get(..fit).unwrap_or_default().to_vec();
    chosen.sort_unstable();
    let hidden = if room > 1 { rows.len() - chosen.len() } else { 0 };
    (chosen.into_iter().filter_map(|index| rows.get(index).cloned()).collect(), hidden)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(count: usize) -> Vec<Row> {
        let row = |index: usize| Row {
            name: format!("job{index:02}"),
            done: index as u64,
            total: Some(20),
            end: index.is_multiple_of(3).then(|| ("done".to_owned(), Color::Green)),
            ..Row::default()
        };
        (0..count).map(row).collect()
    }

    #[test]
    fn the_running_ones_are_shown_where_not_all_fit() {
        let quotas = ["quota foxdata  18,204/20,000 day".to_owned(), "quota agushuju  1/2 day".to_owned()];
        let shown = |count, height| page(&rows(count), &quotas, 60, height, false);
        assert_eq!(shown(3, 24).len(), 5);
        let names = |page: &[String]| -> Vec<String> { page.iter().map(|line| line[..5].to_owned()).collect() };
        assert_eq!(
            names(&shown(8, 8)),
            ["job01", "job02", "job04", "job05", "… an", "quota", "quota"].map(|name| {
                // The ellipsis is longer than it looks.
                if name.starts_with('…') { "… a".to_owned() } else { name.to_owned() }
            })
        );
        assert_eq!(shown(8, 8)[4], "… and 4 more");
        // Those that ended are the first to give way, and the last to come back.
        assert_eq!(names(&shown(5, 6))[..2], ["job01", "job02"]);
        for (count, height) in (0..30).flat_map(|count| (0..30).map(move |height| (count, height))) {
            let lines = shown(count, height).len();
            assert!(lines < height.max(2), "{count} jobs, {height} lines high: {lines} lines");
            assert!(count == 0 || lines > 0);
        }
    }
}
