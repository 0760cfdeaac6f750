//! How a client keeps the limits: the usual ways, and ours.
//!
//! Invariant: each sees only what a client sees, its own clock and its own answers. After a refusal the usual ways wait
//! as their users have them wait: as long as `Retry-After` says, otherwise a second, doubled with each refusal of the
//! same request up to a minute, each time by half more or less at random; the other requests go on.

use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use crate::provider::{Limits, WindowKind};
use crate::quota::{Advice, Decision, Feedback, History, Limiter, Loss, Moment, Sends, Ticket, WindowUse};

use super::governors::Governors;
use super::logs::{Holding, Log};

/// Longer waits than this are left to the next run; in a play the next run begins when the wait is over.
const MAX_WAIT: Duration = Duration::from_secs(300);
/// A governor for a longer window would spread its calls over all of it: people count those.
const SPREAD: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(86_400);

/// How a client keeps the limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Strategy {
    /// One `governor` per window as its constructors make it, with a burst of the whole limit, awaited in turn.
    GovernorDefault,
    /// The same with a burst of one; windows above an hour are counted.
    GovernorBurst1,
    /// A log of its own sends per window: the next may leave when the window before it holds fewer than the limit.
    LogAtSend,
    /// Places held from the send until the answer is as old as the window is long, without any spacing.
    Hold,
    /// The limiter of this program.
    Tidemill,
}

impl Strategy {
    /// All, the one of this program last.
    pub const ALL: [Self; 5] =
        [Self::GovernorDefault, Self::GovernorBurst1, Self::LogAtSend, Self::Hold, Self::Tidemill];

    /// As reports name it.
    pub fn name(self) -> &'static str {
        match self {
            Self::GovernorDefault => "governor, default",
            Self::GovernorBurst1 => "governor, burst 1",
            Self::LogAtSend => "log at send",
            Self::Hold => "hold",
            Self::Tidemill => "tidemill",
        }
    }

    /// Whether a refused request waits by itself; otherwise the strategy makes all of them wait.
    pub(super) fn backs_off(self) -> bool {
        self != Self::Tidemill
    }
}

/// Whether the head of the line may leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    /// Yes, and it is counted; with what ours counted it as.
    Go(Option<Ticket>),
    /// Ask again then.
    At(Duration),
    /// Ask again when an answer is in.
    OnAnswer,
}

/// What a process that was killed leaves on its disk.
#[derive(Debug, Default)]
pub(super) struct Remains {
    sends: Vec<Sends>,
    spent_until: Option<Timestamp>,
}

impl Remains {
    /// As the limiter reads it: a day that is used up stands for what was sent in it.
    fn history(&self, now: Moment) -> History {
        match self.spent_until.filter(|until| *until > now.wall) {
            Some(until) => History::spent(until),
            None => History::of(&self.sends, now),
        }
    }
}

/// An answer as a client gets it.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) ticket: Option<Ticket>,
    /// When the request left.
    pub(super) sent: Duration,
    pub(super) feedback: Feedback,
    /// The server's clock.
    pub(super) date: Timestamp,
}

/// One life of a client.
#[derive(Debug)]
pub(super) enum Client {
    Counting { governors: Option<Governors>, logs: Vec<Log> },
    Holding(Vec<Holding>),
    Tidemill { limiter: Box<Limiter>, sends: Vec<Sends> },
}

impl Client {
    /// A process that starts now and finds `remains` on its disk.
    pub(super) fn new(strategy: Strategy, limits: &Limits, remains: Remains, now: Moment) -> Self {
        let logs = |above: Duration| {
            limits.windows.iter().filter(|window| length(&window.kind) > above).map(Log::new).collect::<Vec<_>>()
        };
        let rates = |up_to: Duration| {
            let rates = limits.windows.iter().map(|window| (window.max, length(&window.kind)));
            rates.filter(|(_, length)| *length <= up_to).collect::<Vec<_>>()
        };
        match strategy {
            Strategy::GovernorDefault => {
                let governors = Governors::new(&rates(Duration::MAX), true);
                Self::Counting { governors: Some(governors), logs: Vec::new() }
            }
            Strategy::GovernorBurst1 => {
                Self::Counting { governors: Some(Governors::new(&rates(SPREAD), false)), logs: logs(SPREAD) }
            }
            Strategy::LogAtSend => Self::Counting { governors: None, logs: logs(Duration::ZERO) },
            Strategy::Hold => Self::Holding(limits.windows.iter().map(Holding::new).collect()),
            Strategy::Tidemill => {
                let limiter = Box::new(Limiter::new(limits, MAX_WAIT, &remains.history(now), now));
                Self::Tidemill { limiter, sends: remains.sends }
            }
        }
    }

