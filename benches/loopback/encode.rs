//! Parquet of the bare loop, with the settings of `src/sink/parquet.rs`.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::Receiver;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;
use parquet::schema::types::ColumnPath;

/// The columns of these pages that hardly repeat: what `src/sink/dictionary.rs` finds out is known here.
const VARIED: [&str; 5] = ["id", "price", "at", "ratio", "volume"];

/// Writes all batches into `file`.
pub(crate) fn encode(file: &Path, schema: &SchemaRef, batches: Receiver<RecordBatch>) {
    let file = File::create(file).unwrap();
    let mut writer = ArrowWriter::try_new(file, Arc::clone(schema), Some(properties(schema))).unwrap();
    for batch in batches {
        writer.write(&batch).unwrap();
    }
    writer.close().unwrap();
}

fn properties(schema: &SchemaRef) -> WriterProperties {
    let mut builder = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(3).unwrap()))
        .set_max_row_group_row_count(Some(256 * 1024))
        .set_max_row_group_bytes(Some(128 << 20))
        .set_column_index_truncate_length(Some(64))
        .set_statistics_truncate_length(Some(64));
    for field in schema.fields().iter().filter(|field| VARIED.contains(&field.name().as_str())) {
        builder = builder.set_column_dictionary_enabled(ColumnPath::from(field.name().as_str()), false);
    }
    builder.build()
}
