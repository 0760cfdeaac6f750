//! The ledger in memory: the plain statement of what the others must do, and the one for tests without a disk.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::time::Duration;

use jiff::Timestamp;

use crate::plan::{CellId, KnownPartition, Learned, Partition};

use super::error::LedgerError;
use super::ledger::{Ledger, again_positions, found_once, positions};
use super::model_kept::Kept;
use super::row::{
    CellRow, Claim, Decision, Outcome, PartitionId, PartitionRow, PartitionState, Published, RUNS_KEPT, RejectedRecord,
    Rejection, Reopening, RunRow, Salvaged, SealedCell, Totals,
};

/// Keeps everything in memory.
#[derive(Debug, Clone, Default)]
pub struct ModelLedger {
    jobs: HashMap<String, Job>,
    /// By number, from 1.
    partitions: BTreeMap<PartitionId, Kept>,
    /// The last one first.
    runs: HashMap<String, Vec<RunRow>>,
}

#[derive(Debug, Clone, Default)]
struct Job {
    token: u64,
    claimed: Option<Timestamp>,
    fingerprint: Option<String>,
    schema: Option<String>,
    cells: HashSet<CellId>,
    learned: Learned,
}

impl Job {
    /// Asks this from now on; what was learned of another question is forgotten.
    fn ask(&mut self, fingerprint: &str) {
        if self.fingerprint.as_deref() != Some(fingerprint) {
            self.learned = Learned::default();
            self.fingerprint = Some(fingerprint.to_owned());
        }
    }
}

impl ModelLedger {
    /// An empty ledger.
    pub fn new() -> Self {
        Self::default()
    }

    fn job(&mut self, job: &str, token: u64) -> Result<&mut Job, LedgerError> {
        let known = self.jobs.get_mut(job).ok_or_else(|| LedgerError::UnknownJob(job.to_owned()))?;
        if token < known.token {
            return Err(LedgerError::Fenced { job: job.to_owned(), token, current: known.token });
        }
        Ok(known)
    }

    fn partition(&mut self, id: PartitionId, token: u64) -> Result<&mut Kept, LedgerError> {
        let job = self.partitions.get(&id).ok_or(LedgerError::UnknownPartition(id))?.job.clone();
        self.job(&job, token)?;
        self.partitions.get_mut(&id).ok_or(LedgerError::UnknownPartition(id))
    }

    fn of<'a>(&'a self, job: &'a str) -> impl Iterator<Item = &'a Kept> {
        self.partitions.values().filter(move |kept| kept.job == job)
    }

    fn kept(&self, id: PartitionId) -> Result<&Kept, LedgerError> {
        self.partitions.get(&id).ok_or(LedgerError::UnknownPartition(id))
    }
}

impl Ledger for ModelLedger {
    fn claim(&mut self, job: &str, now: Timestamp) -> Result<Claim, LedgerError> {
        let answered =
            self.of(job).filter(|kept| kept.row.state != PartitionState::Fetching || kept.row.generation > 1);
        let committed_cells = answered.map(|kept| kept.row.cells).sum();
        let known = self.jobs.entry(job.to_owned()).or_default();
        known.token += 1;
        known.claimed = Some(now);
        Ok(Claim { token: known.token, known_fingerprint: known.fingerprint.clone(), committed_cells })
    }

    fn adopt(&mut self, job: &str, token: u64, fingerprint: &str) -> Result<(), LedgerError> {
        self.job(job, token)?.ask(fingerprint);
        Ok(())
    }

