//! May we call now: every attempt needs a [`Permit`], and all windows of a credential are decided at one instant.
//!
//! Invariant: whatever the latency, no window ever holds more calls than its limit, and nothing that was sent is
//! forgotten, not by a dropped future and not by a crash. Entry point: [`open`].
//!
//! | part | does |
//! |---|---|
//! | `limiter/` | decides: pure, all windows of a credential, what refusals and headers teach |
//! | `journal/` | remembers: one file per credential that all processes of the host write to and read |
//! | `dispatcher`, `books`, `queue` | wait: one task per credential, one wake-up per permit |
//! | `permit` | what the rest of the crate holds: [`Quota`], [`Permit`], [`Departed`] |
//! | `clock`, `walls`, `calendar`, `period` | time: the one clock, doubts about it, days of the provider |

mod advice;
mod books;
mod calendar;
mod clock;
mod dispatcher;
mod journal;
mod limiter;
mod period;
mod permit;
mod queue;
#[cfg(test)]
mod tests;
mod walls;

pub use advice::{Advice, Left, Policy};
pub use calendar::Calendar;
pub use clock::{Clock, Moment};
pub use dispatcher::Dispatcher;
pub use journal::{History, Journal, JournalError, Sends};
pub use limiter::{Decision, Limiter, Slots, Snapshot, Ticket, WaitsFor, WindowUse};
pub use permit::{Departed, Feedback, Loss, Meter, Permit, Quota, Refusal, open};
pub use walls::Walls;
