//! May we call now: every attempt needs a [`Permit`], and all windows of a credential are decided at one instant.
//!
//! Invariant: whatever the latency, no window ever holds more calls than its limit, and nothing that was sent is
//! forgotten, not by a dropped future and not by a crash. Entry point: [`open`].

mod advice;
mod brake;
mod calendar;
mod clock;
mod decision;
mod dispatcher;
mod flight;
mod held;
mod journal;
mod latency;
mod limiter;
mod pacer;
mod permit;
mod ratchet;
mod record;
mod slots;
#[cfg(test)]
mod tests;

pub use advice::{Advice, Left, Policy};
pub use calendar::Calendar;
pub use clock::{Clock, Moment};
pub use decision::{Decision, WaitsFor};
pub use dispatcher::Dispatcher;
pub use journal::{Journal, JournalError};
pub use limiter::{Limiter, Ticket};
pub use permit::{Departed, Feedback, Loss, Meter, Permit, Quota, Refusal, Snapshot, WindowUse, open};
pub use record::{History, Sends};
pub use slots::Slots;
