//! Whether a job may end as it did. Pure.

use jiff::{SignedDuration, Timestamp};
use tidemill::run::{CellTally, Exit, JobReport};

use super::books::reopens_at;
use super::schedule::End;

/// What was going on while the job ran.
pub(crate) struct Around {
    pub(crate) end: End,
    /// Partitions of the job without their file.
    pub(crate) unpublished: u64,
    /// Its provider had a bad night.
    pub(crate) troubled: bool,
    /// One that may need a person.
    pub(crate) stops: bool,
    /// Another run was under way.
    pub(crate) beside: bool,
    /// When the day of its provider opens again, if it is used up.
    pub(crate) reopens: Option<Timestamp>,
    /// Now.
    pub(crate) now: Timestamp,
}

/// The longest a provider's rules make a cell wait for its next attempt.
const LONGEST_DELAY: SignedDuration = SignedDuration::from_mins(15);

/// What is wrong with the end of `job`, whose cells stand as `cells` says.
pub(crate) fn judge(job: &JobReport, cells: &CellTally, around: &Around) -> Result<(), String> {
    let reason = job.reason.as_deref().unwrap_or_default();
    let done = (cells.left, around.unpublished) == (0, 0);
    let dead = matches!(around.end, End::Death(..) | End::Full(_));
    let fits = match job.exit {
        Exit::Done => done && cells.rejected == 0,
        Exit::Rejected => done && cells.rejected > 0,
        Exit::Failed if dead && reason.to_lowercase().contains("no space left") => true,
        Exit::Failed => around.troubled && !done && job.cells.pending > 0 && !reason.is_empty(),
        Exit::NeedsPerson => around.stops && !done && !reason.is_empty(),
        Exit::Interrupted | Exit::Terminated => matches!(around.end, End::Signal(_, exit) if exit == job.exit) && !done,
        Exit::Paused if around.beside && reason.contains("by another process") => job.requests == 0,
        Exit::Paused => !done && paused(job.resume_at, reason, around),
        Exit::Usage => false,
    };
    if fits {
        return Ok(());
    }
    let (name, unpublished) = (&job.job, around.unpublished);
    let (exit, resume) = (job.exit, job.resume_at);
    Err(format!(
        "job {name} ended with {exit:?} ({reason:?}, resume at {resume:?}); {cells:?}, {unpublished} unpublished"
    ))
}

fn paused(resume_at: Option<Timestamp>, reason: &str, around: &Around) -> bool {
    match (resume_at, around.reopens) {
        (Some(at), Some(reset)) if reopens_at(at, reset) => true,
        (Some(at), _) => around.troubled && at.duration_since(around.now) <= LONGEST_DELAY,
        (None, _) => around.troubled && reason.contains("seems down"),
    }
}
