//! Which columns a dictionary is not worth: a pure function of the first batch of a file.

use std::collections::HashSet;
use std::hash::Hash;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::datatypes::DataType;

/// One value in so many may stand twice where each is taken to be another one.
const REPEATED: usize = 20;

/// The columns, by their place, of which nearly each number, instant or text is another one: a dictionary would only hold
/// them all once more, and would soon be given up. Values that come again after a whole batch, and only then, are taken
/// for others too; packed as they stand they are not much larger.
pub(super) fn without(first: &RecordBatch) -> Vec<usize> {
    let columns = first.columns().iter().enumerate();
    columns.filter(|(_, column)| is_varied(column.as_ref())).map(|(at, _)| at).collect()
}

fn is_varied(column: &dyn Array) -> bool {
    match column.data_type() {
        DataType::Utf8 => hardly_repeats(column.as_string::<i32>().iter().flatten()),
        other => other.primitive_width().is_some_and(|width| {
            let data = column.to_data();
            let values = data.buffers()[0].as_slice().chunks_exact(width).skip(data.offset()).take(data.len());
            hardly_repeats(values.enumerate().filter(|(at, _)| column.is_valid(*at)).map(|(_, value)| value))
        }),
    }
}

fn hardly_repeats<T: Eq + Hash>(values: impl Iterator<Item = T> + Clone) -> bool {
    let most = values.clone().count() / REPEATED;
    let mut seen = HashSet::new();
    let mut repeated = 0;
    for value in values {
        repeated += usize::from(!seen.insert(value));
        if repeated > most {
            return false;
        }
    }
    !seen.is_empty()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, BooleanArray, Date32Array, Int64Array, StringArray};

    use super::*;

    #[test]
    fn only_what_repeats_has_one() {
        let rows = 1_000_i64;
        let every = |each: i64| Int64Array::from_iter_values((0..rows).map(move |row| row / each));
        let nulls = Int64Array::from_iter((0..rows).map(|row| (row % 2 == 0).then_some(row)));
        let columns: [(&str, ArrayRef, bool); 8] = [
            ("unique", Arc::new(every(1)), true),
            ("unique but for nulls", Arc::new(nulls.clone()), true),
            ("a part of one", Arc::new(nulls.slice(10, 900)), true),
            ("pairs", Arc::new(every(2)), false),
            ("nothing", Arc::new(Int64Array::from_iter((0..rows).map(|_| None::<i64>))), false),
            ("days", Arc::new(Date32Array::from_iter_values((0..1_000).map(|row| row % 900))), false),
            ("flags", Arc::new(BooleanArray::from_iter((0..rows).map(|row| Some(row % 2 == 0)))), false),
            ("texts", Arc::new(StringArray::from_iter_values((0..rows).map(|row| row.to_string()))), true),
        ];
        for (name, column, expected) in columns {
            assert_eq!(is_varied(column.as_ref()), expected, "{name}");
        }
    }
}
