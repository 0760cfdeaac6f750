//! The plan of a job: its cells in order, each made when it is asked for.

use std::ops::Range;
use std::sync::Arc;

use crate::job::Output;

use super::cell::Cell;
use super::grid::Grid;

/// The cells of a job in plan order. What they share is held once, so a million of them cost what their axes cost.
#[derive(Debug, Clone)]
pub struct Cells {
    grid: Arc<Grid>,
}

impl Cells {
    pub(super) fn new(grid: Grid) -> Self {
        Self { grid: Arc::new(grid) }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.grid.count()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The one at this place, the first at 0.
    pub fn get(&self, at: usize) -> Option<Cell> {
        (at < self.len()).then(|| Cell::of(&self.grid, at))
    }

    /// All of them, in plan order.
    pub fn iter(&self) -> CellsIter {
        CellsIter { left: 0..self.len(), grid: Arc::clone(&self.grid) }
    }

    /// How many files they make in a new dataset: as many as [`super::assign`] has partitions for them when nothing is
    /// known yet.
    pub fn files(&self, output: &Output) -> u64 {
        match output.partition_by.as_slice() {
            [] => (self.len() as u64).div_ceil(u64::from(output.cells_per_file.max(1))),
            axes => self.grid.folders(axes) as u64,
        }
    }
}

/// Makes the cells of a plan one after the other.
#[derive(Debug)]
pub struct CellsIter {
    grid: Arc<Grid>,
    left: Range<usize>,
}

impl Iterator for CellsIter {
    type Item = Cell;

    fn next(&mut self) -> Option<Cell> {
        self.left.next().map(|at| Cell::of(&self.grid, at))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.left.size_hint()
    }
}

impl ExactSizeIterator for CellsIter {}

impl IntoIterator for &Cells {
    type Item = Cell;
    type IntoIter = CellsIter;

    fn into_iter(self) -> CellsIter {
        self.iter()
    }
}

impl IntoIterator for Cells {
    type Item = Cell;
    type IntoIter = CellsIter;

    fn into_iter(self) -> CellsIter {
        self.iter()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::super::grid::GridAxis;
    use super::*;

    fn axis(name: &str, values: usize) -> GridAxis {
        let mut axis = GridAxis::new(name);
        for number in 0..values {
            assert_eq!(axis.add(Value::from(format!("{number:06}")).into()), Ok(()));
        }
        axis.close();
        axis
    }

    /// What a plan takes must follow from its axes: kept per cell, a million of them would take a hundred megabytes.
    #[test]
    fn a_cell_of_a_plan_takes_no_memory_and_a_value_hardly_more_than_its_text() {
        let plan = Cells::new(Grid::new(vec![axis("a", 1000), axis("b", 1000)]));
        assert_eq!(
            (plan.len(), plan.grid.bytes() / 2000),
            (1_000_000, 16),
            "eight of text and quotes, eight for its place"
        );
        let plan = Cells::new(Grid::new(vec![axis("a", 100_000)]));
        assert_eq!(plan.grid.bytes() / plan.len(), 16);
        // Its key, what it shares, its number.
        assert_eq!(size_of::<Cell>(), 16 + 8 + 8);
    }
}
