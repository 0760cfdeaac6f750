//! What the dispatcher works on: the limiter and its journal. A tick travels to the blocking thread and back.

use std::time::Duration;

use crate::disk::aside;
use crate::job::JobName;

use super::journal::{Note, What};
use super::{Clock, Decision, Journal, JournalError, Limiter, Moment, Ticket};

/// What nobody waits for is written down together, but no later than this.
const LATEST: Duration = Duration::from_secs(1);
/// Somebody who has had something under way for so long may have died.
const PATIENCE: Duration = Duration::from_millis(500);
/// How often that is looked at.
const LOOK: Duration = Duration::from_millis(250);

#[derive(Debug)]
pub(super) struct Books {
    pub(super) limiter: Limiter,
    journal: Option<Journal>,
    outbox: Vec<Note>,
    /// When others were last heard.
    heard: Option<Duration>,
    looked: Duration,
    /// Why nothing can be written down, and so nothing sent, any more.
    pub(super) broken: Option<String>,
}

/// What came of a tick.
pub(super) struct Ticked {
    pub(super) books: Books,
    pub(super) tickets: Vec<Ticket>,
    /// Until when the next one must wait, as far as is known.
    pub(super) blocked: Option<Duration>,
}

impl Books {
    pub(super) fn new(mut limiter: Limiter, journal: Option<Journal>) -> Self {
        if journal.is_some() {
            limiter.tell_others();
        }
        Self { limiter, journal, outbox: Vec::new(), heard: None, looked: Duration::ZERO, broken: None }
    }

    /// Whether other processes use the credential now, as far as is known.
    pub(super) fn has_others(&self) -> bool {
        self.journal.as_ref().is_some_and(|journal| journal.others() > 0)
    }

    /// When others were last heard; `None` without a journal, for then there is nobody to hear.
    pub(super) fn heard(&self) -> Option<Duration> {
        self.journal.as_ref().map(|_| self.heard.unwrap_or_default())
    }

    /// Until when what is not written down yet may wait; `None` when there is nothing.
    pub(super) fn flush_by(&mut self) -> Option<Duration> {
        self.outbox.append(&mut self.limiter.take_news());
        let first = self.outbox.first()?.at.elapsed;
        let can_wait =
            |note: &Note| matches!(note.what, What::Answered { .. } | What::Lost { .. } | What::Freed { .. });
        let waits = !self.has_others() && self.outbox.iter().all(can_wait);
        Some(if waits { first + LATEST } else { first })
    }

    /// Takes up to one ticket for each of the jobs `wanted`, in order, with the journal's lock held and after hearing what
    /// other processes did; writes down what is not yet. `None`: the blocking thread panicked.
    pub(super) async fn tick(mut self, wanted: Vec<JobName>, clock: Clock) -> Option<Ticked> {
        self.outbox.append(&mut self.limiter.take_news());
        let Some(mut journal) = self.journal.take() else {
            self.outbox.clear();
            let (tickets, blocked) = self.take(&vec![0; wanted.len()], clock.now());
            return Some(Ticked { books: self, tickets, blocked });
        };
        aside(move || {
            let numbers: Vec<u32> = wanted.iter().map(|job| journal.number(job)).collect();
            let suspects = self.suspects(clock.now());
            // Waiting for the lock takes time: what time it is, is asked under it.
            let ticked = journal.tick(
                || clock.now(),
                &suspects,
                |told, now| {
                    told.iter().for_each(|one| self.limiter.learn(one, now));
                    self.heard = Some(now.elapsed);
                    let (tickets, blocked) = self.take(&numbers, now);
                    let mut own = std::mem::take(&mut self.outbox);
                    own.append(&mut self.limiter.take_news());
                    own.extend(sent(&tickets));
                    (together(own), (tickets, blocked))
                },
            );
            self.journal = Some(journal);
            let (tickets, blocked) = ticked.unwrap_or_else(|error| {
                let reason = describe(&error);
                self.limiter.stop(reason.clone());
                self.broken.get_or_insert(reason);
                (Vec::new(), None)
            });
            Ticked { books: self, tickets, blocked }
        })
        .await
    }

    /// Writes down the rest; nothing of this process is under way any more.
    pub(super) async fn close(self, clock: Clock) {
        let Some(Ticked { books, .. }) = self.tick(Vec::new(), clock.clone()).await else { return };
        if let Some(journal) = books.journal {
            // A process that could not say so is found to be gone by the next one.
            let left = aside(move || journal.leave(clock.now())).await;
            drop(left);
        }
    }

    fn suspects(&mut self, now: Moment) -> Vec<u16> {
        if now.elapsed.saturating_sub(self.looked) < LOOK {
            return Vec::new();
        }
        self.looked = now.elapsed;
        self.limiter.suspects(now, PATIENCE)
    }

    fn take(&mut self, jobs: &[u32], now: Moment) -> (Vec<Ticket>, Option<Duration>) {
        let mut tickets = Vec::new();
        for job in jobs {
            match self.limiter.take(now) {
                Ok(ticket) => tickets.push(Ticket { job: *job, ..ticket }),
                Err(Decision::Wait { until, .. }) => return (tickets, until),
                // Decided anew, and told to the waiters, in the next round.
                Err(Decision::Go | Decision::Park { .. } | Decision::Stopped { .. }) => {
                    return (tickets, Some(now.elapsed));
                }
            }
        }
        (tickets, None)
    }
}

/// One record for the tickets of each job that follow each other: they share their instant.
fn sent(tickets: &[Ticket]) -> Vec<Note> {
    let runs = tickets.chunk_by(|one, next| (one.job, one.price) == (next.job, next.price));
    runs.filter_map(|run| {
        let last = run.last()?;
        let count = u32::try_from(run.len()).unwrap_or(u32::MAX);
        let what = What::Sent { job: last.job, count, price: last.price, late: last.late };
        Some(Note { at: last.at, what })
    })
    .collect()
}

/// What is done with is counted in one record.
fn together(mut notes: Vec<Note>) -> Vec<Note> {
    let mut freed: Option<(Moment, u32)> = None;
    notes.retain(|note| match note.what {
        What::Freed { count } => {
            freed = Some((note.at, freed.map_or(0, |(_, before)| before) + count));
            false
        }
        _ => true,
    });
    notes.extend(freed.map(|(at, count)| Note { at, what: What::Freed { count } }));
    notes
}

fn describe(error: &JournalError) -> String {
    match error {
        JournalError::Io { source, .. } => format!("{error}: {source}; mend that and run again, nothing is lost"),
        JournalError::Damaged { .. } => error.to_string(),
    }
}
