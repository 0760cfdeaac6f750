//! The units of work: a cell is resumed and audited on its own, a partition is published at once.
//!
//! Cells of one job share their axis values: a million of them cost little more than their keys.

use std::fmt;
use std::sync::Arc;

use serde_json::{Map, Value};

use super::canonical::canonical;

/// What names a cell for ever: canonical JSON of its axis values (keys sorted, no white space).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CellKey(pub String);

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
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    /// Its name.
    pub key: CellKey,
    values: Box<[Arc<AxisValue>]>,
}

/// One value of one axis.
#[derive(Debug, PartialEq)]
pub(crate) struct AxisValue {
    pub(crate) axis: Arc<str>,
    pub(crate) value: Value,
    /// What stands for the value in the cell key: the `key` field of a row.
    pub(crate) key: Option<Box<Value>>,
    /// First and last day of a date value, as text.
    pub(crate) days: Option<Box<(String, String)>>,
}

impl AxisValue {
    /// What names it.
    pub(crate) fn name(&self) -> &Value {
        self.key.as_deref().unwrap_or(&self.value)
    }

    /// Its name as text, for a folder; `None` for tables and lists.
    pub(crate) fn text(&self) -> Option<String> {
        match self.name() {
            Value::String(text) => Some(text.clone()),
            scalar @ (Value::Bool(_) | Value::Number(_)) => Some(scalar.to_string()),
            Value::Null | Value::Array(_) | Value::Object(_) => None,
        }
    }
}

impl Cell {
    /// The cell of these axis values.
    pub fn new(values: Map<String, Value>) -> Self {
        let key = CellKey(canonical(&Value::Object(values.clone())));
        let values = values
            .into_iter()
            .map(|(axis, value)| Arc::new(AxisValue { axis: axis.into(), value, key: None, days: None }))
            .collect();
        Self { key, values }
    }

    pub(crate) fn with_key(key: CellKey, values: Box<[Arc<AxisValue>]>) -> Self {
        Self { key, values }
    }

    /// Axis name to value, for templates. A date axis `day` also has its first and last day as `day.from` and `day.to`.
    pub fn values(&self) -> Map<String, Value> {
        let mut map = Map::new();
        for value in &self.values {
            map.insert(value.axis.to_string(), value.value.clone());
            if let Some((from, to)) = value.days.as_deref() {
                map.insert(format!("{}.from", value.axis), Value::from(from.as_str()));
                map.insert(format!("{}.to", value.axis), Value::from(to.as_str()));
            }
        }
        map
    }

    /// The value of `axis` as the text of a folder name; a table as JSON text, an axis that is not there as nothing.
    pub fn folder(&self, axis: &str) -> String {
        self.values
            .iter()
            .find(|value| &*value.axis == axis)
            .map_or_else(String::new, |value| value.text().unwrap_or_else(|| canonical(value.name())))
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
