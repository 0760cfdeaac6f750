//! Partitions with their cells: what the ledger knows by key alone, filled in from today's plan. Pure.

use std::collections::HashMap;

use crate::ledger::{PartitionId, PartitionRow};
use crate::plan::{Cell, CellKey, Cells, KnownPartition};

use super::publish::Settled;

/// Brings partitions to where the ledger has them now.
pub(super) fn refresh(partitions: &mut [Settled], rows: Vec<PartitionRow>) {
    let mut rows: HashMap<PartitionId, PartitionRow> = rows.into_iter().map(|row| (row.id, row)).collect();
    for settled in partitions {
        if let Some(row) = rows.remove(&settled.row.id) {
            settled.row = row;
        }
    }
}

/// The cells planned now, where the ledger has them.
pub(super) struct Placed {
    /// Key and cells of each partition it knows, in its order.
    pub(super) cells: Vec<(String, Vec<Cell>)>,
    /// Where those stand in the plan that it does not know.
    pub(super) new: Vec<usize>,
}

/// Finds the cells planned now in what the ledger knows.
pub(super) fn place(planned: &Cells, known: &[KnownPartition]) -> Placed {
    let mut places: HashMap<&str, (usize, usize)> = HashMap::new();
    places.reserve(known.iter().map(|partition| partition.cells.len()).sum());
    for (partition, known) in known.iter().enumerate() {
        places.extend(known.cells.iter().enumerate().map(|(at, key)| (&*key.0, (partition, at))));
    }
    let mut found: Vec<Vec<Option<Cell>>> = known.iter().map(|known| vec![None; known.cells.len()]).collect();
    let mut new = Vec::new();
    for (at, cell) in planned.iter().enumerate() {
        match places.get(&*cell.key.0) {
            Some((partition, place)) => found[*partition][*place] = Some(cell),
            None => new.push(at),
        }
    }
    let whole = |(known, found): (&KnownPartition, Vec<Option<Cell>>)| {
        // An axis value that is gone since keeps its cell: it was planned, and its key holds its values.
        let cells = known.cells.iter().zip(found).map(|(key, cell)| cell.unwrap_or_else(|| from_key(key)));
        (known.key.clone(), cells.collect())
    };
    Placed { cells: known.iter().zip(found).map(whole).collect(), new }
}

/// Partitions with their cells; both in the order of the ledger.
pub(super) fn settled(rows: Vec<PartitionRow>, cells: Vec<(String, Vec<Cell>)>) -> Vec<Settled> {
    let mut cells = cells.into_iter().peekable();
    rows.into_iter()
        .map(|row| {
            let cells = cells.next_if(|(key, _)| *key == row.key).map(|(_, cells)| cells);
            Settled { row, cells: cells.unwrap_or_default() }
        })
        .collect()
}

/// A cell from its key alone: the values of list, date and text axes. A row that is named by one field lacks the
/// others; a template that needs them rejects the cell.
pub(super) fn from_key(key: &CellKey) -> Cell {
    match serde_json::from_str(&key.0) {
        Ok(serde_json::Value::Object(values)) => Cell::new(values),
        Ok(_) | Err(_) => Cell::new(serde_json::Map::new()),
    }
}
