//! One run, replay or check per job and state folder, held by the system for as long as the process lives.
//!
//! Invariant: a lock cannot be stale, because a killed process holds none; the file itself means nothing and stays.

use std::fmt;
use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Seek, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::Serialize;
use thiserror::Error;

/// How often the lock is tried that those who look have for a moment.
const TURNS: u32 = 100;

/// Held until dropped, or until the process dies.
#[derive(Debug)]
pub struct JobLock {
    file: File,
    /// Locked beside it for those who look: a look has this one for a moment, and must never keep a run from beginning.
    shown: Option<File>,
}

/// What a job is held for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Doing {
    /// To run it. Taken for granted where a lock file does not say.
    #[default]
    Run,
    /// To make its files anew.
    Replay,
    /// To look whether all of it is there.
    Verify,
}

impl Doing {
    /// As a lock file says it.
    fn word(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Replay => "replay",
            Self::Verify => "verify",
        }
    }

    fn read(word: &str) -> Self {
        [Self::Replay, Self::Verify].into_iter().find(|doing| doing.word() == word).unwrap_or_default()
    }
}

impl fmt::Display for Doing {
    /// What the job is: `being run`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Run => "being run",
            Self::Replay => "being replayed",
            Self::Verify => "being verified",
        })
    }
}

/// Who holds a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holder {
    /// What for.
    pub doing: Doing,
    /// The process, if it has written its number yet.
    pub pid: Option<u32>,
    /// When it took the job, as the clock of the disk says.
    pub since: Option<Timestamp>,
}

/// Why a job cannot be locked.
#[derive(Debug, Error)]
pub enum LockError {
    /// Another process has it.
    #[error("job `{job}` is {doing} by another process{}; wait for it or stop it", pid.map(|pid| format!(" (pid {pid})")).unwrap_or_default())]
    Held {
        /// The job.
        job: String,
        /// What for.
        doing: Doing,
        /// The holder, if it has written its number yet.
        pid: Option<u32>,
    },
    /// The lock file cannot be made or locked.
    #[error("cannot {action} the lock file `{path}`", path = .path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// The lock file.
        path: PathBuf,
        /// What the system answered.
        source: io::Error,
    },
}

impl Drop for JobLock {
    /// Lets go by name: a child that is just being started may hold a copy of the file until it becomes its program.
    fn drop(&mut self) {
        drop(self.shown.as_ref().map(File::unlock));
        drop(self.file.unlock());
    }
}

impl JobLock {
    /// Locks every job that was ever run with this state, at once or not at all.
    ///
    /// # Errors
    /// When another process has one of them, or a lock file cannot be made or locked.
    pub fn acquire_all(state: &Path) -> Result<Vec<Self>, LockError> {
        jobs(&state.join("locks"))?.iter().map(|job| Self::acquire(state, job)).collect()
    }

    /// The jobs that are held with this state now, sorted, and who holds each.
    ///
    /// # Errors
    /// When the locks cannot be listed or looked at.
    pub fn held(state: &Path) -> Result<Vec<(String, Holder)>, LockError> {
        let dir = state.join("locks");
        let jobs = if dir.exists() { jobs(&dir)? } else { Vec::new() };
        let held = jobs.into_iter().map(|job| Ok(Self::holder(state, &job)?.map(|holder| (job, holder))));
        held.filter_map(Result::transpose).collect()
    }

    /// Locks `<state>/locks/<job>.lock` for a run, at once or not at all.
    ///
    /// # Errors
    /// When another process has it, or the lock file cannot be made or locked.
    pub fn acquire(state: &Path, job: &str) -> Result<Self, LockError> {
        Self::acquire_for(Doing::Run, state, job)
    }

    /// The same for something else, which is told to whoever looks.
    ///
    /// # Errors
    /// As for [`JobLock::acquire`].
    pub fn acquire_for(doing: Doing, state: &Path, job: &str) -> Result<Self, LockError> {
        let dir = state.join("locks");
        let path = dir.join(format!("{job}.lock"));
        let failed = |action| {
            let path = path.clone();
            move |source| LockError::Io { action, path, source }
        };
        fs::create_dir_all(&dir).map_err(failed("create"))?;
        let open = File::options().read(true).write(true).create(true).truncate(false).open(&path);
        let mut file = open.map_err(failed("open"))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let (pid, doing) = written(&mut file);
                return Err(LockError::Held { job: job.to_owned(), doing, pid });
            }
            Err(TryLockError::Error(source)) => return Err(failed("lock")(source)),
        }
        file.set_len(0).and_then(|()| file.rewind()).map_err(failed("write"))?;
        let holder = format!("{} {}\n", std::process::id(), doing.word());
        file.write_all(holder.as_bytes()).map_err(failed("write"))?;
        Ok(Self { file, shown: show(&dir.join(format!("{job}.running"))) })
    }

    /// Who holds the job now; `None` when nobody does. Nothing is written, and no run that begins meanwhile is kept away.
    ///
    /// # Errors
    /// When a lock file is there and cannot be looked at.
    pub fn holder(state: &Path, job: &str) -> Result<Option<Holder>, LockError> {
        let dir = state.join("locks");
        let path = dir.join(format!("{job}.running"));
        let shown = match File::open(&path) {
            Ok(shown) => shown,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(LockError::Io { action: "open", path, source }),
        };
        match shown.try_lock_shared() {
            Ok(()) => {
                drop(shown.unlock());
                Ok(None)
            }
            Err(TryLockError::WouldBlock) => {
                let mut file = File::open(dir.join(format!("{job}.lock"))).ok();
                let since = file.as_ref().and_then(|file| file.metadata().ok()?.modified().ok());
                let since = since.and_then(|since| Timestamp::try_from(since).ok());
                let (pid, doing) = file.as_mut().map(written).unwrap_or_default();
                Ok(Some(Holder { doing, pid, since }))
            }
            Err(TryLockError::Error(source)) => Err(LockError::Io { action: "look at", path, source }),
        }
    }
}

/// Every job that was ever locked in the folder `dir`, sorted.
fn jobs(dir: &Path) -> Result<Vec<String>, LockError> {
    let failed = |source| LockError::Io { action: "list", path: dir.to_owned(), source };
    let mut jobs = Vec::new();
    for entry in fs::read_dir(dir).map_err(failed)? {
        let name = entry.map_err(failed)?.file_name();
        let job = name.to_str().and_then(|name| name.strip_suffix(".lock"));
        jobs.extend(job.filter(|job| !job.starts_with('.')).map(ToOwned::to_owned));
    }
    jobs.sort();
    Ok(jobs)
}

/// Lets those who look see that the job is run; without it the run goes on unseen.
fn show(path: &Path) -> Option<File> {
    let shown = File::options().write(true).create(true).truncate(false).open(path).ok()?;
    for _ in 0..TURNS {
        match shown.try_lock() {
            Err(TryLockError::WouldBlock) => std::thread::yield_now(),
            done => return done.is_ok().then_some(shown),
        }
    }
    None
}

/// What a lock file says of its holder. Where a lock keeps others from reading too, the number stays unknown.
fn written(file: &mut File) -> (Option<u32>, Doing) {
    let mut text = String::new();
    if file.read_to_string(&mut text).is_err() {
        return (None, Doing::default());
    }
    let mut words = text.split_whitespace();
    let pid = words.next().and_then(|pid| pid.parse().ok());
    (pid, words.next().map(Doing::read).unwrap_or_default())
}
