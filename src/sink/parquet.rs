//! Writes one Parquet file to staging, hashing every byte on its way, and makes it durable.
//!
//! The bytes depend on nothing but batches, schema and lineage: `created_by` is pinned, there are no times, row groups are
//! cut by rows and size, and the first batch decides which columns have a dictionary.

use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{DEFAULT_WRITE_BATCH_SIZE, WriterProperties};
use parquet::schema::types::ColumnPath;

use super::dictionary;
use crate::disk::{self, DiskFile, Durability};

/// The form `name version x` is the one parquet readers parse to decide whether statistics can be trusted.
const CREATED_BY: &str =
    concat!("tidemill version ", env!("CARGO_PKG_VERSION_MAJOR"), ".", env!("CARGO_PKG_VERSION_MINOR"));

const GROUP_ROWS: usize = 256 * 1024;
const GROUP_BYTES: usize = 128 << 20;

/// After so many rows of a batch the writer looks whether a page is full. Who writes a batch in pieces of as many, or of a
/// multiple, changes no byte.
pub const PAGE_CHECK_ROWS: usize = DEFAULT_WRITE_BATCH_SIZE;

/// Rows that the writer is given at once. Of a decimal too wide for 64 bits it keeps all of them for the smallest and the
/// largest of each row group, until the file is closed: memory would grow with the file.
const PIECE_ROWS: usize = 4 * PAGE_CHECK_ROWS;

/// Bytes of a minimum or maximum kept in statistics.
const STATISTICS_BYTES: usize = 64;

/// Why a file could not be written.
#[derive(Debug, thiserror::Error)]
pub enum SinkError {
    /// The file system refused.
    #[error("cannot write `{path}`: {}", next_step(source))]
    Io {
        /// The staging file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The Parquet writer failed for a reason that is not the file system's.
    #[error("cannot encode `{path}`: please report this")]
    Parquet {
        /// The staging file.
        path: PathBuf,
        /// Why.
        source: ParquetError,
    },
    /// A partition without a single typed field: DuckDB cannot read a file without columns, nor any dataset with one.
    #[error("`{path}` would have no column: a partition without columns is committed without a file")]
    NoColumns {
        /// The staging file.
        path: PathBuf,
    },
    /// A published file cannot be opened.
    #[error("cannot open `{path}`: restore it from a copy")]
    Open {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A published file is no whole Parquet file.
    #[error("`{path}` is no whole Parquet file: restore it from a copy")]
    NotParquet {
        /// The file.
        path: PathBuf,
        /// Why.
        source: ParquetError,
    },
}

/// Where the records of a file come from; kept in its footer.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Lineage {
    /// Name of the job.
    pub job: String,
    /// Name of the provider.
    pub provider: String,
    /// Key of the partition.
    pub partition: String,
    /// Generation of the partition.
    pub generation: u64,
    /// The schema, as [`crate::decode::DatasetSchema::to_text`] writes it.
    pub schema: String,
    /// Each cell's key with its outcome (`records`, `empty`, `rejected` …), in plan order.
    pub cells: Vec<(Arc<str>, String)>,
    /// What else a lost ledger is rebuilt from, one line of JSON; nothing for readers.
    pub memory: String,
}

impl Lineage {
    /// The footer's key-value pairs, `tidemill.cells` as a JSON list of `[key, outcome]`.
    pub fn pairs(&self) -> Vec<(String, String)> {
        let cells: Vec<(&str, &str)> = self.cells.iter().map(|(key, outcome)| (&**key, &**outcome)).collect();
        // Pairs of text always are JSON.
        let cells = serde_json::to_string(&cells).unwrap_or_default();
        vec![
            ("tidemill.job".to_owned(), self.job.clone()),
            ("tidemill.provider".to_owned(), self.provider.clone()),
            ("tidemill.partition".to_owned(), self.partition.clone()),
            ("tidemill.generation".to_owned(), self.generation.to_string()),
            ("tidemill.schema".to_owned(), self.schema.clone()),
            ("tidemill.cells".to_owned(), cells),
            ("tidemill.memory".to_owned(), self.memory.clone()),
        ]
    }
}

/// What a finished file is known by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finished {
    /// BLAKE3 of its bytes, hex.
    pub digest: String,
    /// Rows in it.
    pub rows: u64,
    /// Its size.
    pub bytes: u64,
}

/// A staging file being written.
pub struct ParquetFile {
    path: PathBuf,
    writer: ArrowWriter<Hashed>,
    rows: u64,
}

