//! The one source of time.
//!
//! Everything else takes a [`Moment`] as an argument. Elapsed time is tokio's, so that under its paused clock months
//! pass in seconds; wall time is the machine's, or, in a rehearsal on paused time, follows the elapsed time.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

/// One reading of both clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Since the [`Clock`] was made; never goes back.
    pub elapsed: Duration,
    /// The time of day; may be set back or forward by whoever keeps the machine's clock.
    pub wall: Timestamp,
}

impl Moment {
    /// The wall time when the clock will show `elapsed`; now if that has passed.
    pub fn wall_at(self, elapsed: Duration) -> Timestamp {
        let ahead = SignedDuration::try_from(elapsed.saturating_sub(self.elapsed)).unwrap_or(SignedDuration::MAX);
        self.wall.checked_add(ahead).unwrap_or(Timestamp::MAX)
    }

    /// What the clock will show at `wall`; now if that has passed.
    pub fn elapsed_at(self, wall: Timestamp) -> Duration {
        self.elapsed + Duration::try_from(wall.duration_since(self.wall)).unwrap_or_default()
    }
}

/// What turns elapsed times into times that every process of this host understands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Host {
    /// Names the start of the host: times of another start cannot be compared.
    pub(super) boot: u32,
    /// Since the host started when the clock was made.
    pub(super) base: Duration,
}

/// Reads the time.
#[derive(Debug, Clone)]
pub struct Clock {
    origin: Instant,
    wall: Wall,
    host: Host,
}

#[derive(Debug, Clone)]
enum Wall {
    Machine,
    FollowsElapsed(Timestamp),
}

#[expect(clippy::disallowed_methods, reason = "this is the one source of time")]
impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        let origin = Instant::now();
        let up = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
        let base = Duration::new(up.tv_sec.unsigned_abs(), u32::try_from(up.tv_nsec).unwrap_or_default());
        // Without a name for it the wall time of the start stands for it: set anew, it names another start.
        let boot = std::fs::read("/proc/sys/kernel/random/boot_id").unwrap_or_else(|_| {
            let started = Timestamp::now().as_second() - i64::try_from(base.as_secs()).unwrap_or_default();
            (started / 60).to_le_bytes().to_vec()
        });
        Self { origin, wall: Wall::Machine, host: Host { boot: crc32fast::hash(&boot), base } }
    }

    /// A clock whose wall time starts at `wall` and follows tokio's clock, paused or not.
    pub fn starting_at(wall: Timestamp) -> Self {
        // All such clocks are of one host, which started with the epoch.
        let base = Duration::try_from(wall.duration_since(Timestamp::UNIX_EPOCH)).unwrap_or_default();
        Self { origin: Instant::now(), wall: Wall::FollowsElapsed(wall), host: Host { boot: 0, base } }
    }

    /// What time it is.
    pub fn now(&self) -> Moment {
        let elapsed = self.origin.elapsed();
        let wall = match self.wall {
            Wall::Machine => Timestamp::now(),
            Wall::FollowsElapsed(start) => SignedDuration::try_from(elapsed)
                .ok()
                .and_then(|passed| start.checked_add(passed).ok())
                .unwrap_or(Timestamp::MAX),
        };
        Moment { elapsed, wall }
    }

    /// The processor time that this process has used, on all cores, whatever clock it runs on.
    pub fn processor() -> Duration {
        let used = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
        Duration::new(used.tv_sec.unsigned_abs(), u32::try_from(used.tv_nsec).unwrap_or_default())
    }

    pub(super) fn host(&self) -> Host {
        self.host
    }

    /// Waits until `elapsed` has passed since the clock was made.
    pub async fn sleep_until(&self, elapsed: Duration) {
        tokio::time::sleep_until(self.origin + elapsed).await;
    }
}
