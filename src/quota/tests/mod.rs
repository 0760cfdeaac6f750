//! The dispatcher on tokio's paused clock. Here and not beside the other tests because only the crate makes job names.

mod kit;
mod processes;
mod queue;
mod rate;
mod refusals;
mod shared;
