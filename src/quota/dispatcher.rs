//! The one task that waits for time: it wakes one waiter per permit.
//!
//! Invariant: first come first served within a job, in turn between jobs; what is granted stands in the journal before.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use crate::disk::aside;
use crate::job::JobName;

use super::record::Record;
use super::{
    Clock, Decision, Feedback, Journal, JournalError, Limiter, Loss, Moment, Permit, Refusal, Snapshot, Ticket,
};

type Reply = oneshot::Sender<Result<Permit, Refusal>>;

/// What handles and permits tell the dispatcher.
#[derive(Debug)]
pub(super) enum Message {
    Want { job: JobName, reply: Reply },
    Refund { ticket: Ticket },
    Answered { sent: Duration, feedback: Feedback, at: Moment },
    Lost { loss: Loss, at: Moment },
    Freed,
    Stop { reason: String },
    Look { reply: oneshot::Sender<Snapshot> },
}

/// Keeps one credential's limits and hands out permits.
#[derive(Debug)]
pub struct Dispatcher {
    books: Books,
    clock: Clock,
    inbox: mpsc::UnboundedReceiver<Message>,
    sender: mpsc::WeakUnboundedSender<Message>,
}

/// What a tick works on; travels to the blocking thread and back.
#[derive(Debug)]
struct Books {
    limiter: Limiter,
    journal: Option<Journal>,
    /// Not yet in the journal.
    outbox: Vec<Record>,
    /// Why nothing can be written down, and so nothing sent, any more.
    broken: Option<String>,
}

impl Dispatcher {
    pub(super) fn new(
        limiter: Limiter,
        journal: Option<Journal>,
        clock: Clock,
        inbox: mpsc::UnboundedReceiver<Message>,
        sender: mpsc::WeakUnboundedSender<Message>,
    ) -> Self {
        Self { books: Books { limiter, journal, outbox: Vec::new(), broken: None }, clock, inbox, sender }
    }

    /// Serves until every [`super::Quota`], permit and attempt is gone.
    pub async fn run(self) {
        let Self { mut books, clock, mut inbox, sender } = self;
        let mut queue = Queue::default();
        loop {
            while let Ok(message) = inbox.try_recv() {
                books.hear(message, &mut queue);
            }
            queue.forget_cancelled();
            let mut wake = None;
            let mut served = false;
            match books.limiter.check(clock.now()) {
                Decision::Go => {
                    let wanted = queue.len();
                    if wanted > 0 || books.has_news() {
                        let Some((back, tickets, blocked)) = books.tick(wanted, clock.clone()).await else {
                            return; // the tick panicked: nobody keeps the limits, so every waiter is refused
                        };
                        books = back;
                        served = !tickets.is_empty();
                        wake = blocked;
                        queue.grant(tickets, &sender, &clock);
                    }
                }
                Decision::Wait { until, .. } => wake = until,
                Decision::Park { resume_at, on } => {
                    queue.refuse(&Refusal::Parked { resume_at, window: on.window().to_owned(), reason: on.to_string() })
                }
                Decision::Stopped { reason } => queue.refuse(&match &books.broken {
                    Some(reason) => Refusal::Broken { reason: reason.clone() },
                    None => Refusal::Stopped { reason },
                }),
            }
            if books.has_news() {
                let Some((back, _, _)) = books.tick(0, clock.clone()).await else { return };
                books = back;
            }
            for looker in std::mem::take(&mut queue.lookers) {
                // Whoever no longer wants to know needs no answer.
                drop(looker.send(books.limiter.snapshot(clock.now(), queue.len())));
            }
            // Whoever waits when the journal breaks is told in the next round: no message may ever come.
            if served || (books.broken.is_some() && !queue.is_empty()) {
                continue;
            }
            let timer = wake.filter(|_| !queue.is_empty());
            tokio::select! {
                biased;
                message = inbox.recv() => match message {
                    Some(message) => books.hear(message, &mut queue),
                    None => return,
                },
                () = clock.sleep_until(timer.unwrap_or_default()), if timer.is_some() => {}
            }
        }
    }
}

