//! Which pages of a cell can be asked for side by side, and whether what came is what was announced. Pure.
//!
//! Invariant: a page has its place only while all pages before it are full and the total stands. Whatever says otherwise
//! means that records moved between pages, and nobody knows which: the cell begins anew, page by page.

use std::collections::BTreeMap;

use crate::job::Paging;
use crate::spool::{Ahead, CellProgress};

use super::page::Page;
use super::position::Position;

/// The pages of a cell, as its first page announced them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Spread {
    /// Records of all pages.
    pub(super) total: u64,
    /// Records of each page but the last.
    page_size: u64,
    /// All of them.
    pub(super) pages: u32,
    /// So many may be under way at once.
    pub(super) width: usize,
}

impl Spread {
    /// The pages that are due at `at`, of which those of `ahead` are kept already; `None` where they are asked for one
    /// after another. Once a cell began anew it stays with that.
    pub(super) fn of(paging: &Paging, at: &Position, ahead: &BTreeMap<u32, Ahead>) -> Option<Self> {
        let spread = Self::announced(paging, at.total?)?;
        let full = at.pages > 0 && at.records == spread.records_before(at.pages);
        // What an earlier run kept beyond a gap is used even if the job no longer wants pages in parallel.
        let wanted = at.epoch == 0 && spread.width > 1 && spread.pages > at.pages.saturating_add(1);
        (full && at.pages < spread.pages && (wanted || !ahead.is_empty())).then_some(spread)
    }

    fn announced(paging: &Paging, total: u64) -> Option<Self> {
        let (Paging::Page { page_size, parallel_pages, .. } | Paging::Offset { page_size, parallel_pages, .. }) =
            paging
        else {
            return None;
        };
        let pages = u32::try_from(total.div_ceil((*page_size).max(1))).ok()?;
        Some(Self { total, page_size: *page_size, pages, width: usize::try_from(*parallel_pages).ok()?.max(1) })
    }

    /// Pages that are to be asked for, in order.
    pub(super) fn missing<'a>(&self, from: u32, ahead: &'a BTreeMap<u32, Ahead>) -> impl Iterator<Item = u32> + 'a {
        (from..self.pages).filter(|page| !ahead.contains_key(page))
    }

    /// Records on the pages before `page`.
    pub(super) fn records_before(&self, page: u32) -> u64 {
        self.page_size.saturating_mul(page.into()).min(self.total)
    }

    /// Records that `page` must hold.
    fn due(&self, page: u32) -> u64 {
        self.records_before(page.saturating_add(1)) - self.records_before(page)
    }

    /// Whether `page`, the `index`th of its cell, is as announced.
    ///
    /// # Errors
    /// Says what is not.
    pub(super) fn check(&self, index: u32, page: &Page) -> Result<(), String> {
        if let Some(told) = page.advance.total.filter(|told| *told != self.total) {
            return Err(format!("the total changed from {} to {told}", self.total));
        }
        self.held(index, page.records, page.advance.next.is_some())
    }

    fn held(&self, index: u32, records: u64, goes_on: bool) -> Result<(), String> {
        let due = self.due(index);
        if records != due || index >= self.pages {
            return Err(format!("page {index} held {records} records where {due} of {} were due", self.total));
        }
        if !goes_on && index + 1 < self.pages {
            return Err(format!("page {index} was said to be the last although {} records were announced", self.total));
        }
        Ok(())
    }
}

