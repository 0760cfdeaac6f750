//! A ledger that says something else than was written, for the damage that SQLite itself would refuse.

use jiff::Timestamp;
use tidemill::ledger::{
    CellRow, Claim, Decision, Ledger, LedgerError, PartitionId, PartitionRow, RejectedRecord, Rejection, Reopening,
    RunRow, Salvaged, SealedCell, SqliteLedger, Totals,
};
use tidemill::plan::{KnownPartition, Learned, Partition};

/// Changes the partitions and the cells it is asked for.
pub(crate) struct Lying {
    pub(crate) inner: SqliteLedger,
    pub(crate) rows: fn(&mut Vec<PartitionRow>),
    pub(crate) cells: fn(&mut Vec<CellRow>),
}

impl Lying {
    pub(crate) fn about_rows(inner: SqliteLedger, rows: fn(&mut Vec<PartitionRow>)) -> Self {
        Self { inner, rows, cells: |_| {} }
    }

    pub(crate) fn about_cells(inner: SqliteLedger, cells: fn(&mut Vec<CellRow>)) -> Self {
        Self { inner, rows: |_| {}, cells }
    }
}

const READ_ONLY: &str = "whoever verifies writes nothing";

impl Ledger for Lying {
    fn claim(&mut self, _: &str, _: Timestamp) -> Result<Claim, LedgerError> {
        panic!("{READ_ONLY}")
    }
    fn adopt(&mut self, _: &str, _: u64, _: &str) -> Result<(), LedgerError> {
        panic!("{READ_ONLY}")
    }
    fn add(&mut self, _: &str, _: u64, _: &[Partition]) -> Result<(), LedgerError> {
        panic!("{READ_ONLY}")
    }
    fn partitions(&self, job: &str) -> Result<Vec<PartitionRow>, LedgerError> {
        let mut rows = self.inner.partitions(job)?;
        (self.rows)(&mut rows);
        Ok(rows)
    }
    fn cells(&self, partition: PartitionId) -> Result<Vec<CellRow>, LedgerError> {
        let mut cells = self.inner.cells(partition)?;
        (self.cells)(&mut cells);
        Ok(cells)
    }
    fn known(&self, job: &str) -> Result<Vec<KnownPartition>, LedgerError> {
        self.inner.known(job)
    }
    fn seal(&mut self, _: PartitionId, _: u64, _: &[SealedCell], _: &[RejectedRecord]) -> Result<(), LedgerError> {
        panic!("{READ_ONLY}")
    }
    fn rejected(&self, partition: PartitionId) -> Result<Vec<RejectedRecord>, LedgerError> {
        self.inner.rejected(partition)
    }
    fn decide(&mut self, _: PartitionId, _: u64, _: &Decision) -> Result<bool, LedgerError> {
        panic!("{READ_ONLY}")
    }
    fn commit(&mut self, _: PartitionId, _: u64, _: Timestamp) -> Result<(), LedgerError> {
        panic!("{READ_ONLY}")
    }
    fn reopen(&mut self, _: &str, _: u64, _: &Reopening) -> Result<(), LedgerError> {
        panic!("{READ_ONLY}")
    }
    fn accept(&mut self, _: &str, _: u64) -> Result<u64, LedgerError> {
        panic!("{READ_ONLY}")
    }
    fn retryable(&self, job: &str) -> Result<Vec<PartitionId>, LedgerError> {
        self.inner.retryable(job)
    }
    fn salvage(&mut self, _: &str, _: &Salvaged, _: Timestamp) -> Result<(), LedgerError> {
        panic!("{READ_ONLY}")
    }
    fn restore(&mut self, _: PartitionId, _: u64) -> Result<(), LedgerError> {
        panic!("{READ_ONLY}")
    }
    fn unseal(&mut self, _: PartitionId, _: u64) -> Result<(), LedgerError> {
        panic!("{READ_ONLY}")
    }
    fn retried(&self, partition: PartitionId) -> Result<Vec<CellRow>, LedgerError> {
        self.inner.retried(partition)
    }
    fn schema(&self, job: &str) -> Result<Option<String>, LedgerError> {
        self.inner.schema(job)
    }
    fn record_schema(&mut self, _: &str, _: u64, _: &str) -> Result<(), LedgerError> {
        panic!("{READ_ONLY}")
    }
    fn note_run(&mut self, _: &str, _: &RunRow) -> Result<(), LedgerError> {
        panic!("{READ_ONLY}")
    }
    fn runs(&self, job: &str, most: usize) -> Result<Vec<RunRow>, LedgerError> {
        self.inner.runs(job, most)
    }
    fn claimed(&self, job: &str) -> Result<Option<Timestamp>, LedgerError> {
        self.inner.claimed(job)
    }
    fn jobs(&self) -> Result<Vec<String>, LedgerError> {
        self.inner.jobs()
    }
    fn rejections(&self, job: &str, most: usize) -> Result<Vec<Rejection>, LedgerError> {
        self.inner.rejections(job, most)
    }
    fn token(&self, job: &str) -> Result<Option<u64>, LedgerError> {
        self.inner.token(job)
    }
    fn learn(&mut self, _: &str, _: u64, _: &Learned) -> Result<(), LedgerError> {
        panic!("{READ_ONLY}")
    }
    fn learned(&self, job: &str) -> Result<Learned, LedgerError> {
        self.inner.learned(job)
    }
    fn totals(&self, job: &str) -> Result<Totals, LedgerError> {
        self.inner.totals(job)
    }
}
