//! The cells of a job as a map: two axes side by side, one date axis as weeks, anything else in plan order. Pure.
//!
//! Invariant: every cell is counted in exactly one tile, however many share it.

use std::collections::HashMap;

use jiff::civil::{Date, Weekday};
use jiff::{Span, Unit};
use serde_json::{Map, Value};

use crate::draw::{Tile, tiles};
use crate::plan::CellKey;
use crate::run::CellState;

/// More tiles than this are no longer told apart.
const TILES: usize = 5000;
/// Columns of a map without axes.
const BLOCKS: usize = 50;
/// Tiles beside each other, and below each other, that can still be seen.
const MOST_COLUMNS: usize = 360;
const MOST_ROWS: usize = 110;

/// What a tile stands for: colour and word.
const KINDS: [&str; 5] = ["records", "empty", "rejected", "pending", "parked"];
const REJECTED: usize = 2;

/// Cells by what they came to, in the order of [`KINDS`].
type Counts = [u64; KINDS.len()];

/// All cells in plan order.
pub(super) struct Cells {
    cells: Vec<(usize, CellKey)>,
}

/// A place in the map, by what its row and column are called.
struct Grid {
    rows: Vec<String>,
    columns: Vec<String>,
    /// Row and column of each cell.
    places: Vec<(usize, usize)>,
}

impl Cells {
    /// Cells that are left wait for a quota if `is_parked`.
    pub(super) fn new(cells: impl Iterator<Item = (CellState, CellKey)>, is_parked: bool) -> Self {
        let kind = |state| match state {
            CellState::Records => 0,
            CellState::Empty => 1,
            CellState::Rejected => REJECTED,
            CellState::Left if is_parked => 4,
            CellState::Left => 3,
        };
        Self { cells: cells.map(|(state, key)| (kind(state), key)).collect() }
    }

    /// Each kind that is there with its number.
    pub(super) fn counts(&self) -> Vec<(&'static str, u64)> {
        let mut counts = Counts::default();
        for (kind, _) in &self.cells {
            if let Some(count) = counts.get_mut(*kind) {
                *count += 1;
            }
        }
        KINDS.into_iter().zip(counts).filter(|(_, count)| *count > 0).collect()
    }

    /// The drawing, and how many cells share a tile at most; nothing where there is no more than one cell.
    pub(super) fn drawing(&self) -> Option<(String, u64)> {
        if self.cells.len() < 2 {
            return None;
        }
        let Grid { rows, columns, places } = self.grid();
        let (by_row, by_column) = coarse(rows.len(), columns.len());
        let names = |names: &[String], each: usize| -> Vec<String> {
            names.chunks(each).map(|chunk| chunk.first().cloned().unwrap_or_default()).collect()
        };
        let mut all: HashMap<(usize, usize), (Counts, &str, &str)> = HashMap::new();
        for ((kind, key), (row, column)) in self.cells.iter().zip(&places) {
            let tile = all.entry((row / by_row, column / by_column)).or_insert((Counts::default(), &key.0, &key.0));
            tile.2 = &key.0;
            if let Some(count) = tile.0.get_mut(*kind) {
                *count += 1;
            }
        }
        let tile = |row, column| all.get(&(row, column)).map(|(counts, first, last)| shown(counts, first, last));
        let most = all.values().map(|(counts, ..)| counts.iter().sum()).max().unwrap_or_default();
        let title = "cells by what they came to";
        Some((tiles(&names(&rows, by_row), &names(&columns, by_column), title, tile), most))
    }

    fn grid(&self) -> Grid {
        let key = |at: usize| -> Map<String, Value> {
            self.cells.get(at).and_then(|(_, key)| serde_json::from_str(&key.0).ok()).unwrap_or_default()
        };
        let axes: Vec<String> = key(0).keys().cloned().collect();
        let mut values: Vec<Vec<String>> = vec![Vec::with_capacity(self.cells.len()); axes.len().min(2)];
        for at in 0..self.cells.len() {
            let key = key(at);
            for (axis, values) in axes.iter().zip(&mut values) {
                values.push(key.get(axis).map(text).unwrap_or_default());
            }
        }
        let grid = match (axes.len(), values.as_slice()) {
            (1, [days]) => weeks(days),
            (2, [one, other]) => Some(matrix(one, other)),
            _ => None,
        };
        grid.unwrap_or_else(|| blocks(self.cells.len()))
    }
}

