//! Takes the events of a run as they come, for the screen and for the report.

use std::pin::pin;

use tokio::sync::mpsc;

use super::Progress;
use crate::quota::Clock;
use crate::run::{Event, EventKind, JobReport, apply};

/// Events taken at once: the time is read once for all of them.
const AT_ONCE: usize = 256;

/// Follows `events` to their end; then `reports` is whole.
pub(in crate::cli) async fn follow(
    mut events: mpsc::UnboundedReceiver<Event>,
    mut progress: Progress,
    clock: &Clock,
    reports: &mut [JobReport],
) {
    let pause = progress.pause();
    let mut tick = pin!(clock.sleep_until(clock.now().elapsed));
    let mut taken = Vec::with_capacity(AT_ONCE);
    loop {
        let due = tokio::select! {
            // However many events there are, the screen has its turn.
            biased;
            () = &mut tick => true,
            _ = events.recv_many(&mut taken, AT_ONCE) => false,
        };
        let now = clock.now();
        if due {
            progress.tick(now).await;
            tick.set(clock.sleep_until(clock.now().elapsed + pause));
            continue;
        }
        if taken.is_empty() {
            return progress.end(now);
        }
        for event in taken.drain(..) {
            progress.show(&event, now).await;
            apply(reports, &event);
            if let EventKind::Fetching { notice, cell } = &event.kind {
                tracing::debug!(job = %event.job, %cell, ?notice);
            }
        }
    }
}
