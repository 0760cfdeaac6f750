//! The ledger of one machine: one SQLite file, in WAL mode, synced at each transaction.
//!
//! Invariant: every write is one immediate transaction that begins by comparing the token, so no two processes
//! interleave inside one. The tables are in `sqlite.sql`.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};

use crate::disk;
use crate::plan::{KnownPartition, Learned, Partition};

use super::error::LedgerError;
use super::ledger::{Ledger, again_positions, positions};
use super::open::open;
use super::row::{
    CellRow, Claim, Decision, PartitionId, PartitionRow, PartitionState, RejectedRecord, Rejection, Reopening, RunRow,
    Salvaged, SealedCell, Totals,
};
use super::sqlite_again::{
    STAYS_ACCEPTED, first_file, forget_retried, plan_again, plan_over, put_back, retried, salvage,
};
use super::sqlite_cells::{add, note_rejected, positions_of, settle};
use super::sqlite_count::{accept, rejections, retryable, totals};
use super::sqlite_guard::{Inside, Target, guard, outside};
use super::sqlite_learned::{forget_learned, learn, learned};
use super::sqlite_list::{known, partitions};
use super::sqlite_rows::{cell_row, rejected_row};
use super::sqlite_runs::{claimed, jobs, note_run, runs};

/// Keeps everything in one SQLite file.
#[derive(Debug)]
pub struct SqliteLedger {
    path: PathBuf,
    db: Connection,
}

impl SqliteLedger {
    /// Opens the file, or makes it with its folder.
    pub fn open(path: &Path) -> Result<Self, LedgerError> {
        Ok(Self { path: path.to_owned(), db: open(path)? })
    }

