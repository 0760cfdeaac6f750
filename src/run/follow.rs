//! Makes the file of a partition while its pages still come: what is durable is decoded and written at once, in plan
//! order, so that publishing only has to end it.
//!
//! Invariant: what it comes to is what reading the whole spool at the end would give, or nothing. Whatever does not go
//! straight (a cell begun anew, one that is rejected after its pages were taken, a page that cannot be read) ends the
//! following, and the partition is read from its spool when all of it is there.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use bytes::Bytes;
use serde_json::{Map, Value};

use crate::decode::{PageIn, Pass, RecordBatch};
use crate::disk::{Begun, aside, begun};
use crate::fetch::{Fed, Handed};
use crate::json::Outline;
use crate::ledger::Outcome;
use crate::plan::CellId;
use crate::spool::{Frame, PageFrame, PageHead, PartitionSpool, SpoolHandle};

use super::encode::{Encoding, Staged};
use super::publish::{Publisher, Settled};

/// Bytes of bodies that wait for their turn; what comes beyond that is read back from the spool.
const SHELVED: usize = 12 << 20;
/// Bytes of bodies, or pages, that are encoded at once: a thread is woken for them.
const TOGETHER: (usize, usize) = (256 << 10, 256);
/// The most of them, where more waits.
const AT_ONCE: (usize, usize) = (2 << 20, 2048);
/// What comes alone was fetched by somebody who asks for one page at a time. He waits for each, so nothing that he needs may
/// wait for a core; where many are asked for at once the cores are busy anyway, and a backlog would be all that is won.
const ALONE: usize = 1;
/// Pages that are read back at once.
const READ_BACK: u32 = 32;

/// Follows one partition.
pub(super) struct Follower {
    publisher: Arc<Publisher>,
    settled: Settled,
    /// Of its cells.
    ids: Vec<CellId>,
    spool: SpoolHandle,
    shelves: HashMap<CellId, Shelf>,
    /// Bytes on all shelves that nobody waits for.
    shelved: usize,
    /// The place of the cell whose turn it is, and the first of its pages that was not picked.
    turn: (usize, u32),
    /// The first page of that cell that is not durable yet; what is beyond it cannot be picked, whatever is waited for.
    gap: u32,
    /// What is added to the records of that cell.
    added: Option<Map<String, Value>>,
    /// What has been picked, its bytes, and how many of those are waited for.
    picked: Vec<PageIn>,
    bytes: (usize, usize),
    pages: u64,
}

/// What is durable of one cell.
#[derive(Default)]
struct Shelf {
    epoch: u32,
    /// By page; nothing for one that is to be read back.
    bodies: BTreeMap<u32, Option<Shelved>>,
    /// How it ended, and after how many pages.
    end: Option<(Outcome, u32)>,
}

struct Shelved {
    records: u64,
    body: Bytes,
    outline: Option<Outline>,
    /// It came in its turn: fetching may wait for it to be taken.
    in_turn: bool,
}

/// A file that only lacks its end.
pub(super) struct Followed {
    /// The pages, and what is made of them.
    pub(super) encoding: Encoding,
    /// How many they are.
    pub(super) pages: u64,
}

/// Why following ends early.
#[derive(Debug, Clone, Copy, thiserror::Error)]
#[error("the partition is to be read from its spool")]
struct Astray;

impl Follower {
    /// Begins with what `kept` holds already.
    pub(super) fn new(
        publisher: &Arc<Publisher>,
        settled: &Settled,
        kept: &PartitionSpool,
        spool: SpoolHandle,
    ) -> Self {
        let shelves = kept.cells().map(|(id, progress)| {
            let bodies = kept.pages(id).iter().map(|at| (at.page, None)).collect();
            let end = progress.end.clone().map(|outcome| (outcome, progress.pages));
            (*id, Shelf { epoch: progress.epoch, bodies, end })
        });
        let mut follower = Self {
            publisher: Arc::clone(publisher),
            settled: settled.clone(),
            ids: settled.cells.iter().map(|cell| cell.key.id()).collect(),
            spool,
            shelves: shelves.collect(),
            shelved: 0,
            turn: (0, 0),
            gap: 0,
            added: None,
            picked: Vec::new(),
            bytes: (0, 0),
            pages: 0,
        };
        follower.find_gap();
        follower
    }

