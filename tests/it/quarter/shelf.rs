//! The visible files of one job, held against what the provider has: whole cells only, no record twice, nothing lost.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use tidemill::job::Job;
use tidemill::plan::{self, CellKey};
use tidemill::provider::Provider;

use super::super::run::parquet::{files, read};
use super::super::run::world::Oracle;

/// What is known of one job's output.
pub(crate) struct Shelf {
    zone: TimeZone,
    oracle: Oracle,
    /// Rows of every cell that was ever planned.
    cells: BTreeMap<Arc<str>, usize>,
    /// Whose row it is: no two rows of a quarter are alike.
    owners: HashMap<String, Arc<str>>,
    files: BTreeMap<PathBuf, File>,
}

/// A file as it was last read.
struct File {
    len: u64,
    modified: SystemTime,
    cells: BTreeSet<String>,
    rows: u64,
}

impl Shelf {
    pub(crate) fn new(provider: &Provider, seed: u64, now: Timestamp) -> Self {
        Self {
            zone: provider.zone.clone(),
            oracle: Oracle::new(provider, seed, now),
            cells: BTreeMap::new(),
            owners: HashMap::new(),
            files: BTreeMap::new(),
        }
    }

    /// The cells of `job` at `now`; what is new among them is asked of the provider.
    pub(crate) fn plan(&mut self, job: &Job, now: Timestamp) -> Vec<CellKey> {
        let planned = plan::cells(job, now, &self.zone).unwrap();
        for cell in &planned {
            if self.cells.contains_key(&cell.key.0) {
                continue;
            }
            let rows = self.oracle.rows(job, &cell);
            self.cells.insert(cell.key.0.clone(), rows.len());
            for row in rows {
                let other = self.owners.insert(row, cell.key.0.clone());
                assert_eq!(other, None, "two rows of the world are alike");
            }
        }
        planned.into_iter().map(|cell| cell.key).collect()
    }

    /// Reads what is new or changed below `folder`.
    pub(crate) fn look(&mut self, folder: &Path) -> Result<(), String> {
        let found = files(folder);
        if let Some(gone) = self.files.keys().find(|path| found.binary_search(path).is_err()) {
            return Err(format!("{} is gone", gone.display()));
        }
        for path in found {
            let about = path.metadata().unwrap();
            let (len, modified) = (about.len(), about.modified().unwrap());
            let before = self.files.get(&path);
            if before.is_some_and(|file| (file.len, file.modified) == (len, modified)) {
                continue;
            }
            let (cells, rows) = self.read(&path)?;
            if let Some(lost) = before.and_then(|before| before.cells.difference(&cells).next()) {
                return Err(format!("{} held cell {lost} before", path.display()));
            }
            self.files.insert(path, File { len, modified, cells, rows });
        }
        let mut homes = HashMap::new();
        for (path, cell) in self.files.iter().flat_map(|(path, file)| file.cells.iter().map(move |cell| (path, cell))) {
            if let Some(other) = homes.insert(cell, path) {
                return Err(format!("cell {cell} is both in {} and in {}", other.display(), path.display()));
            }
        }
        Ok(())
    }

    /// The cells in a file, each of them whole, and its rows.
    fn read(&self, path: &Path) -> Result<(BTreeSet<String>, u64), String> {
        let rows = read(path);
        let mut held: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for row in &rows {
            let Some(owner) = self.owners.get(row) else {
                return Err(format!("{} holds a row nobody sent: {row}", path.display()));
            };
            if !held.entry(owner).or_default().insert(row) {
                return Err(format!("{} holds a row twice: {row}", path.display()));
            }
        }
        for (cell, rows) in &held {
            let due = self.cells[*cell];
            if rows.len() != due {
                return Err(format!("{} holds {} of the {due} rows of cell {cell}", path.display(), rows.len()));
            }
        }
        Ok((held.into_keys().map(str::to_owned).collect(), rows.len() as u64))
    }

    /// Files and rows that are visible.
    pub(crate) fn count(&self) -> (u64, u64) {
        (self.files.len() as u64, self.files.values().map(|file| file.rows).sum())
    }

    /// Rows that a cell has at the provider.
    pub(crate) fn rows_of(&self, cell: &CellKey) -> usize {
        self.cells[&cell.0]
    }

    /// Of `cells`, those that have rows but are not visible.
    pub(crate) fn missing<'a>(&self, cells: &'a [CellKey]) -> Vec<&'a str> {
        let visible: BTreeSet<&str> = self.files.values().flat_map(|file| &file.cells).map(String::as_str).collect();
        let missing = |key: &&CellKey| self.rows_of(key) > 0 && !visible.contains(&*key.0);
        cells.iter().filter(missing).map(|key| &*key.0).collect()
    }
}
