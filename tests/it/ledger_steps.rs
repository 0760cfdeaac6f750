//! A state machine that holds the ledgers against each other.

use std::time::Duration;

use jiff::Timestamp;
use proptest::prelude::*;
use tidemill::ledger::{
    Cause, Ledger, LedgerError, ModelLedger, Outcome, PartitionId, Published, RejectedRecord, Reopening, RunRow,
    Salvage, Salvaged, SealedCell, SqliteLedger,
};
use tidemill::plan::{CellKey, Learned, Partition};

use super::ledger::{NOW, decision, key, partition, rejected, settled};

#[derive(Debug, Clone)]
enum Step {
    Claim(u8),
    Adopt(u8, u64),
    Schema(u8, u64),
    Add(u8, u64, Vec<(u8, Vec<u8>)>),
    Seal(i64, u64, Vec<u8>, u8),
    Decide(i64, u64, u8),
    Commit(i64, u64),
    Reopen(u8, u64, Vec<(i64, Vec<u8>)>, u8),
    Restore(i64, u64),
    Unseal(i64, u64),
    Accept(u8, u64),
    Run(u8, u8),
    Learn(u8, u64, u64),
    /// Partitions with their cells, generation and outcome; 4 when nothing of it was published.
    Salvage(u8, u64, Vec<(u8, Vec<u8>, u32, u8)>),
}

fn steps() -> impl Strategy<Value = Step> {
    let (job, token, id, cell) = (0u8..2, 1u64..4, 1i64..5, 0u8..6);
    let cells = proptest::collection::vec(cell, 0..4);
    let plan = proptest::collection::vec((0u8..4, cells.clone()), 1..3);
    // An empty list means: all of them.
    let again = proptest::collection::vec((1i64..5, proptest::collection::vec(0u8..6, 0..3)), 1..3);
    let found = proptest::collection::vec((0u8..4, cells, 1u32..4, 0u8..5), 0..3);
    prop_oneof![
        1 => job.clone().prop_map(Step::Claim),
        1 => (job.clone(), token.clone()).prop_map(|(job, token)| Step::Adopt(job, token)),
        1 => (job.clone(), token.clone()).prop_map(|(job, token)| Step::Schema(job, token)),
        4 => (job.clone(), token.clone(), plan).prop_map(|(job, token, plan)| Step::Add(job, token, plan)),
        // An empty list means: exactly the members.
        6 => (id.clone(), token.clone(), proptest::collection::vec(0u8..6, 0..2), 0u8..4)
            .prop_map(|(id, token, cells, outcome)| Step::Seal(id, token, cells, outcome)),
        4 => (id.clone(), token.clone(), 0u8..3).prop_map(|(id, token, digest)| Step::Decide(id, token, digest)),
        4 => (id.clone(), token.clone()).prop_map(|(id, token)| Step::Commit(id, token)),
        6 => (job.clone(), token.clone(), again, 0u8..6)
            .prop_map(|(job, token, again, cause)| Step::Reopen(job, token, again, cause)),
        2 => (id.clone(), token.clone()).prop_map(|(id, token)| Step::Restore(id, token)),
        2 => (id, token.clone()).prop_map(|(id, token)| Step::Unseal(id, token)),
        2 => (job.clone(), token.clone()).prop_map(|(job, token)| Step::Accept(job, token)),
        2 => (0u8..4, token.clone(), found).prop_map(|(job, token, found)| Step::Salvage(job, token, found)),
        2 => (job.clone(), token, 0u64..9).prop_map(|(job, token, many)| Step::Learn(job, token, many)),
        2 => (job, 0u8..9).prop_map(|(job, number)| Step::Run(job, number)),
    ]
}

