//! Decoding: what is stored for each value and type, and what is refused.

#![expect(clippy::unwrap_used, reason = "a helper that fails is a failed test")]

mod given;
mod pages;
mod pass;
mod schema;
mod values;

use arrow::array::{Array, ArrayRef};
use arrow::datatypes::DataType;
use arrow::util::display::array_value_to_string;
use tidemill::decode::{Added, DatasetSchema, Decoder, Inference, Inferred, Projection, Reject};
use tidemill::job::{ColumnType as T, TimeUnit};
use tidemill::json::Tape;

/// Appends one record without added columns.
pub(crate) fn push(decoder: &mut Decoder, record: &str) -> Result<usize, Reject> {
    decoder.push(Tape::default().fill(record).unwrap(), &Added::default())
}

pub(crate) fn schema(columns: &[(&str, T)]) -> DatasetSchema {
    DatasetSchema { columns: columns.iter().map(|(name, column)| ((*name).to_owned(), column.clone())).collect() }
}

fn decimal(precision: u8, scale: u8) -> T {
    T::Decimal { precision, scale }
}

fn timestamp(unit: TimeUnit, zone: Option<&str>) -> T {
    T::Timestamp { unit, zone: zone.map(str::to_owned) }
}

pub(crate) fn list(item: T) -> T {
    T::List(Box::new(item))
}

pub(crate) fn fields(columns: &[(&str, T)]) -> T {
    T::Struct(schema(columns).columns)
}

/// Timestamps as their stored number, everything else as arrow shows it.
pub(crate) fn shown(array: &ArrayRef, row: usize) -> String {
    if array.is_null(row) {
        return "null".to_owned();
    }
    if let DataType::Timestamp(_, _) = array.data_type() {
        let number =
            arrow::array::Int64Array::from(array.to_data().into_builder().data_type(DataType::Int64).build().unwrap());
        return number.value(row).to_string();
    }
    array_value_to_string(array, row).unwrap()
}

pub(crate) fn inferred(records: &[&str], declared: &[(&str, T)], recorded: Option<&DatasetSchema>) -> Inferred {
    let mut inference = Inference::new(Projection::default());
    records
        .iter()
        .for_each(|record| inference.observe(Tape::default().fill(record).unwrap(), &Added::default()).unwrap());
    inference.finish(&schema(declared).columns, recorded)
}
