//! What a job has under way: partitions that are open, cells that wait for a place, files that wait to be published.
//!
//! Invariant: a partition is handed on to be published once, when its last cell is settled.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use crate::fetch::{CellEnd, Feed};
use crate::plan::{Cell, CellId, CellKey};
use crate::spool::CellProgress;

use super::error::RunError;
use super::follow::Followed;
use super::publish::{Published, Settled};

/// A partition that is being fetched.
pub(super) struct Open {
    pub(super) settled: Settled,
    pub(super) unsettled: usize,
    /// Tells its follower, if it has one, what has become durable; gone once no cell of it is under way any more.
    pub(super) feed: Option<Feed>,
}

/// What is under way, and what comes next.
#[derive(Default)]
pub(super) struct Underway {
    pub(super) open: HashMap<usize, Open>,
    pub(super) opened: usize,
    pub(super) queue: VecDeque<Order>,
    pub(super) cells: usize,
    /// Partitions to publish, one after the other: each widens the schema of the dataset for the next.
    pub(super) settled: VecDeque<(Settled, Option<Followed>)>,
    /// Partitions that only wait for the end of their file.
    pub(super) followed: HashMap<usize, Settled>,
    pub(super) followers: usize,
    pub(super) publishing: bool,
    pub(super) failed: Option<RunError>,
}

/// Something under way came to its end.
pub(super) enum Step {
    Cell(usize, CellKey, Result<CellEnd, RunError>),
    Followed(usize, Option<Box<Followed>>),
    Published(Result<Box<Published>, RunError>),
}

impl Underway {
    pub(super) fn begin(&mut self, partition: Open, orders: Vec<Order>) {
        self.queue.extend(orders);
        self.open.insert(self.opened, partition);
        self.close_if_done(self.opened);
        self.opened += 1;
    }

    pub(super) fn cell_ended(&mut self, partition: usize, settled: bool) {
        self.cells -= 1;
        if settled && let Some(open) = self.open.get_mut(&partition) {
            open.unsettled -= 1;
        }
        self.close_if_done(partition);
    }

    pub(super) fn close_if_done(&mut self, partition: usize) {
        if self.open.get(&partition).is_some_and(|open| open.unsettled == 0)
            && let Some(open) = self.open.remove(&partition)
        {
            match open.feed {
                Some(_) => drop(self.followed.insert(partition, open.settled)),
                None => self.settled.push_back((open.settled, None)),
            }
        }
    }

    /// A follower came to its end. Gives what is of no use: what was followed of a partition that is not published now.
    pub(super) fn followed(&mut self, partition: usize, followed: Option<Followed>) -> Option<Followed> {
        self.followers -= 1;
        // It went astray: the partition will be read from its spool.
        if let Some(open) = self.open.get_mut(&partition) {
            open.feed = None;
        }
        match self.followed.remove(&partition) {
            Some(settled) if self.failed.is_none() => {
                self.settled.push_back((settled, followed));
                None
            }
            Some(_) | None => followed,
        }
    }

    /// Nothing more comes: followers end.
    pub(super) fn end_feeds(&mut self) {
        self.open.values_mut().for_each(|open| open.feed = None);
        self.queue.iter_mut().for_each(|order| order.feed = None);
    }

    /// Whether anything is not published yet.
    pub(super) fn is_left(&self) -> bool {
        !self.settled.is_empty() || !self.followed.is_empty() || !self.open.is_empty() || !self.queue.is_empty()
    }

    /// The first fault is the one to tell; what it brought about after it explains nothing.
    pub(super) fn fail(&mut self, error: RunError) {
        self.failed.get_or_insert(error);
    }
}

/// A cell to fetch, with the partition it belongs to and how far it got.
pub(super) struct Order {
    pub(super) partition: usize,
    pub(super) hash: Arc<str>,
    pub(super) id: CellId,
    pub(super) cell: Cell,
    pub(super) progress: Option<Box<CellProgress>>,
    pub(super) feed: Option<Feed>,
}
