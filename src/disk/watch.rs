//! Who watches the steps below a folder; tests only. Each watch has a folder of its own, so tests can run side by side.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::step::Op;

static WATCHES: Mutex<Vec<(PathBuf, Arc<Watched>)>> = Mutex::new(Vec::new());

/// Sees every step below a folder until it is dropped.
pub struct Watch {
    root: PathBuf,
    watched: Arc<Watched>,
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").field("root", &self.root).finish_non_exhaustive()
    }
}

/// Asked before a step; an error is the answer of the disk, and the step has no effect.
type Judge = Box<dyn FnMut(&Op) -> io::Result<()> + Send>;

pub(super) struct Watched {
    judge: Mutex<Judge>,
    log: Mutex<Vec<Op>>,
}

impl Watch {
    /// Watches what happens below `root`, which nobody else watches; `judge` is asked before each step, one at a time,
    /// and must take none itself.
    pub fn below(root: &Path, judge: impl FnMut(&Op) -> io::Result<()> + Send + 'static) -> Self {
        let watched = Arc::new(Watched { judge: Mutex::new(Box::new(judge)), log: Mutex::default() });
        held(&WATCHES).push((root.to_owned(), Arc::clone(&watched)));
        Self { root: root.to_owned(), watched }
    }

    /// Watches and lets everything be.
    pub fn all_below(root: &Path) -> Self {
        Self::below(root, |_| Ok(()))
    }

    /// The steps that took effect so far, in order.
    pub fn log(&self) -> Vec<Op> {
        held(&self.watched.log).clone()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        held(&WATCHES).retain(|(_, watched)| !Arc::ptr_eq(watched, &self.watched));
    }
}

impl Watched {
    pub(super) fn before(&self, op: &Op) -> io::Result<()> {
        held(&self.judge)(op)
    }

    pub(super) fn after(&self, op: Op) {
        held(&self.log).push(op);
    }
}

/// Who watches over `path`.
pub(super) fn over(path: &Path) -> Option<Arc<Watched>> {
    held(&WATCHES).iter().find(|(root, _)| path.starts_with(root)).map(|(_, watched)| Arc::clone(watched))
}

/// A test that failed meanwhile is no reason for others to fail.
fn held<T>(what: &Mutex<T>) -> MutexGuard<'_, T> {
    what.lock().unwrap_or_else(PoisonError::into_inner)
}
