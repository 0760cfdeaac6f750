//! Reads what a run left behind with the plain Parquet reader, row by row, as text that can be compared.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{DataType, TimeUnit, TimestampMillisecondType};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use jiff::Timestamp;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

/// All files below `folder`, sorted.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let Ok(entries) = fs::read_dir(folder) else { return found };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

/// The rows of every Parquet file below `folder`, in file order.
pub(crate) fn rows(folder: &Path) -> Vec<String> {
    let parquet = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "parquet");
    files(folder).into_iter().filter(parquet).flat_map(|path| read(&path)).collect()
}

/// The rows of one file.
pub(crate) fn read(path: &Path) -> Vec<String> {
    let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap()).unwrap().build().unwrap();
    reader.flat_map(|batch| batch_rows(&batch.unwrap())).collect()
}

fn batch_rows(batch: &RecordBatch) -> Vec<String> {
    let schema = batch.schema();
    let options = FormatOptions::default();
    let arrays: Vec<(&String, &str, ArrayRef)> = schema
        .fields()
        .iter()
        .zip(batch.columns())
        .map(|(field, array)| match array.data_type() {
            // The formatter knows no names of zones; the milliseconds are those of UTC anyway.
            DataType::Timestamp(TimeUnit::Millisecond, Some(_)) => {
                let bare = array.as_primitive::<TimestampMillisecondType>().clone().with_timezone_opt(None::<&str>);
                (field.name(), "Z", Arc::new(bare) as ArrayRef)
            }
            _ => (field.name(), "", Arc::clone(array)),
        })
        .collect();
    let format = |array| ArrayFormatter::try_new(array, &options).unwrap();
    let columns: Vec<_> =
        arrays.iter().map(|(name, zone, array)| (name, zone, array, format(array.as_ref()))).collect();
    let one = |index: usize| {
        let present = columns.iter().filter(|(_, _, array, _)| array.is_valid(index));
        row(present
            .map(|(name, zone, _, format)| (name.to_string(), format!("{}{zone}", format.value(index))))
            .collect())
    };
    (0..batch.num_rows()).map(one).collect()
}

/// One text for equal rows, whatever the order of the columns and the spelling of times and fractions.
pub(crate) fn row(mut fields: Vec<(String, String)>) -> String {
    fields.sort_unstable();
    fields.iter().map(|(name, value)| format!("{name}={}", normal(value))).collect::<Vec<_>>().join(" | ")
}

fn normal(value: &str) -> String {
    match value.parse::<Timestamp>() {
        Ok(time) => time.to_string(),
        Err(_) => value.strip_suffix(".0").unwrap_or(value).to_owned(),
    }
}