    fn add(&mut self, job: &str, token: u64, partitions: &[Partition]) -> Result<(), LedgerError> {
        let mut cells = self.job(job, token)?.cells.clone();
        let mut fresh: Vec<Kept> = Vec::new();
        for partition in partitions {
            let wrong =
                |what: &str| LedgerError::Membership { partition: partition.key.clone(), what: what.to_owned() };
            if let Some(known) = self.of(job).chain(&fresh).find(|kept| kept.row.key == partition.key) {
                if !known.cells.iter().map(|cell| &cell.key).eq(partition.cells.iter().map(|cell| &cell.key)) {
                    return Err(wrong("it is known with others"));
                }
                continue;
            }
            if !partition.cells.iter().all(|cell| cells.insert(cell.key.id())) {
                return Err(wrong("a cell is planned twice"));
            }
            let id = PartitionId((self.partitions.len() + fresh.len() + 1).cast_signed() as i64);
            fresh.push(Kept::new(job, id, token, partition));
        }
        self.partitions.extend(fresh.into_iter().map(|kept| (kept.row.id, kept)));
        self.job(job, token)?.cells = cells;
        Ok(())
    }

    fn partitions(&self, job: &str) -> Result<Vec<PartitionRow>, LedgerError> {
        Ok(self.of(job).map(|kept| kept.row.clone()).collect())
    }

    fn cells(&self, partition: PartitionId) -> Result<Vec<CellRow>, LedgerError> {
        Ok(self.kept(partition)?.cells.clone())
    }

    fn known(&self, job: &str) -> Result<Vec<KnownPartition>, LedgerError> {
        let known = |kept: &Kept| KnownPartition {
            key: kept.row.key.clone(),
            cells: kept.cells.iter().map(|cell| cell.key.clone()).collect(),
        };
        Ok(self.of(job).map(known).collect())
    }

    fn seal(
        &mut self,
        partition: PartitionId,
        token: u64,
        cells: &[SealedCell],
        rejected: &[RejectedRecord],
    ) -> Result<(), LedgerError> {
        let kept = self.partition(partition, token)?;
        if kept.row.state == PartitionState::Committed {
            return Err(kept.out_of_order());
        }
        let members = kept.members();
        let (at, _) = positions(&members, &kept.row.key, cells, rejected)?;
        for (cell, position) in cells.iter().zip(at) {
            kept.cells[position] = CellRow {
                key: cell.key.clone(),
                outcome: Some(cell.outcome.clone()),
                records: cell.records,
                pages: cell.pages,
                credits: cell.credits,
            };
        }
        kept.rejected = rejected.to_vec();
        kept.row.state = PartitionState::Sealed;
        kept.row.token = token;
        Ok(())
    }

    fn rejected(&self, partition: PartitionId) -> Result<Vec<RejectedRecord>, LedgerError> {
        Ok(self.kept(partition)?.rejected.clone())
    }

    fn decide(&mut self, partition: PartitionId, token: u64, decision: &Decision) -> Result<bool, LedgerError> {
        let row = &mut self.partition(partition, token)?.row;
        if row.state != PartitionState::Sealed || row.token > token {
            return Ok(false);
        }
        row.state = PartitionState::Publishing;
        row.token = token;
        row.file = Some(decision.file.clone());
        row.digest = Some(decision.digest.clone());
        row.rows = decision.rows;
        row.bytes = decision.bytes;
        Ok(true)
    }

    fn commit(&mut self, partition: PartitionId, token: u64, now: Timestamp) -> Result<(), LedgerError> {
        let kept = self.partition(partition, token)?;
        if kept.row.state != PartitionState::Publishing {
            return Err(kept.out_of_order());
        }
        kept.row.accepted = kept.stays_accepted();
        kept.row.state = PartitionState::Committed;
        kept.row.token = token;
        kept.row.cause = None;
        kept.row.committed = Some(now);
        kept.retried.clear();
        Ok(())
    }

