//! Client strategies in virtual time, judged by the server's own count.

mod cases;
mod goals;
pub(crate) mod page;
mod plays;
mod reached;
