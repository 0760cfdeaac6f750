//! What a bench of jobs hears, and the report that is made of it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use crate::bench::{Figures, JobTally, Means, Report, Scenario};
use crate::fetch::Notice;
use crate::provider::{Cause, Limits, ThrottleWindow, Verdict};
use crate::quota::Moment;
use crate::run::{Assigned, CellCounts, Event, EventKind, Exit, JobReport, apply};
use crate::simulate::Simulator;

/// Attempts between two looks into the logs of the simulators.
const EACH: u64 = 4096;

/// One provider and what is known of it so far.
struct Judged {
    provider: String,
    limits: Limits,
    /// Whose count holds; without one it is ours.
    simulator: Option<Arc<Mutex<Simulator>>>,
    tally: JobTally,
    /// When the last of its jobs ended.
    ended: Duration,
}

/// Everything that is heard.
pub(super) struct Book {
    judged: Vec<Judged>,
    jobs: Vec<JobReport>,
    start: Timestamp,
    length: Duration,
    heard: u64,
}

/// What came of it.
#[derive(Serialize)]
pub(super) struct Benched {
    /// By provider.
    pub(super) providers: Vec<Report>,
    /// By job.
    pub(super) jobs: Vec<JobEnd>,
}

/// How far one job came.
#[derive(Serialize)]
pub(super) struct JobEnd {
    job: String,
    provider: String,
    exit: Exit,
    reason: Option<String>,
    cells: CellCounts,
    requests: u64,
    records: u64,
}

impl Book {
    /// Nothing heard yet; the clock of the run showed `start` when it was made. `drift_ppm` is the simulators'.
    pub(super) fn new(
        assigned: &[Assigned],
        mut simulators: HashMap<String, Arc<Mutex<Simulator>>>,
        start: Timestamp,
        length: Duration,
        drift_ppm: i32,
    ) -> Self {
        let mut judged: Vec<Judged> = Vec::new();
        let mut jobs = Vec::new();
        for assigned in assigned {
            let provider = &assigned.prepared.provider;
            jobs.push(JobReport::new(assigned.prepared.job.name.as_str(), &provider.name, String::new()));
            if judged.iter().any(|judged| judged.provider == provider.name) {
                continue;
            }
            let simulator = simulators.remove(&provider.name);
            let drift_ppm = if simulator.is_some() { drift_ppm } else { 0 };
            judged.push(Judged {
                provider: provider.name.clone(),
                limits: provider.limits.clone(),
                simulator,
                tally: JobTally::new(&provider.limits, start, length, drift_ppm),
                ended: Duration::ZERO,
            });
        }
        Self { judged, jobs, start, length, heard: 0 }
    }

    /// Those of the jobs that have this number are run; what they settled earlier they tell again.
    pub(super) fn begin(&mut self, round: &[usize]) {
        for index in round {
            if let Some(job) = self.jobs.get_mut(*index) {
                job.cells = CellCounts::default();
            }
        }
    }

    /// Takes in what happened.
    pub(super) fn hear(&mut self, event: &Event) {
        apply(&mut self.jobs, event);
        let at = Duration::try_from(event.at.duration_since(self.start)).unwrap_or_default();
        let job = self.jobs.iter().find(|job| job.job == event.job.as_str());
        let Some(judged) = self.judged.iter_mut().find(|judged| job.is_some_and(|job| job.provider == judged.provider))
        else {
            return;
        };
        match &event.kind {
            EventKind::Fetching { notice: Notice::Attempt { waited, latency, judgement }, .. } => {
                let is_answer = judgement.http != 0;
                let is_limited = matches!(judgement.verdict, Verdict::Throttle(_));
                judged.tally.attempt(at, *waited, *latency, is_answer && !is_limited);
                if judged.simulator.is_none() {
                    match judgement.verdict {
                        Verdict::Throttle(window) => judged.tally.refused(at, cause(window)),
                        Verdict::Stop => {}
                        _ if is_answer => judged.tally.accepted(Moment { elapsed: at, wall: event.at }),
                        _ => {}
                    }
                }
                self.heard += 1;
                if self.heard.is_multiple_of(EACH) {
                    self.judged.iter_mut().for_each(Judged::look);
                }
            }
            EventKind::Ended { .. } => judged.ended = at,
            _ => {}
        }
    }

