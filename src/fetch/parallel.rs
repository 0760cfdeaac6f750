//! Pages of one cell side by side: each takes its own permit and is kept as it arrives. What they mean is decided in
//! `spread`.
//!
//! Invariant: whatever ends the cell, what is in flight comes in and is kept, and nothing new leaves.

use std::collections::BTreeMap;
use std::sync::Mutex;

use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::sync::watch;

use crate::spool::Ahead;

use super::attempt::{Answered, Source, lock};
use super::cell::{CellEnd, CellError, CellTask, Reach, ask_page, is_about_cursor, keep};
use super::ending::Ending;
use super::paginator::{Cursor, Paginator};
use super::position::Position;
use super::request::Request;
use super::spread::Spread;

/// What came of the pages of a spread.
pub(super) enum Together {
    /// All are kept; the cell stands behind them.
    All(Position),
    /// What came is not what was announced.
    Moved(String),
    /// A page was refused. Pages behind it may be kept.
    Refused { code: String, message: String },
    /// Anything that ends the work on the cell for now.
    End(CellEnd),
}

/// What came of one page.
enum One {
    /// It is kept, and says this of the next.
    Kept(Option<Cursor>),
    Moved(String),
    Refused {
        code: String,
        message: String,
    },
    End(CellEnd),
}

/// What came of the pages so far.
#[derive(Default)]
struct Came {
    error: Option<CellError>,
    end: Option<CellEnd>,
    moved: Option<String>,
    refused: Option<(String, String)>,
    /// What the last page says of the next.
    onward: Option<Cursor>,
}

/// Asks for the pages of `spread` that are neither before `at` nor in `ahead`.
pub(super) async fn fetch_together(
    source: &Source<'_>,
    task: &CellTask<'_>,
    (first, seen): (&Request, &Mutex<Paginator<'_>>),
    at: &Position,
    (spread, ahead): (Spread, BTreeMap<u32, Ahead>),
) -> Result<Together, CellError> {
    lock(seen).promise(spread.total);
    let mut ending = source.ending.clone();
    let (stop, stopped) = watch::channel(*ending.borrow_and_update());
    // Once one page ends the cell, the others end as they do when the run is asked to.
    let source = &Source { ending: stopped, down: source.down.clone(), ..*source };
    // As many again as may be in flight are waiting; more would only take memory.
    let width = spread.width.min((source.provider.limits.concurrency as usize).saturating_mul(2));
    let mut due = spread.missing(at.pages, &ahead);
    let mut came = Came::default();
    let last = ahead.get(&(spread.pages - 1)).and_then(|last| last.next.as_deref());
    came.onward = last.map(Cursor::from_text).transpose()?;
    let mut asked = FuturesUnordered::new();
    loop {
        while came.all_is_well() && asked.len() < width {
            let Some(index) = due.next() else { break };
            asked.push(async move { (index, fetch_one(source, task, (first, seen), at, spread, index).await) });
        }
        let (index, result) = tokio::select! {
            biased;
            Ok(()) = ending.changed() => {
                raise(&stop, *ending.borrow_and_update());
                continue;
            }
            answered = asked.next() => match answered {
                Some(answered) => answered,
                None => break,
            },
        };
        came.take(index + 1 == spread.pages, result, *ending.borrow());
        if !came.all_is_well() {
            raise(&stop, Ending::Asked);
        }
    }
    came.together(at, spread)
}

fn raise(stop: &watch::Sender<Ending>, to: Ending) {
    stop.send_if_modified(|now| std::mem::replace(now, to.max(*now)) < to);
}

/// One page: asked for, kept, compared with what was announced.
async fn fetch_one(
    source: &Source<'_>,
    task: &CellTask<'_>,
    (first, seen): (&Request, &Mutex<Paginator<'_>>),
    at: &Position,
    spread: Spread,
    index: u32,
) -> Result<One, CellError> {
    let place = Position {
        epoch: at.epoch,
        pages: index,
        records: spread.records_before(index),
        cursor: Paginator::start_of(source.paging, index),
        total: Some(spread.total),
        parallel: true,
        resumed: false,
        restarted: at.restarted,
    };
    let (request, answered) = ask_page(source, task, (first, seen), &place).await?;
    Ok(match answered {
        Answered::Page(kept) => {
            let check = spread.check(index, &kept.page);
            let next = kept.page.advance.next.clone();
            // Also what moved: it is paid for, and a run that is killed now must find that it moved.
            keep(source, task, &request, &place, *kept, None).await?;
            check.map_or_else(One::Moved, |()| One::Kept(next))
        }
        Answered::Empty { .. } => {
            One::Moved(format!("page {index} was said to be empty although {} records were announced", spread.total))
        }
        Answered::Refused { code, message } if is_about_cursor(&code) => {
            One::Moved(format!("page {index} was refused: {message}"))
        }
        Answered::Refused { code, message } => One::Refused { code, message },
        Answered::End(end) => One::End(end),
    })
}

impl Came {
    fn all_is_well(&self) -> bool {
        self.error.is_none() && self.end.is_none() && self.moved.is_none() && self.refused.is_none()
    }

    fn take(&mut self, is_last: bool, result: Result<One, CellError>, ending: Ending) {
        match result {
            Ok(One::Kept(next)) if is_last => self.onward = next,
            Ok(One::Kept(_)) => {}
            Ok(One::Moved(why)) => drop(self.moved.get_or_insert(why)),
            Ok(One::Refused { code, message }) => drop(self.refused.get_or_insert((code, message))),
            // It was this cell that asked it to end.
            Ok(One::End(CellEnd::Interrupted)) if ending == Ending::NotYet && !self.all_is_well() => {}
            Ok(One::End(end)) => self.end = Some(worse(self.end.take(), end)),
            Err(error) => drop(self.error.get_or_insert(error)),
        }
    }

    /// What may not go on now is left for later, whatever else is wrong: it will be again. Who moved is asked anew before
    /// a refusal counts, which may come of it.
    fn together(self, at: &Position, spread: Spread) -> Result<Together, CellError> {
        let Self { error, end, moved, refused, onward } = self;
        if let Some(error) = error {
            return Err(error);
        }
        Ok(match (end, moved, refused) {
            (Some(end), ..) => Together::End(end),
            (None, Some(why), _) => Together::Moved(why),
            (None, None, Some((code, message))) => Together::Refused { code, message },
            (None, None, None) => Together::All(Position {
                epoch: at.epoch,
                pages: spread.pages,
                records: spread.total,
                cursor: onward,
                total: Some(spread.total),
                parallel: true,
                resumed: false,
                restarted: at.restarted,
            }),
        })
    }
}

/// The end that says more: what stops the provider, then what ends the run, the job's work, the cell's work. Of two waits
/// of a kind it is the longer one.
fn worse(known: Option<CellEnd>, end: CellEnd) -> CellEnd {
    let rank = |end: &CellEnd| match end {
        CellEnd::Stopped { .. } => (5, None),
        CellEnd::Interrupted => (4, None),
        CellEnd::Parked { reach: Reach::Job, resume_at, .. } => (3, Some(*resume_at)),
        CellEnd::Parked { reach: Reach::Cell, resume_at, .. } => (2, Some(*resume_at)),
        CellEnd::Pending { .. } => (1, None),
        CellEnd::Settled(_) => (0, None),
    };
    match known {
        Some(known) if rank(&known) >= rank(&end) => known,
        Some(_) | None => end,
    }
}
