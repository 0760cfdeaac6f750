//! What a file remembers in its footer of what the ledger knew, so that a lost ledger can be rebuilt from files alone.
//! Pure; written when a file is encoded, read when a ledger is salvaged.

use serde::{Deserialize, Serialize};

use crate::ledger::{Outcome, RejectedRecord, SealedCell};
use crate::plan::{CellKey, Fingerprint};
use crate::sink::Footer;

/// Key of the footer's pair for the records that were left out.
pub(super) const REJECTED: &str = "tidemill.rejected";

/// The pair `tidemill.memory`; cells are in the order of `tidemill.cells`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Memory {
    /// Hash of the job's fingerprint.
    request: String,
    /// Records, pages and credits of each cell.
    counts: Vec<(u64, u32, u64)>,
    /// Position, code and message of each cell that was rejected.
    rejections: Vec<(usize, String, String)>,
}

/// What a footer tells of a partition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Remembered {
    /// The name of its job.
    pub(super) job: String,
    /// Its key.
    pub(super) partition: String,
    /// Its generation.
    pub(super) generation: u32,
    /// Schema of the dataset when it was written.
    pub(super) schema: String,
    /// Hash of the job's fingerprint when it was written.
    pub(super) request: String,
    /// Its cells, in plan order.
    pub(super) cells: Vec<SealedCell>,
    /// The records that were left out of it.
    pub(super) rejected: Vec<RejectedRecord>,
}

/// What the footer says of cells beside their keys and outcomes.
pub(super) fn write(fingerprint: &Fingerprint, cells: &[SealedCell]) -> String {
    let rejections = cells.iter().enumerate().filter_map(|(position, cell)| match &cell.outcome {
        Outcome::Rejected { code, message } => Some((position, code.clone(), message.clone())),
        Outcome::Records | Outcome::Empty { .. } => None,
    });
    let memory = Memory {
        request: fingerprint.hash(),
        counts: cells.iter().map(|cell| (cell.records, cell.pages, cell.credits)).collect(),
        rejections: rejections.collect(),
    };
    serde_json::to_string(&memory).unwrap_or_default()
}

/// The records that were left out of a file: position of the cell, page, place in it, path, reason.
pub(super) fn write_rejected(cells: &[SealedCell], rejected: &[RejectedRecord]) -> String {
    let position = |key: &CellKey| cells.iter().position(|cell| cell.key == *key).unwrap_or_default();
    let rows: Vec<_> = rejected
        .iter()
        .map(|record| (position(&record.cell), record.page, record.index, &record.path, &record.reason))
        .collect();
    serde_json::to_string(&rows).unwrap_or_default()
}

/// What a footer tells; `None` for one that is not ours, or not whole.
pub(super) fn read(footer: &Footer) -> Option<Remembered> {
    let pair = |name: &str| footer.pairs.get(&format!("tidemill.{name}")).cloned();
    let named: Vec<(String, String)> = serde_json::from_str(&pair("cells")?).ok()?;
    let memory: Memory = serde_json::from_str(&pair("memory")?).ok()?;
    if named.len() != memory.counts.len() {
        return None;
    }
    let mut cells = Vec::with_capacity(named.len());
    for (position, ((key, name), (records, pages, credits))) in named.into_iter().zip(memory.counts).enumerate() {
        let rejection = || memory.rejections.iter().find(|(at, ..)| *at == position);
        let outcome = Outcome::named(&name, || rejection().map(|(_, code, message)| (code.clone(), message.clone())))?;
        cells.push(SealedCell { key: CellKey(key.into()), outcome, records, pages, credits });
    }
    let rows: Vec<(usize, u32, u64, String, String)> =
        pair("rejected").map_or(Some(Vec::new()), |text| serde_json::from_str(&text).ok())?;
    let rejected = rows.into_iter().map(|(position, page, index, path, reason)| {
        let cell = cells.get(position)?.key.clone();
        Some(RejectedRecord { cell, page, index, path, reason })
    });
    Some(Remembered {
        job: pair("job")?,
        partition: pair("partition")?,
        generation: pair("generation")?.parse().ok()?,
        schema: pair("schema")?,
        request: memory.request,
        rejected: rejected.collect::<Option<_>>()?,
        cells,
    })
}