/// A value as a person writes it.
fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned)
}

fn date(value: &str) -> Option<Date> {
    value.parse().ok()
}

/// The values in order, dates by the calendar, and which of them each cell has.
fn axis(values: &[String]) -> (Vec<String>, Vec<usize>) {
    let mut numbers: HashMap<&str, usize> = HashMap::new();
    let mut names: Vec<&str> = Vec::new();
    for value in values {
        if !numbers.contains_key(value.as_str()) {
            numbers.insert(value, names.len());
            names.push(value);
        }
    }
    if names.iter().all(|name| date(name).is_some()) {
        names.sort_by_key(|name| date(name));
        numbers = names.iter().enumerate().map(|(number, name)| (*name, number)).collect();
    }
    let at = values.iter().map(|value| numbers.get(value.as_str()).copied().unwrap_or_default()).collect();
    (names.into_iter().map(ToOwned::to_owned).collect(), at)
}

/// One axis down and one across: time runs to the right, else the longer axis.
fn matrix(one: &[String], other: &[String]) -> Grid {
    let is_time = |values: &[String]| values.iter().all(|value| date(value).is_some());
    let (time_one, time_other) = (is_time(one), is_time(other));
    let ((names_one, at_one), (names_other, at_other)) = (axis(one), axis(other));
    let other_runs_right = match (time_one, time_other) {
        (true, false) => false,
        (false, true) => true,
        (true, true) | (false, false) => names_other.len() >= names_one.len(),
    };
    match other_runs_right {
        true => Grid { rows: names_one, columns: names_other, places: at_one.into_iter().zip(at_other).collect() },
        false => Grid { rows: names_other, columns: names_one, places: at_other.into_iter().zip(at_one).collect() },
    }
}

/// Days as weeks side by side, Monday at the top; `None` when some value is no day.
fn weeks(values: &[String]) -> Option<Grid> {
    let days: Vec<Date> = values.iter().map(|value| date(value)).collect::<Option<_>>()?;
    let (first, last) = (*days.iter().min()?, *days.iter().max()?);
    let monday = first.checked_sub(Span::new().days(i64::from(first.weekday().to_monday_zero_offset()))).ok()?;
    let since = |day: Date| -> Option<usize> {
        let span = monday.until((Unit::Day, day)).ok()?;
        usize::try_from(span.get_days()).ok()
    };
    let count = since(last)? / 7 + 1;
    if count > TILES {
        return None;
    }
    let columns = (0..count).map(|week| {
        let days = i64::try_from(week * 7).ok()?;
        Some(monday.checked_add(Span::new().days(days)).ok()?.to_string())
    });
    let name = |weekday| match weekday {
        Weekday::Monday => "Mon",
        Weekday::Tuesday => "Tue",
        Weekday::Wednesday => "Wed",
        Weekday::Thursday => "Thu",
        Weekday::Friday => "Fri",
        Weekday::Saturday => "Sat",
        Weekday::Sunday => "Sun",
    };
    let rows = Weekday::Monday.cycle_forward().take(7).map(|weekday| name(weekday).to_owned()).collect();
    let places = days.iter().map(|day| since(*day).map(|days| (days % 7, days / 7)));
    Some(Grid { rows, columns: columns.collect::<Option<_>>()?, places: places.collect::<Option<_>>()? })
}

/// Line by line in plan order.
fn blocks(cells: usize) -> Grid {
    let across = BLOCKS.max(cells.div_ceil(MOST_ROWS)).min(cells.max(1));
    Grid {
        rows: vec![String::new(); cells.div_ceil(across)],
        columns: vec![String::new(); across],
        places: (0..cells).map(|cell| (cell / across, cell % across)).collect(),
    }
}

/// How many rows and columns share a tile.
fn coarse(rows: usize, columns: usize) -> (usize, usize) {
    let mut by = (rows.div_ceil(MOST_ROWS).max(1), columns.div_ceil(MOST_COLUMNS).max(1));
    while rows.div_ceil(by.0) * columns.div_ceil(by.1) > TILES {
        match rows.div_ceil(by.0) * 3 > columns.div_ceil(by.1) {
            true => by.0 += 1,
            false => by.1 += 1,
        }
    }
    by
}