    fn reopen(&mut self, job: &str, token: u64, what: &Reopening) -> Result<(), LedgerError> {
        self.job(job, token)?;
        let mut at = Vec::new();
        for (index, (id, again)) in what.partitions.iter().enumerate() {
            let kept = self.of(job).find(|kept| kept.row.id == *id).ok_or(LedgerError::UnknownPartition(*id))?;
            if kept.row.state != PartitionState::Committed {
                return Err(kept.out_of_order());
            }
            if what.partitions[..index].iter().any(|(other, _)| other == id) {
                return Err(LedgerError::State { partition: kept.row.key.clone(), state: PartitionState::Fetching });
            }
            at.push(again_positions(&kept.members(), &kept.row.key, what.cause, again)?);
        }
        for ((id, _), at) in what.partitions.iter().zip(at) {
            self.partition(*id, token)?.reopen(token, what.cause, &at);
        }
        let known = self.job(job, token)?;
        if let Some(fingerprint) = &what.fingerprint {
            known.ask(fingerprint);
        }
        known.schema = what.schema.clone().or(known.schema.take());
        Ok(())
    }

    fn restore(&mut self, partition: PartitionId, token: u64) -> Result<(), LedgerError> {
        let kept = self.partition(partition, token)?;
        if kept.row.state != PartitionState::Fetching || kept.row.cause.is_none() {
            return Err(kept.out_of_order());
        }
        for (position, cell) in std::mem::take(&mut kept.retried) {
            kept.cells[position] = cell;
        }
        kept.row.state = PartitionState::Committed;
        kept.row.generation -= 1;
        kept.row.cause = None;
        kept.row.token = token;
        Ok(())
    }

    fn unseal(&mut self, partition: PartitionId, token: u64) -> Result<(), LedgerError> {
        let kept = self.partition(partition, token)?;
        let first = kept.row.cause.is_none();
        match kept.row.state {
            PartitionState::Sealed => {}
            PartitionState::Publishing if first => {}
            PartitionState::Fetching | PartitionState::Publishing | PartitionState::Committed => {
                return Err(kept.out_of_order());
            }
        }
        for (position, cell) in kept.cells.iter_mut().enumerate() {
            if first || kept.retried.iter().any(|(again, _)| *again == position) {
                *cell = Kept::planned(&cell.key);
            }
        }
        if first {
            (kept.row.file, kept.row.digest, kept.row.rows, kept.row.bytes) = (None, None, 0, 0);
            kept.rejected.clear();
        }
        kept.row.state = PartitionState::Fetching;
        kept.row.token = token;
        Ok(())
    }

    fn accept(&mut self, job: &str, token: u64) -> Result<u64, LedgerError> {
        self.job(job, token)?;
        let mut accepted = 0;
        let committed = |kept: &&mut Kept| kept.job == job && kept.row.state == PartitionState::Committed;
        for kept in self.partitions.values_mut().filter(committed).filter(|kept| !kept.row.accepted) {
            let count = kept.acceptable();
            kept.row.accepted = count > 0;
            accepted += count;
        }
        Ok(accepted)
    }

    fn retryable(&self, job: &str) -> Result<Vec<PartitionId>, LedgerError> {
        let again = |cell: &CellRow| cell.outcome.as_ref().is_some_and(Outcome::asked_again);
        let retryable = |kept: &&Kept| {
            kept.row.state == PartitionState::Committed && !kept.row.accepted && kept.cells.iter().any(again)
        };
        Ok(self.of(job).filter(retryable).map(|kept| kept.row.id).collect())
    }

    fn salvage(&mut self, job: &str, found: &Salvaged, now: Timestamp) -> Result<(), LedgerError> {
        found_once(found)?;
        let mut after = self.clone();
        let known = after.jobs.entry(job.to_owned()).or_default();
        known.token = known.token.max(found.token).max(1);
        known.claimed.get_or_insert(now);
        known.fingerprint = known.fingerprint.take().or(found.fingerprint.clone());
        known.schema = known.schema.take().or(found.schema.clone());
        let token = known.token;
        for one in &found.partitions {
            let place = |kept: &&Kept| kept.row.key == one.partition.key;
            let open = |kept: &Kept| kept.row.state == PartitionState::Fetching && kept.row.generation == 1;
            if after.of(job).find(place).is_some_and(|kept| !open(kept)) {
                continue;
            }
            after.add(job, token, std::slice::from_ref(&one.partition))?;
            let Some(id) = after.of(job).find(place).map(|kept| kept.row.id) else { continue };
            let kept = after.partition(id, token)?;
            kept.row.generation = one.generation;
            if let Some(Published { decision, cells, rejected, committed }) = &one.published {
                after.seal(id, token, cells, rejected)?;
                after.decide(id, token, decision)?;
                after.commit(id, token, *committed)?;
            }
        }
        *self = after;
        Ok(())
    }

