//! The limiter by hand, and the dispatcher on tokio's paused clock. Here and not beside the other tests because only the
//! crate makes job names and records.

mod hand;
mod kept;
mod kit;
mod lessons;
mod others;
mod processes;
mod queue;
mod rate;
mod refusals;
mod shared;
