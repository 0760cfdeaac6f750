//! Where files stand: Hive folders that every reader understands, and a staging folder on the same file system.
//!
//! Values are percent-encoded to letters, digits, `_`, `-` and inner dots, so that no value names a parent folder,
//! ends a path early or depends on a file system's idea of case or dots.

use std::fmt;
use std::path::{Path, PathBuf};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What Hive writes for null and for the empty string; readers turn it back into null.
const HIVE_NULL: &str = "__HIVE_DEFAULT_PARTITION__";

/// The staging folder below the output root; readers skip names that begin with `_`.
const STAGING: &str = "_staging";

/// Longest encoded value: with its key and `=` a folder name stays below the 255 bytes file systems allow.
const LONGEST: usize = 120;

const SAFE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'_').remove(b'-').remove(b'.');

/// The output root with the folder of one job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    root: PathBuf,
    dataset: PathBuf,
}

impl Layout {
    /// `output_path` is the job's folder below `root`, its parts joined by `/`.
    pub fn new(root: &Path, output_path: &str) -> Self {
        let parts = output_path.split('/').filter(|part| !matches!(*part, "" | "."));
        let dataset = parts.fold(root.to_owned(), |path, part| path.join(encode(part)));
        Self { root: root.to_owned(), dataset }
    }

    /// The output root.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The folder of the dataset.
    pub fn dataset(&self) -> &Path {
        &self.dataset
    }

    /// The visible file of a partition: `<dataset>/<key>=<value>/…/part-<hash>.parquet`; `hash` is
    /// [`crate::plan::Partition::hash`].
    pub fn target(&self, folders: &[(String, String)], hash: &str) -> PathBuf {
        let folder = folders.iter().fold(self.dataset.clone(), |path, (key, value)| {
            let value = if value.is_empty() { HIVE_NULL.to_owned() } else { encode(value) };
            path.join(format!("{}={value}", encode(key)))
        });
        folder.join(format!("part-{}.parquet", encode(hash)))
    }

    /// Where the file is written before it is decided.
    pub fn staging(&self, name: &StagingName) -> PathBuf {
        self.staging_dir().join(name.to_string())
    }

    /// The folder of all staging files of this root.
    pub fn staging_dir(&self) -> PathBuf {
        self.root.join(STAGING)
    }
}

/// Whose staging file it is: `<hash>.g<generation>.e<token>.parquet.tmp`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct StagingName {
    /// Hash of the partition, 16 hex digits.
    pub hash: String,
    /// Generation of the partition.
    pub generation: u64,
    /// Fencing token of the writer.
    pub token: u64,
}

impl StagingName {
    /// Reads a file name; `None` for files that are not ours.
    pub fn parse(name: &str) -> Option<Self> {
        let stem = name.strip_suffix(".parquet.tmp")?;
        let (hash, rest) = stem.split_once(".g")?;
        let (generation, token) = rest.split_once(".e")?;
        let parsed = Self { hash: hash.to_owned(), generation: generation.parse().ok()?, token: token.parse().ok()? };
        (parsed.to_string() == name && hash.bytes().all(|byte| byte.is_ascii_hexdigit())).then_some(parsed)
    }
}

impl fmt::Display for StagingName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.g{}.e{}.parquet.tmp", encode(&self.hash), self.generation, self.token)
    }
}

/// One folder or file name. Dots at either end are encoded too: they hide files or are dropped by some systems, and a
/// leading `_` would hide a folder of the dataset from its readers.
fn encode(text: &str) -> String {
    let mut encoded = utf8_percent_encode(text, SAFE).to_string();
    for (edge, code) in [('.', "%2E"), ('_', "%5F")] {
        if let Some(rest) = encoded.strip_prefix(edge) {
            encoded = format!("{code}{rest}");
        }
    }
    if let Some(rest) = encoded.strip_suffix('.') {
        encoded = format!("{rest}%2E");
    }
    if encoded.len() <= LONGEST {
        return encoded;
    }
    // A cut value alone could meet another one; the hash of the whole keeps them apart.
    let hash = blake3::hash(text.as_bytes()).to_hex();
    let mut cut = LONGEST - 17;
    while encoded[..cut].ends_with('%') || encoded[..cut - 1].ends_with('%') {
        cut -= 1;
    }
    format!("{}~{}", &encoded[..cut], &hash[..16])
}
