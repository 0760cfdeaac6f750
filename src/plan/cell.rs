//! The units of work: a cell is resumed and audited on its own, a partition is published at once.
//!
//! Cells of one job share their axis values: a million of them cost little more than their keys.

use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::grid::{Grid, GridAxis};

/// What names a cell for ever: canonical JSON of its axis values (keys sorted, no white space).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CellKey(pub Arc<str>);

/// The first 16 bytes of BLAKE3 of the key; names the cell in spool frames.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CellId(pub [u8; 16]);

impl CellKey {
    /// Its short name.
    pub fn id(&self) -> CellId {
        let mut id = [0; 16];
        id.copy_from_slice(&blake3::hash(self.0.as_bytes()).as_bytes()[..16]);
        CellId(id)
    }
}

impl fmt::Display for CellKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for CellId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// One combination of axis values: one request, followed page by page.
#[derive(Clone)]
pub struct Cell {
    /// Its name.
    pub key: CellKey,
    grid: Arc<Grid>,
    /// Which combination of the grid it is.
    at: usize,
}

impl Cell {
    /// The cell of these axis values.
    pub fn new(values: Map<String, Value>) -> Self {
        let axes = values.into_iter().map(|(name, value)| {
            let mut axis = GridAxis::new(&name);
            // Without others none has its name.
            axis.add(value.into()).unwrap_or_default();
            axis
        });
        Self::of(&Arc::new(Grid::new(axes.collect())), 0)
    }

    pub(super) fn of(grid: &Arc<Grid>, at: usize) -> Self {
        Self { key: CellKey(grid.key(at).into()), grid: Arc::clone(grid), at }
    }

    /// Axis name to value, for templates. A date axis `day` also has its first and last day as `day.from` and `day.to`.
    pub fn values(&self) -> Map<String, Value> {
        self.grid.values(self.at)
    }

    /// The value of `axis` as the text of a folder name; a table as JSON text, an axis that is not there as nothing.
    pub fn folder(&self, axis: &str) -> String {
        self.grid.folder(self.at, axis)
    }
}

impl PartialEq for Cell {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key && self.values() == other.values()
    }
}

impl fmt::Debug for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cell").field("values", &self.values()).finish_non_exhaustive()
    }
}

/// Cells that share one output file.
#[derive(Debug, Clone, PartialEq)]
pub struct Partition {
    /// Unique within the job: the Hive folder (`day=2026-01-01`, values percent-encoded, folders joined by `/`) or
    /// nothing, then `#` and the part number (`#0`).
    pub key: String,
    /// Hive folders, outermost first: axis and value as text, not yet encoded.
    pub folders: Vec<(String, String)>,
    /// In plan order; the order of records in the file.
    pub cells: Vec<Cell>,
}

impl Partition {
    /// The first 16 hex digits of BLAKE3 of job name and key: names its spool folder and its output file.
    pub fn hash(&self, job: &str) -> String {
        blake3::hash(format!("{job}\n{}", self.key).as_bytes()).to_hex()[..16].to_owned()
    }
}