/// Does one step; the answer as text, errors with all they say.
fn take(ledger: &mut dyn Ledger, step: &Step) -> String {
    let job = |job: &u8| format!("job{job}");
    match step {
        Step::Claim(j) => format!("{:?}", ledger.claim(&job(j), NOW)),
        Step::Adopt(j, token) => format!("{:?}", ledger.adopt(&job(j), *token, &format!("f{token}"))),
        Step::Schema(j, token) => format!("{:?}", ledger.record_schema(&job(j), *token, &format!("s{token}"))),
        Step::Add(j, token, plan) => {
            let plan: Vec<_> = plan.iter().map(|(name, cells)| planned(*name, cells)).collect();
            format!("{:?}", ledger.add(&job(j), *token, &plan))
        }
        Step::Seal(id, token, cells, outcome) => {
            let outcome = ended(*outcome);
            let keys: Vec<CellKey> = if cells.is_empty() {
                ledger.cells(PartitionId(*id)).unwrap_or_default().into_iter().map(|cell| cell.key).collect()
            } else {
                cells.iter().map(key).collect()
            };
            let cells: Vec<_> =
                keys.iter().map(|key| SealedCell { key: key.clone(), ..settled("", outcome.clone()) }).collect();
            let rejected: Vec<_> =
                keys.iter().map(|key| RejectedRecord { cell: key.clone(), ..rejected("") }).take(1).collect();
            match ledger.seal(PartitionId(*id), *token, &cells, &rejected) {
                // Which of several open cells is named is not promised.
                Err(LedgerError::Membership { partition, .. }) => format!("membership {partition}"),
                other => format!("{other:?}"),
            }
        }
        Step::Decide(id, token, digest) => {
            format!("{:?}", ledger.decide(PartitionId(*id), *token, &decision(&digest.to_string())))
        }
        Step::Commit(id, token) => format!("{:?}", ledger.commit(PartitionId(*id), *token, NOW)),
        Step::Reopen(j, token, again, cause) => {
            let keys = |id: i64, cells: &[u8]| match cells.is_empty() {
                true => ledger.cells(PartitionId(id)).unwrap_or_default().into_iter().map(|cell| cell.key).collect(),
                false => cells.iter().map(key).collect(),
            };
            let partitions: Vec<(PartitionId, Vec<CellKey>)> =
                again.iter().map(|(id, cells)| (PartitionId(*id), keys(*id, cells))).collect();
            let named = (cause % 2 == 1).then(|| format!("again{cause}"));
            let cause = Cause::ALL[usize::from(cause % 3)];
            let what = Reopening { cause, partitions, fingerprint: named.clone(), schema: named };
            format!("{:?}", ledger.reopen(&job(j), *token, &what))
        }
        Step::Restore(id, token) => format!("{:?}", ledger.restore(PartitionId(*id), *token)),
        Step::Unseal(id, token) => format!("{:?}", ledger.unseal(PartitionId(*id), *token)),
        Step::Accept(j, token) => format!("{:?}", ledger.accept(&job(j), *token)),
        Step::Salvage(j, token, found) => {
            let found = Salvaged {
                token: *token,
                fingerprint: (token % 2 == 0).then(|| "found".to_owned()),
                schema: Some("found".to_owned()),
                partitions: found
                    .iter()
                    .map(|(name, cells, generation, end)| found_as(*name, cells, *generation, *end))
                    .collect(),
            };
            match ledger.salvage(&job(j), &found, NOW) {
                Err(LedgerError::Membership { partition, .. }) => format!("membership {partition}"),
                other => format!("{other:?}"),
            }
        }
        Step::Learn(j, token, many) => {
            let took = Duration::from_micros(2500 * many);
            let more = Learned { cells: *many, pages: 3 * many, calls: 4 * many, credits: 9, took };
            format!("{:?}", ledger.learn(&job(j), *token, &more))
        }
        Step::Run(j, number) => {
            let run = RunRow { report: format!("r{number}"), started: NOW, ended: Timestamp::MAX };
            format!("{:?}", ledger.note_run(&job(j), &run))
        }
    }
}

fn planned(name: u8, cells: &[u8]) -> Partition {
    let cells: Vec<String> = cells.iter().map(u8::to_string).collect();
    partition(&format!("p{name}"), &cells.iter().map(String::as_str).collect::<Vec<_>>())
}

fn ended(outcome: u8) -> Outcome {
    match outcome {
        0 => Outcome::Records,
        1 | 2 => Outcome::Empty { unconfirmed: outcome == 1 },
        _ => Outcome::Rejected { code: "1".into(), message: "2".into() },
    }
}

fn found_as(name: u8, cells: &[u8], generation: u32, end: u8) -> Salvage {
    let partition = planned(name, cells);
    let keys = partition.cells.iter().map(|cell| cell.key.clone());
    let published = (end < 4).then(|| Published {
        decision: decision(&format!("found{name}")),
        cells: keys.clone().map(|key| SealedCell { key, ..settled("", ended(end)) }).collect(),
        rejected: keys.clone().take(1).map(|cell| RejectedRecord { cell, ..rejected("") }).collect(),
        committed: Timestamp::MAX,
    });
    Salvage { partition, generation, published }
}

fn all(ledger: &dyn Ledger) -> String {
    let jobs = ["job0", "job1", "job2", "job3"].map(|job| {
        let partitions = ledger.partitions(job);
        let details: Vec<_> = (partitions.iter().flatten())
            .map(|row| format!("{:?}", (ledger.cells(row.id), ledger.rejected(row.id), ledger.retried(row.id))))
            .collect();
        let (known, totals) = (ledger.known(job), ledger.totals(job));
        let rest = (ledger.schema(job), ledger.runs(job, 3), ledger.token(job));
        let rest = (
            rest,
            ledger.jobs(),
            ledger.claimed(job),
            ledger.retryable(job),
            ledger.rejections(job, 9),
            ledger.learned(job),
        );
        format!("{partitions:?} {details:?} {known:?} {totals:?} {rest:?}")
    });
    jobs.join("\n")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn both_ledgers_say_the_same(steps in proptest::collection::vec(steps(), 1..40)) {
        let dir = tempfile::tempdir().unwrap();
        let mut model = ModelLedger::new();
        let mut sqlite = SqliteLedger::open(&dir.path().join("ledger.db")).unwrap();
        // Without a claim nearly every step fails; and few walks would come to a committed partition by themselves.
        let plan = vec![(0, vec![0, 1])];
        let begun = [Step::Claim(0), Step::Claim(1), Step::Add(0, 1, plan), Step::Seal(1, 1, vec![], 3)];
        let committed = [Step::Decide(1, 1, 0), Step::Commit(1, 1)];
        for step in begun.iter().chain(&committed).chain(&steps) {
            prop_assert_eq!(take(&mut model, step), take(&mut sqlite, step), "{:?}", step);
            prop_assert_eq!(all(&model), all(&sqlite), "{:?}", step);
        }
    }
}
