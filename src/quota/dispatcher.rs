//! The one task that waits for time: it wakes one waiter per permit.
//!
//! Invariant: first come first served within a job, in turn between jobs; what is granted stands in the journal before.

use std::time::Duration;

use tokio::sync::{mpsc, oneshot};

use crate::job::JobName;

use super::books::{Books, Ticked};
use super::queue::{Queue, Reply};
use super::{Advice, Clock, Decision, Feedback, Journal, Limiter, Loss, Moment, Refusal, Snapshot, Ticket};

/// So often it is heard what others did while somebody waits here.
const LISTEN: Duration = Duration::from_millis(10);
/// At the least, whatever is waited for.
const LISTEN_AT_LEAST: Duration = Duration::from_millis(250);
/// Permits of one tick, at the most.
const TOGETHER: usize = 64;

/// What handles and permits tell the dispatcher.
#[derive(Debug)]
pub(super) enum Message {
    Want { job: JobName, reply: Reply },
    Refund { ticket: Ticket },
    Answered { ticket: Ticket, sent: Duration, feedback: Feedback, advice: Advice, at: Moment },
    Cost { ticket: Ticket, credits: u32, at: Moment },
    Lost { ticket: Ticket, loss: Loss, at: Moment },
    Freed { at: Moment },
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

/// What a round has left to wait for.
enum Round {
    /// Another one at once.
    Again,
    /// A message, or this time.
    Wait(Option<Duration>),
}

impl Dispatcher {
    pub(super) fn new(
        limiter: Limiter,
        journal: Option<Journal>,
        clock: Clock,
        inbox: mpsc::UnboundedReceiver<Message>,
        sender: mpsc::WeakUnboundedSender<Message>,
    ) -> Self {
        Self { books: Books::new(limiter, journal), clock, inbox, sender }
    }

    /// Serves until every [`super::Quota`], permit and attempt is gone.
    pub async fn run(self) {
        let Self { mut books, clock, mut inbox, sender } = self;
        let mut queue = Queue::default();
        loop {
            while let Ok(message) = inbox.try_recv() {
                hear(&mut books, message, &mut queue);
            }
            queue.forget_cancelled();
            // The tick has panicked: nobody keeps the limits any more, so every waiter is refused.
            let Some((back, round)) = round(books, &mut queue, &sender, &clock).await else { return };
            books = back;
            for looker in std::mem::take(&mut queue.lookers) {
                // Whoever no longer wants to know needs no answer.
                drop(looker.send(books.limiter.snapshot(clock.now(), queue.len())));
            }
            let Round::Wait(until) = round else { continue };
            tokio::select! {
                biased;
                message = inbox.recv() => match message {
                    Some(message) => hear(&mut books, message, &mut queue),
                    None => return books.close(clock).await,
                },
                () = clock.sleep_until(until.unwrap_or_default()), if until.is_some() => {}
            }
        }
    }
}

/// Decides once for those who wait, and writes down what may not wait.
async fn round(
    mut books: Books,
    queue: &mut Queue,
    sender: &mpsc::WeakUnboundedSender<Message>,
    clock: &Clock,
) -> Option<(Books, Round)> {
    let moment = clock.now();
    let now = moment.elapsed;
    let waits = !queue.is_empty();
    let decision = books.limiter.check(moment);
    // Others may have made room, or taken it.
    let listen = books.heard().filter(|_| waits).map(|heard| heard + patience(&decision, now));
    let overdue = listen.is_some_and(|at| now >= at);
    let mut until = books.flush_by();
    match decision {
        Decision::Go if waits => {
            let wanted = queue.wanted(books.limiter.room(now).min(TOGETHER));
            let Ticked { books, tickets, blocked } = books.tick(wanted, clock.clone()).await?;
            let served = !tickets.is_empty();
            queue.grant(tickets, sender, clock);
            // Whoever waits when the journal breaks is told in the next round: no message may ever come.
            let again = served || books.broken.is_some();
            let next = earlier(blocked, books.has_others().then(|| now + LISTEN));
            return Some((books, if again { Round::Again } else { Round::Wait(next) }));
        }
        Decision::Go => {}
        Decision::Wait { .. } | Decision::Park { .. } if overdue && books.has_others() => until = Some(now),
        Decision::Wait { until: free, .. } if waits => {
            until = earlier(until, earlier(free, listen.filter(|_| books.has_others())));
        }
        Decision::Wait { .. } => {}
        Decision::Park { resume_at, on } => {
            let (window, reason) = (on.window().to_owned(), on.to_string());
            queue.refuse(&Refusal::Parked { resume_at, window, reason });
        }
        Decision::Stopped { reason } => queue.refuse(&match &books.broken {
            Some(reason) => Refusal::Broken { reason: reason.clone() },
            None => Refusal::Stopped { reason },
        }),
    }
    if until.is_none_or(|until| until > now) {
        return Some((books, Round::Wait(until)));
    }
    let Ticked { books, .. } = books.tick(Vec::new(), clock.clone()).await?;
    // Those who wait are decided about anew; nobody else has anything to wait for.
    let again = !queue.is_empty() || !queue.lookers.is_empty();
    Some((books, if again { Round::Again } else { Round::Wait(None) }))
}

/// How long others need not be heard. What they do is mostly to take; room that they make is found a little later the
/// longer it would have been waited for.
fn patience(decision: &Decision, now: Duration) -> Duration {
    match decision {
        Decision::Wait { until: Some(free), .. } => (free.saturating_sub(now) / 8).clamp(LISTEN, LISTEN_AT_LEAST),
        Decision::Wait { until: None, .. } | Decision::Go | Decision::Park { .. } | Decision::Stopped { .. } => LISTEN,
    }
}

fn earlier(one: Option<Duration>, other: Option<Duration>) -> Option<Duration> {
    one.into_iter().chain(other).min()
}

fn hear(books: &mut Books, message: Message, queue: &mut Queue) {
    let limiter = &mut books.limiter;
    match message {
        Message::Want { job, reply } => queue.push(job, reply),
        Message::Refund { ticket } => limiter.refund(ticket),
        Message::Answered { ticket, sent, feedback, advice, at } => {
            limiter.advised(&advice, at.elapsed.saturating_sub(sent), at);
            limiter.answered(ticket, sent, feedback, at);
        }
        Message::Cost { ticket, credits, at } => limiter.cost(ticket, credits, at),
        Message::Lost { ticket, loss, at } => limiter.lost(ticket, loss, at),
        Message::Freed { at } => limiter.freed(at),
        Message::Stop { reason } => limiter.stop(reason),
        Message::Look { reply } => queue.lookers.push(reply),
    }
}
