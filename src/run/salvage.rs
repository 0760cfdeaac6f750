//! Rebuilds what a lost, damaged or outdated ledger no longer knows of a job, from the footers of its files and the heads
//! of its spool.
//!
//! Invariant: only what proves itself counts: a file at its own place whose footer names job, partition and every cell,
//! and pages whose head does. What was published is never asked for again, and what is paid for is used.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::decode::{DatasetSchema, widen};
use crate::disk;
use crate::job::Job;
use crate::ledger::{
    Decision, JobLock, Ledger, LedgerError, PartitionState, Published, Salvage, Salvaged, SqliteLedger,
};
use crate::plan::{self, CellKey, Fingerprint, Partition};
use crate::sink::{self, Layout};
use crate::spool::{self, Found};

use super::error::RunError;
use super::folders::Folders;
use super::members::from_key;
use super::memory::{self, Remembered};
use super::visible::visible;

/// Opens the ledger of `folders`; one that is damaged is moved aside, and the answer says so. What it knew is found again
/// job by job, when each is run.
///
/// # Errors
/// When it was written by a newer version or another program, when it cannot be used, or when another process works with
/// the damaged one.
pub fn open_ledger(folders: &Folders, now: Timestamp) -> Result<(SqliteLedger, Option<String>), RunError> {
    let path = folders.ledger();
    let found = match SqliteLedger::open(&path) {
        Ok(ledger) => return Ok((ledger, None)),
        Err(LedgerError::Damaged { found, .. }) => found,
        Err(error) => return Err(error.into()),
    };
    // Whoever has it open would go on writing to the file that was moved.
    let _alone = JobLock::acquire(&folders.state, ".ledger")?;
    let _jobs = JobLock::acquire_all(&folders.state)?;
    let aside = format!("ledger.db.damaged-{}", now.as_millisecond());
    for ending in ["-wal", "-shm", ""] {
        let (from, to) = (format!("ledger.db{ending}"), format!("{aside}{ending}"));
        match disk::rename(&folders.state.join(&from), &folders.state.join(&to)) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(source) => return Err(RunError::Aside { path: folders.state.join(from), source }),
        }
    }
    let aside = folders.state.join(aside);
    let note = format!(
        "the ledger `{}` is damaged ({found}); it was moved to `{}` and is rebuilt from files and pages",
        path.display(),
        aside.display()
    );
    Ok((SqliteLedger::open(&path)?, Some(note)))
}

/// Whether something of a job is kept here that the ledger has never heard of.
pub(super) fn is_lost(ledger: &dyn Ledger, folders: &Folders, job: &Job) -> Result<bool, RunError> {
    let name = job.name.as_str();
    if ledger.token(name)?.is_some() {
        return Ok(false);
    }
    if !spool::found(&folders.spool(name, ""), |_| true)?.is_empty() {
        return Ok(true);
    }
    let layout = Layout::new(&folders.output, &job.output.path);
    let files = visible(layout.dataset(), &layout.staging_dir()).files;
    Ok(files.iter().any(|path| remembered(path, name).is_some()))
}

/// What was found of a job that its ledger does not know.
pub(super) struct Rebuilt {
    /// For the ledger.
    pub(super) salvaged: Salvaged,
    /// What to tell a person.
    pub(super) note: String,
}

/// Looks for files and pages of a job that `ledger` does not know; `None` when there are none. Blocking; the caller holds
/// the job's lock.
pub(super) fn salvage(
    ledger: &dyn Ledger,
    folders: &Folders,
    job: &Job,
    fingerprint: &Fingerprint,
) -> Result<Option<Rebuilt>, RunError> {
    let name = job.name.as_str();
    let rows = ledger.partitions(name)?;
    let layout = Layout::new(&folders.output, &job.output.path);
    let decided: HashSet<PathBuf> = rows
        .iter()
        .filter(|row| row.digest.is_some())
        .filter_map(|row| Some(folders.output.join(row.file.as_ref()?)))
        .collect();
    let strange = visible(layout.dataset(), &layout.staging_dir()).files.into_iter();
    let strange: Vec<PathBuf> = strange.filter(|path| !decided.contains(path)).collect();
    let hashes: HashSet<&str> = rows.iter().map(|row| row.hash.as_str()).collect();
    let pages = spool::found(&folders.spool(name, ""), |hash| !hashes.contains(hash))?;
    if strange.is_empty() && pages.is_empty() {
        return Ok(None);
    }
    let members = ledger.known(name)?;
    let open: HashSet<&str> = rows
        .iter()
        .filter(|row| row.state == PartitionState::Fetching && row.digest.is_none())
        .map(|row| row.key.as_str())
        .collect();
    let known: HashMap<&str, &[CellKey]> =
        members.iter().map(|known| (known.key.as_str(), known.cells.as_slice())).collect();
    let placed: HashMap<&CellKey, &str> =
        members.iter().flat_map(|known| known.cells.iter().map(|cell| (cell, known.key.as_str()))).collect();

    let mut gathered = Gathered::default();
    for path in strange {
        let Some(footer) = remembered(&path, name) else { continue };
        let key = footer.partition.as_str();
        let same = known
            .get(key)
            .is_none_or(|cells| open.contains(key) && cells.iter().eq(footer.cells.iter().map(|cell| &cell.key)));
        if same && footer.cells.iter().all(|cell| placed.get(&cell.key).is_none_or(|place| *place == key)) {
            gathered.file(&layout, folders, path, footer, name)?;
        }
    }
    gathered.pages(pages, name, &placed);
    Ok(gathered.rebuilt(fingerprint, ledger.schema(name)?.is_some()))
}

