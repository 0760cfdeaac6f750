//! The handle of one credential's limits and the proof that one attempt may leave: Reserved → Sent → Done.
//!
//! Invariant: whatever is dropped, wherever, is accounted for. A [`Permit`] never sent costs nothing; a [`Departed`]
//! never answered is treated as lost.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{mpsc, oneshot};

use crate::job::JobName;
use crate::provider::{Limits, ThrottleWindow};

use super::dispatcher::{Dispatcher, Message};
use super::{Advice, Clock, History, Journal, Limiter, Snapshot, Ticket};

/// Opens the limits of one credential. The caller spawns [`Dispatcher::run`]; without it no permit is ever given.
pub fn open(
    limits: &Limits,
    max_wait: Duration,
    journal: Option<Journal>,
    history: History,
    clock: Clock,
) -> (Quota, Dispatcher) {
    let now = clock.now();
    let limiter = Limiter::new(limits, max_wait, &history, now);
    let (sender, inbox) = mpsc::unbounded_channel();
    let dispatcher = Dispatcher::new(limiter, journal, clock.clone(), inbox, sender.downgrade());
    (Quota { sender, stopped: Arc::default(), clock }, dispatcher)
}

/// One credential's limits; all jobs of a process share it.
#[derive(Debug, Clone)]
pub struct Quota {
    sender: mpsc::UnboundedSender<Message>,
    stopped: Arc<OnceLock<String>>,
    clock: Clock,
}

/// Why there is no permit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The wait is too long to be slept.
    #[error("no call may leave before {resume_at} (`{window}` limit): {reason}; run again then")]
    Parked {
        /// When a call may leave again.
        resume_at: Timestamp,
        /// Which limit: `second`, `minute`, `hour`, `day`, `concurrency`, `pace`.
        window: String,
        /// What happened.
        reason: String,
    },
    /// Nothing more may be sent with this credential.
    #[error("nothing more is sent with this credential: {reason}")]
    Stopped {
        /// Why.
        reason: String,
    },
    /// The limits can no longer be kept, through no fault of the provider: nothing may be sent unmetered.
    #[error("{reason}")]
    Broken {
        /// The fault, with its cause.
        reason: String,
    },
}

/// What the answer said about the limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Feedback {
    /// A page, or an explicit nothing.
    Accepted,
    /// Any other refusal or fault.
    Failed,
    /// Too fast.
    Throttled {
        /// Which limit.
        window: ThrottleWindow,
        /// How long the provider asks us to wait.
        retry_after: Option<Duration>,
    },
}

/// Why there will be no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// We gave up; the server may still be working on it.
    TimedOut,
    /// The connection broke or was never made.
    Reset,
}

impl Quota {
    /// Waits for leave to send one attempt: first come first served within a job, in turn between jobs.
    ///
    /// Cancel-safe: a future dropped while it waits, or with its permit unread, costs nothing.
    pub async fn permit(&self, job: &JobName) -> Result<Permit, Refusal> {
        let ended = || Refusal::Broken { reason: "the limits of its credential are no longer kept".to_owned() };
        let (reply, answer) = oneshot::channel();
        self.refuse_if_stopped()?;
        self.sender.send(Message::Want { job: job.clone(), reply }).map_err(|_| ended())?;
        let permit = answer.await.map_err(|_| ended())??;
        // A stop may have come between the grant and now.
        self.refuse_if_stopped()?;
        Ok(permit)
    }

    /// Nothing new leaves from now on; whoever waits, or has not yet looked at its permit, is refused. Those in flight
    /// finish.
    ///
    /// Call it before the verdict that asks for it is given to [`Departed::answered`]: that answer is what lets the
    /// next attempt leave. Then a credential refused at its first attempt costs exactly one.
    pub fn stop(&self, reason: String) {
        if self.stopped.set(reason.clone()).is_ok() {
            tell(&self.sender, Message::Stop { reason });
        }
    }

    /// A look at the limits that does not keep them going.
    pub fn meter(&self) -> Meter {
        Meter { sender: self.sender.downgrade() }
    }

