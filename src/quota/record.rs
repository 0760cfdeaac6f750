//! What the journal remembers, as fixed-size checksummed records.
//!
//! Invariant: a record that was cut or altered is never read as one that was not.

use std::collections::BTreeMap;

use jiff::Timestamp;

/// Bytes per record: kind, three zeros, count, time, CRC32 of the sixteen before; little-endian.
pub(super) const RECORD: usize = 20;
const VERSION: u32 = 1;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Record {
    /// First in a file.
    Header,
    /// `count` attempts are about to leave.
    Sent { at: Timestamp, count: u32 },
    /// `count` of those never left.
    Refunded { at: Timestamp, count: u32 },
    /// The provider says the day is used up.
    Spent { until: Timestamp },
}

impl Record {
    pub(super) fn encode(self) -> [u8; RECORD] {
        let (kind, count, time) = match self {
            Self::Header => (0_u8, VERSION, 0),
            Self::Sent { at, count } => (1, count, at.as_millisecond()),
            Self::Refunded { at, count } => (2, count, at.as_millisecond()),
            Self::Spent { until } => (3, 0, until.as_millisecond()),
        };
        let mut bytes = [0; RECORD];
        bytes[0] = kind;
        bytes[4..8].copy_from_slice(&count.to_le_bytes());
        bytes[8..16].copy_from_slice(&time.to_le_bytes());
        let crc = crc32fast::hash(&bytes[..16]);
        bytes[16..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    pub(super) fn decode(bytes: &[u8; RECORD]) -> Option<Self> {
        let (count, crc) = (word(bytes, 4), word(bytes, 16));
        if crc32fast::hash(&bytes[..16]) != crc {
            return None;
        }
        let mut time = [0; 8];
        time.copy_from_slice(&bytes[8..16]);
        let time = Timestamp::from_millisecond(i64::from_le_bytes(time)).ok()?;
        match bytes[0] {
            0 if count == VERSION => Some(Self::Header),
            1 => Some(Self::Sent { at: time, count }),
            2 => Some(Self::Refunded { at: time, count }),
            3 => Some(Self::Spent { until: time }),
            _ => None,
        }
    }
}

fn word(bytes: &[u8; RECORD], at: usize) -> u32 {
    let mut word = [0; 4];
    word.copy_from_slice(&bytes[at..at + 4]);
    u32::from_le_bytes(word)
}

/// Attempts that left at one time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sends {
    /// When, by the wall clock; never earlier than a send recorded before.
    pub at: Timestamp,
    /// How many.
    pub count: u32,
}

/// What a credential did before this process opened its limits.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct History {
    /// Attempts that may still count in a window, oldest first.
    pub sends: Vec<Sends>,
    /// The provider said that the day is used up until then.
    pub spent_until: Option<Timestamp>,
}

impl History {
    pub(super) fn of(records: &[Record]) -> Self {
        let mut sends: BTreeMap<Timestamp, u32> = BTreeMap::new();
        let mut spent_until = None;
        for record in records {
            match *record {
                Record::Header => {}
                Record::Sent { at, count } => {
                    let sum = sends.entry(at).or_default();
                    *sum = sum.saturating_add(count);
                }
                Record::Refunded { at, count } => {
                    if let Some(sum) = sends.get_mut(&at) {
                        *sum = sum.saturating_sub(count);
                    }
                }
                Record::Spent { until } => spent_until = spent_until.max(Some(until)),
            }
        }
        let sends = sends.into_iter().map(|(at, count)| Sends { at, count }).filter(|sends| sends.count > 0).collect();
        Self { sends, spent_until }
    }
}
