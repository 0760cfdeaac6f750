//! Who waits for a permit: jobs in turn, each with its waiters in order; and who only looks.

use std::collections::VecDeque;

use tokio::sync::{mpsc, oneshot};

use crate::job::JobName;

use super::dispatcher::Message;
use super::{Clock, Permit, Refusal, Snapshot, Ticket};

pub(super) type Reply = oneshot::Sender<Result<Permit, Refusal>>;

#[derive(Debug, Default)]
pub(super) struct Queue {
    jobs: VecDeque<(JobName, VecDeque<Reply>)>,
    pub(super) lookers: Vec<oneshot::Sender<Snapshot>>,
}

impl Queue {
    pub(super) fn len(&self) -> usize {
        self.jobs.iter().map(|(_, waiters)| waiters.len()).sum()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.jobs.is_empty()
    }

    pub(super) fn push(&mut self, job: JobName, reply: Reply) {
        match self.jobs.iter_mut().find(|(other, _)| *other == job) {
            Some((_, waiters)) => waiters.push_back(reply),
            None => self.jobs.push_back((job, VecDeque::from([reply]))),
        }
    }

    fn pop(&mut self) -> Option<Reply> {
        let (job, mut waiters) = self.jobs.pop_front()?;
        let reply = waiters.pop_front();
        if !waiters.is_empty() {
            self.jobs.push_back((job, waiters));
        }
        reply
    }

    /// Drops those at the heads who no longer wait; whoever stands behind is looked at when it is his turn, so that ten
    /// thousand waiters cost nothing.
    pub(super) fn forget_cancelled(&mut self) {
        for (_, waiters) in &mut self.jobs {
            while waiters.front().is_some_and(Reply::is_closed) {
                waiters.pop_front();
            }
        }
        self.jobs.retain(|(_, waiters)| !waiters.is_empty());
    }

    /// The jobs of those whose turn is next, `most` at the most.
    pub(super) fn wanted(&self, most: usize) -> Vec<JobName> {
        let longest = self.jobs.iter().map(|(_, waiters)| waiters.len()).max().unwrap_or(0);
        let in_turn = (0..longest.min(most)).flat_map(|round| {
            self.jobs.iter().filter(move |(_, waiters)| waiters.len() > round).map(|(job, _)| job.clone())
        });
        in_turn.take(most).collect()
    }

    /// One waiter woken per ticket. A permit whose waiter has just gone passes to the next; the last is given back.
    pub(super) fn grant(&mut self, tickets: Vec<Ticket>, sender: &mpsc::WeakUnboundedSender<Message>, clock: &Clock) {
        for ticket in tickets {
            let Some(sender) = sender.upgrade() else { return };
            let mut permit = Ok(Permit::new(ticket, sender, clock.clone()));
            while let Some(reply) = self.pop() {
                match reply.send(permit) {
                    Ok(()) => break,
                    Err(unread) => permit = unread,
                }
            }
        }
    }

    pub(super) fn refuse(&mut self, refusal: &Refusal) {
        for reply in self.jobs.drain(..).flat_map(|(_, waiters)| waiters) {
            // A waiter that has gone needs no refusal.
            drop(reply.send(Err(refusal.clone())));
        }
    }
}
