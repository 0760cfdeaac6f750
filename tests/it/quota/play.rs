//! A provider in virtual time, and an endless or on-off backlog against it.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use jiff::Timestamp;
use tidemill::provider::Limits;
use tidemill::quota::{Decision, Feedback, History, Limiter, Loss};

use super::{MAX_WAIT, MINUTE, at, ms};

/// How long the parts of a request take.
#[derive(Debug, Clone, Copy)]
pub(super) enum Path {
    /// Each way at least `floor` and up to `excess` more.
    Even { floor: Duration, excess: Duration },
    /// A good wide-area line: 20 ms + exp(4 ms) each way, 20 ms + exp(30 ms) at the server.
    Good,
    /// A bad one: 60 ms + 15 ms × lognormal each way, one in two hundred 200 ms + exp(300 ms) longer; 100 ms + exp(200 ms)
    /// at the server.
    Bad,
}

/// At which point of a request the provider counts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    Send,
    Arrival,
    Done,
    Answer,
    /// Another point for each request.
    Anywhere,
}

pub(super) const FIXED_STAGES: [Stage; 4] = [Stage::Send, Stage::Arrival, Stage::Done, Stage::Answer];

/// How the provider behaves, and how we ask.
#[derive(Debug, Clone, Copy)]
pub(super) struct Server {
    pub(super) path: Path,
    pub(super) stage: Stage,
    /// Of a hundred attempts so many are refunded, reset, timed out.
    pub(super) refunded: u8,
    pub(super) reset: u8,
    pub(super) timed_out: u8,
    /// We have work for so long, then none for so long; otherwise always.
    pub(super) on_off: Option<(Duration, Duration)>,
}

impl Server {
    /// A server that answers everything, and work without end.
    pub(super) const fn new(path: Path, stage: Stage) -> Self {
        Self { path, stage, refunded: 0, reset: 0, timed_out: 0, on_off: None }
    }

    /// The end of the time without work that `now` lies in.
    fn idle_until(&self, now: Duration) -> Option<Duration> {
        let (on, off) = self.on_off?;
        let into = now.as_nanos() % (on + off).as_nanos();
        let into = Duration::from_nanos(u64::try_from(into).unwrap());
        (into >= on).then(|| now + (on + off - into))
    }
}

impl Path {
    /// There, at the server, and back.
    fn draw(self, random: &mut fastrand::Rng) -> [Duration; 3] {
        let exponential = |random: &mut fastrand::Rng, mean: f64| -(1.0 - random.f64()).ln() * mean;
        let bad = |random: &mut fastrand::Rng| {
            let normal = (0..12).map(|_| random.f64()).sum::<f64>() - 6.0;
            let spike = if random.f64() < 0.005 { 200.0 + exponential(random, 300.0) } else { 0.0 };
            60.0 + 15.0 * normal.exp() + spike
        };
        let parts = match self {
            Self::Even { floor, excess } => {
                let way = |random: &mut fastrand::Rng| floor + excess.mul_f64(random.f64());
                return [way(random), Duration::ZERO, way(random)];
            }
            Self::Good => {
                let way = |random: &mut fastrand::Rng| 20.0 + exponential(random, 4.0);
                [way(random), 20.0 + exponential(random, 30.0), way(random)]
            }
            Self::Bad => [bad(random), 100.0 + exponential(random, 200.0), bad(random)],
        };
        parts.map(|part| Duration::from_secs_f64(part / 1000.0))
    }
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    Accepted,
    Reset,
    TimedOut,
}

/// What came of it.
#[derive(Debug, Default)]
pub(super) struct Played {
    /// When attempts left, sorted.
    pub(super) sent: Vec<Duration>,
    /// When the server counted them, sorted.
    pub(super) counted: Vec<Duration>,
}

/// Plays from `start` on until `until` has passed.
pub(super) fn play(limits: &Limits, server: Server, start: Timestamp, until: Duration, seed: u64) -> Played {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut limiter = Limiter::new(limits, MAX_WAIT, &History::default(), at(start, Duration::ZERO));
    let mut now = Duration::ZERO;
    // Answers with the number of their ticket.
    let mut answers: BinaryHeap<Reverse<(Duration, Duration, Outcome, usize)>> = BinaryHeap::new();
    let mut tickets = Vec::new();
    let mut played = Played::default();
    while now < until {
        let next = match (server.idle_until(now), limiter.check(at(start, now))) {
            (Some(work), _) => Some(work),
            (None, Decision::Go) => {
                let ticket = limiter.take(at(start, now)).unwrap();
                let roll = random.u8(0..100);
                if roll < server.refunded {
                    limiter.refund(ticket);
                    continue;
                }
                let [there, work, back] = server.path.draw(&mut random);
                let latency = there + work + back;
                let outcome = match roll - server.refunded {
                    roll if roll < server.reset => Outcome::Reset,
                    roll if roll < server.reset + server.timed_out => Outcome::TimedOut,
                    _ => Outcome::Accepted,
                };
                let longest = if outcome == Outcome::TimedOut { latency + MINUTE } else { latency };
                played.sent.push(now);
                played.counted.push(match server.stage {
                    Stage::Send => now,
                    Stage::Arrival => now + there,
                    Stage::Done => now + there + work,
                    Stage::Answer => now + latency,
                    Stage::Anywhere => now + longest.mul_f64(random.f64()),
                });
                answers.push(Reverse((now + latency, now, outcome, tickets.len())));
                tickets.push(ticket);
                continue;
            }
            (None, Decision::Wait { until, .. }) => until,
            (None, Decision::Park { resume_at, .. }) => {
                Some(Duration::try_from(resume_at.duration_since(start)).unwrap() + ms(1))
            }
            (None, Decision::Stopped { reason }) => panic!("stopped: {reason}"),
        };
        let answer = answers.peek().map(|answer| answer.0.0);
        now = answer.into_iter().chain(next).min().expect("waits for ever");
        while answers.peek().is_some_and(|answer| answer.0.0 <= now) {
            let Reverse((_, sent, outcome, number)) = answers.pop().unwrap();
            let ticket = tickets[number];
            match outcome {
                Outcome::Accepted => {
                    limiter.answered(ticket, sent, Feedback::Accepted, at(start, now));
                    limiter.freed(at(start, now));
                }
                Outcome::Reset => limiter.lost(ticket, Loss::Reset, at(start, now)),
                Outcome::TimedOut => limiter.lost(ticket, Loss::TimedOut, at(start, now)),
            }
        }
    }
    played.counted.sort_unstable();
    played
}

/// The largest number in any half-open window of `period`, wherever it starts.
pub(super) fn most(times: &[Duration], period: Duration) -> usize {
    let mut first = 0;
    let mut most = 0;
    for (last, time) in times.iter().enumerate() {
        while *time - times[first] >= period {
            first += 1;
        }
        most = most.max(last + 1 - first);
    }
    most
}