    /// The jobs that paused and can go on before `end`, and when all of them can.
    pub(super) fn paused(&self, now: Timestamp, end: Timestamp) -> Option<(Timestamp, Vec<usize>)> {
        let resume_at = |job: &JobReport| {
            let resume_at = job.resume_at.filter(|_| job.exit == Exit::Paused);
            resume_at.filter(|at| (now..end).contains(at) && *at > now)
        };
        let paused = self.jobs.iter().enumerate().filter_map(|(nth, job)| Some((resume_at(job)?, nth)));
        let (times, paused): (Vec<Timestamp>, Vec<usize>) = paused.unzip();
        Some((times.into_iter().max()?, paused))
    }

    /// The report; the run has `used` so much processor time.
    pub(super) fn close(self, used: Duration, scenario: impl Fn(&Limits) -> Scenario, means: Means) -> Benched {
        let sent: u64 = self.jobs.iter().map(|job| job.requests).sum();
        let each = used.checked_div(u32::try_from(sent).unwrap_or(u32::MAX)).unwrap_or_default();
        let providers = self.judged.into_iter().map(|mut judged| {
            judged.look();
            let jobs = self.jobs.iter().filter(|job| job.provider == judged.provider);
            let jobs: Vec<&str> = jobs.map(|job| job.job.as_str()).collect();
            let played = judged.tally.finish(judged.ended.min(self.length));
            let figures = Figures::of_jobs(&played, each);
            Report::of_jobs(&judged.provider, &jobs, means, &scenario(&judged.limits), (played, figures))
        });
        Benched { providers: providers.collect(), jobs: self.jobs.into_iter().map(JobEnd::of).collect() }
    }
}

impl Judged {
    /// Reads what the simulator has counted since the last time.
    fn look(&mut self) {
        let Some(simulator) = &self.simulator else { return };
        let log = simulator.lock().unwrap_or_else(PoisonError::into_inner).take_log();
        for entry in log {
            match entry.refused {
                Some(cause) => self.tally.refused(entry.at.elapsed, cause),
                None if entry.counted => self.tally.accepted(entry.at),
                None => {}
            }
        }
    }
}

impl JobEnd {
    fn of(job: JobReport) -> Self {
        let JobReport { job, provider, exit, reason, cells, requests, records, .. } = job;
        Self { job, provider, exit, reason, cells, requests, records }
    }

    /// One line.
    pub(super) fn line(&self) -> String {
        let how = match self.exit {
            Exit::Done => "done",
            Exit::Rejected => "done, with cells or records that were rejected",
            Exit::Paused => "not done",
            Exit::Interrupted | Exit::Terminated => "interrupted",
            Exit::Failed | Exit::Usage | Exit::NeedsPerson => "failed",
        };
        let Self { job, cells, requests, records, .. } = self;
        let (settled, planned) = (cells.settled(), cells.planned);
        let why = self.reason.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default();
        format!("{job}: {how}, {settled} of {planned} cells, {records} records, {requests} calls{why}")
    }
}

impl Benched {
    /// What the bench itself ends with: a job that is not done, or that was refused cells, was measured all the same.
    pub(super) fn exit(&self) -> Exit {
        self.jobs.iter().fold(Exit::Done, |exit, job| match job.exit {
            Exit::Done | Exit::Rejected | Exit::Paused => exit,
            other => exit.and(other),
        })
    }
}

fn cause(window: ThrottleWindow) -> Cause {
    match window {
        ThrottleWindow::Minute => Cause::Minute,
        ThrottleWindow::Day => Cause::Day,
        ThrottleWindow::Concurrency => Cause::Concurrency,
        _ => Cause::Second,
    }
}
