//! Keeps the provider's limits the way providers do: as exact logs, aligned windows, weighted counters or buckets.
//!
//! Invariant: the keeper is pure, the instant comes in as an argument. All windows of a credential are decided at one
//! instant: a refused call counts in none of them, unless refusals are to count. Entry point: [`Enforcer`], usable
//! without a provider; [`Rules`] say how it keeps the limits.

mod bucket;
mod counter;
mod enforcer;
mod fixed;
mod grid;
mod log;
mod rules;
mod window;

pub use enforcer::{Enforcer, Refusal};
pub use rules::{Kind, Rules};
