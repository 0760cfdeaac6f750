//! Partitions with their cells: what the ledger knows by key alone, filled in from today's plan. Pure.

use std::collections::HashMap;

use crate::ledger::{PartitionId, PartitionRow};
use crate::plan::{Cell, CellKey, KnownPartition};

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

/// Partitions with their cells: as planned now, where they still are.
pub(super) fn settled(rows: Vec<PartitionRow>, known: Vec<KnownPartition>, planned: &[Cell]) -> Vec<Settled> {
    let planned: HashMap<&CellKey, &Cell> = planned.iter().map(|cell| (&cell.key, cell)).collect();
    let members: HashMap<&str, &KnownPartition> = known.iter().map(|known| (known.key.as_str(), known)).collect();
    rows.into_iter()
        .map(|row| {
            let keys = members.get(row.key.as_str()).map_or(&[][..], |known| known.cells.as_slice());
            // An axis value that is gone since keeps its cell: it was planned, and its key holds its values.
            let cells =
                keys.iter().map(|key| planned.get(key).map_or_else(|| from_key(key), |cell| (*cell).clone())).collect();
            Settled { row, cells }
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