    /// Takes what comes until nothing more does; none when not all of the partition was taken, and nothing is left of it
    /// then.
    pub(super) async fn run(mut self, mut fed: Fed) -> Option<Followed> {
        let publisher = Arc::clone(&self.publisher);
        let recorded = aside(move || publisher.recorded()).await?.ok()?;
        let Encoding { pass, staged } = self.publisher.begin_encoding(&self.settled, recorded);
        let (mut pass, mut file) = (Some(pass), File::Here(Box::new(staged)));
        let went = self.follow(&mut fed, &mut pass, &mut file).await;
        // From now on nobody waits for what is not taken.
        drop(fed);
        let (staged, written) = aside(move || file.back()).await??;
        match (went.and(written), pass) {
            (Ok(()), Some(pass)) if self.turn.0 == self.settled.cells.len() => {
                Some(Followed { encoding: Encoding { pass, staged: *staged }, pages: self.pages })
            }
            (_, _) => {
                // What cannot be removed now is swept before the partition is encoded again.
                aside(move || drop(staged.discard())).await;
                None
            }
        }
    }

    async fn follow(&mut self, fed: &mut Fed, pass: &mut Option<Pass>, file: &mut File) -> Result<(), Astray> {
        loop {
            let mut next = fed.next().await;
            let (is_end, mut came) = (next.is_none(), 0);
            while let Some(Handed { frames, mut outline }) = next {
                came += 1;
                frames.into_iter().try_for_each(|frame| self.shelve(frame, &mut outline, fed))?;
                next = fed.ready();
            }
            while self.pick(fed, is_end).await? {
                self.encode(fed, came == ALONE, pass, file).await?;
            }
            if is_end {
                return Ok(());
            }
        }
    }

    /// Puts a frame on the shelf of its cell; the `outline` goes with its page.
    fn shelve(&mut self, frame: Frame, outline: &mut Option<Outline>, fed: &Fed) -> Result<(), Astray> {
        let (cell, epoch) = match &frame {
            Frame::Page(page) => (page.head.cell, page.head.epoch),
            Frame::End(end) => (end.cell, end.epoch),
        };
        let has_turn = self.ids.get(self.turn.0) == Some(&cell);
        let shelf = self.shelves.entry(cell).or_default();
        if epoch < shelf.epoch {
            // It is void already.
            if let Frame::Page(page) = &frame {
                fed.taken(page.body.len());
            }
            return Ok(());
        }
        if epoch > shelf.epoch {
            // The cell began anew: what was picked of it is void.
            if has_turn && self.turn.1 > 0 {
                return Err(Astray);
            }
            let void = std::mem::replace(shelf, Shelf { epoch, ..Shelf::default() });
            self.give_back(void, fed);
            self.gap = if has_turn { 0 } else { self.gap };
        }
        match frame {
            Frame::Page(PageFrame { head: PageHead { page, records, .. }, body }) => {
                let in_turn = has_turn && page == self.gap;
                let fits = in_turn || self.shelved + body.len() <= SHELVED;
                if !in_turn {
                    // It may wait long, and must not hold up those who have their turn.
                    fed.taken(body.len());
                    self.shelved += if fits { body.len() } else { 0 };
                }
                let shelf = self.shelves.entry(cell).or_default();
                shelf.bodies.insert(page, fits.then(|| Shelved { records, body, outline: outline.take(), in_turn }));
                if in_turn {
                    self.find_gap();
                }
            }
            Frame::End(end) => self.shelves.entry(cell).or_default().end = Some((end.outcome, end.pages)),
        }
        Ok(())
    }

    fn give_back(&mut self, shelf: Shelf, fed: &Fed) {
        for Shelved { body, in_turn, .. } in shelf.bodies.into_values().flatten() {
            match in_turn {
                true => fed.taken(body.len()),
                false => self.shelved -= body.len(),
            }
        }
    }

