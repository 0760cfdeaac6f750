//! Group commit: many cells append, one task writes, one sync serves all who wait for it.
//!
//! Invariant: an append is answered after all of its frames are durable, never before; frames that arrive while a write
//! is under way share the next one. Nothing blocks the runtime: files are touched on a thread aside only, which goes on
//! as long as something is there to be done.

use std::collections::{BTreeMap, HashMap};
use std::ops::Range;

use tokio::sync::{mpsc, oneshot};

use crate::disk::{Durability, aside};
use crate::plan::CellId;

use super::error::SpoolError;
use super::frame::{Frame, PageFrame};
use super::partition::PartitionSpool;
use super::stats::SpoolStats;

/// Appends taken into one write at most; bounds the memory of a batch.
const BATCH: usize = 256;
/// Bytes of bodies after which a write that needs no sync is not held up by more: those that wait for it go on sooner.
const EARLY: usize = 256 << 10;
/// Commands after which a thread is left to others that wait for one: all jobs share a few.
const IN_A_ROW: usize = 32;

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
    spools: Spools,
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
        (Self { commands: receiver, spools: Spools::new() }, SpoolHandle { commands: sender })
    }

    /// Writes until the last handle is gone; gives what was written in all.
    pub async fn run(mut self) -> SpoolStats {
        let mut stats = SpoolStats::default();
        while let Some(command) = self.commands.recv().await {
            let Some((back, written)) = aside(move || self.work(command)).await else {
                // A panic took the spools with it; all waiters learn it from their dropped answers.
                return stats;
            };
            self = back;
            stats.add(written);
        }
        stats
    }

    /// Does what is asked, in order, until nothing more is or others have waited long: what comes meanwhile waits for no
    /// other thread.
    fn work(mut self, first: Command) -> (Self, SpoolStats) {
        let (mut stats, mut next, mut done) = (SpoolStats::default(), Some(first), 0);
        loop {
            let more = || if done < IN_A_ROW { self.commands.try_recv().ok() } else { None };
            let Some(command) = next.take().or_else(more) else { return (self, stats) };
            done += 1;
            match command {
                Command::Append(append) => {
                    let (batch, then) = self.batch(append);
                    stats.add(write(&mut self.spools, batch));
                    next = then;
                }
                Command::Open(partition, spool) => drop(self.spools.insert(partition, *spool)),
                Command::Read(partition, cell, pages, answer) => reply(answer, self.read(partition, cell, &pages)),
                Command::Close(partition, answer) => {
                    let spool = self.spools.remove(&partition).map(Box::new).ok_or(SpoolError::NotOpen(partition));
                    reply(answer, spool);
                }
            }
        }
    }

    /// The appends that are written together with the `first`, and the command that ended them: whatever is no append does,
    /// so that commands keep their order.
    fn batch(&mut self, first: Append) -> (Vec<Append>, Option<Command>) {
        let syncs = self.spools.get(&first.partition).is_some_and(|spool| spool.durability() == Durability::Power);
        let most = if syncs { usize::MAX } else { EARLY };
        let bytes_of = |append: &Append| append.frames.iter().map(Frame::body_bytes).sum::<usize>();
        let (mut bytes, mut batch) = (bytes_of(&first), vec![first]);
        while batch.len() < BATCH && bytes < most {
            match self.commands.try_recv() {
                Ok(Command::Append(append)) => {
                    bytes += bytes_of(&append);
                    batch.push(append);
                }
                other => return (batch, other.ok()),
            }
        }
        (batch, None)
    }

    fn read(&self, partition: String, cell: CellId, pages: &Range<u32>) -> Result<Vec<PageFrame>, SpoolError> {
        let Some(spool) = self.spools.get(&partition) else { return Err(SpoolError::NotOpen(partition)) };
        spool.pages(&cell).iter().filter(|at| pages.contains(&at.page)).map(|at| spool.read(at)).collect()
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

fn write(spools: &mut Spools, batch: Vec<Append>) -> SpoolStats {
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
    stats
}

fn reply<T>(answer: Answer<T>, result: Result<T, SpoolError>) {
    // Who no longer waits needs no answer: a cancelled cell finds its page when it is resumed.
    drop(answer.send(result));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_so_many_the_thread_is_left_to_others() {
        let (mut writer, handle) = SpoolWriter::new(100);
        for _ in 0..100 {
            // Nobody hears the answer.
            let (answer, _) = oneshot::channel();
            assert!(handle.commands.try_send(Command::Close("p".to_owned(), answer)).is_ok());
        }
        let first = writer.commands.try_recv().unwrap();
        let (writer, _) = writer.work(first);
        assert_eq!(writer.commands.len(), 100 - IN_A_ROW, "the rest is there for the next turn");
    }
}
