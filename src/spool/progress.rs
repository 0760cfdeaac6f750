//! How far each cell got, from the headers of its frames; the same rules judge a frame to append and one found on disk.
//!
//! Invariant: what was appended is what a scan finds, because both go through [`Cells::take`].

use std::collections::{BTreeMap, HashMap};

use crate::ledger::Outcome;
use crate::plan::CellId;

use super::frame::{EndFrame, Header, PageHead};

/// Where a page's frame is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PageRef {
    /// Index of the page in its cell, from 0.
    pub page: u32,
    pub(super) segment: u32,
    pub(super) offset: u64,
    pub(super) len: u64,
}

/// How far a cell got in its newest epoch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CellProgress {
    /// 0 at first; +1 with each restart.
    pub epoch: u32,
    /// Pages 0..n that are here without a gap; asking goes on with page n.
    pub pages: u32,
    /// Records on them.
    pub records: u64,
    /// What all pages of the cell cost, those of older epochs and beyond a gap included.
    pub credits: u64,
    /// Where page n starts, as the last page said; `None` before the first page and after the last.
    pub next: Option<String>,
    /// Fingerprint of the request that brought the last page.
    pub request: Option<[u8; 16]>,
    /// How it ended, if it did.
    pub end: Option<Outcome>,
    /// Pages beyond a gap, by index: they were asked for beside those that are missing.
    pub ahead: BTreeMap<u32, Ahead>,
    /// Records there are in all, as the first page said that says so.
    pub total: Option<u64>,
    /// A later page said otherwise.
    pub moved: bool,
    /// Some page was asked for beside others.
    pub parallel: bool,
}

/// What is known of a page beyond a gap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ahead {
    /// Records on it.
    pub records: u64,
    /// Where the next page starts, as it says.
    pub next: Option<String>,
    /// Fingerprint of the request that brought it.
    pub request: [u8; 16],
}

#[derive(Debug, Default)]
struct Cell {
    progress: CellProgress,
    /// Sorted by page index.
    refs: Vec<PageRef>,
}

/// All cells of a partition. In boxes, so that a map that grows does not copy what is known of each.
#[derive(Debug, Default)]
pub(super) struct Cells(HashMap<CellId, Box<Cell>>);

impl Cells {
    pub(super) fn progress(&self, cell: &CellId) -> Option<&CellProgress> {
        self.0.get(cell).map(|cell| &cell.progress)
    }

    pub(super) fn pages(&self, cell: &CellId) -> &[PageRef] {
        self.0.get(cell).map_or(&[], |cell| &cell.refs)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&CellId, &CellProgress)> {
        self.0.iter().map(|(id, cell)| (id, &cell.progress))
    }

    /// The frames of a segment now stand after a head of another length.
    pub(super) fn moved(&mut self, segment: u32, old_head: u64, new_head: u64) {
        let refs = self.0.values_mut().flat_map(|cell| &mut cell.refs);
        for at in refs.filter(|at| at.segment == segment) {
            at.offset = at.offset - old_head + new_head;
        }
    }

    /// Counts a frame, or says why it cannot stand there and changes nothing.
    pub(super) fn take(&mut self, header: &Header, segment: u32, offset: u64, len: u64) -> Result<(), &'static str> {
        match header {
            Header::Head(_) => Err("a second head"),
            Header::Page(page) => self.page(page, PageRef { page: page.page, segment, offset, len }),
            Header::End(end) => self.end(end),
        }
    }

    fn page(&mut self, page: &PageHead, at: PageRef) -> Result<(), &'static str> {
        let cell = self.0.entry(page.cell).or_default();
        cell.enter(page.epoch);
        // A page of an older epoch is void, but it was paid for.
        if page.epoch == cell.progress.epoch {
            if cell.progress.end.is_some() {
                return Err("a page after the end of its cell");
            }
            let Err(place) = cell.refs.binary_search_by_key(&page.page, |known| known.page) else {
                return Err("a page twice");
            };
            // Most cells have one page.
            cell.refs.reserve_exact(usize::from(cell.refs.is_empty()));
            cell.refs.insert(place, at);
            let known = Ahead { records: page.records, next: page.next.clone(), request: page.request };
            cell.progress.parallel |= page.parallel;
            cell.progress.hear(page.total);
            cell.progress.enter(page.page, known);
        }
        cell.progress.credits = cell.progress.credits.saturating_add(page.credits.unwrap_or(0));
        Ok(())
    }

    fn end(&mut self, end: &EndFrame) -> Result<(), &'static str> {
        let known = self.0.get(&end.cell);
        let (epoch, pages, records, whole, ended) = known.map_or((0, 0, 0, true, false), |cell| {
            let progress = &cell.progress;
            (progress.epoch, progress.pages, progress.records, progress.ahead.is_empty(), progress.end.is_some())
        });
        if end.epoch < epoch {
            return Ok(());
        }
        let (pages, records, whole, ended) =
            if end.epoch > epoch { (0, 0, true, false) } else { (pages, records, whole, ended) };
        if ended {
            return Err("a second end of its cell");
        }
        if !whole || pages != end.pages || records != end.records {
            return Err("an end that does not agree with the pages before it");
        }
        let cell = self.0.entry(end.cell).or_default();
        cell.enter(end.epoch);
        cell.progress.end = Some(end.outcome.clone());
        cell.progress.next = None;
        Ok(())
    }
}

impl Cell {
    fn enter(&mut self, epoch: u32) {
        if epoch > self.progress.epoch {
            let credits = self.progress.credits;
            *self = Self { progress: CellProgress { epoch, credits, ..CellProgress::default() }, ..Self::default() };
        }
    }
}

impl CellProgress {
    fn hear(&mut self, total: Option<u64>) {
        match (self.total, total) {
            (None, told) => self.total = told,
            (Some(known), Some(told)) => self.moved |= known != told,
            (Some(_), None) => {}
        }
    }

    /// Counts the page behind the others, and with it those that came before it; keeps any other for later.
    fn enter(&mut self, page: u32, known: Ahead) {
        if page != self.pages {
            self.ahead.insert(page, known);
            return;
        }
        let mut next = Some(known);
        while let Some(Ahead { records, next: cursor, request }) = next {
            self.pages += 1;
            self.records = self.records.saturating_add(records);
            self.next = cursor;
            self.request = Some(request);
            next = self.ahead.remove(&self.pages);
        }
        if self.ahead.is_empty() {
            // Without it an empty map keeps its memory, for each cell.
            self.ahead = BTreeMap::new();
        }
    }
}