    /// The clock the limits are kept by.
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    fn refuse_if_stopped(&self) -> Result<(), Refusal> {
        match self.stopped.get() {
            Some(reason) => Err(Refusal::Stopped { reason: reason.clone() }),
            None => Ok(()),
        }
    }
}

/// Shows how full the limits of a credential are. It keeps nothing going: once every [`Quota`] is gone it shows nothing.
#[derive(Debug, Clone)]
pub struct Meter {
    sender: mpsc::WeakUnboundedSender<Message>,
}

impl Meter {
    /// How full the limits are now; `None` once they are no longer kept.
    pub async fn read(&self) -> Option<Snapshot> {
        let (reply, answer) = oneshot::channel();
        tell(&self.sender.upgrade()?, Message::Look { reply });
        answer.await.ok()
    }
}

/// Leave to send one attempt. Dropped unused, everything it reserved is given back.
#[must_use = "a permit dropped is a permit given back"]
#[derive(Debug)]
pub struct Permit {
    ticket: Ticket,
    link: Option<Link>,
}

#[derive(Debug)]
struct Link {
    sender: mpsc::UnboundedSender<Message>,
    clock: Clock,
}

impl Permit {
    pub(super) fn new(ticket: Ticket, sender: mpsc::UnboundedSender<Message>, clock: Clock) -> Self {
        Self { ticket, link: Some(Link { sender, clock }) }
    }

    /// The first byte may leave now: from here on the attempt counts, and from here on a [`Quota::stop`] no longer
    /// reaches it. Whoever holds a permit awaits nothing between reading and departing it: only then is a permit of
    /// before the stop the same as an attempt in flight.
    pub fn depart(mut self) -> Departed {
        let link = self.link.take();
        let sent = link.as_ref().map_or(Duration::ZERO, |link| link.clock.now().elapsed);
        Departed { link, ticket: self.ticket, sent, state: State::Sent, advice: Advice::default() }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(link) = self.link.take() {
            tell(&link.sender, Message::Refund { ticket: self.ticket });
        }
    }
}

/// An attempt on its way. Dropping it ends its place among the requests in flight: only when its page is safe.
#[must_use = "dropping it ends its place among the requests in flight"]
#[derive(Debug)]
pub struct Departed {
    link: Option<Link>,
    ticket: Ticket,
    sent: Duration,
    state: State,
    advice: Advice,
}

#[derive(Debug, PartialEq, Eq)]
enum State {
    Sent,
    Answered,
    Lost,
}

impl Departed {
    /// What the answer says about the limits; to be told before what came of it.
    pub fn advised(&mut self, advice: Advice) {
        self.advice = advice;
    }

    /// The answer is in and understood. Only the first outcome counts.
    pub fn answered(&mut self, feedback: Feedback) {
        if self.state == State::Sent {
            self.state = State::Answered;
            let (ticket, sent, advice) = (self.ticket, self.sent, std::mem::take(&mut self.advice));
            self.report(|at| Message::Answered { ticket, sent, feedback, advice, at });
        }
    }

    /// There will be no answer. Only the first outcome counts.
    pub fn lost(&mut self, loss: Loss) {
        if self.state == State::Sent {
            self.state = State::Lost;
            let ticket = self.ticket;
            self.report(|at| Message::Lost { ticket, loss, at });
        }
    }

    /// The answer says what the attempt has cost.
    pub fn cost(&self, credits: u64) {
        let ticket = self.ticket;
        let credits = u32::try_from(credits).unwrap_or(u32::MAX);
        self.report(|at| Message::Cost { ticket, credits, at });
    }

    fn report(&self, message: impl FnOnce(super::Moment) -> Message) {
        if let Some(link) = &self.link {
            tell(&link.sender, message(link.clock.now()));
        }
    }
}

impl Drop for Departed {
    fn drop(&mut self) {
        match self.state {
            State::Sent => self.lost(Loss::Reset),
            State::Answered => self.report(|at| Message::Freed { at }),
            State::Lost => {}
        }
    }
}

/// A dispatcher that has ended keeps no limits any more: there is nobody left to tell.
fn tell(sender: &mpsc::UnboundedSender<Message>, message: Message) {
    drop(sender.send(message));
}
