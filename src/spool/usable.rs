//! Which of the frames that survived a damage can be used, and what is lost with the others. Pure.
//!
//! Invariant: a page is used when all pages before it in its cell are, and an end when all pages of its cell are: what
//! stands beyond a gap could follow from an answer that will not come again.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::plan::CellId;

use super::frame::{EndFrame, Header, PageHead};
use super::price::Price;
use super::progress::Cells;
use super::survey::Known;

/// What is known of one cell's newest epoch.
#[derive(Debug, Default)]
struct Cell<'a> {
    epoch: u32,
    /// Whether it is whole, by page index.
    pages: BTreeMap<u32, (&'a PageHead, bool)>,
    end: Option<(&'a EndFrame, bool)>,
    /// Pages from the first on without a gap.
    usable: u32,
    ends: bool,
}

/// What is lost.
#[derive(Debug, Default)]
pub(super) struct Lost {
    /// Of the cells of which it is known.
    known: Price,
    /// Those cells.
    cells: HashSet<CellId>,
    /// Lost frames of which nothing is known: each may have been a page.
    unknown: u64,
}

impl Lost {
    /// The price, where `open` are the cells that have no end any more.
    pub(super) fn price(&self, open: impl Iterator<Item = CellId>) -> Price {
        let open = open.filter(|id| !self.cells.contains(id)).count() as u64;
        // A frame of a cell that is whole without it was void.
        let concerned = open + self.known.cells;
        let pages = if concerned == 0 { 0 } else { self.unknown };
        self.known.and(Price { pages, cells: pages.min(open), credits: 0, at_most: pages > 0 })
    }
}

/// Sorts `known` and picks what can be used: these frames, for each of `segments` whether it holds whole ones that
/// cannot, how far each cell gets with them, and what is lost. `beheaded` segments do not begin with a whole head.
pub(super) fn usable(mut known: Vec<Known>, segments: usize, beheaded: u64) -> (Vec<Known>, Vec<bool>, Cells, Lost) {
    // Of two that claim one place the whole one counts.
    known.sort_by_key(|frame| (frame.seq, !frame.whole));
    let mut orphans = vec![false; segments];
    known.dedup_by(|later, first| {
        let twin = later.seq == first.seq;
        if twin && later.whole {
            orphans[later.segment] = true;
        }
        twin
    });
    let cells = cells(&known);
    let lost = lost(&known, &cells, beheaded);
    let fits: Vec<bool> = known.iter().map(|frame| fits(frame, &cells)).collect();
    drop(cells);
    let (mut taken, mut kept) = (Cells::default(), Vec::new());
    for (frame, fits) in known.into_iter().zip(fits) {
        let segment = u32::try_from(frame.segment).unwrap_or(u32::MAX);
        if fits && taken.take(&frame.header, segment, frame.offset, frame.len).is_ok() {
            kept.push(frame);
        } else if frame.whole && !matches!(frame.header, Header::Head(_)) {
            orphans[frame.segment] = true;
        }
    }
    (kept, orphans, taken, lost)
}

fn cells(known: &[Known]) -> HashMap<CellId, Cell<'_>> {
    let mut cells: HashMap<CellId, Cell<'_>> = HashMap::new();
    let enter = |cell: &mut Cell<'_>, epoch: u32| {
        if epoch > cell.epoch {
            *cell = Cell { epoch, ..Cell::default() };
        }
        epoch == cell.epoch
    };
    for frame in known {
        match &frame.header {
            Header::Head(_) => {}
            Header::Page(page) => {
                let cell = cells.entry(page.cell).or_default();
                if enter(cell, page.epoch) {
                    cell.pages.entry(page.page).or_insert((page, frame.whole));
                }
            }
            Header::End(end) => {
                let cell = cells.entry(end.cell).or_default();
                if enter(cell, end.epoch) {
                    cell.end.get_or_insert((end, frame.whole));
                }
            }
        }
    }
    for cell in cells.values_mut() {
        let whole = cell.pages.iter().zip(0..).take_while(|((page, (_, whole)), due)| *page == due && *whole);
        cell.usable = u32::try_from(whole.count()).unwrap_or(u32::MAX);
        cell.ends = cell.end.is_some_and(|(end, whole)| {
            whole && end.pages == cell.usable && cell.pages.len() as u64 == u64::from(cell.usable)
        });
    }
    cells
}

fn fits(frame: &Known, cells: &HashMap<CellId, Cell<'_>>) -> bool {
    let found = match &frame.header {
        Header::Head(_) => None,
        Header::Page(page) => cells.get(&page.cell).map(|cell| {
            // Pages of an older epoch were paid for, and count for nothing else; alone they would count.
            let void = page.epoch < cell.epoch && (cell.usable > 0 || cell.ends);
            void || (page.epoch == cell.epoch && page.page < cell.usable)
        }),
        Header::End(end) => cells.get(&end.cell).map(|cell| end.epoch == cell.epoch && cell.ends),
    };
    frame.whole && found.unwrap_or(false)
}

fn lost(known: &[Known], cells: &HashMap<CellId, Cell<'_>>, beheaded: u64) -> Lost {
    let frames = known.last().map_or(0, |last| last.seq + 1);
    let first_gone = known.first().is_none_or(|first| first.seq > 0);
    let whole = known.iter().filter(|frame| frame.whole).count() as u64;
    let heads = known.iter().filter(|frame| !frame.whole && matches!(frame.header, Header::Head(_))).count() as u64;
    // Each begins with a head, and so does the first that ever was.
    let heads = heads.max(beheaded).max(u64::from(first_gone));
    let mut unknown = frames.saturating_sub(whole).saturating_sub(heads);
    let mut lost = Lost::default();
    for (id, cell) in cells {
        let pages = cell.pages.last_key_value().map_or(0, |(last, _)| last + 1);
        let pages = pages.max(cell.end.map_or(0, |(end, _)| end.pages));
        let beyond = cell.pages.values().skip(cell.usable as usize);
        let credits = beyond.clone().map(|(page, _)| page.credits.unwrap_or(0)).sum();
        let whole = beyond.filter(|(_, whole)| *whole).count() as u64;
        let gone = u64::from(pages - cell.usable);
        unknown = unknown.saturating_sub(gone - whole);
        // Of its end only the body of the frame is bad: no page, but it may have to be asked for.
        let end_gone = cell.end.is_some_and(|(_, whole)| !whole);
        unknown = unknown.saturating_sub(u64::from(end_gone));
        let last = cell.pages.last_key_value();
        let follows = !end_gone || gone > 0 || last.is_some_and(|(_, (page, _))| page.next.is_none());
        if gone > 0 || !follows {
            lost.known.add_cell(gone, credits, follows);
            lost.cells.insert(*id);
        }
    }
    lost.unknown = unknown;
    lost
}
