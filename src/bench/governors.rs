//! One `governor` per window, awaited in turn, as people write it: `a.until_ready().await; b.until_ready().await;`.
//!
//! Invariant: a task that has its token of the first window keeps it while it waits for the second. Tasks come through
//! in the order they came; with the real `until_ready` they overtake one another, which changes no count.

use std::num::NonZeroU32;
use std::time::Duration;

use governor::clock::{Clock, FakeRelativeClock};
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};

use super::strategy::Turn;

type Governor = RateLimiter<NotKeyed, InMemoryState, FakeRelativeClock, NoOpMiddleware<Nanos>>;

pub(super) struct Governors {
    clock: FakeRelativeClock,
    shown: Duration,
    stages: Vec<Stage>,
}

struct Stage {
    governor: Governor,
    /// Tasks that wait here.
    waiting: usize,
}

impl Governors {
    /// One per window of `max` per `period`, with a burst of `max`, as `Quota::per_minute(max)` has it, or of one.
    pub(super) fn new(windows: &[(u32, Duration)], bursts: bool) -> Self {
        let clock = FakeRelativeClock::default();
        let stage = |(max, period): &(u32, Duration)| {
            let burst = if bursts { NonZeroU32::new(*max)? } else { NonZeroU32::MIN };
            let quota = Quota::with_period(*period / (*max).max(1))?.allow_burst(burst);
            Some(Stage { governor: RateLimiter::direct_with_clock(quota, clock.clone()), waiting: 0 })
        };
        Self { stages: windows.iter().filter_map(stage).collect(), clock, shown: Duration::ZERO }
    }

    /// Moves tasks on, of which `waiting` are in here or come in, until one is through or none can move.
    pub(super) fn turn(&mut self, waiting: usize, now: Duration) -> Turn {
        self.clock.advance(now.saturating_sub(self.shown));
        self.shown = self.shown.max(now);
        let inside: usize = self.stages.iter().map(|stage| stage.waiting).sum();
        match self.stages.first_mut() {
            Some(first) => first.waiting += waiting.saturating_sub(inside),
            None => return Turn::Go(None),
        }
        let mut wake: Option<Duration> = None;
        let mut is_through = false;
        let mut index = self.stages.len();
        while index > 0 {
            index -= 1;
            let Some(stage) = self.stages.get_mut(index).filter(|stage| stage.waiting > 0) else { continue };
            match stage.governor.check() {
                Ok(()) => {
                    stage.waiting -= 1;
                    match self.stages.get_mut(index + 1) {
                        Some(next) => next.waiting += 1,
                        None => is_through = true,
                    }
                    if is_through {
                        return Turn::Go(None);
                    }
                    // What moved may move on.
                    (index, wake) = (self.stages.len(), None);
                }
                Err(not_until) => {
                    let at = now + not_until.wait_time_from(self.clock.now());
                    wake = Some(wake.map_or(at, |other| other.min(at)));
                }
            }
        }
        wake.map_or(Turn::OnAnswer, Turn::At)
    }
}

impl std::fmt::Debug for Governors {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Governors").field("shown", &self.shown).finish_non_exhaustive()
    }
}