impl ParquetFile {
    /// Begins `staging`, creating its folder, as suits `first`, the first batch, which is not written yet; a file left
    /// there by an earlier try of the same token is overwritten.
    pub fn create(staging: &Path, first: &RecordBatch) -> Result<Self, SinkError> {
        let schema = first.schema();
        if schema.fields().is_empty() {
            return Err(SinkError::NoColumns { path: staging.to_owned() });
        }
        let io = |source| SinkError::Io { path: staging.to_owned(), source };
        if let Some(folder) = staging.parent() {
            disk::create_folders(folder, Durability::Power).map_err(io)?;
        }
        let file = DiskFile::create(staging).map_err(io)?;
        let hashed = Hashed { file: BufWriter::with_capacity(1 << 20, file), hasher: blake3::Hasher::new(), bytes: 0 };
        let failed = |source| failure(staging, source);
        let properties = properties(first).map_err(failed)?;
        let writer = ArrowWriter::try_new(hashed, schema, Some(properties)).map_err(failed)?;
        Ok(Self { path: staging.to_owned(), writer, rows: 0 })
    }

    /// Adds the rows of `batch`.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<(), SinkError> {
        self.rows += batch.num_rows() as u64;
        let pieces = (0..batch.num_rows()).step_by(PIECE_ROWS);
        let mut pieces = pieces.map(|start| batch.slice(start, PIECE_ROWS.min(batch.num_rows() - start)));
        pieces.try_for_each(|piece| self.writer.write(&piece)).map_err(|source| failure(&self.path, source))
    }

    /// Adds a pair to the footer that is known only when all rows are written.
    pub fn note(&mut self, key: &str, value: String) {
        self.writer.append_key_value_metadata(KeyValue::new(key.to_owned(), value));
    }

    /// Takes the file away again.
    pub fn discard(self) -> Result<(), SinkError> {
        let Self { path, writer, .. } = self;
        drop(writer);
        disk::remove_file(&path).map_err(|source| SinkError::Io { path, source })
    }

    /// Writes the footer and makes file and folder entry durable.
    pub fn finish(mut self, lineage: &Lineage) -> Result<Finished, SinkError> {
        lineage.pairs().into_iter().for_each(|(key, value)| self.note(&key, value));
        let Self { path, writer, rows } = self;
        let hashed = writer.into_inner().map_err(|source| failure(&path, source))?;
        let Hashed { file, hasher, bytes } = hashed;
        let io = |source| SinkError::Io { path: path.clone(), source };
        let file = file.into_inner().map_err(|error| io(error.into_error()))?;
        file.sync_all().map_err(io)?;
        if let Some(folder) = path.parent() {
            disk::sync_folder(folder).map_err(io)?;
        }
        Ok(Finished { digest: hasher.finalize().to_hex().to_string(), rows, bytes })
    }
}

fn properties(first: &RecordBatch) -> Result<WriterProperties, ParquetError> {
    let mut builder = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(3)?))
        .set_created_by(CREATED_BY.to_owned())
        .set_max_row_group_row_count(Some(GROUP_ROWS))
        .set_max_row_group_bytes(Some(GROUP_BYTES))
        .set_column_index_truncate_length(Some(STATISTICS_BYTES))
        .set_statistics_truncate_length(Some(STATISTICS_BYTES));
    let schema = first.schema();
    for at in dictionary::without(first) {
        let path = ColumnPath::new(vec![schema.field(at).name().clone()]);
        builder = builder.set_column_dictionary_enabled(path, false);
    }
    Ok(builder.build())
}

/// Hashes what passes through.
struct Hashed {
    file: BufWriter<DiskFile>,
    hasher: blake3::Hasher,
    bytes: u64,
}

impl Write for Hashed {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let written = self.file.write(buffer)?;
        self.hasher.update(&buffer[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// The writer wraps the file system's errors in its own; the person is helped by the file system's.
fn failure(path: &Path, source: ParquetError) -> SinkError {
    let path = path.to_owned();
    match source {
        ParquetError::External(inner) => match inner.downcast::<io::Error>() {
            Ok(source) => SinkError::Io { path, source: *source },
            Err(inner) => SinkError::Parquet { path, source: ParquetError::External(inner) },
        },
        source => SinkError::Parquet { path, source },
    }
}

/// What helps against an error of the file system.
pub(super) fn next_step(error: &io::Error) -> &'static str {
    use io::ErrorKind as Kind;
    match error.kind() {
        Kind::StorageFull | Kind::QuotaExceeded => "free space and run again, nothing is lost",
        Kind::PermissionDenied | Kind::ReadOnlyFilesystem => "make the output folder writable and run again",
        Kind::CrossesDevices => "the output folder and its `_staging` must be on one file system",
        _ => "mend the output folder and run again, nothing is lost",
    }
}
