//! Remembers: what all processes of a host do with one credential. Entry point: [`Journal`].
//!
//! `record` is the format, `reader` places records in time, `history` is what they tell, `compact` what of it still
//! counts, `usage` who has used what; `users` are the processes that live.

mod compact;
mod history;
#[expect(clippy::module_inception, reason = "the file is named for the one thing in it")]
mod journal;
mod reader;
mod record;
mod usage;
mod users;

#[cfg(test)]
pub(in crate::quota) use compact::still_counting;
pub(in crate::quota) use history::Told;
pub use history::{History, Sends};
pub(in crate::quota) use journal::Note;
pub use journal::{Journal, JournalError};
pub(in crate::quota) use record::{How, What};
#[cfg(test)]
pub(in crate::quota) use record::{Record, Stamp};
