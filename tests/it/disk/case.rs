//! Runs to be disturbed: a first one, one after a failed write, and those that reopen what is published.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;

use tidemill::disk::What;
use tidemill::run::Exit;

use super::mill::{Ended, How, Mill, Place, STOCKS};
use super::proof::{Proof, State};
use super::recording::{Moment, Recording};

/// A run, recorded, and what it must come to.
pub(crate) struct Case {
    pub(crate) what: &'static str,
    pub(crate) proof: Proof,
    pub(crate) begin: Moment,
    recording: Recording,
}

impl Case {
    /// The run `how` in `place`, where `begin` is; a run that goes on from a state of it meets `faults`.
    async fn of(
        what: &'static str,
        (mill, place): (&Arc<Mill>, &Place),
        begin: Moment,
        how: How,
        faults: &'static str,
    ) -> Self {
        let before = place.output();
        let (ended, recording) = Recording::of(place, place.run(how)).await;
        let proof = Proof { mill: Arc::clone(mill), how, faults, before, after: place.output(), ended };
        Self { what, proof, begin, recording }
    }

    /// The moment before each of its steps, and the one after it.
    pub(crate) fn moments(&self) -> Vec<Moment> {
        self.recording.moments(&self.begin)
    }

    /// A run `how` in the place that another case left when it was killed at `moment`; what is kept is what it buys.
    pub(crate) async fn after(&self, moment: &Moment, how: How) -> (Place, Ended, Vec<Moment>) {
        let mut begin = moment.clone();
        begin.kept.clear();
        let place = self.proof.found(&State::killed(&begin, String::new()), 1);
        let (ended, recording) = Recording::of(&place, place.run(how)).await;
        (place, ended, recording.moments(&begin))
    }

    /// The same of the run that follows when it was killed at `moment`.
    pub(crate) async fn moments_after(&self, moment: &Moment, what: &str) -> Vec<Moment> {
        let place = self.proof.found(&State::killed(moment, what.to_owned()), 1);
        let (ended, recording) = Recording::of(&place, self.proof.go_on(&place, what)).await;
        assert_eq!(ended.exit, self.proof.ended.exit, "{what}: {ended:?}");
        recording.moments(moment)
    }
}

/// A first run of `job`.
pub(crate) async fn first(job: &str) -> Case {
    let mill = Mill::new(job);
    let case = Case::of("a first run", (&mill, &mill.place("")), Moment::empty(), How::Plain, "").await;
    case.proof.ended.assert(Exit::Done);
    case
}

/// A run after one whose disk failed to sync the fifth time: it finds a suspect segment with pages in it.
pub(crate) async fn after_a_failed_write() -> Case {
    let mill = Mill::new(STOCKS);
    let place = mill.place("");
    let mut syncs = 0;
    let (ended, failed) = Recording::of_failing(&place, place.run(How::Plain), move |op| {
        syncs += u64::from(op.what == What::SyncFile);
        if syncs == 5 && op.what == What::SyncFile { Err(io::Error::other("the disk is gone")) } else { Ok(()) }
    })
    .await;
    ended.assert(Exit::Failed);
    let begin = failed.moments(&Moment::empty()).pop().unwrap();
    let mut case = Case::of("a run after a failed write", (&mill, &place.later(1)), begin, How::Plain, "").await;
    case.proof.ended.assert(Exit::Done);
    // What the failed run had bought, and a page that it could not keep.
    case.proof.ended.requests = first(STOCKS).await.proof.ended.requests;
    case.proof.before = BTreeMap::new();
    case
}

/// A run with `how` after a first one that met `faults_first`; it meets the rest of `faults`, and those who go on from
/// a state of it `faults_then`.
async fn reopened(what: &'static str, faults: &str, how: How, faults_then: &'static str) -> Case {
    let mill = Mill::new(STOCKS);
    let place = mill.place(faults);
    let (_, first) = Recording::of(&place, place.run(How::Plain)).await;
    let mut begin = first.moments(&Moment::empty()).pop().unwrap();
    // They are published, and asked for again only on request.
    begin.kept.clear();
    Case::of(what, (&mill, &place.later(1)), begin, how, faults_then).await
}

/// Each kind of run that makes a later generation: its cell answers, its cell is rejected again and the generation is
/// given up, and all is fetched again.
pub(crate) async fn later_generations() -> [Case; 3] {
    let answers = reopened("--retry-failed, answered", "404@1", How::RetryFailed, "").await;
    answers.proof.ended.assert(Exit::Done);
    let rejected = reopened("--retry-failed, rejected again", "404@1,404@8", How::RetryFailed, "404@1").await;
    rejected.proof.ended.assert(Exit::Rejected);
    assert!(rejected.proof.before == rejected.proof.after);
    let refetched = reopened("--refetch", "", How::Refetch, "").await;
    refetched.proof.ended.assert(Exit::Done);
    [answers, rejected, refetched]
}
