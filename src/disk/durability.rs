//! How much of a disaster is survived.

/// What an answered change of the disk must survive.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// Loss of power: each write is synced.
    Power,
    /// Death of the process: the system writes when it likes.
    Process,
}
