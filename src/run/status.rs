//! Where a job stands, how its last run ended and what comes next: for whoever comes in the morning. Only looks.

use jiff::Timestamp;
use serde::Serialize;

use crate::job::Job;
use crate::ledger::{Doing, Holder, JobLock, Ledger, LockError, Outcome, PartitionState, RunRow};
use crate::plan;
use crate::provider::Provider;

use super::error::RunError;
use super::exit::Exit;
use super::folders::Folders;
use super::refetch::refetched;
use super::report::JobReport;
use super::states::ended;

/// Where a job stands.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Status {
    /// Its name.
    pub job: String,
    /// Who serves it, as far as is known.
    pub provider: Option<String>,
    /// Its folder of Parquet files, as the last run named it.
    pub output: Option<String>,
    /// Its job file, as the call or the last run named it.
    pub file: Option<String>,
    /// The zone of the provider's days.
    pub zone: String,
    /// Its cells.
    pub cells: CellsNow,
    /// Records that did not fit their columns, but for those a person took as final.
    pub rejected_records: u64,
    /// Visible files.
    pub files: u64,
    /// Rows in them.
    pub rows: u64,
    /// Their size.
    pub bytes: u64,
    /// The run, or what else holds it now.
    pub running: Option<Running>,
    /// The run that ended last.
    pub last: Option<PastRun>,
    /// When a later run began that left no report: it was killed, or the machine or its disk failed.
    pub died: Option<Timestamp>,
    /// What comes next.
    pub next: Next,
}

/// The cells of a job as they are now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct CellsNow {
    /// In all: as planned now, or without the job file as they were planned last.
    pub planned: u64,
    /// With records.
    pub records: u64,
    /// Empty.
    pub empty: u64,
    /// Of them, those the provider may mean as "not yet".
    pub unconfirmed: u64,
    /// Rejected, but for those a person took as final.
    pub rejected: u64,
    /// Rejected, and taken as final.
    pub accepted: u64,
    /// Not settled yet.
    pub left: u64,
    /// Of them, those that the last run saw wait for a quota.
    pub parked: u64,
    /// Published cells that a run would ask for again.
    pub again: u64,
}

impl CellsNow {
    /// Cells that came to their end.
    pub fn settled(&self) -> u64 {
        self.records + self.empty + self.rejected + self.accepted
    }

    fn ended(&mut self, outcome: &Outcome) {
        match outcome {
            Outcome::Records => self.records += 1,
            Outcome::Empty { unconfirmed } => {
                self.empty += 1;
                self.unconfirmed += u64::from(*unconfirmed);
            }
            Outcome::Rejected { .. } => self.rejected += 1,
        }
    }
}

/// A run that goes on, or something else that keeps runs away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Running {
    /// What is done with the job.
    pub doing: Doing,
    /// Its process, if that is known.
    pub pid: Option<u32>,
    /// When it began, if that is known.
    pub since: Option<Timestamp>,
}

/// A run that has ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PastRun {
    /// Begin.
    pub started: Timestamp,
    /// End.
    pub ended: Timestamp,
    /// How it ended; `None` when its report cannot be read.
    pub exit: Option<Exit>,
    /// The number of `exit`.
    pub exit_code: Option<u8>,
    /// What was said about that.
    pub reason: Option<String>,
    /// When it could go on, if it was paused.
    pub resume_at: Option<Timestamp>,
    /// Attempts sent.
    pub requests: u64,
    /// Records received.
    pub records: u64,
    /// Credits charged, as far as the provider says.
    pub credits: u64,
    /// Files that became visible.
    pub files: u64,
}

/// What comes next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "what", rename_all = "snake_case")]
pub enum Next {
    /// Nothing, until the process that holds it ends.
    Running,
    /// A person must act first, as the last run said.
    Act,
    /// The job or its settings must be mended first, as the last run said.
    Mend,
    /// A run goes on, but not before that.
    Wait {
        /// When it can go on.
        until: Timestamp,
    },
    /// It was never run.
    Begin,
    /// A run goes on at once.
    Run,
    /// Nothing is left, but something was rejected that somebody should look at.
    Look,
    /// A run would fetch what is published again.
    Refetch,
    /// Nothing.
    Nothing,
}