    fn retried(&self, partition: PartitionId) -> Result<Vec<CellRow>, LedgerError> {
        Ok(self.kept(partition)?.retried.iter().map(|(_, cell)| cell.clone()).collect())
    }

    fn schema(&self, job: &str) -> Result<Option<String>, LedgerError> {
        Ok(self.jobs.get(job).and_then(|job| job.schema.clone()))
    }

    fn record_schema(&mut self, job: &str, token: u64, schema: &str) -> Result<(), LedgerError> {
        self.job(job, token)?.schema = Some(schema.to_owned());
        Ok(())
    }

    fn note_run(&mut self, job: &str, run: &RunRow) -> Result<(), LedgerError> {
        let runs = self.runs.entry(job.to_owned()).or_default();
        runs.insert(0, run.clone());
        runs.truncate(RUNS_KEPT);
        Ok(())
    }

    fn runs(&self, job: &str, most: usize) -> Result<Vec<RunRow>, LedgerError> {
        Ok(self.runs.get(job).into_iter().flatten().take(most).cloned().collect())
    }

    fn jobs(&self) -> Result<Vec<String>, LedgerError> {
        let names: BTreeSet<&String> = self.jobs.keys().chain(self.runs.keys()).collect();
        Ok(names.into_iter().cloned().collect())
    }

    fn token(&self, job: &str) -> Result<Option<u64>, LedgerError> {
        Ok(self.jobs.get(job).map(|job| job.token))
    }

    fn claimed(&self, job: &str) -> Result<Option<Timestamp>, LedgerError> {
        Ok(self.jobs.get(job).and_then(|job| job.claimed))
    }

    fn totals(&self, job: &str) -> Result<Totals, LedgerError> {
        let mut totals = Totals::default();
        for kept in self.of(job) {
            totals.partition(kept.row.state, kept.row.generation > 1, 1, (kept.row.rows, kept.row.bytes));
            for cell in &kept.cells {
                totals.cell(cell.outcome.as_ref(), kept.row.accepted, 1, cell.credits);
            }
            let stand = !kept.row.accepted && !kept.is_asked_anew();
            totals.rejected_records += if stand { kept.rejected.len() as u64 } else { 0 };
        }
        Ok(totals)
    }

    fn learn(&mut self, job: &str, token: u64, more: &Learned) -> Result<(), LedgerError> {
        let known = self.job(job, token)?;
        let took = Duration::from_millis(u64::try_from(more.took.as_millis()).unwrap_or(u64::MAX));
        known.learned = known.learned.and(Learned { took, ..*more });
        Ok(())
    }

    fn learned(&self, job: &str) -> Result<Learned, LedgerError> {
        Ok(self.jobs.get(job).map(|job| job.learned).unwrap_or_default())
    }

    fn rejections(&self, job: &str, most: usize) -> Result<Vec<Rejection>, LedgerError> {
        let standing = || self.of(job).filter(|kept| !kept.row.accepted);
        let cells = standing().flat_map(|kept| &kept.cells).filter_map(|cell| match &cell.outcome {
            Some(Outcome::Rejected { message, .. }) => {
                Some(Rejection { cell: cell.key.clone(), message: message.clone() })
            }
            Some(Outcome::Records | Outcome::Empty { .. }) | None => None,
        });
        let records = standing().filter(|kept| !kept.is_asked_anew()).flat_map(|kept| &kept.rejected);
        let records = records.map(|record| Rejection { cell: record.cell.clone(), message: record.to_string() });
        Ok(cells.chain(records).take(most).collect())
    }
}
