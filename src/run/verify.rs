//! Proves what a job promises, from ledger, spool and output as they stand: no hole hidden, no row nobody decided.
//!
//! Invariant: it only reads. Nothing is repaired, swept or sent, so it may be run at any time nobody else works on the
//! job; the caller sees to that with [`crate::ledger::JobLock`]. The crash tests call the same function.

use std::collections::{HashMap, HashSet};
use std::path::{Component, Path, PathBuf};

use serde::Serialize;

use crate::decode::SAMPLES;
use crate::job::Job;
use crate::ledger::{CellRow, Ledger, LedgerError, Outcome, PartitionRow, PartitionState};
use crate::plan::{CellKey, Partition};
use crate::sink::Layout;
use crate::spool::has_generation;

use super::check_file::{Checked, Decided, check_file, earlier_stands};
use super::check_spool::check_spool;
use super::check_tree::check_tree;
use super::error::RunError;
use super::exit::Exit;
use super::finding::{Finding, FindingKind};
use super::folders::Folders;

/// What is looked at.
#[derive(Debug, Clone, Copy)]
pub struct Scope<'a> {
    /// Where state and output are.
    pub folders: &'a Folders,
    /// The job.
    pub job: &'a Job,
}

/// How closely it is looked at.
#[derive(Debug, Clone, Copy, Default)]
pub struct VerifyOptions<'a> {
    /// Read every byte of every file: digest and row groups, not length and footer alone.
    pub read_data: bool,
    /// The cells of the job as planned now; those that no run has planned yet are counted as left.
    pub planned: Option<&'a [CellKey]>,
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Verification {
    /// The job.
    pub job: String,
    /// Partitions in the ledger.
    pub partitions: u64,
    /// Where its cells stand.
    pub cells: CellTally,
    /// Visible files that are as decided.
    pub files: u64,
    /// Rows in them.
    pub rows: u64,
    /// Bytes in them.
    pub bytes: u64,
    /// What killed runs left behind and the next one sweeps: harmless.
    pub leftovers: Vec<String>,
    /// Folders with damaged pages that were set aside: nothing needs them any more.
    pub quarantined: Vec<String>,
    /// What does not hold; empty when all is well.
    pub findings: Vec<Finding>,
}

/// Where the cells of a job stand; `records`, `empty`, `rejected` and `left` make `total`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct CellTally {
    /// In all.
    pub total: u64,
    /// Ended with records.
    pub records: u64,
    /// Ended explicitly empty.
    pub empty: u64,
    /// Of them, those the provider may mean as "not yet".
    pub unconfirmed: u64,
    /// Rejected for good, listed and kept: no hole.
    pub rejected: u64,
    /// Still to be asked for, in whole or in part.
    pub left: u64,
    /// Of them, those that no run has planned yet.
    pub not_planned: u64,
}

impl CellTally {
    fn take(&mut self, outcome: Option<&Outcome>) {
        self.total += 1;
        match outcome {
            None => self.left += 1,
            Some(Outcome::Records) => self.records += 1,
            Some(Outcome::Empty { unconfirmed }) => {
                self.empty += 1;
                self.unconfirmed += u64::from(*unconfirmed);
            }
            Some(Outcome::Rejected { .. }) => self.rejected += 1,
        }
    }
}

impl Verification {
    /// [`Exit::Failed`] if anything does not hold. Rejected cells and cells that are left are accounted for.
    pub fn exit(&self) -> Exit {
        if self.findings.is_empty() { Exit::Done } else { Exit::Failed }
    }
}

/// Checks every invariant of the job over ledger, spool and output. Blocking; it takes no lock, opens files for reading
/// only and sends nothing.
///
/// # Errors
/// When the ledger does not answer. Whatever is wrong with a file or folder is a [`Finding`].
pub fn verify(scope: &Scope<'_>, ledger: &dyn Ledger, options: VerifyOptions<'_>) -> Result<Verification, RunError> {
    let name = scope.job.name.as_str();
    let rows = ledger.partitions(name)?;
    let mut check = Check {
        scope,
        options,
        token: ledger.token(name)?.unwrap_or(0),
        decided: HashMap::new(),
        members: HashSet::new(),
        rejecting: HashSet::new(),
        verification: Verification { job: name.to_owned(), partitions: rows.len() as u64, ..Verification::default() },
    };
    for row in &rows {
        let cells = ledger.cells(row.id)?;
        check.membership(row, &cells);
        check.ledger_row(row, &cells);
        if decision_due(row) && scope.job.records.explode.is_none() {
            check.records(ledger, row, &cells)?;
        }
        check.file(row, &standing(ledger, row, &cells)?);
        check.pages(row, &cells);
    }
    check.not_planned();
    let layout = Layout::new(&scope.folders.output, &scope.job.output.path);
    let Check { decided, rejecting, mut verification, .. } = check;
    check_tree(scope, &layout, &rows, &decided, &rejecting, &mut verification);
    Ok(verification)
}

