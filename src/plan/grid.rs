//! The axes of a job and their values, held once for all cells: a cell is a number until it is asked for.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::canonical::write;
use super::names::Names;

/// One value of one axis, as it is read.
#[derive(Debug)]
pub(super) struct AxisValue {
    pub(super) value: Value,
    /// What stands for the value in the cell key: the `key` field of a row.
    pub(super) key: Option<Value>,
    /// First and last day of a date value, as text.
    pub(super) days: Option<Box<(String, String)>>,
}

impl From<Value> for AxisValue {
    fn from(value: Value) -> Self {
        Self { value, key: None, days: None }
    }
}

/// What templates see of a value.
#[derive(Debug)]
struct Seen {
    value: Value,
    days: Option<Box<(String, String)>>,
}

/// One axis with its values in order, none of them twice.
#[derive(Debug)]
pub(super) struct GridAxis {
    name: String,
    /// What a cell key says before the value.
    label: String,
    /// What names each value: canonical JSON.
    names: Names,
    /// What templates see of each; empty as long as that is but the text which names it.
    seen: Vec<Seen>,
}

impl GridAxis {
    pub(super) fn new(name: &str) -> Self {
        let label = format!("{}:", Value::from(name));
        Self { name: name.to_owned(), label, names: Names::default(), seen: Vec::new() }
    }

    pub(super) fn len(&self) -> usize {
        self.names.len()
    }

    /// Adds a value. The error is the number of the one that has the same name, and that name as it is written here.
    pub(super) fn add(&mut self, value: AxisValue) -> Result<(), (usize, Value)> {
        let AxisValue { value, key, days } = value;
        let before = self.len();
        if let Err(first) = self.names.add(|text| write(key.as_ref().unwrap_or(&value), text)) {
            return Err((first, key.unwrap_or(value)));
        }
        let is_its_name = value.is_string() && key.is_none() && days.is_none();
        if is_its_name && self.seen.is_empty() {
            return Ok(());
        }
        if self.seen.len() < before {
            self.seen = (0..before).map(|number| Seen { value: self.named(number), days: None }).collect();
        }
        self.seen.push(Seen { value, days });
        Ok(())
    }

    /// No more values come.
    pub(super) fn close(&mut self) {
        self.names.close();
        self.seen.shrink_to_fit();
    }

    /// A name as a person writes it: strings without their quotes.
    pub(super) fn text(&self, number: usize) -> String {
        match self.named(number) {
            Value::String(text) => text,
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                self.names.get(number).to_owned()
            }
        }
    }

    /// Whether a value has a table or a list for its name, which names no folder.
    pub(super) fn has_tables(&self) -> bool {
        self.names.iter().any(|name| name.starts_with(['{', '[', 'n']))
    }

    /// How many folders its values name: a number and the same number as a string name one.
    fn folders(&self) -> usize {
        match self.names.iter().all(|name| name.starts_with('"')) {
            true => self.len(),
            false => (0..self.len()).map(|number| self.text(number)).collect::<HashSet<_>>().len(),
        }
    }

    /// The name of a value. Canonical JSON of a text is read back as that text; whatever it does not hold exactly, such as
    /// a fraction, is in `seen`.
    fn named(&self, number: usize) -> Value {
        serde_json::from_str(self.names.get(number)).unwrap_or_default()
    }

    fn show(&self, number: usize, map: &mut Map<String, Value>) {
        let Some(Seen { value, days }) = self.seen.get(number) else {
            map.insert(self.name.clone(), self.named(number));
            return;
        };
        map.insert(self.name.clone(), value.clone());
        if let Some((from, to)) = days.as_deref() {
            map.insert(format!("{}.from", self.name), Value::from(from.as_str()));
            map.insert(format!("{}.to", self.name), Value::from(to.as_str()));
        }
    }
}

/// Every combination of the values of some axes, the first axis slowest.
#[derive(Debug)]
pub(super) struct Grid {
    axes: Vec<GridAxis>,
    /// The axes sorted by name, as they stand in keys.
    by_name: Vec<usize>,
    count: usize,
}

impl Grid {
    pub(super) fn new(axes: Vec<GridAxis>) -> Self {
        let mut by_name: Vec<usize> = (0..axes.len()).collect();
        by_name.sort_by_key(|at| &axes[*at].name);
        let count = axes.iter().map(GridAxis::len).product();
        Self { axes, by_name, count }
    }

    /// How many cells it has.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// The numbers of the values of a cell, axis by axis from the last to the first.
    fn numbers(&self, cell: usize) -> impl Iterator<Item = (usize, usize)> {
        let axes = self.axes.iter().enumerate().rev();
        axes.scan(cell, |rest, (at, axis)| {
            let number = *rest % axis.len();
            *rest /= axis.len();
            Some((at, number))
        })
    }

    fn number(&self, cell: usize, axis: usize) -> usize {
        self.numbers(cell).find(|(at, _)| *at == axis).map_or(0, |(_, number)| number)
    }

    /// The key of a cell.
    pub(super) fn key(&self, cell: usize) -> String {
        let parts = || {
            self.by_name.iter().map(|at| {
                let axis = &self.axes[*at];
                (axis.label.as_str(), axis.names.get(self.number(cell, *at)))
            })
        };
        let length: usize = parts().map(|(label, name)| label.len() + name.len() + 1).sum();
        let mut key = String::with_capacity(length + 2);
        key.push('{');
        for (label, name) in parts() {
            if key.len() > 1 {
                key.push(',');
            }
            key.push_str(label);
            key.push_str(name);
        }
        key.push('}');
        key
    }

    /// What templates see of a cell.
    pub(super) fn values(&self, cell: usize) -> Map<String, Value> {
        let mut map = Map::new();
        for (at, axis) in self.axes.iter().enumerate() {
            axis.show(self.number(cell, at), &mut map);
        }
        map
    }

    /// What `axis` names the folder of a cell; nothing if there is no such axis.
    pub(super) fn folder(&self, cell: usize, axis: &str) -> String {
        let found = self.axes.iter().position(|one| one.name == axis);
        found.map_or_else(String::new, |at| self.axes[at].text(self.number(cell, at)))
    }

    /// How many folders these axes make together.
    pub(super) fn folders(&self, axes: &[String]) -> usize {
        let chosen = self.axes.iter().filter(|axis| axes.contains(&axis.name));
        if self.count == 0 { 0 } else { chosen.map(GridAxis::folders).product() }
    }

    /// Bytes on the heap, but for values that are no plain text.
    #[cfg(test)]
    pub(super) fn bytes(&self) -> usize {
        self.axes.iter().map(|axis| axis.names.bytes() + size_of::<Seen>() * axis.seen.capacity()).sum()
    }
}
