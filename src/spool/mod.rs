//! Keep what is paid for: the pages we have bought, durable and append-only.
//!
//! The spool alone is the truth about how far a cell got; the ledger hears of it when a partition is sealed.
//! Invariant: a page that was answered for is found again after any crash, and a page that is found is exactly the
//! one that was bought. Entry points: [`PartitionSpool`] for one partition (blocking), [`SpoolWriter`] for the many
//! cells of a job.

mod error;
mod found;
mod frame;
mod hex;
mod leftover;
mod mend;
mod pack;
mod partition;
mod price;
mod probe;
mod progress;
mod renew;
mod scan;
mod stats;
mod survey;
mod usable;
mod view;
mod writer;

pub use crate::disk::Durability;
pub use error::SpoolError;
pub use found::{Found, found};
pub use frame::{EndFrame, Frame, FrameError, Head, Header, MAX_BODY, PageFrame, PageHead, decode, encode};
pub use leftover::{Keep, folders, remove_leftovers, remove_other_generations, settle_removals, size};
pub use mend::Mended;
pub use partition::PartitionSpool;
pub use price::Price;
pub use probe::probe;
pub use progress::{Ahead, CellProgress, PageRef};
pub use renew::{Recount, has_generation};
pub use scan::{Tail, generation_of};
pub use stats::SpoolStats;
pub use survey::Survey;
pub use view::SpoolView;
pub use writer::{SpoolHandle, SpoolWriter};
