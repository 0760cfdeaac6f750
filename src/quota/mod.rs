//! May we call now: every attempt needs a [`Permit`], and all windows of a credential are decided at one instant.
//!
//! Invariant: whatever the latency, no window ever holds more calls than its limit, and nothing that was sent is
//! forgotten, not by a dropped future and not by a crash. Entry point: [`open`].

mod advice;
mod advise;
mod books;
mod brake;
mod calendar;
mod clock;
mod compact;
mod crowd;
mod decision;
mod dispatcher;
mod flight;
mod held;
mod history;
mod journal;
mod latency;
mod learn;
mod limiter;
mod notes;
mod pacer;
mod permit;
mod price;
mod queue;
mod ratchet;
mod react;
mod reader;
mod record;
mod slots;
mod snapshot;
#[cfg(test)]
mod tests;
mod usage;
mod users;
mod walls;

pub use advice::{Advice, Left, Policy};
pub use calendar::Calendar;
pub use clock::{Clock, Moment};
pub use decision::{Decision, WaitsFor};
pub use dispatcher::Dispatcher;
pub use history::{History, Sends};
pub use journal::{Journal, JournalError};
pub use limiter::{Limiter, Ticket};
pub use permit::{Departed, Feedback, Loss, Meter, Permit, Quota, Refusal, open};
pub use slots::Slots;
pub use snapshot::{Snapshot, WindowUse};
pub use walls::Walls;
