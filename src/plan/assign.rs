//! Which file a cell belongs to, decided once.
//!
//! Invariant: a cell that stands in a known partition is never assigned again, and every other one exactly once. What is
//! new to a folder that exists gets a file of its own beside the old one, so that nothing committed ever moves.

use std::collections::{HashMap, HashSet};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::job::{Job, Output, Problem, Problems};

use super::{Cell, CellKey, Partition};

/// What stays readable in a partition key; everything else would make two values look alike or end the folder part.
const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.');

/// A partition that the ledger holds already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownPartition {
    /// Its key.
    pub key: String,
    /// Its cells.
    pub cells: Vec<CellKey>,
}

/// The partitions that have to be added for `cells`, in plan order; none when all of them are known.
pub fn assign(cells: impl IntoIterator<Item = Cell>, known: &[KnownPartition], output: &Output) -> Vec<Partition> {
    let placed: HashSet<&str> = known.iter().flat_map(|partition| &partition.cells).map(|key| &*key.0).collect();
    let mut parts = next_parts(known);
    let mut partitions: Vec<Partition> = Vec::new();
    let mut open: HashMap<String, usize> = HashMap::new();
    let mut folder = String::new();
    let most = if output.partition_by.is_empty() { output.cells_per_file.max(1) as usize } else { usize::MAX };
    for cell in cells {
        if placed.contains(&*cell.key.0) {
            continue;
        }
        spell(&cell, &output.partition_by, &mut folder);
        match open.get(folder.as_str()) {
            Some(at) if partitions[*at].cells.len() < most => partitions[*at].cells.push(cell),
            Some(_) | None => {
                let part = parts.entry(folder.clone()).or_insert(0);
                let key = format!("{folder}#{part}");
                *part += 1;
                open.insert(folder.clone(), partitions.len());
                let folders = output.partition_by.iter().map(|axis| (axis.clone(), cell.folder(axis))).collect();
                partitions.push(Partition { key, folders, cells: vec![cell] });
            }
        }
    }
    partitions
}

/// The first free part number of each folder.
fn next_parts(known: &[KnownPartition]) -> HashMap<String, u64> {
    let mut parts = HashMap::new();
    for partition in known {
        let Some((folder, part)) = partition.key.rsplit_once('#') else { continue };
        let Ok(part) = part.parse::<u64>() else { continue };
        let next = parts.entry(folder.to_owned()).or_insert(0);
        *next = (*next).max(part + 1);
    }
    parts
}

/// Writes the folder of a cell, as keys of partitions spell it.
fn spell(cell: &Cell, axes: &[String], folder: &mut String) {
    folder.clear();
    for axis in axes {
        if !folder.is_empty() {
            folder.push('/');
        }
        folder.extend(utf8_percent_encode(axis, KEPT));
        folder.push('=');
        folder.extend(utf8_percent_encode(&cell.folder(axis), KEPT));
    }
}

/// The Hive folders that the key of a partition spells, outermost first: axis and value as text.
pub fn folders_of(key: &str) -> Vec<(String, String)> {
    let folder = key.rsplit_once('#').map_or(key, |(folder, _)| folder);
    let decode = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let parts = folder.split('/').filter_map(|part| part.split_once('='));
    parts.map(|(axis, value)| (decode(axis), decode(value))).collect()
}

/// What is wrong with these jobs side by side: two of one name, or two that write to one folder.
pub fn check_together(jobs: &[Job]) -> Problems {
    let mut problems = Problems::default();
    for (index, job) in jobs.iter().enumerate() {
        let before = &jobs[..index];
        if let Some(first) = before.iter().find(|other| other.name == job.name) {
            let message = format!("job name `{}` is taken by `{}`", job.name, first.file.display());
            problems.push(job.locate(Problem::new("/name", message).hint("give each job a name of its own")));
        } else if let Some(first) = before.iter().find(|other| other.output.path == job.output.path) {
            let message = format!("job `{}` writes to `{}` as well", first.name, job.output.path);
            let hint = "give each job an `output.path` of its own";
            problems.push(job.locate(Problem::new("/output/path", message).hint(hint)));
        }
    }
    problems
}
