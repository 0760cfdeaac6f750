//! Reads every row group of a published file: proof that a reader can, and a count that the footer did not give.

use std::fs::File;
use std::path::Path;

use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::errors::ParquetError;

use super::parquet::SinkError;

/// Rows in the Parquet file at `path`, by reading all of them; memory holds one batch at a time.
///
/// # Errors
/// When the file cannot be opened, or a row group cannot be read.
pub fn count_rows(path: &Path) -> Result<u64, SinkError> {
    let file = File::open(path).map_err(|source| SinkError::Open { path: path.to_owned(), source })?;
    let broken = |source| SinkError::NotParquet { path: path.to_owned(), source };
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).and_then(|builder| builder.build()).map_err(broken)?;
    let mut rows = 0;
    for batch in reader {
        rows += batch.map_err(|error| broken(ParquetError::from(error)))?.num_rows() as u64;
    }
    Ok(rows)
}
