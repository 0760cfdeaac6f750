//! Where something stands in a text. One word, so that it is handed on as one: halves that are written one by one and read
//! together make the processor wait, for each key of each record.

/// The longest text: its places leave a bit free.
pub(super) const LONGEST: usize = (1 << 31) - 1;

const ESCAPED: u64 = 1 << 63;

/// A part of a text of at most [`LONGEST`] bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Span(u64);

impl Span {
    /// From the first byte to before the last.
    #[inline]
    pub(super) fn new(start: usize, end: usize) -> Self {
        Self(start as u64 | (end as u64) << 32)
    }

    /// The same, for what is spelled with escapes.
    #[inline]
    pub(super) fn escaped(self, is_escaped: bool) -> Self {
        Self(if is_escaped { self.0 | ESCAPED } else { self.0 })
    }

    #[inline]
    pub(super) fn is_escaped(self) -> bool {
        self.0 & ESCAPED != 0
    }

    #[inline]
    pub(super) fn start(self) -> usize {
        (self.0 & 0xffff_ffff) as usize
    }

    #[inline]
    pub(super) fn end(self) -> usize {
        ((self.0 & !ESCAPED) >> 32) as usize
    }
}
