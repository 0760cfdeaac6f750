//! Where a cell stands between two pages. Pure.

use super::page::Page;
use super::paginator::Cursor;

/// Where a cell stands; at first nothing of it is here.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Position {
    pub(super) epoch: u32,
    pub(super) pages: u32,
    pub(super) records: u64,
    pub(super) cursor: Option<Cursor>,
    /// Records there are in all, as far as told.
    pub(super) total: Option<u64>,
    /// The page here is asked for beside others.
    pub(super) parallel: bool,
    /// The next request is the first after a resume: its cursor may have died meanwhile.
    pub(super) resumed: bool,
    /// The cell began anew in this run; it does so once.
    pub(super) restarted: bool,
}

impl Position {
    /// Behind a page.
    pub(super) fn after(&self, page: &Page) -> Self {
        Self {
            epoch: self.epoch,
            pages: self.pages + 1,
            records: self.records + page.records,
            cursor: page.advance.next.clone(),
            total: page.advance.total.or(self.total),
            parallel: false,
            resumed: false,
            restarted: self.restarted,
        }
    }

    /// The first page of the next epoch.
    pub(super) fn anew(&self) -> Self {
        Self { epoch: self.epoch + 1, restarted: true, ..Self::default() }
    }
}