    /// Picks the pages that have their turn; true when they are to be encoded now.
    async fn pick(&mut self, fed: &Fed, is_end: bool) -> Result<bool, Astray> {
        while self.bytes.0 < AT_ONCE.0 && self.picked.len() < AT_ONCE.1 {
            let Some(&id) = self.ids.get(self.turn.0) else { break };
            let Some(shelf) = self.shelves.get_mut(&id) else { break };
            match (&shelf.end, shelf.bodies.remove(&self.turn.1)) {
                // Half a cell would pass for a whole one.
                (Some((Outcome::Rejected { .. }, _)), _) if self.turn.1 > 0 => return Err(Astray),
                (Some((Outcome::Rejected { .. }, _)), _) => self.next_cell(id, fed),
                (_, Some(Some(Shelved { records, body, outline, in_turn }))) => {
                    match in_turn {
                        true => self.bytes.1 += body.len(),
                        false => self.shelved -= body.len(),
                    }
                    self.pick_page((self.turn.1, records), body, outline)?;
                }
                (_, Some(None)) => {
                    let first = self.turn.1;
                    let on_disk = |page: &u32| matches!(shelf.bodies.get(page), Some(None));
                    let end = (first + 1..first + READ_BACK).find(|page| !on_disk(page)).unwrap_or(first + READ_BACK);
                    shelf.bodies.retain(|page, _| *page >= end);
                    let read = self.spool.read(&self.settled.row.hash, id, first..end).await;
                    for PageFrame { head, body } in read.map_err(|_| Astray)? {
                        self.pick_page((head.page, head.records), body, None)?;
                    }
                }
                (Some((_, pages)), None) if *pages == self.turn.1 => self.next_cell(id, fed),
                (Some(_), None) => return Err(Astray),
                (None, None) => break,
            }
        }
        let enough = self.bytes.0 >= TOGETHER.0 || self.picked.len() >= TOGETHER.1;
        Ok(enough || (is_end && !self.picked.is_empty()))
    }

    fn next_cell(&mut self, id: CellId, fed: &Fed) {
        let rest = self.shelves.remove(&id).unwrap_or_default();
        self.give_back(rest, fed);
        self.turn = (self.turn.0 + 1, 0);
        self.added = None;
        self.gap = 0;
        self.find_gap();
    }

    fn find_gap(&mut self) {
        let shelf = self.ids.get(self.turn.0).and_then(|id| self.shelves.get(id));
        while shelf.is_some_and(|shelf| shelf.bodies.contains_key(&self.gap)) {
            self.gap += 1;
        }
    }

    fn pick_page(&mut self, (page, records): (u32, u64), body: Bytes, outline: Option<Outline>) -> Result<(), Astray> {
        let Some(cell) = self.settled.cells.get(self.turn.0) else { return Err(Astray) };
        if page != self.turn.1 {
            return Err(Astray);
        }
        let added = match self.added.take() {
            Some(added) => added,
            None => self.publisher.added(cell).map_err(|_| Astray)?,
        };
        self.pages += 1;
        self.turn.1 += 1;
        self.bytes.0 += body.len();
        let picked = self.publisher.page_in(cell, (page, records), body, &added);
        self.picked.extend(picked.map(|picked| PageIn { outline, ..picked }));
        self.added = Some(added);
        Ok(())
    }

    /// Makes batches of what was picked, each written while the next one is made. After each page, and while it writes,
    /// it `yields` to whoever else could run.
    async fn encode(
        &mut self,
        fed: &Fed,
        yields: bool,
        pass: &mut Option<Pass>,
        file: &mut File,
    ) -> Result<(), Astray> {
        let (picked, mut walking) = (std::mem::take(&mut self.picked), pass.take().ok_or(Astray)?);
        let (_, waited_for) = std::mem::take(&mut self.bytes);
        let mut taking = std::mem::replace(file, File::Gone);
        let encoded = aside(move || {
            let went = picked.into_iter().try_for_each(|page| {
                if yields {
                    std::thread::yield_now();
                }
                walking.page(page, &mut |batch| taking.write(batch, yields)).map_err(|_| Astray)
            });
            (walking, taking, went)
        });
        let (walked, taken, went) = encoded.await.ok_or(Astray)?;
        (*pass, *file) = (Some(walked), taken);
        fed.taken(waited_for);
        went
    }
}

/// The staging file, which one batch at a time is written to.
enum File {
    Here(Box<Staged>),
    Away(Begun<(Box<Staged>, Result<(), Astray>)>),
    Gone,
}

impl File {
    /// Begins to write a batch, once the one before is written. Blocks.
    fn write(&mut self, batch: RecordBatch, yields: bool) -> Result<(), Astray> {
        let (mut staged, went) = std::mem::replace(self, Self::Gone).back().ok_or(Astray)?;
        *self = match went {
            Ok(()) => Self::Away(begun(move || {
                let written = if yields { staged.write_yielding(&batch) } else { staged.write(&batch) };
                (staged, written.map_err(|_| Astray))
            })),
            Err(Astray) => Self::Here(staged),
        };
        went
    }

    /// The file when what is being written is written, and whether it could be. Blocks.
    fn back(self) -> Option<(Box<Staged>, Result<(), Astray>)> {
        match self {
            Self::Here(staged) => Some((staged, Ok(()))),
            Self::Away(writing) => writing.wait(),
            Self::Gone => None,
        }
    }
}