fn decision_due(row: &PartitionRow) -> bool {
    matches!(row.state, PartitionState::Publishing | PartitionState::Committed)
}

/// The cells as the decision of `row` knows them: until a later generation is decided, that of the one before stands.
fn standing(ledger: &dyn Ledger, row: &PartitionRow, cells: &[CellRow]) -> Result<Vec<CellRow>, LedgerError> {
    let mut cells = cells.to_vec();
    if earlier_stands(row) {
        let before: HashMap<CellKey, CellRow> =
            ledger.retried(row.id)?.into_iter().map(|cell| (cell.key.clone(), cell)).collect();
        for cell in &mut cells {
            if let Some(was) = before.get(&cell.key) {
                cell.clone_from(was);
            }
        }
    }
    Ok(cells)
}

struct Check<'a> {
    scope: &'a Scope<'a>,
    options: VerifyOptions<'a>,
    /// The last token given out.
    token: u64,
    /// Files that may be visible, with the key of their partition.
    decided: HashMap<PathBuf, String>,
    members: HashSet<CellKey>,
    /// Hashes of partitions with cells that `--retry-failed` asks for again: their pages are kept after the commit.
    rejecting: HashSet<String>,
    verification: Verification,
}

impl Check<'_> {
    fn find(&mut self, kind: FindingKind, row: &PartitionRow, path: Option<&Path>, message: String) {
        self.verification.findings.push(Finding::new(kind, Some(&row.key), path, message));
    }

    /// Every cell stands in one partition; every cell of a sealed partition has ended.
    fn membership(&mut self, row: &PartitionRow, cells: &[CellRow]) {
        if row.cells != cells.len() as u64 {
            let message = format!("it was planned with {} cells, the ledger lists {}", row.cells, cells.len());
            self.find(FindingKind::Hole, row, None, message);
        }
        let twice: Vec<&CellKey> =
            cells.iter().map(|cell| &cell.key).filter(|key| !self.members.insert((*key).clone())).collect();
        for key in twice {
            self.find(FindingKind::Twice, row, None, format!("cell {key} stands in another partition as well"));
        }
        if row.state != PartitionState::Fetching {
            for cell in cells.iter().filter(|cell| cell.outcome.is_none()) {
                let message = format!("the partition is {}, but cell {} has no end", row.state.as_str(), cell.key);
                self.find(FindingKind::Hole, row, None, message);
            }
        }
        if !row.accepted && cells.iter().any(|cell| cell.outcome.as_ref().is_some_and(Outcome::asked_again)) {
            self.rejecting.insert(row.hash.clone());
        }
    }

    /// Tokens and decisions of the row itself.
    fn ledger_row(&mut self, row: &PartitionRow, cells: &[CellRow]) {
        if row.token > self.token {
            let message = format!("it was written under token {}, the last one given out is {}", row.token, self.token);
            self.find(FindingKind::Token, row, None, message);
        }
        let due = Partition { key: row.key.clone(), folders: Vec::new(), cells: Vec::new() };
        if row.hash != due.hash(self.scope.job.name.as_str()) {
            let message = format!("its hash is `{}`, which names another partition", row.hash);
            self.find(FindingKind::Decision, row, None, message);
        }
        let wrong = match (&row.file, &row.digest) {
            (Some(file), Some(digest)) if file.is_empty() != digest.is_empty() => {
                Some("its decision names a file without a digest, or a digest without a file")
            }
            (Some(file), Some(_)) if file.is_empty() && (row.rows, row.bytes) != (0, 0) => {
                Some("its decision has rows, but no file")
            }
            (Some(file), Some(_)) if !Path::new(file).components().all(|part| matches!(part, Component::Normal(_))) => {
                Some("its decision names a file outside the output folder")
            }
            (Some(_), Some(_)) if row.state == PartitionState::Fetching && row.cause.is_none() => {
                Some("a file was decided before its cells ended")
            }
            (Some(_), Some(_)) => None,
            (None, _) | (_, None) if decision_due(row) => Some("no file was decided"),
            (Some(_), None) | (None, Some(_)) => Some("half a decision"),
            (None, None) => None,
        };
        if let Some(wrong) = wrong {
            let message = format!("the partition is {} with {} cells: {wrong}", row.state.as_str(), cells.len());
            self.find(FindingKind::Decision, row, None, message);
        }
    }

    /// Decided rows are the records of the cells, less the rejected ones.
    fn records(&mut self, ledger: &dyn Ledger, row: &PartitionRow, cells: &[CellRow]) -> Result<(), LedgerError> {
        let with_records: HashMap<&CellKey, u64> = cells
            .iter()
            .filter(|cell| matches!(cell.outcome, Some(Outcome::Records)))
            .map(|cell| (&cell.key, cell.records))
            .collect();
        let received: u64 = with_records.values().sum();
        let noted = ledger.rejected(row.id)?;
        let rejected = noted.iter().filter(|record| with_records.contains_key(&record.cell)).count() as u64;
        let due = received.saturating_sub(rejected);
        // Beyond so many the ledger holds samples: the file may lack more, never fewer.
        let exact = noted.len() < SAMPLES;
        if row.rows == due || (!exact && row.rows < due) {
            return Ok(());
        }
        let message = format!(
            "{received} records were received and {rejected} of them rejected, so {due} rows are due, {} were decided",
            row.rows
        );
        self.find(FindingKind::Records, row, None, message);
        Ok(())
    }

    /// The file of the last decision, if there was one.
    fn file(&mut self, row: &PartitionRow, cells: &[CellRow]) {
        let Some(file) = row.file.as_deref().filter(|file| !file.is_empty()) else { return };
        let path = self.scope.folders.output.join(file);
        if let Some(other) = self.decided.insert(path.clone(), row.key.clone()) {
            let message = format!("partition `{other}` was decided to be the same file");
            self.find(FindingKind::Twice, row, Some(&path), message);
            return;
        }
        let decided = Decided {
            job: self.scope.job.name.as_str(),
            provider: &self.scope.job.provider,
            row,
            cells,
            read_data: self.options.read_data,
        };
        match check_file(&path, &decided) {
            // The row speaks of the new generation already, the old file stands until the rename.
            Checked::Older => {}
            Checked::Whole => {
                self.verification.files += 1;
                self.verification.rows += row.rows;
                self.verification.bytes += row.bytes;
            }
            Checked::Absent => {
                if row.state == PartitionState::Committed || earlier_stands(row) {
                    let message = format!("the file with {} rows is gone", row.rows);
                    self.find(FindingKind::Missing, row, Some(&path), message);
                }
            }
            Checked::Faulty((kind, message)) => self.find(kind, row, Some(&path), message),
        }
    }

    /// The spool of a partition whose pages are needed, and where that leaves its cells.
    fn pages(&mut self, row: &PartitionRow, cells: &[CellRow]) {
        let name = self.scope.job.name.as_str();
        let folder = self.scope.folders.spool(name, &row.hash);
        let kept = has_generation(&folder, row.generation).unwrap_or(true);
        // Without its pages a committed partition can only not be asked again: a run says so.
        let needed = row.state != PartitionState::Committed || (self.rejecting.contains(&row.hash) && kept);
        let archived = kept && self.options.read_data && !self.scope.job.archive.keep.is_zero();
        if !needed && !archived {
            cells.iter().for_each(|cell| self.verification.cells.take(cell.outcome.as_ref()));
            return;
        }
        let pages = check_spool(&folder, name, row, cells);
        for (kind, message) in pages.faults {
            match kind {
                // A run that was killed while it removed old pages leaves some of them.
                FindingKind::Lost if !needed => {
                    let leftover = folder.display().to_string();
                    if self.verification.leftovers.last() != Some(&leftover) {
                        self.verification.leftovers.push(leftover);
                    }
                }
                _ => self.find(kind, row, Some(&folder), message),
            }
        }
        if let Some(newest) = pages.newest_token.filter(|newest| *newest > self.token) {
            let message = format!("pages were kept under token {newest}, the last one given out is {}", self.token);
            self.find(FindingKind::Token, row, Some(&folder), message);
        }
        for cell in cells {
            // Until a partition is sealed its spool alone knows which cells ended.
            let outcome = match row.state {
                PartitionState::Fetching => cell.outcome.as_ref().or_else(|| pages.ended.get(&cell.key.id())),
                PartitionState::Sealed | PartitionState::Publishing | PartitionState::Committed => {
                    cell.outcome.as_ref()
                }
            };
            self.verification.cells.take(outcome);
        }
    }

    /// Cells of today's plan that stand in no partition yet.
    fn not_planned(&mut self) {
        let missing =
            self.options.planned.unwrap_or_default().iter().filter(|key| !self.members.contains(*key)).count() as u64;
        let tally = &mut self.verification.cells;
        tally.total += missing;
        tally.left += missing;
        tally.not_planned = missing;
    }
}
