//! Reads back what a published file says about itself.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use parquet::file::reader::{FileReader, SerializedFileReader};

use super::parquet::SinkError;

/// The footer of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Footer {
    /// Rows in the file.
    pub rows: u64,
    /// The `tidemill.*` pairs of [`super::Lineage::pairs`]; empty for a file that is not ours.
    pub pairs: BTreeMap<String, String>,
}

/// The footer of the Parquet file at `path`; a file that is cut short or no Parquet is an error.
pub fn footer(path: &Path) -> Result<Footer, SinkError> {
    let file = File::open(path).map_err(|source| SinkError::Open { path: path.to_owned(), source })?;
    let reader =
        SerializedFileReader::new(file).map_err(|source| SinkError::NotParquet { path: path.to_owned(), source })?;
    let metadata = reader.metadata().file_metadata();
    let pairs = metadata
        .key_value_metadata()
        .into_iter()
        .flatten()
        .filter(|pair| pair.key.starts_with("tidemill."))
        .map(|pair| (pair.key.clone(), pair.value.clone().unwrap_or_default()))
        .collect();
    Ok(Footer { rows: u64::try_from(metadata.num_rows()).unwrap_or_default(), pairs })
}