/// Where the job `name` stands at `now`; its cells are counted as planned now where the job itself is given.
///
/// # Errors
/// When its cells cannot be planned, or the ledger or the lock cannot be read.
pub fn status(
    name: &str,
    job: Option<(&Job, &Provider)>,
    ledger: &dyn Ledger,
    folders: &Folders,
    now: Timestamp,
) -> Result<Status, RunError> {
    let (totals, rows) = (ledger.totals(name)?, ledger.partitions(name)?);
    let mut cells = CellsNow {
        records: totals.records,
        empty: totals.empty + totals.unconfirmed,
        unconfirmed: totals.unconfirmed,
        rejected: totals.rejected,
        accepted: totals.accepted,
        ..CellsNow::default()
    };
    for row in rows.iter().filter(|row| row.state == PartitionState::Fetching) {
        ended(name, ledger, folders, row)?.values().for_each(|outcome| cells.ended(outcome));
    }
    cells.planned = match job {
        Some((job, provider)) => {
            cells.again = refetched(job, &provider.zone, &rows, now).into_iter().map(|row| row.cells).sum();
            plan::cells(job, now, &provider.zone).map_err(RunError::Plan)?.len() as u64
        }
        None => rows.iter().map(|row| row.cells).sum(),
    };
    cells.left = cells.planned.saturating_sub(cells.settled());
    let is_visible = |state, generation| state == PartitionState::Committed || generation > 1;
    let has_file = |file: &Option<String>| file.as_ref().is_some_and(|file| !file.is_empty());
    let files = rows.iter().filter(|row| is_visible(row.state, row.generation) && has_file(&row.file)).count();
    let running = match JobLock::holder(&folders.state, name) {
        Ok(holder) => holder.map(|Holder { doing, pid, since }| Running { doing, pid, since }),
        Err(error @ (LockError::Held { .. } | LockError::Io { .. })) => return Err(RunError::Lock(error)),
    };
    let last = ledger.runs(name, 1)?.into_iter().next();
    let report = last.as_ref().and_then(|run| JobReport::read(&run.report));
    cells.parked = report.as_ref().map_or(0, |report| report.cells.parked).min(cells.left);
    let last = last.as_ref().map(|run| PastRun::of(run, report.as_ref()));
    let ended_last = last.as_ref().map(|last| last.ended);
    // Of a run that goes on nobody knows the end; who only looks is none.
    let is_run = running.is_some_and(|running| running.doing != Doing::Verify);
    let died = ledger.claimed(name)?.filter(|began| !is_run && ended_last.is_none_or(|ended| *began > ended));
    let last_heard = last.as_ref().filter(|_| died.is_none());
    let next = next(&cells, totals.rejected_records, running.is_some(), last_heard, now);
    let zone = job.and_then(|(_, provider)| provider.zone.iana_name().map(ToOwned::to_owned));
    Ok(Status {
        job: name.to_owned(),
        provider: job.map(|(_, provider)| provider.name.clone()).or(report.as_ref().map(|one| one.provider.clone())),
        zone: zone.or(report.as_ref().map(|report| report.zone.clone())).unwrap_or_else(|| "UTC".to_owned()),
        file: match job {
            Some((job, _)) => Some(job.file.display().to_string()),
            None => report.as_ref().map(|report| report.file.clone()).filter(|file| !file.is_empty()),
        },
        output: report.map(|report| report.output),
        cells,
        rejected_records: totals.rejected_records,
        files: files as u64,
        rows: totals.rows,
        bytes: totals.bytes,
        running,
        last,
        died,
        next,
    })
}

/// The runs of a job that are kept, at most `most`, the last one first.
///
/// # Errors
/// When the ledger cannot be read.
pub fn history(name: &str, ledger: &dyn Ledger, most: usize) -> Result<Vec<PastRun>, RunError> {
    let runs = ledger.runs(name, most)?;
    Ok(runs.iter().map(|run| PastRun::of(run, JobReport::read(&run.report).as_ref())).collect())
}

