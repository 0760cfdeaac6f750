//! Play the provider, from the same provider data that a run uses.
//!
//! Why: a rehearsal without a key must meet the limits, codes, pages and faults of the real thing. Invariant: the
//! [`Simulator`] is a pure state machine, `now` comes in as an argument; the same seed and the same requests give the
//! same answers. Entry points: [`Simulator`], [`serve`] around it on loopback, [`InMemory`] as the
//! transport of a run in this process; [`Enforcer`] keeps limits for whoever needs no more of a provider.

mod asked;
mod auth;
mod carry;
mod choice;
mod count_at;
mod enforce;
mod envelope;
mod fault;
mod generate;
mod latency;
mod memory;
mod mix;
mod options;
mod own_clock;
mod pages;
mod record;
mod reply;
mod rows;
mod secrets;
mod server;
mod simulator;
mod transport;
mod trip;

pub use auth::AuthFailure;
pub use choice::ChoiceError;
pub use count_at::CountAt;
pub use enforce::{Enforcer, Kind, Refusal, Rules};
pub use fault::{FaultError, Faults};
pub use latency::{Latency, Legs};
pub use memory::answer;
pub use options::Options;
pub use record::{Entry, Stats, WindowStat};
pub use secrets::{SimSecret, SimSecrets, with_secrets};
pub use server::serve;
pub use simulator::Simulator;
pub use transport::InMemory;
pub use trip::{Reply, Trip, WireFault};
