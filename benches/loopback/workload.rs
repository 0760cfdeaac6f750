//! What is fetched, how, and how long it may take.

use std::time::Duration;

/// Pages that differ; further ones are these again, so that the server holds them all in memory.
pub(crate) const DISTINCT: u32 = 2_000;

/// What a record looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Twelve mixed columns, 500 records a page.
    Wide,
    /// Four columns, five records a page.
    Small,
}

/// How the pages are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Asking {
    /// Every page by its number, in any order; for `tidemill` each is a cell.
    Cells,
    /// The same, but for `tidemill` all are pages of one cell, side by side.
    Parallel,
    /// Each page names the next one.
    Cursor,
}

/// At most so much of what the bare loop takes.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Goals {
    pub(crate) wall: Option<f64>,
    pub(crate) cpu: Option<f64>,
    /// Millions of bytes, of `tidemill` alone.
    pub(crate) peak: Option<f64>,
}

/// One comparison.
#[derive(Debug, Clone)]
pub(crate) struct Workload {
    pub(crate) name: &'static str,
    pub(crate) shape: Shape,
    pub(crate) asking: Asking,
    pub(crate) pages: u32,
    pub(crate) in_flight: usize,
    /// How long the server thinks.
    pub(crate) delay: Duration,
    pub(crate) goals: Goals,
}

impl Workload {
    pub(crate) fn records(&self) -> u64 {
        u64::from(self.pages) * u64::from(self.shape.records())
    }
}

impl Shape {
    /// Records of one page.
    pub(crate) fn records(self) -> u32 {
        match self {
            Self::Wide => 500,
            Self::Small => 5,
        }
    }
}

const WIDE: Workload = Workload {
    name: "wide",
    shape: Shape::Wide,
    asking: Asking::Cells,
    pages: 2_000,
    in_flight: 16,
    delay: Duration::ZERO,
    goals: Goals { wall: Some(1.5), cpu: Some(1.5), peak: Some(150.0) },
};

const SMALL: Workload = Workload {
    name: "small",
    shape: Shape::Small,
    asking: Asking::Cells,
    pages: 20_000,
    in_flight: 64,
    delay: Duration::ZERO,
    goals: Goals { wall: Some(2.0), cpu: Some(2.0), peak: Some(150.0) },
};

/// All of them, each with its usual number of pages.
pub(crate) fn all() -> [Workload; 6] {
    let parallel = Workload { name: "parallel", asking: Asking::Parallel, ..WIDE };
    let cursor = Workload {
        name: "cursor",
        asking: Asking::Cursor,
        in_flight: 1,
        goals: Goals { peak: None, ..WIDE.goals },
        ..WIDE
    };
    let slow = Workload {
        name: "slow",
        pages: 4_000,
        in_flight: 256,
        delay: Duration::from_millis(50),
        goals: Goals { wall: Some(1.15), ..Goals::default() },
        ..SMALL
    };
    let ten =
        Workload { name: "ten", pages: 20_000, goals: Goals { peak: WIDE.goals.peak, ..Goals::default() }, ..WIDE };
    [WIDE, parallel, cursor, SMALL, slow, ten]
}

/// The workload of that name with so many pages.
pub(crate) fn named(name: &str, pages: u32) -> Workload {
    let workload = all().into_iter().find(|workload| workload.name == name).unwrap();
    Workload { pages, ..workload }
}
