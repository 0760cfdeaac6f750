//! How bytes stay: the one place through which spool, sink and quota journal change the disk. Reads are `std::fs`.
//!
//! Invariant: whatever changes a folder or a file is one step, and a debug build can be stopped, failed or watched at
//! each of them; a release build has nothing but the calls to the system.
//!
//! # The seam for tests
//!
//! - `TIDEMILL_DISK_STEP=kill@N` in the environment of a debug build: the process dies at its N-th step, before the step
//!   takes effect, as by kill -9. Raise N until a run ends by itself and every step was the last one once.
//! - `Watch` in the process itself: sees every step below a folder, may let it fail, and keeps a log of those that took
//!   effect, with the bytes that were written.
//!
//! The transactions of the ledger are steps too ([`began`], [`committed`]), so that they have their place among the others.

mod aside;
mod durability;
mod file;
mod folder;
#[cfg(debug_assertions)]
mod kill;
mod step;
#[cfg(debug_assertions)]
mod watch;

pub use aside::OnTheSpot;
pub(crate) use aside::{Begun, aside, begun};
pub use durability::Durability;
pub use file::DiskFile;
pub use folder::{create_folders, remove_file, remove_folder, remove_tree, rename, replace_file, sync_folder};
pub use step::{Op, What, began, committed};
#[cfg(debug_assertions)]
pub use watch::Watch;