/// What the footer of a file of this job tells.
fn remembered(path: &Path, job: &str) -> Option<Remembered> {
    memory::read(&sink::footer(path).ok()?).filter(|footer| footer.job == job)
}

/// The finds so far.
#[derive(Default)]
struct Gathered {
    partitions: Vec<Salvage>,
    cells: HashSet<CellKey>,
    schemas: Vec<DatasetSchema>,
    requests: HashSet<String>,
    files: usize,
    rows: u64,
    token: u64,
}

impl Gathered {
    /// A file that no partition of the ledger was decided to be.
    fn file(
        &mut self,
        layout: &Layout,
        folders: &Folders,
        path: PathBuf,
        footer: Remembered,
        job: &str,
    ) -> Result<(), RunError> {
        let partition = partition(&footer.partition, footer.cells.iter().map(|cell| &cell.key));
        // A copy that lies elsewhere is no file of ours, and two files of one cell would count it twice.
        if layout.target(&partition.folders, &partition.hash(job)) != path
            || footer.cells.iter().any(|cell| self.cells.contains(&cell.key))
        {
            return Ok(());
        }
        let (Some(digest), Ok(meta)) = (sink::digest(&path)?, fs::metadata(&path)) else { return Ok(()) };
        let rows = sink::footer(&path).map_or(0, |footer| footer.rows);
        let committed = meta.modified().ok().and_then(|at| Timestamp::try_from(at).ok());
        let file = path.strip_prefix(&folders.output).unwrap_or(&path).display().to_string();
        self.cells.extend(footer.cells.iter().map(|cell| cell.key.clone()));
        self.schemas.extend(DatasetSchema::from_text(&footer.schema).ok());
        self.requests.insert(footer.request);
        (self.files, self.rows) = (self.files + 1, self.rows + rows);
        self.partitions.push(Salvage {
            partition,
            generation: footer.generation,
            published: Some(Published {
                decision: Decision { digest, rows, bytes: meta.len(), file },
                cells: footer.cells,
                rejected: footer.rejected,
                committed: committed.unwrap_or(Timestamp::UNIX_EPOCH),
            }),
        });
        Ok(())
    }

    /// Pages of partitions that the ledger does not know.
    fn pages(&mut self, found: Vec<Found>, job: &str, placed: &HashMap<&CellKey, &str>) {
        for Found { hash, head, members, token } in found {
            self.token = self.token.max(token);
            let (Some(head), Some(members)) = (head, members) else { continue };
            let partition = partition(&head.partition, members.iter());
            let taken = members.iter().any(|key| placed.contains_key(key) || self.cells.contains(key));
            if head.job != job || partition.hash(job) != hash || taken {
                continue;
            }
            self.cells.extend(members);
            self.partitions.push(Salvage { partition, generation: head.generation, published: None });
        }
    }

    fn rebuilt(mut self, fingerprint: &Fingerprint, has_schema: bool) -> Option<Rebuilt> {
        if self.partitions.is_empty() {
            return None;
        }
        self.partitions.sort_by_cached_key(|one| order(&one.partition.key));
        let note = format!(
            "the ledger did not know all that is kept of this job: it was rebuilt from {} with {} rows and from the pages of \
             {} unfinished partitions; nothing of that is asked for again",
            if self.files == 1 { "1 file".to_owned() } else { format!("{} files", self.files) },
            self.rows,
            self.partitions.len() - self.files
        );
        let asked_as_now = self.requests.iter().all(|request| *request == fingerprint.hash());
        let salvaged = Salvaged {
            token: self.token,
            fingerprint: match self.requests.into_iter().find(|request| *request != fingerprint.hash()) {
                None if asked_as_now => Some(fingerprint.0.clone()),
                other => other,
            },
            schema: if has_schema { None } else { merged(self.schemas).map(|schema| schema.to_text()) },
            partitions: self.partitions,
        };
        Some(Rebuilt { salvaged, note })
    }
}

/// A partition by its key alone.
fn partition<'a>(key: &str, cells: impl Iterator<Item = &'a CellKey>) -> Partition {
    Partition { key: key.to_owned(), folders: plan::folders_of(key), cells: cells.map(from_key).collect() }
}

/// Folder, then number: the order of planning, as far as a key shows it.
fn order(key: &str) -> (String, u64) {
    let (folder, part) = key.rsplit_once('#').unwrap_or((key, "0"));
    (folder.to_owned(), part.parse().unwrap_or(u64::MAX))
}

/// The schema that all of them can be read with: each was the dataset's once, and it only widens.
fn merged(mut schemas: Vec<DatasetSchema>) -> Option<DatasetSchema> {
    schemas.sort_by_key(|schema| std::cmp::Reverse(schema.columns.len()));
    schemas.into_iter().reduce(|mut all, one| {
        for (name, column) in one.columns {
            match all.columns.iter_mut().find(|(known, _)| *known == name) {
                Some((_, known)) => *known = widen(known, &column).column,
                None => all.columns.push((name, column)),
            }
        }
        all
    })
}
