//! Death at any moment: nothing lost, nothing twice, at most one page per active cell bought again.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use jiff::Timestamp;
use tidemill::ledger::{
    CellRow, Claim, Decision, Ledger, LedgerError, PartitionId, PartitionRow, PartitionState, RejectedRecord,
    Rejection, Reopening, RunRow, Salvaged, SealedCell, Totals,
};
use tidemill::plan::{KnownPartition, Learned, Partition};
use tidemill::run::Exit;

use super::jobs::{APPS, CODES, chat, ranks, stocks};
use super::scene::{Night, Scene, Twist};

/// Cells of all jobs that may be under way at once: twice the concurrency of each provider.
const ACTIVE: u64 = 3 * 8;

fn small() -> [String; 3] {
    [stocks(&CODES[..1]), ranks(&APPS[..1], "2026-01-01", "2026-01-01"), chat(1)]
}

async fn finish(scene: &Scene, what: &str) {
    scene.assert_part();
    let bought = scene.duplicates();
    scene.run().await.assert(Exit::Done);
    scene.assert_exact();
    assert!(scene.duplicates() - bought <= ACTIVE, "{what}: {} pages bought again", scene.duplicates());
    assert_eq!(scene.too_fast(), 0, "{what}: the limits were forgotten");
}

#[tokio::test(start_paused = true)]
async fn after_every_event() {
    let jobs = small();
    let jobs: Vec<&str> = jobs.iter().map(String::as_str).collect();
    let night = || Night { jobs: &jobs, ..Night::default() };
    let whole = night().begin().run().await.events.len();
    for after in 1..=whole {
        let scene = night().begin();
        assert!(scene.run_twisted(Twist::Kill(after)).await.is_none());
        finish(&scene, &format!("killed after event {after}")).await;
    }
}

#[tokio::test(start_paused = true)]
async fn again_and_again() {
    let jobs = small();
    let jobs: Vec<&str> = jobs.iter().map(String::as_str).collect();
    for after in [2, 5] {
        let scene = Night { jobs: &jobs, ..Night::default() }.begin();
        let mut deaths = 0;
        // Killed before it gets anywhere, a run may buy the same page each time; not for ever is all that is asked.
        while scene.run_twisted(Twist::Kill(after * 4 + deaths)).await.is_none() && deaths < 40 {
            deaths += 1;
            scene.assert_part();
        }
        finish(&scene, &format!("killed {deaths} times")).await;
    }
}

/// A ledger that fails for good at one of its calls, before or after doing what it was asked: the process is as good
/// as dead then, between any two steps of publishing.
pub(crate) struct Mortal {
    inner: Box<dyn Ledger>,
    calls: Arc<AtomicUsize>,
    dies_at: usize,
    after: bool,
}

impl Mortal {
    /// It dies at call number `dies_at`, from 1; also gives the count of calls.
    pub(crate) fn new(inner: Box<dyn Ledger>, dies_at: usize, after: bool) -> (Self, Arc<AtomicUsize>) {
        let calls = Arc::new(AtomicUsize::new(0));
        (Self { inner, calls: Arc::clone(&calls), dies_at, after }, calls)
    }

    fn call<T>(&mut self, work: impl FnOnce(&mut dyn Ledger) -> Result<T, LedgerError>) -> Result<T, LedgerError> {
        let call = self.calls.fetch_add(1, Ordering::Relaxed) + 1;
        let done = if call < self.dies_at + usize::from(self.after) { Some(work(self.inner.as_mut())?) } else { None };
        done.filter(|_| call < self.dies_at).ok_or_else(dead)
    }

    fn read<T>(&self, work: impl FnOnce(&dyn Ledger) -> Result<T, LedgerError>) -> Result<T, LedgerError> {
        let call = self.calls.fetch_add(1, Ordering::Relaxed) + 1;
        if call < self.dies_at { work(self.inner.as_ref()) } else { Err(dead()) }
    }
}

fn dead() -> LedgerError {
    LedgerError::Create { path: "ledger.db".into(), source: std::io::Error::other("no space left on device") }
}

