//! Counts, so that group commit can be seen to work.

/// What was written since opening.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SpoolStats {
    /// Frames, heads not counted.
    pub frames: u64,
    /// Bytes, compressed, heads included.
    pub bytes: u64,
    /// Writes; as many syncs of the file where power loss must be survived.
    pub writes: u64,
}

impl SpoolStats {
    pub(super) fn add(&mut self, other: Self) {
        self.frames += other.frames;
        self.bytes += other.bytes;
        self.writes += other.writes;
    }

    pub(super) fn since(self, before: Self) -> Self {
        Self {
            frames: self.frames - before.frames,
            bytes: self.bytes - before.bytes,
            writes: self.writes - before.writes,
        }
    }
}
