//! Decides: all windows of one credential, pure. Entry point: [`Limiter`].
//!
//! `held` is a rolling window with its `slots` and its `ratchet`, `flight` the requests in flight, `pacer` the spacing,
//! `brake` the pauses, `crowd` what other processes have under way. What changes the limiter stands in `learn` (other
//! processes and the past), `react` (refusals) and `advise` (headers); what people read in `snapshot` and `notes`.

mod advise;
mod brake;
mod crowd;
mod decision;
mod flight;
mod held;
mod latency;
mod learn;
#[expect(clippy::module_inception, reason = "the file is named for the one thing in it")]
mod limiter;
mod notes;
mod pacer;
mod price;
mod ratchet;
mod react;
mod slots;
mod snapshot;

pub use decision::{Decision, WaitsFor};
pub use limiter::{Limiter, Ticket};
pub use slots::Slots;
pub use snapshot::{Snapshot, WindowUse};