impl Books {
    fn hear(&mut self, message: Message, queue: &mut Queue) {
        match message {
            Message::Want { job, reply } => queue.push(job, reply),
            Message::Refund { ticket } => {
                self.limiter.refund(ticket);
                self.outbox.push(Record::Refunded { at: ticket.stamp, count: 1 });
            }
            Message::Answered { sent, feedback, at } => {
                let before = self.limiter.spent_until();
                self.limiter.answered(sent, feedback, at);
                if let Some(until) = self.limiter.spent_until().filter(|until| before != Some(*until)) {
                    self.outbox.push(Record::Spent { until });
                }
            }
            Message::Lost { loss, at } => self.limiter.lost(loss, at),
            Message::Freed => self.limiter.freed(),
            Message::Stop { reason } => self.limiter.stop(reason),
            Message::Look { reply } => queue.lookers.push(reply),
        }
    }

    fn has_news(&self) -> bool {
        self.journal.is_some() && !self.outbox.is_empty()
    }

    /// Takes up to `wanted` tickets, with the journal's lock held and after hearing what other processes sent. Answers
    /// too until when the next one must wait. `None`: the blocking thread panicked.
    async fn tick(mut self, wanted: usize, clock: Clock) -> Option<(Self, Vec<Ticket>, Option<Duration>)> {
        let Some(mut journal) = self.journal.take() else {
            self.outbox.clear();
            let (tickets, blocked) = self.take(wanted, clock.now());
            return Some((self, tickets, blocked));
        };
        let work = move || {
            let granted = journal.tick(|foreign| {
                // Waiting for the lock took time.
                let now = clock.now();
                foreign.iter().for_each(|record| self.limiter.learn(*record, now));
                let (tickets, blocked) = self.take(wanted, now);
                let mut own = std::mem::take(&mut self.outbox);
                own.extend(sent(&tickets));
                own.extend(self.limiter.take_carried());
                (own, (tickets, blocked))
            });
            self.journal = Some(journal);
            let (tickets, blocked) = granted.unwrap_or_else(|error| {
                let reason = describe(&error);
                self.limiter.stop(reason.clone());
                self.broken.get_or_insert(reason);
                (Vec::new(), None)
            });
            (self, tickets, blocked)
        };
        aside(work).await
    }

    fn take(&mut self, wanted: usize, now: Moment) -> (Vec<Ticket>, Option<Duration>) {
        let mut tickets = Vec::new();
        while tickets.len() < wanted {
            match self.limiter.take(now) {
                Ok(ticket) => tickets.push(ticket),
                Err(Decision::Wait { until, .. }) => return (tickets, until),
                Err(Decision::Go | Decision::Park { .. } | Decision::Stopped { .. }) => {
                    // Decided anew, and told to the waiters, in the next round.
                    return (tickets, Some(now.elapsed));
                }
            }
        }
        (tickets, None)
    }
}

/// One record for all tickets of a tick: they share its instant.
fn sent(tickets: &[Ticket]) -> Option<Record> {
    let at = tickets.first()?.stamp;
    Some(Record::Sent { at, count: u32::try_from(tickets.len()).unwrap_or(u32::MAX) })
}

fn describe(error: &JournalError) -> String {
    match error {
        JournalError::Io { source, .. } => format!("{error}: {source}; mend that and run again, nothing is lost"),
        JournalError::Damaged { .. } => error.to_string(),
    }
}

/// Who waits: jobs in turn, each with its waiters in order; and who only looks.
#[derive(Debug, Default)]
struct Queue {
    jobs: VecDeque<(JobName, VecDeque<Reply>)>,
    lookers: Vec<oneshot::Sender<Snapshot>>,
}

impl Queue {
    fn len(&self) -> usize {
        self.jobs.iter().map(|(_, waiters)| waiters.len()).sum()
    }

    fn is_empty(&self) -> bool {
        self.jobs.is_empty()
    }

    fn push(&mut self, job: JobName, reply: Reply) {
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

    fn forget_cancelled(&mut self) {
        self.jobs.iter_mut().for_each(|(_, waiters)| waiters.retain(|reply| !reply.is_closed()));
        self.jobs.retain(|(_, waiters)| !waiters.is_empty());
    }

    /// One waiter woken per ticket. A permit whose waiter has just gone passes to the next; the last is given back.
    fn grant(&mut self, tickets: Vec<Ticket>, sender: &mpsc::WeakUnboundedSender<Message>, clock: &Clock) {
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

    fn refuse(&mut self, refusal: &Refusal) {
        for reply in self.jobs.drain(..).flat_map(|(_, waiters)| waiters) {
            // A waiter that has gone needs no refusal.
            drop(reply.send(Err(refusal.clone())));
        }
    }
}