/// Whether what an earlier run kept of a cell that was asked for side by side is as announced: then it goes on from there.
///
/// # Errors
/// Says what is not.
pub(super) fn check_kept(paging: &Paging, kept: &CellProgress) -> Result<(), String> {
    if kept.moved {
        return Err("the total changed".to_owned());
    }
    let spread = kept.total.and_then(|total| Spread::announced(paging, total));
    let Some(spread) = spread.filter(|spread| (1..=spread.pages).contains(&kept.pages)) else {
        return Err("its first pages are not as announced".to_owned());
    };
    if kept.records != spread.records_before(kept.pages) {
        return Err(format!("{} pages held {} records of {}", kept.pages, kept.records, spread.total));
    }
    let last = kept.pages - 1;
    spread.held(last, spread.due(last), kept.next.is_some())?;
    kept.ahead.iter().try_for_each(|(index, ahead)| spread.held(*index, ahead.records, ahead.next.is_some()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fetch::Advance;
    use crate::fetch::paginator::Cursor;
    use crate::job::Pointer;

    /// Where a cell is, pages wanted at once, pages kept ahead; those that are due.
    type Case = (Position, u32, &'static [u32], Option<&'static [u32]>);

    fn offset(parallel_pages: u32) -> Paging {
        let total = Some(Pointer::parse("/total"));
        Paging::Offset { offset: "o".to_owned(), limit: "l".to_owned(), page_size: 10, total, parallel_pages }
    }

    fn next() -> Option<Cursor> {
        Cursor::from_text("{\"offset\":1}").ok()
    }

    fn at(epoch: u32, pages: u32, records: u64, total: Option<u64>) -> Position {
        Position { epoch, pages, records, total, cursor: next(), ..Position::default() }
    }

    fn page_of(records: u64, goes_on: bool) -> Ahead {
        Ahead { records, next: goes_on.then(|| "{}".to_owned()), request: [0; 16] }
    }

    fn kept(pages: u32, records: u64, total: u64, ahead: &[(u32, u64, bool)]) -> CellProgress {
        let page = |(index, records, goes_on): &(u32, u64, bool)| (*index, page_of(*records, *goes_on));
        CellProgress {
            pages,
            records,
            total: Some(total),
            next: Some("{}".to_owned()),
            parallel: true,
            ahead: ahead.iter().map(page).collect(),
            ..CellProgress::default()
        }
    }

    #[test]
    fn a_spread_needs_full_pages_and_a_total() {
        let none: &[u32] = &[];
        let table: [Case; 13] = [
            (at(0, 1, 10, Some(45)), 4, none, Some(&[1, 2, 3, 4])),
            (at(0, 1, 10, Some(40)), 4, none, Some(&[1, 2, 3])),
            (at(0, 3, 30, Some(45)), 4, none, Some(&[3, 4])),
            (at(0, 1, 10, Some(45)), 4, &[2, 4], Some(&[1, 3])),
            // No longer wanted, but there.
            (at(0, 1, 10, Some(45)), 1, &[2], Some(&[1, 3, 4])),
            (at(0, 1, 10, Some(45)), 1, none, None),
            // Nothing to ask for beside the only page that is left.
            (at(0, 1, 10, Some(20)), 4, none, None),
            (at(0, 1, 10, Some(10)), 4, none, None),
            (at(0, 0, 0, Some(45)), 4, none, None),
            (at(0, 1, 10, None), 4, none, None),
            (at(0, 1, 7, Some(45)), 4, none, None),
            (at(0, 1, 12, Some(45)), 4, none, None),
            // It began anew.
            (at(1, 1, 10, Some(45)), 4, none, None),
        ];
        for (at, width, have, due) in table {
            let ahead = have.iter().map(|page| (*page, page_of(10, true))).collect();
            let spread = Spread::of(&offset(width), &at, &ahead);
            let missing = spread.map(|spread| spread.missing(at.pages, &ahead).collect::<Vec<_>>());
            assert_eq!(missing.as_deref(), due, "{at:?} {width} {have:?}");
        }
        assert_eq!(Spread::of(&Paging::None, &at(0, 1, 10, Some(45)), &BTreeMap::new()), None);
        assert_eq!(
            Spread::of(&offset(4), &at(0, 1, 10, Some(u64::MAX)), &BTreeMap::new()),
            None,
            "more than can be counted"
        );
    }

    #[test]
    fn a_page_is_as_announced_or_says_what_it_is() {
        let spread = Spread { total: 45, page_size: 10, pages: 5, width: 2 };
        // Index, records, total, whether it goes on.
        let table = [
            ((1, 10, Some(45), true), ""),
            ((1, 10, None, true), ""),
            ((4, 5, Some(45), false), ""),
            // What `has_more` says behind the last page is followed.
            ((4, 5, Some(45), true), ""),
            ((1, 10, Some(46), true), "the total changed from 45 to 46"),
            ((4, 5, Some(44), false), "the total changed from 45 to 44"),
            ((1, 9, Some(45), true), "page 1 held 9 records where 10 of 45 were due"),
            ((1, 11, None, true), "page 1 held 11 records where 10 of 45 were due"),
            ((4, 6, Some(45), false), "page 4 held 6 records where 5 of 45 were due"),
            ((4, 0, None, false), "page 4 held 0 records where 5 of 45 were due"),
            ((3, 10, Some(45), false), "page 3 was said to be the last although 45 records were announced"),
        ];
        for ((index, records, total, goes_on), why) in table {
            let page = Page { records, credits: None, advance: Advance { next: next().filter(|_| goes_on), total } };
            assert_eq!(spread.check(index, &page).err().unwrap_or_default(), why, "{index} {records} {total:?}");
        }
    }

    #[test]
    fn what_was_kept_is_used_while_it_is_as_announced() {
        let good = [
            kept(2, 20, 45, &[]),
            kept(1, 10, 45, &[(2, 10, true), (4, 5, false)]),
            CellProgress { next: None, ..kept(5, 45, 45, &[]) },
        ];
        for kept in good {
            assert_eq!(check_kept(&offset(4), &kept), Ok(()), "{kept:?}");
        }
        let bad = [
            CellProgress { moved: true, ..kept(2, 20, 45, &[]) },
            CellProgress { total: None, ..kept(2, 20, 45, &[]) },
            CellProgress { next: None, ..kept(2, 20, 45, &[]) },
            kept(2, 19, 45, &[]),
            kept(0, 0, 45, &[(2, 10, true)]),
            kept(6, 55, 45, &[]),
            kept(1, 10, 45, &[(3, 9, true)]),
            kept(1, 10, 45, &[(3, 10, false)]),
            kept(1, 10, 45, &[(5, 0, false)]),
        ];
        for kept in bad {
            assert!(check_kept(&offset(4), &kept).is_err(), "{kept:?}");
        }
        assert!(check_kept(&Paging::None, &kept(2, 20, 45, &[])).is_err());
    }
}