    /// Takes leave for one of `waiting` requests, if there is any.
    pub(super) fn turn(&mut self, waiting: usize, now: Moment) -> Turn {
        match self {
            Self::Counting { governors, logs } => {
                let opens = logs.iter_mut().map(|log| log.opens(now)).max().unwrap_or(now.elapsed);
                if opens > now.elapsed {
                    return Turn::At(opens);
                }
                let turn = governors.as_mut().map_or(Turn::Go(None), |governors| governors.turn(waiting, now.elapsed));
                if let Turn::Go(_) = turn {
                    logs.iter_mut().for_each(|log| log.take(now));
                }
                turn
            }
            Self::Holding(windows) => {
                let opens = windows
                    .iter()
                    .map(|window| window.opens(now))
                    .try_fold(now.elapsed, |latest, opens| opens.map(|opens| latest.max(opens)));
                match opens {
                    None => Turn::OnAnswer,
                    Some(opens) if opens > now.elapsed => Turn::At(opens),
                    Some(_) => {
                        windows.iter_mut().for_each(|window| window.take(now));
                        Turn::Go(None)
                    }
                }
            }
            Self::Tidemill { limiter, sends } => match limiter.take(now) {
                Ok(ticket) => {
                    journal(sends, now);
                    Turn::Go(Some(ticket))
                }
                Err(decision) => awaited(decision, now),
            },
        }
    }

    /// The answer to a request is in and its page is safe.
    pub(super) fn answered(&mut self, answer: Answer, now: Moment) {
        match (self, answer.ticket) {
            (Self::Counting { .. }, _) | (Self::Tidemill { .. }, None) => {}
            (Self::Holding(windows), _) => windows.iter_mut().for_each(|window| window.answered(now.elapsed)),
            (Self::Tidemill { limiter, .. }, Some(ticket)) => {
                let advice = Advice { date: Some(answer.date), ..Advice::default() };
                limiter.advised(&advice, now.elapsed.saturating_sub(answer.sent), now);
                limiter.answered(ticket, answer.sent, answer.feedback, now);
                limiter.freed(now);
            }
        }
    }

    /// There will be no answer in time.
    pub(super) fn gave_up(&mut self, ticket: Option<Ticket>, now: Moment) {
        match (self, ticket) {
            (Self::Counting { .. }, _) | (Self::Tidemill { .. }, None) => {}
            (Self::Holding(windows), _) => windows.iter_mut().for_each(|window| window.answered(now.elapsed)),
            (Self::Tidemill { limiter, .. }, Some(ticket)) => limiter.lost(ticket, Loss::TimedOut, now),
        }
    }

    /// What a process that is killed leaves on its disk.
    pub(super) fn remains(self) -> Remains {
        match self {
            Self::Counting { .. } | Self::Holding(_) => Remains::default(),
            Self::Tidemill { limiter, sends } => Remains { spent_until: limiter.spent_until(), sends },
        }
    }

    /// How full it believes the windows to be.
    pub(super) fn believes(&self, now: Moment) -> Vec<WindowUse> {
        match self {
            Self::Counting { .. } | Self::Holding(_) => Vec::new(),
            Self::Tidemill { limiter, .. } => limiter.snapshot(now, 0).windows,
        }
    }
}

/// As the journal of a run keeps it: before the attempt leaves, in whole milliseconds that never go back.
fn journal(sends: &mut Vec<Sends>, now: Moment) {
    let wall = sends.last().map_or(now.wall, |last| last.at.max(now.wall));
    let at = Timestamp::from_millisecond(wall.as_millisecond()).unwrap_or(wall);
    match sends.last_mut() {
        Some(last) if last.at == at => last.count += 1,
        Some(_) | None => sends.push(Sends { at, count: 1 }),
    }
}

fn awaited(decision: Decision, now: Moment) -> Turn {
    match decision {
        Decision::Wait { until: Some(until), .. } => Turn::At(until),
        Decision::Park { resume_at, .. } => Turn::At(now.elapsed_at(resume_at) + Duration::from_millis(1)),
        // Nothing in a play stops a credential for good.
        Decision::Go | Decision::Wait { until: None, .. } | Decision::Stopped { .. } => Turn::OnAnswer,
    }
}

fn length(kind: &WindowKind) -> Duration {
    match kind {
        WindowKind::Rolling(period) => *period,
        WindowKind::Day { .. } => DAY,
    }
}
