//! Group commit: many cells append, one task writes, one sync serves all who wait for it.
//!
//! Invariant: an append is answered after all of its frames are durable, never before; frames that arrive while a write
//! is under way share the next one. Nothing blocks the runtime: files are touched in `spawn_blocking` only.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use tokio::sync::{mpsc, oneshot};

use crate::disk::aside;
use crate::plan::CellId;

use super::error::SpoolError;
use super::frame::{Frame, PageFrame};
use super::partition::PartitionSpool;
use super::stats::SpoolStats;

/// Appends taken into one write at most; bounds the memory of a batch.
const BATCH: usize = 256;

type Spools = HashMap<String, PartitionSpool>;
type Answer<T> = oneshot::Sender<Result<T, SpoolError>>;
/// Whom to answer, and whether all of its frames can stand.
type Staged = (Answer<()>, Result<(), SpoolError>);

enum Command {
    Open(String, Box<PartitionSpool>),
    Append(Append),
    Read(String, CellId, Range<u32>, Answer<Vec<PageFrame>>),
    Close(String, Answer<Box<PartitionSpool>>),
}

struct Append {
    partition: String,
    frames: Vec<Frame>,
    answer: Answer<()>,
}

/// Owns the open partitions of a job and writes for all of its cells.
pub struct SpoolWriter {
    commands: mpsc::Receiver<Command>,
}

/// Hands frames to the [`SpoolWriter`]; cheap to clone.
#[derive(Clone)]
pub struct SpoolHandle {
    commands: mpsc::Sender<Command>,
}

impl SpoolWriter {
    /// A writer and its first handle; `queue` appends may wait before appending waits too.
    pub fn new(queue: usize) -> (Self, SpoolHandle) {
        let (sender, receiver) = mpsc::channel(queue.max(1));
        (Self { commands: receiver }, SpoolHandle { commands: sender })
    }

    /// Writes until the last handle is gone; gives what was written in all.
    pub async fn run(mut self) -> SpoolStats {
        let mut spools = Spools::new();
        let mut stats = SpoolStats::default();
        while let Some(command) = self.commands.recv().await {
            let mut batch = Vec::new();
            let mut next = Some(command);
            // Whatever is no append ends the batch, so that commands keep their order.
            let then = loop {
                match next {
                    Some(Command::Append(append)) => batch.push(append),
                    Some(other @ (Command::Open(..) | Command::Read(..) | Command::Close(..))) => break Some(other),
                    None => break None,
                }
                next = if batch.len() < BATCH { self.commands.try_recv().ok() } else { None };
            };
            if !batch.is_empty() {
                let Some((back, written)) = aside(move || write(spools, batch)).await else {
                    // A panic took the spools with it; all waiters learn it from their dropped answers.
                    return stats;
                };
                spools = back;
                stats.add(written);
            }
            match then {
                Some(Command::Open(partition, spool)) => drop(spools.insert(partition, *spool)),
                Some(Command::Read(partition, cell, pages, answer)) => {
                    let Some(back) = aside(move || read(spools, &partition, cell, pages, answer)).await else {
                        return stats;
                    };
                    spools = back;
                }
                Some(Command::Close(partition, answer)) => {
                    let spool = spools.remove(&partition).map(Box::new).ok_or(SpoolError::NotOpen(partition));
                    reply(answer, spool);
                }
                Some(Command::Append(_)) | None => {}
            }
        }
        stats
    }
}

impl SpoolHandle {
    /// Hands a partition over, to be appended to under this name (its hash).
    pub async fn open(&self, partition: &str, spool: PartitionSpool) -> Result<(), SpoolError> {
        let command = Command::Open(partition.to_owned(), Box::new(spool));
        self.commands.send(command).await.map_err(|_| SpoolError::Ended)
    }

    /// Returns once the frames are durable, which one write makes them. Of frames that cannot stand, the first is the
    /// answer; those before it are kept. After an error of the disk the partition is poisoned: close and reopen it.
    pub async fn append(&self, partition: &str, frames: Vec<Frame>) -> Result<(), SpoolError> {
        let (answer, answered) = oneshot::channel();
        let append = Append { partition: partition.to_owned(), frames, answer };
        self.commands.send(Command::Append(append)).await.map_err(|_| SpoolError::Ended)?;
        answered.await.map_err(|_| SpoolError::Ended)?
    }

    /// Reads these pages of a cell back, checked.
    pub async fn read(&self, partition: &str, cell: CellId, pages: Range<u32>) -> Result<Vec<PageFrame>, SpoolError> {
        let (answer, answered) = oneshot::channel();
        let command = Command::Read(partition.to_owned(), cell, pages, answer);
        self.commands.send(command).await.map_err(|_| SpoolError::Ended)?;
        answered.await.map_err(|_| SpoolError::Ended)?
    }

    /// Takes a partition back, for encoding or for opening it again; what was appended before is written.
    pub async fn close(&self, partition: &str) -> Result<PartitionSpool, SpoolError> {
        let (answer, answered) = oneshot::channel();
        self.commands.send(Command::Close(partition.to_owned(), answer)).await.map_err(|_| SpoolError::Ended)?;
        answered.await.map_err(|_| SpoolError::Ended)?.map(|spool| *spool)
    }
}

fn write(mut spools: Spools, batch: Vec<Append>) -> (Spools, SpoolStats) {
    let mut stats = SpoolStats::default();
    let mut waiting: BTreeMap<String, Vec<Staged>> = BTreeMap::new();
    for Append { partition, frames, answer } in batch {
        match spools.get_mut(&partition) {
            Some(spool) => {
                let staged = frames.iter().try_for_each(|frame| spool.stage(frame));
                waiting.entry(partition).or_default().push((answer, staged));
            }
            None => reply(answer, Err(SpoolError::NotOpen(partition))),
        }
    }
    for (partition, answers) in waiting {
        let Some(spool) = spools.get_mut(&partition) else { continue };
        let before = spool.stats();
        let written = spool.commit();
        stats.add(spool.stats().since(before));
        for (answer, staged) in answers {
            reply(answer, staged.and_then(|()| written.clone()));
        }
    }
    (spools, stats)
}

fn read(spools: Spools, partition: &str, cell: CellId, pages: Range<u32>, answer: Answer<Vec<PageFrame>>) -> Spools {
    let read = match spools.get(partition) {
        Some(spool) => {
            let wanted = spool.pages(&cell).iter().filter(|at| pages.contains(&at.page));
            wanted.map(|at| spool.read(at)).collect()
        }
        None => Err(SpoolError::NotOpen(partition.to_owned())),
    };
    reply(answer, read);
    spools
}

fn reply<T>(answer: Answer<T>, result: Result<T, SpoolError>) {
    // Who no longer waits needs no answer: a cancelled cell finds its page when it is resumed.
    drop(answer.send(result));
}