impl PastRun {
    fn of(run: &RunRow, report: Option<&JobReport>) -> Self {
        Self {
            started: run.started,
            ended: run.ended,
            exit: report.map(|report| report.exit),
            exit_code: report.map(|report| report.exit.code()),
            reason: report.and_then(|report| report.reason.clone()),
            resume_at: report.and_then(|report| report.resume_at),
            requests: report.map_or(0, |report| report.requests),
            records: report.map_or(0, |report| report.records),
            credits: report.map_or(0, |report| report.credits),
            files: report.map_or(0, |report| report.published.files),
        }
    }
}

/// What comes next. What a person must do first goes before what a run would do.
fn next(cells: &CellsNow, rejected_records: u64, is_running: bool, last: Option<&PastRun>, now: Timestamp) -> Next {
    if is_running {
        return Next::Running;
    }
    let Some(last) = last else { return if cells.settled() == 0 { Next::Begin } else { Next::Run } };
    let is_left = cells.left > 0;
    let resume_at = last.resume_at.filter(|at| is_left && *at > now);
    match (last.exit, resume_at) {
        (Some(Exit::NeedsPerson), _) if is_left => Next::Act,
        (Some(Exit::Usage), _) => Next::Mend,
        (_, Some(until)) => Next::Wait { until },
        _ if is_left => Next::Run,
        (Some(Exit::Failed | Exit::Interrupted | Exit::Terminated | Exit::Paused), _) => Next::Run,
        _ if cells.rejected + rejected_records > 0 => Next::Look,
        (Some(Exit::Rejected), _) if last.reason.is_some() => Next::Look,
        _ if cells.again > 0 => Next::Refetch,
        _ => Next::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_next() {
        let (now, later) = (Timestamp::UNIX_EPOCH, Timestamp::constant(9, 0));
        let run = |exit: Exit, reason: Option<&str>, resume_at| PastRun {
            started: now,
            ended: now,
            exit: Some(exit),
            exit_code: None,
            reason: reason.map(ToOwned::to_owned),
            resume_at,
            requests: 0,
            records: 0,
            credits: 0,
            files: 0,
        };
        let cells = |left, rejected, again| CellsNow { records: 2, left, rejected, again, ..CellsNow::default() };
        let (done, some) = (cells(0, 0, 0), cells(5, 0, 0));
        let table = [
            (CellsNow { left: 5, ..CellsNow::default() }, 0, false, None, Next::Begin),
            // A ledger that was rebuilt knows no runs.
            (some, 0, false, None, Next::Run),
            (some, 0, true, Some(run(Exit::NeedsPerson, None, None)), Next::Running),
            (some, 0, false, Some(run(Exit::NeedsPerson, None, None)), Next::Act),
            // What stood in the way is mended: a later run of another kind has done it all.
            (done, 0, false, Some(run(Exit::NeedsPerson, None, None)), Next::Nothing),
            (some, 0, false, Some(run(Exit::Usage, None, None)), Next::Mend),
            (some, 0, false, Some(run(Exit::Paused, None, Some(later))), Next::Wait { until: later }),
            (some, 0, false, Some(run(Exit::Paused, None, Some(now))), Next::Run),
            (some, 3, false, Some(run(Exit::Rejected, None, None)), Next::Run),
            (done, 0, false, Some(run(Exit::Failed, None, None)), Next::Run),
            (done, 3, false, Some(run(Exit::Rejected, None, None)), Next::Look),
            (cells(0, 1, 4), 0, false, Some(run(Exit::Rejected, None, None)), Next::Look),
            (done, 0, false, Some(run(Exit::Rejected, Some("kept the old file"), None)), Next::Look),
            (cells(0, 0, 4), 0, false, Some(run(Exit::Done, None, None)), Next::Refetch),
            (done, 0, false, Some(run(Exit::Done, None, None)), Next::Nothing),
        ];
        for (cells, records, is_running, last, due) in table {
            assert_eq!(next(&cells, records, is_running, last.as_ref(), now), due, "{cells:?} {last:?}");
        }
    }
}