impl Ledger for Mortal {
    fn claim(&mut self, job: &str, now: Timestamp) -> Result<Claim, LedgerError> {
        self.call(|ledger| ledger.claim(job, now))
    }
    fn adopt(&mut self, job: &str, token: u64, fingerprint: &str) -> Result<(), LedgerError> {
        self.call(|ledger| ledger.adopt(job, token, fingerprint))
    }
    fn add(&mut self, job: &str, token: u64, partitions: &[Partition]) -> Result<(), LedgerError> {
        self.call(|ledger| ledger.add(job, token, partitions))
    }
    fn partitions(&self, job: &str) -> Result<Vec<PartitionRow>, LedgerError> {
        self.read(|ledger| ledger.partitions(job))
    }
    fn cells(&self, partition: PartitionId) -> Result<Vec<CellRow>, LedgerError> {
        self.read(|ledger| ledger.cells(partition))
    }
    fn known(&self, job: &str) -> Result<Vec<KnownPartition>, LedgerError> {
        self.read(|ledger| ledger.known(job))
    }
    fn seal(
        &mut self,
        partition: PartitionId,
        token: u64,
        cells: &[SealedCell],
        rejected: &[RejectedRecord],
    ) -> Result<(), LedgerError> {
        self.call(|ledger| ledger.seal(partition, token, cells, rejected))
    }
    fn token(&self, job: &str) -> Result<Option<u64>, LedgerError> {
        self.read(|ledger| ledger.token(job))
    }
    fn rejections(&self, job: &str, most: usize) -> Result<Vec<Rejection>, LedgerError> {
        self.read(|ledger| ledger.rejections(job, most))
    }
    fn rejected(&self, partition: PartitionId) -> Result<Vec<RejectedRecord>, LedgerError> {
        self.read(|ledger| ledger.rejected(partition))
    }
    fn decide(&mut self, partition: PartitionId, token: u64, decision: &Decision) -> Result<bool, LedgerError> {
        self.call(|ledger| ledger.decide(partition, token, decision))
    }
    fn commit(&mut self, partition: PartitionId, token: u64, now: Timestamp) -> Result<(), LedgerError> {
        self.call(|ledger| ledger.commit(partition, token, now))
    }
    fn reopen(&mut self, job: &str, token: u64, what: &Reopening) -> Result<(), LedgerError> {
        self.call(|ledger| ledger.reopen(job, token, what))
    }
    fn accept(&mut self, job: &str, token: u64) -> Result<u64, LedgerError> {
        self.call(|ledger| ledger.accept(job, token))
    }
    fn retryable(&self, job: &str) -> Result<Vec<PartitionId>, LedgerError> {
        self.read(|ledger| ledger.retryable(job))
    }
    fn salvage(&mut self, job: &str, found: &Salvaged, now: Timestamp) -> Result<(), LedgerError> {
        self.call(|ledger| ledger.salvage(job, found, now))
    }
    fn restore(&mut self, partition: PartitionId, token: u64) -> Result<(), LedgerError> {
        self.call(|ledger| ledger.restore(partition, token))
    }
    fn unseal(&mut self, partition: PartitionId, token: u64) -> Result<(), LedgerError> {
        self.call(|ledger| ledger.unseal(partition, token))
    }
    fn retried(&self, partition: PartitionId) -> Result<Vec<CellRow>, LedgerError> {
        self.read(|ledger| ledger.retried(partition))
    }
    fn schema(&self, job: &str) -> Result<Option<String>, LedgerError> {
        self.read(|ledger| ledger.schema(job))
    }
    fn record_schema(&mut self, job: &str, token: u64, schema: &str) -> Result<(), LedgerError> {
        self.call(|ledger| ledger.record_schema(job, token, schema))
    }
    fn note_run(&mut self, job: &str, run: &RunRow) -> Result<(), LedgerError> {
        self.call(|ledger| ledger.note_run(job, run))
    }
    fn runs(&self, job: &str, most: usize) -> Result<Vec<RunRow>, LedgerError> {
        self.read(|ledger| ledger.runs(job, most))
    }
    fn claimed(&self, job: &str) -> Result<Option<Timestamp>, LedgerError> {
        self.read(|ledger| ledger.claimed(job))
    }
    fn jobs(&self) -> Result<Vec<String>, LedgerError> {
        self.read(|ledger| ledger.jobs())
    }
    fn learn(&mut self, job: &str, token: u64, more: &Learned) -> Result<(), LedgerError> {
        self.call(|ledger| ledger.learn(job, token, more))
    }
    fn learned(&self, job: &str) -> Result<Learned, LedgerError> {
        self.read(|ledger| ledger.learned(job))
    }
    fn totals(&self, job: &str) -> Result<Totals, LedgerError> {
        self.read(|ledger| ledger.totals(job))
    }
}

#[tokio::test(start_paused = true)]
async fn between_any_two_steps_of_the_ledger() {
    let jobs = small();
    let jobs: Vec<&str> = jobs.iter().map(String::as_str).collect();
    for after in [false, true] {
        for dies_at in 1.. {
            let scene = Night { jobs: &jobs, ..Night::default() }.begin();
            let (ledger, calls) = Mortal::new(scene.ledger(), dies_at, after);
            let ended = scene.run_with(Twist::None, Box::new(ledger)).await.unwrap();
            if calls.load(Ordering::Relaxed) < dies_at {
                ended.assert(Exit::Done);
                assert!(dies_at > 20, "only {dies_at} calls");
                break;
            }
            ended.assert(Exit::Failed);
            assert!(ended.reason().contains("no space left"), "{}", ended.reason());
            finish(&scene, &format!("the ledger died at call {dies_at}, after it: {after}")).await;
            if dies_at % 8 == 0 {
                scene.assert_settled(Exit::Done).await;
            }
        }
    }
}

/// Sealed, but not yet encoded, and then its pages are gone: a file made of the rest would hide a hole.
#[tokio::test(start_paused = true)]
async fn pages_that_vanish_after_sealing_are_missed() {
    let job = ranks(&APPS[..1], "2026-01-01", "2026-01-01");
    for dies_at in 1..40 {
        let scene = Night { jobs: &[&job], ..Night::default() }.begin();
        let ledger = Mortal { inner: scene.ledger(), calls: Arc::default(), dies_at, after: true };
        scene.run_with(Twist::None, Box::new(ledger)).await.unwrap();
        let name = job.lines().find_map(|line| line.strip_prefix("name = ")).unwrap().trim_matches('"');
        let rows = scene.ledger().partitions(name).unwrap();
        if rows.first().is_none_or(|row| row.state != PartitionState::Sealed) {
            continue;
        }
        std::fs::remove_dir_all(scene.folders().spool(name, &rows[0].hash)).unwrap();
        let ended = scene.run().await;
        ended.assert(Exit::Failed);
        assert!(ended.reason().contains("1 partition are damaged or lost, 3 pages of 1 cell"), "{}", ended.reason());
        assert!(ended.job(0).warnings[0].contains("are gone from"), "{:?}", ended.job(0).warnings);
        assert!(scene.output().is_empty(), "a file with a hole");
        return;
    }
    panic!("no death left the partition sealed");
}
