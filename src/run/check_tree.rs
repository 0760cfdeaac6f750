//! Whether anything stands in output, staging or spool that the ledger does not know.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use crate::ledger::{PartitionRow, PartitionState};
use crate::plan::Partition;
use crate::sink::{self, Layout, StagingName};
use crate::spool::generation_of;

use super::finding::{Finding, FindingKind};
use super::memory;
use super::verify::{Scope, Verification};
use super::visible::visible;

/// Looks through the dataset's folder, the staging folder and the job's spool. `decided` are the files that may be
/// visible; `rejecting` the hashes of partitions whose pages are kept after the commit.
pub(super) fn check_tree(
    scope: &Scope<'_>,
    layout: &Layout,
    rows: &[PartitionRow],
    decided: &HashMap<PathBuf, String>,
    rejecting: &HashSet<String>,
    verification: &mut Verification,
) {
    output(layout, (scope.job.name.as_str(), rows), decided, verification);
    let by_hash: HashMap<&str, &PartitionRow> = rows.iter().map(|row| (row.hash.as_str(), row)).collect();
    for path in names(&layout.staging_dir()) {
        let name = path.file_name().and_then(|name| name.to_str()).and_then(StagingName::parse);
        // Jobs share the folder.
        if name.is_some_and(|name| by_hash.contains_key(name.hash.as_str())) {
            verification.leftovers.push(path.display().to_string());
        }
    }
    for path in names(&scope.folders.quarantine(scope.job.name.as_str(), "")) {
        verification.quarantined.push(path.display().to_string());
    }
    for path in names(&scope.folders.spool(scope.job.name.as_str(), "")) {
        let hash = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        match by_hash.get(hash) {
            Some(row)
                if row.state == PartitionState::Committed
                    && !rejecting.contains(hash)
                    && scope.job.archive.keep.is_zero() =>
            {
                verification.leftovers.push(path.display().to_string());
            }
            Some(row) if row.state == PartitionState::Committed => {
                let others = names(&path).into_iter().filter(|path| generation_of(path) != Some(row.generation));
                verification.leftovers.extend(others.map(|path| path.display().to_string()));
            }
            Some(_) => {}
            None if holds_pages(&path) => {
                let message = "it holds pages of a partition that the ledger does not know".to_owned();
                verification.findings.push(Finding::new(FindingKind::Unowned, None, Some(&path), message));
            }
            None => {}
        }
    }
}

fn output(
    layout: &Layout,
    (job, rows): (&str, &[PartitionRow]),
    decided: &HashMap<PathBuf, String>,
    verification: &mut Verification,
) {
    let found = visible(layout.dataset(), &layout.staging_dir());
    let mut find = |kind, path: &Path, message| {
        verification.findings.push(Finding::new(kind, None, Some(path), message));
    };
    let targets: HashMap<PathBuf, &PartitionRow> =
        rows.iter().map(|row| (layout.target(&row.folders, &row.hash), row)).collect();
    for path in found.files.iter().filter(|path| !decided.contains_key(*path)) {
        let replacing = |row: &&&PartitionRow| row.state == PartitionState::Publishing && row.cause.is_some();
        // Decided to be gone, and the run that was to remove it was killed.
        if targets.get(path).filter(replacing).is_some() {
            verification.leftovers.push(path.display().to_string());
            continue;
        }
        let (kind, origin) = origin(path, job);
        let message = match targets.get(path) {
            Some(row) => {
                format!("partition `{}` is {}, and no file was decided; {origin}", row.key, row.state.as_str())
            }
            None => format!("no partition was decided to be this file; {origin}"),
        };
        find(kind, path, message);
    }
    for path in &found.links {
        find(FindingKind::Stray, path, "a link to another folder, nothing is published through one".to_owned());
    }
    for path in &found.temporary {
        find(FindingKind::Temporary, path, "an unfinished file outside the staging folder".to_owned());
    }
    for (path, error) in &found.closed {
        find(FindingKind::Unreadable, path, format!("the folder cannot be listed: {error}"));
    }
}

/// Who wrote a file, as far as it says; one that `job` wrote where it stands was not put there by anybody else.
fn origin(path: &Path, job: &str) -> (FindingKind, String) {
    let Ok(footer) = sink::footer(path) else {
        return (FindingKind::Stray, "it is no whole Parquet file".to_owned());
    };
    let Some(remembered) = memory::read(&footer) else {
        return (FindingKind::Stray, "its footer does not name tidemill".to_owned());
    };
    let hash = Partition { key: remembered.partition.clone(), folders: Vec::new(), cells: Vec::new() }.hash(job);
    let own = remembered.job == job && path.file_stem().is_some_and(|stem| stem == format!("part-{hash}").as_str());
    let kind = if own { FindingKind::Forgotten } else { FindingKind::Stray };
    (kind, format!("its footer names job `{}`, partition `{}`", remembered.job, remembered.partition))
}

/// What is in `folder`, sorted; nothing if it cannot be listed, then a run says why.
fn names(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten();
    let mut names: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    names.sort();
    names
}

fn holds_pages(folder: &Path) -> bool {
    names(folder)
        .iter()
        .any(|path| path.file_name().and_then(|name| name.to_str()).is_some_and(|name| name.contains(".pgs")))
}
