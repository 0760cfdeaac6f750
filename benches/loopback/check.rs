//! Whether two files hold the same records: their columns, their number, and sum and ends of the first column.

use std::fs::File;
use std::path::Path;

use arrow::array::{AsArray, RecordBatchReader};
use arrow::datatypes::{Field, Int64Type};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

/// What two files with the same records have in common.
#[derive(Debug, PartialEq)]
pub(crate) struct Content {
    columns: Vec<String>,
    rows: u64,
    sum: i128,
    least: i64,
    most: i64,
}

impl Content {
    pub(crate) fn of(file: &Path) -> Self {
        let builder = ParquetRecordBatchReaderBuilder::try_new(File::open(file).unwrap()).unwrap();
        let column = |field: &Field| format!("{} {:?}", field.name(), field.data_type());
        let columns = builder.schema().fields().iter().map(|field| column(field)).collect();
        let first = ProjectionMask::leaves(builder.parquet_schema(), [0]);
        let reader = builder.with_projection(first).build().unwrap();
        assert_eq!(reader.schema().field(0).name(), "id");
        let mut content = Self { columns, rows: 0, sum: 0, least: i64::MAX, most: i64::MIN };
        for batch in reader {
            for id in batch.unwrap().column(0).as_primitive::<Int64Type>().values() {
                content.rows += 1;
                content.sum += i128::from(*id);
                content.least = content.least.min(*id);
                content.most = content.most.max(*id);
            }
        }
        content
    }

    pub(crate) fn rows(&self) -> u64 {
        self.rows
    }
}
