//! What runs did to the disk, step by step, and what would be there had they ended at any of them.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use rusqlite::Connection;
use tidemill::disk::{Op, Watch, What};
use tidemill::plan::CellId;
use tidemill::spool::{Header, MAX_BODY, decode, generation_of};

use super::mill::{Ended, Place, memory};
use super::model::{Model, Tree};

/// The steps of a run, in order, with paths below its folder.
pub(crate) struct Recording(Vec<Step>);

struct Step {
    op: Op,
    /// For a commit of the ledger: its file from then on.
    ledger: Option<Arc<Vec<u8>>>,
}

/// A page that was bought: generation, cell, epoch, index.
type Bought = (u32, CellId, u32, u32);

/// What is there at one moment, and what is known of it.
#[derive(Clone)]
pub(crate) struct Moment {
    pub(crate) model: Model,
    /// Of one commit or the next: its transactions are synced.
    pub(crate) ledger: Option<Arc<Vec<u8>>>,
    /// Pages whose append may have been answered, because they are synced.
    pub(crate) kept: BTreeSet<Bought>,
    appended: Vec<(PathBuf, Bought)>,
    /// Whether the journals of attempts count. They are not synced, and survive only the death of the process.
    pub(crate) journals: bool,
}

impl Recording {
    /// Records what `run` does in `place`.
    pub(crate) async fn of(place: &Place, run: impl Future<Output = Ended>) -> (Ended, Self) {
        Self::of_failing(place, run, |_| Ok(())).await
    }

    /// The same where steps fail as `judge` says.
    pub(crate) async fn of_failing(
        place: &Place,
        run: impl Future<Output = Ended>,
        mut judge: impl FnMut(&Op) -> io::Result<()> + Send + 'static,
    ) -> (Ended, Self) {
        let root = place.root().to_owned();
        let ledgers = Arc::new(Mutex::new(Vec::new()));
        let watch = Watch::below(&root, {
            let ledgers = Arc::clone(&ledgers);
            move |op| {
                // Between its commit and the end of this step nobody writes to the ledger.
                if op.what == What::Committed {
                    ledgers.lock().unwrap().push(Arc::new(copy(&op.path)?));
                }
                judge(op)
            }
        });
        let ended = run.await;
        let log = watch.log();
        let mut ledgers = ledgers.lock().unwrap().clone().into_iter();
        let step = |op: Op| {
            let ledger = if op.what == What::Committed { ledgers.next() } else { None };
            Step { op: below(&root, op), ledger }
        };
        (ended, Self(log.into_iter().map(step).collect()))
    }

    /// From `begin` on, the moment before each step, and at last the one after all of them.
    pub(crate) fn moments(&self, begin: &Moment) -> Vec<Moment> {
        let mut moments = vec![begin.clone()];
        for step in &self.0 {
            let mut moment = moments.last().unwrap().clone();
            moment.go_on(step);
            moments.push(moment);
        }
        moments
    }
}

impl Moment {
    /// Nothing is there.
    pub(crate) fn empty() -> Self {
        Self { model: Model::new(), ledger: None, kept: BTreeSet::new(), appended: Vec::new(), journals: false }
    }

    fn go_on(&mut self, step: &Step) {
        let Op { path, what } = &step.op;
        if path.starts_with("quota") && !self.journals {
            return;
        }
        self.model.apply(&step.op);
        match what {
            What::Committed => self.ledger.clone_from(&step.ledger),
            What::Append { bytes, .. } => {
                if let Some(generation) = generation_of(path) {
                    self.appended.extend(pages(generation, bytes).into_iter().map(|page| (path.clone(), page)));
                }
            }
            What::SyncFile => {
                let synced = self.appended.extract_if(.., |(of, _)| of == path);
                self.kept.extend(synced.map(|(_, page)| page));
            }
            _ => {}
        }
    }
}

/// Puts what survived into an empty place.
pub(crate) fn put(place: &Place, tree: &Tree, ledger: Option<&[u8]>) {
    for (path, bytes) in tree {
        let path = place.root().join(path);
        match bytes {
            None => fs::create_dir(path).unwrap(),
            Some(bytes) => fs::write(path, bytes).unwrap(),
        }
    }
    if let Some(ledger) = ledger {
        let path = place.folders().ledger();
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, ledger).unwrap();
    }
}

/// The bytes of a ledger that is in use, as one file.
fn copy(ledger: &Path) -> io::Result<Vec<u8>> {
    let folder = memory();
    let copy = folder.path().join("ledger.db");
    fs::copy(ledger, &copy)?;
    fs::copy(ledger.with_extension("db-wal"), copy.with_extension("db-wal"))?;
    // Whoever closes it last folds the log into the file.
    let db = Connection::open(&copy).map_err(io::Error::other)?;
    db.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(())).map_err(io::Error::other)?;
    drop(db);
    fs::read(copy)
}

/// The pages in an append, by the table of frames in `spool/frame.rs`.
fn pages(generation: u32, mut bytes: &[u8]) -> Vec<Bought> {
    let mut pages = Vec::new();
    while !bytes.is_empty() {
        let length = |at: usize| u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
        let (frame, rest) = bytes.split_at(48 + length(32) + length(36));
        if let (Header::Page(page), _) = decode(frame, MAX_BODY).unwrap() {
            pages.push((generation, page.cell, page.epoch, page.page));
        }
        bytes = rest;
    }
    pages
}

fn below(root: &Path, op: Op) -> Op {
    let below = |path: PathBuf| path.strip_prefix(root).unwrap().to_owned();
    let what = match op.what {
        What::RenameTo(to) => What::RenameTo(below(to)),
        what => what,
    };
    Op { path: below(op.path), what }
}
