//! What damage costs: pages that are fetched again. Pure.

use std::fmt;

use serde::Serialize;

/// Pages that were paid for and must be fetched again.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Price {
    /// So many pages; an answer that there is nothing counts as one.
    pub pages: u64,
    /// Of so many cells.
    pub cells: u64,
    /// What was paid for them, as far as that is known.
    pub credits: u64,
    /// It may be less: what some lost frames were cannot be known.
    pub at_most: bool,
}

impl Price {
    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            pages: self.pages + other.pages,
            cells: self.cells + other.cells,
            credits: self.credits + other.credits,
            at_most: self.at_most || other.at_most,
        }
    }

    /// Adds a cell of which `pages` are lost, for which `credits` were paid; `ends` when its end is still known or
    /// follows from its last page without asking.
    pub fn add_cell(&mut self, pages: u64, credits: u64, ends: bool) {
        let pages = pages.max(u64::from(!ends));
        self.pages += pages;
        self.cells += u64::from(pages > 0);
        self.credits += credits;
    }
}

impl fmt::Display for Price {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plural = |count: u64| if count == 1 { "" } else { "s" };
        let Self { pages, cells, credits, at_most } = *self;
        if pages == 0 {
            return f.write_str("no page");
        }
        let most = if at_most { "at most " } else { "" };
        write!(f, "{most}{pages} page{} of {cells} cell{}", plural(pages), plural(cells))?;
        if credits > 0 {
            write!(f, " ({credits} credit{} paid)", plural(credits))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_is_said_in_words() {
        let price = |pages, cells, credits, at_most| Price { pages, cells, credits, at_most }.to_string();
        assert_eq!(price(0, 0, 0, false), "no page");
        assert_eq!(price(1, 1, 0, false), "1 page of 1 cell");
        assert_eq!(price(3, 2, 1, true), "at most 3 pages of 2 cells (1 credit paid)");
    }

    #[test]
    fn an_end_that_must_be_asked_for_counts_as_a_page() {
        let mut price = Price::default();
        price.add_cell(0, 0, true);
        assert_eq!(price, Price::default());
        price.add_cell(0, 0, false);
        price.add_cell(2, 5, false);
        assert_eq!(price, Price { pages: 3, cells: 2, credits: 5, at_most: false });
    }
}
