//! How far the end of a run has come: nothing new leaves once it is asked for, and nothing is waited for once it is over.

/// What every cell looks at before it asks, waits or goes on waiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Ending {
    /// The run goes on.
    NotYet,
    /// Nothing new leaves; what is in flight may still come in.
    Asked,
    /// What is still in flight is dropped. Its attempt counts, and its page may be bought again.
    Over,
}
