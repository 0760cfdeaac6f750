//! Client strategies in virtual time, judged by the server's own count.

mod cases;
mod goals;
mod page;
mod plays;
mod reached;