    fn write<T>(
        &mut self,
        action: &'static str,
        work: impl FnOnce(&Transaction<'_>) -> Inside<T>,
    ) -> Result<T, LedgerError> {
        let Self { path, db } = self;
        disk::began(path);
        let run = || {
            let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let answer = work(&transaction)?;
            transaction.commit()?;
            disk::committed(path);
            Ok(answer)
        };
        outside(path, action, run())
    }

    /// A deferred transaction, so that several statements see one state.
    fn read<T>(
        &self,
        action: &'static str,
        work: impl FnOnce(&Transaction<'_>) -> Inside<T>,
    ) -> Result<T, LedgerError> {
        let run = || work(&self.db.unchecked_transaction()?);
        outside(&self.path, action, run())
    }
}

impl Ledger for SqliteLedger {
    fn claim(&mut self, job: &str, now: Timestamp) -> Result<Claim, LedgerError> {
        self.write("claim the job", |db| {
            let (id, token, known_fingerprint) = db
                .prepare_cached(
                    "INSERT INTO job (name, token, claimed) VALUES (?1, 1, ?2) \
                     ON CONFLICT (name) DO UPDATE SET token = token + 1, claimed = ?2 RETURNING id, token, fingerprint",
                )?
                .query_row(params![job, now.to_string()], |row| {
                    Ok((row.get::<_, i64>(0)?, row.get(1)?, row.get(2)?))
                })?;
            let committed_cells = db
                .prepare_cached(
                    "SELECT coalesce(sum(cells), 0) FROM partition WHERE job = ? AND (state <> 'fetching' OR generation > 1)",
                )?
                .query_row([id], |row| row.get(0))?;
            Ok(Claim { token, known_fingerprint, committed_cells })
        })
    }

    fn adopt(&mut self, job: &str, token: u64, fingerprint: &str) -> Result<(), LedgerError> {
        self.write("adopt the job", |db| {
            let id = guard(db, job, token)?;
            forget_learned(db, id, Some(fingerprint))?;
            // Nothing is written, and nothing waits for the disk, where it asks what it asked before.
            db.execute(
                "UPDATE job SET fingerprint = ?1 WHERE id = ?2 AND fingerprint IS NOT ?1",
                params![fingerprint, id],
            )?;
            Ok(())
        })
    }

    fn add(&mut self, job: &str, token: u64, partitions: &[Partition]) -> Result<(), LedgerError> {
        self.write("plan partitions", |db| {
            let id = guard(db, job, token)?;
            partitions.iter().try_for_each(|partition| add(db, (job, id), token, partition))
        })
    }

    fn partitions(&self, job: &str) -> Result<Vec<PartitionRow>, LedgerError> {
        self.read("list partitions", |db| partitions(db, job))
    }

    fn cells(&self, partition: PartitionId) -> Result<Vec<CellRow>, LedgerError> {
        self.read("list cells", |db| {
            Target::read(db, partition)?;
            let mut select = db.prepare_cached(
                "SELECT key, outcome, code, message, records, pages, credits FROM cell WHERE partition = ? \
                 ORDER BY position",
            )?;
            Ok(select.query_map([partition.0], cell_row)?.collect::<Result<_, _>>()?)
        })
    }

    fn known(&self, job: &str) -> Result<Vec<KnownPartition>, LedgerError> {
        self.read("list known cells", |db| known(db, job))
    }

    fn seal(
        &mut self,
        partition: PartitionId,
        token: u64,
        cells: &[SealedCell],
        rejected: &[RejectedRecord],
    ) -> Result<(), LedgerError> {
        self.write("seal the partition", |db| {
            let target = Target::guarded(db, partition, token)?;
            if target.state == PartitionState::Committed {
                return Err(target.out_of_order().into());
            }
            let members = positions_of(db, partition)?;
            let (cells_at, records_at) = positions(&members, &target.key, cells, rejected)?;
            settle(db, partition, cells.iter().zip(cells_at))?;
            note_rejected(db, partition, rejected.iter().zip(records_at))?;
            db.execute("UPDATE partition SET state = 'sealed', token = ? WHERE id = ?", params![token, partition.0])?;
            Ok(())
        })
    }

    fn rejected(&self, partition: PartitionId) -> Result<Vec<RejectedRecord>, LedgerError> {
        self.read("list rejected records", |db| {
            Target::read(db, partition)?;
            let mut select = db.prepare_cached(
                "SELECT cell.key, page, place, path, reason FROM rejected_record AS record \
                 JOIN cell ON cell.partition = record.partition AND cell.position = record.position \
                 WHERE record.partition = ? ORDER BY number",
            )?;
            let records = select.query_map([partition.0], rejected_row)?;
            Ok(records.collect::<Result<_, _>>()?)
        })
    }

    fn decide(&mut self, partition: PartitionId, token: u64, decision: &Decision) -> Result<bool, LedgerError> {
        self.write("decide the file", |db| {
            Target::guarded(db, partition, token)?;
            let changed = db.execute(
                "UPDATE partition SET state = 'publishing', token = ?2, digest = ?3, rows = ?4, bytes = ?5, file = ?6 \
                 WHERE id = ?1 AND state = 'sealed' AND token <= ?2",
                params![partition.0, token, decision.digest, decision.rows, decision.bytes, decision.file],
            )?;
            Ok(changed == 1)
        })
    }

    fn commit(&mut self, partition: PartitionId, token: u64, now: Timestamp) -> Result<(), LedgerError> {
        self.write("commit the partition", |db| {
            let target = Target::guarded(db, partition, token)?;
            if target.state != PartitionState::Publishing {
                return Err(target.out_of_order().into());
            }
            db.execute(
                &format!(
                    "UPDATE partition SET state = 'committed', token = ?1, committed = ?2, cause = NULL, \
                     accepted = accepted AND {STAYS_ACCEPTED} WHERE id = ?3"
                ),
                params![token, now.to_string(), partition.0],
            )?;
            forget_retried(db, partition)
        })
    }

    fn reopen(&mut self, job: &str, token: u64, what: &Reopening) -> Result<(), LedgerError> {
        self.write("reopen partitions", |db| {
            let id = guard(db, job, token)?;
            for (partition, again) in &what.partitions {
                let target = Target::read(db, *partition)?;
                if target.job != job {
                    return Err(LedgerError::UnknownPartition(*partition).into());
                }
                if target.state != PartitionState::Committed {
                    return Err(target.out_of_order().into());
                }
                let at = again_positions(&positions_of(db, *partition)?, &target.key, what.cause, again)?;
                plan_again(db, *partition, token, what.cause, &at)?;
            }
            forget_learned(db, id, what.fingerprint.as_deref())?;
            db.execute(
                "UPDATE job SET fingerprint = coalesce(?, fingerprint), schema = coalesce(?, schema) WHERE id = ?",
                params![what.fingerprint, what.schema, id],
            )?;
            Ok(())
        })
    }

    fn restore(&mut self, partition: PartitionId, token: u64) -> Result<(), LedgerError> {
        self.write("give up the generation", |db| {
            let target = Target::guarded(db, partition, token)?;
            if target.state != PartitionState::Fetching || first_file(db, partition)? {
                return Err(target.out_of_order().into());
            }
            put_back(db, partition, token)
        })
    }

    fn unseal(&mut self, partition: PartitionId, token: u64) -> Result<(), LedgerError> {
        self.write("take the sealed partition back", |db| {
            let target = Target::guarded(db, partition, token)?;
            let first = first_file(db, partition)?;
            match target.state {
                PartitionState::Sealed => {}
                PartitionState::Publishing if first => {}
                PartitionState::Fetching | PartitionState::Publishing | PartitionState::Committed => {
                    return Err(target.out_of_order().into());
                }
            }
            plan_over(db, partition, token, first)
        })
    }

    fn accept(&mut self, job: &str, token: u64) -> Result<u64, LedgerError> {
        self.write("accept rejections", |db| {
            let id = guard(db, job, token)?;
            accept(db, id)
        })
    }

    fn retryable(&self, job: &str) -> Result<Vec<PartitionId>, LedgerError> {
        self.read("list what may be asked for again", |db| retryable(db, job))
    }

    fn salvage(&mut self, job: &str, found: &Salvaged, now: Timestamp) -> Result<(), LedgerError> {
        self.write("begin the job from what was found of it", |db| salvage(db, job, found, now))
    }

    fn retried(&self, partition: PartitionId) -> Result<Vec<CellRow>, LedgerError> {
        self.read("list the cells asked for again", |db| {
            Target::read(db, partition)?;
            retried(db, partition)
        })
    }

    fn schema(&self, job: &str) -> Result<Option<String>, LedgerError> {
        self.read("read the schema", |db| {
            let schema = db.query_row("SELECT schema FROM job WHERE name = ?", [job], |row| row.get(0)).optional()?;
            Ok(schema.flatten())
        })
    }

    fn record_schema(&mut self, job: &str, token: u64, schema: &str) -> Result<(), LedgerError> {
        self.write("record the schema", |db| {
            let id = guard(db, job, token)?;
            db.execute("UPDATE job SET schema = ? WHERE id = ?", params![schema, id])?;
            Ok(())
        })
    }

    fn note_run(&mut self, job: &str, run: &RunRow) -> Result<(), LedgerError> {
        self.write("note the run", |db| note_run(db, job, run))
    }

    fn runs(&self, job: &str, most: usize) -> Result<Vec<RunRow>, LedgerError> {
        self.read("list runs", |db| runs(db, job, most))
    }

    fn jobs(&self) -> Result<Vec<String>, LedgerError> {
        self.read("list jobs", jobs)
    }

    fn token(&self, job: &str) -> Result<Option<u64>, LedgerError> {
        self.read("read the token", |db| {
            Ok(db.query_row("SELECT token FROM job WHERE name = ?", [job], |row| row.get(0)).optional()?)
        })
    }

    fn claimed(&self, job: &str) -> Result<Option<Timestamp>, LedgerError> {
        self.read("read when the job was claimed", |db| claimed(db, job))
    }

    fn totals(&self, job: &str) -> Result<Totals, LedgerError> {
        self.read("count", |db| totals(db, job))
    }

    fn learn(&mut self, job: &str, token: u64, more: &Learned) -> Result<(), LedgerError> {
        self.write("note what the cells took", |db| {
            let id = guard(db, job, token)?;
            learn(db, id, more)
        })
    }

    fn learned(&self, job: &str) -> Result<Learned, LedgerError> {
        self.read("read what cells took", |db| learned(db, job))
    }

    fn rejections(&self, job: &str, most: usize) -> Result<Vec<Rejection>, LedgerError> {
        self.read("list rejections", |db| rejections(db, job, most))
    }
}