/// A tile of many cells has the colour of most of them; one in which something was rejected shows that.
fn shown(counts: &Counts, first: &str, last: &str) -> Tile {
    let all: u64 = counts.iter().sum();
    let most = (0..KINDS.len()).rev().max_by_key(|kind| counts.get(*kind)).unwrap_or_default();
    let rejected = counts.get(REJECTED).copied().unwrap_or_default();
    let class = match most {
        0 if rejected > 0 => "records some",
        1 if rejected > 0 => "empty some",
        3 if rejected > 0 => "pending some",
        4 if rejected > 0 => "parked some",
        kind => KINDS.get(kind).copied().unwrap_or_default(),
    };
    let parts = KINDS.into_iter().zip(counts).filter(|(_, count)| **count > 0);
    let title = match all {
        1 => format!("{}: {}", first, KINDS.get(most).copied().unwrap_or_default()),
        all => {
            let parts: Vec<String> = parts.map(|(kind, count)| format!("{count} {kind}")).collect();
            format!("{all} cells, {first} to {last}: {}", parts.join(", "))
        }
    };
    Tile { class, title }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(keys: impl Iterator<Item = String>) -> Cells {
        Cells::new(keys.map(|key| (CellState::Records, CellKey(key.into()))), false)
    }

    #[test]
    fn two_axes_are_a_matrix_in_which_time_runs_to_the_right() {
        let keys = ["2026-01-02", "2026-01-01"]
            .into_iter()
            .flat_map(|day| ["a", "b", "c"].into_iter().map(move |app| format!(r#"{{"app":"{app}","day":"{day}"}}"#)));
        let grid = cells(keys).grid();
        assert_eq!(
            (grid.rows.join(" "), grid.columns.join(" ")),
            ("a b c".to_owned(), "2026-01-01 2026-01-02".to_owned())
        );
        assert_eq!(grid.places, [(0, 1), (1, 1), (2, 1), (0, 0), (1, 0), (2, 0)]);
    }

    #[test]
    fn days_are_weeks_and_the_rest_are_blocks() {
        // 1 January 2026 is a Thursday.
        let days = ["2026-01-01", "2026-01-04", "2026-01-05", "2026-01-13"];
        let grid = cells(days.into_iter().map(|day| format!(r#"{{"day":"{day}"}}"#))).grid();
        assert_eq!(grid.columns, ["2025-12-29", "2026-01-05", "2026-01-12"]);
        assert_eq!((grid.rows.len(), grid.places), (7, vec![(3, 0), (6, 0), (0, 1), (1, 2)]));
        let grid = cells((0..120).map(|cell| format!(r#"{{"id":{cell}}}"#))).grid();
        assert_eq!((grid.rows.len(), grid.columns.len(), grid.places[119]), (3, 50, (2, 19)));
        let grid = cells((0..9).map(|cell| format!(r#"{{"a":1,"b":2,"c":{cell}}}"#))).grid();
        assert_eq!((grid.rows.len(), grid.columns.len()), (1, 9));
    }

    #[test]
    fn many_cells_share_tiles_and_each_is_counted_once() {
        for (rows, columns) in [(1, 2), (1, 400), (400, 1), (70, 71), (1000, 1000), (3, 100_000), (100_000, 3)] {
            let by = coarse(rows, columns);
            let (rows, columns) = (rows.div_ceil(by.0), columns.div_ceil(by.1));
            assert!(rows * columns <= TILES && rows <= MOST_ROWS && columns <= MOST_COLUMNS, "{rows} {columns}");
        }
        let keys = (0..200).flat_map(|a| (0..200).map(move |b| format!(r#"{{"a":"{a}","b":"{b}"}}"#)));
        let mut number = 0;
        let states = keys.map(|key| {
            number += 1;
            (if number == 7 { CellState::Rejected } else { CellState::Records }, CellKey(key.into()))
        });
        let all = Cells::new(states, true);
        let (drawing, most) = all.drawing().unwrap();
        let shared: u64 =
            drawing.split("<title>").skip(1).filter_map(|title| title.split(' ').next()?.parse::<u64>().ok()).sum();
        assert_eq!((shared, most, drawing.matches("some").count()), (40_000, 8, 1));
        assert_eq!(all.counts(), [("records", 39_999), ("rejected", 1)]);
    }
}
