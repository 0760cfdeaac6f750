//! What the journal remembers of a credential, as fixed-size checksummed records.
//!
//! Invariant: a record that was cut or altered is never read as one that was not.

use std::time::Duration;

use jiff::Timestamp;

use crate::provider::{ThrottleWindow, Unit};

/// Bytes per record: kind, flag, user, job, count, amount, extra, wall time, host time, CRC32 of all before;
/// little-endian.
pub(super) const RECORD: usize = 40;
const VERSION: u32 = 2;
/// Bytes of a job's name in one record.
pub(super) const NAME_PART: usize = 16;

/// An instant, told so that every process of this host understands it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    /// By the wall clock, in whole milliseconds.
    pub(super) wall: Timestamp,
    /// Since the host started, in whole microseconds.
    pub(super) host: Duration,
}

/// One line of the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Record {
    /// The process that wrote it, by its number among the present ones; 0: nobody's.
    pub(super) user: u16,
    pub(super) at: Stamp,
    pub(super) what: What,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    /// First in a file.
    Header,
    /// A process begins to use the credential; `boot` names the start of the host.
    Joined { boot: u32 },
    /// It has ended, or was found dead.
    Gone,
    /// A part of the name of the job with this number.
    Name { job: u32, part: u8, text: [u8; NAME_PART] },
    /// `count` attempts of a job are about to leave, `late` after they were due; each may cost `price` credits.
    Sent { job: u32, count: u32, price: u32, late: Duration },
    /// `count` of those of that instant never left.
    Unsent { job: u32, count: u32, price: u32 },
    /// Attempts that counted in days only: in flight when a day changed.
    Carried { job: u32, count: u32, price: u32 },
    /// Attempts of an earlier time, all answered long since.
    Past { job: u32, count: u32, credits: u32 },
    /// The answer to one attempt, which left `latency` ago; its hold is shortened by `discount`.
    Answered { how: How, latency: Duration, discount: Duration },
    /// One attempt has no answer; the server may still be working on it if we gave up.
    Lost { timed_out: bool },
    /// `count` answered attempts are done with.
    Freed { count: u32 },
    /// An answer has cost so much more, or less, than was supposed.
    Cost { job: u32, more: u32, less: u32 },
    /// Nothing may leave for `pause`; then one attempt goes alone, if so asked.
    Paused { on: ThrottleWindow, pause: Duration, alone: bool },
    /// The provider says the day is used up until then.
    Spent { until: Timestamp },
    /// What refusals have taught about the window of this length.
    Learned { period: Duration, share: u32, interval: Duration, growth: u8 },
    /// By the provider's own count so many calls of somebody else are in a window; a length of zero means the day.
    Foreign { period: Duration, count: u32, held_for: Duration },
    /// A person or a recovery says how much of a window is used; a length of zero means every calendar day.
    Set { period: Duration, unit: Unit, used: u32 },
}

/// What came of an attempt that was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum How {
    Throttled,
    Failed,
    Accepted,
}

/// The numbers of a record, as they stand in the file.
#[derive(Default)]
struct Raw {
    kind: u8,
    flag: u8,
    job: u32,
    count: u32,
    amount: u32,
    extra: u32,
}

impl Record {
    pub(super) fn encode(&self) -> [u8; RECORD] {
        let raw = self.what.raw();
        let mut bytes = [0; RECORD];
        (bytes[0], bytes[1]) = (raw.kind, raw.flag);
        bytes[2..4].copy_from_slice(&self.user.to_le_bytes());
        for (at, word) in [(4, raw.job), (8, raw.count), (12, raw.amount), (16, raw.extra)] {
            bytes[at..at + 4].copy_from_slice(&word.to_le_bytes());
        }
        match &self.what {
            What::Name { text, .. } => bytes[20..36].copy_from_slice(text),
            _ => {
                bytes[20..28].copy_from_slice(&self.at.wall.as_millisecond().to_le_bytes());
                bytes[28..36].copy_from_slice(&micros64(self.at.host).to_le_bytes());
            }
        }
        let crc = crc32fast::hash(&bytes[..36]);
        bytes[36..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    pub(super) fn decode(bytes: &[u8; RECORD]) -> Option<Self> {
        if crc32fast::hash(&bytes[..36]) != word(bytes, 36) {
            return None;
        }
        let raw = Raw {
            kind: bytes[0],
            flag: bytes[1],
            job: word(bytes, 4),
            count: word(bytes, 8),
            amount: word(bytes, 12),
            extra: word(bytes, 16),
        };
        let mut text = [0; NAME_PART];
        text.copy_from_slice(&bytes[20..36]);
        let (mut wall, mut host) = ([0; 8], [0; 8]);
        wall.copy_from_slice(&bytes[20..28]);
        host.copy_from_slice(&bytes[28..36]);
        let what = What::of(&raw, text)?;
        let is_name = matches!(what, What::Name { .. });
        let wall = if is_name { 0 } else { i64::from_le_bytes(wall) };
        let host = if is_name { 0 } else { u64::from_le_bytes(host) };
        let at = Stamp { wall: Timestamp::from_millisecond(wall).ok()?, host: Duration::from_micros(host) };
        Some(Self { user: u16::from_le_bytes([bytes[2], bytes[3]]), at, what })
    }
}

impl What {
    fn raw(&self) -> Raw {
        match *self {
            Self::Header => Raw { kind: 0, count: VERSION, ..Raw::default() },
            Self::Joined { boot } => Raw { kind: 1, count: boot, ..Raw::default() },
            Self::Gone => Raw { kind: 2, ..Raw::default() },
            Self::Name { job, part, .. } => Raw { kind: 3, flag: part, job, ..Raw::default() },
            Self::Sent { job, count, price, late } => {
                Raw { kind: 4, job, count, amount: price, extra: micros(late), ..Raw::default() }
            }
            Self::Unsent { job, count, price } => Raw { kind: 5, job, count, amount: price, ..Raw::default() },
            Self::Carried { job, count, price } => Raw { kind: 6, job, count, amount: price, ..Raw::default() },
            Self::Past { job, count, credits } => Raw { kind: 7, job, count, amount: credits, ..Raw::default() },
            Self::Answered { how, latency, discount } => {
                let (count, amount) = (micros(latency), micros(discount));
                Raw { kind: 8, flag: how as u8, count, amount, ..Raw::default() }
            }
            Self::Lost { timed_out } => Raw { kind: 9, flag: u8::from(timed_out), ..Raw::default() },
            Self::Freed { count } => Raw { kind: 10, count, ..Raw::default() },
            Self::Cost { job, more, less } => Raw { kind: 11, job, count: more, amount: less, ..Raw::default() },
            Self::Paused { on, pause, alone } => {
                let flag = (on as u8) << 1 | u8::from(alone);
                Raw { kind: 12, flag, count: millis(pause), ..Raw::default() }
            }
            Self::Spent { until } => {
                let millis = until.as_millisecond();
                Raw { kind: 13, count: millis as u32, amount: (millis >> 32) as u32, ..Raw::default() }
            }
            Self::Learned { period, share, interval, growth } => {
                let (count, extra) = (millis(period), millis(interval));
                Raw { kind: 14, flag: growth, count, amount: share, extra, ..Raw::default() }
            }
            Self::Foreign { period, count, held_for } => {
                Raw { kind: 16, count: millis(period), amount: count, extra: millis(held_for), ..Raw::default() }
            }
            Self::Set { period, unit, used } => {
                Raw { kind: 15, flag: unit as u8, count: millis(period), amount: used, ..Raw::default() }
            }
        }
    }

    fn of(raw: &Raw, text: [u8; NAME_PART]) -> Option<Self> {
        let &Raw { kind, flag, job, count, amount, extra } = raw;
        Some(match kind {
            0 if count == VERSION => Self::Header,
            1 => Self::Joined { boot: count },
            2 => Self::Gone,
            3 => Self::Name { job, part: flag, text },
            4 => Self::Sent { job, count, price: amount, late: Duration::from_micros(extra.into()) },
            5 => Self::Unsent { job, count, price: amount },
            6 => Self::Carried { job, count, price: amount },
            7 => Self::Past { job, count, credits: amount },
            8 => Self::Answered {
                how: [How::Throttled, How::Failed, How::Accepted].into_iter().find(|how| *how as u8 == flag)?,
                latency: Duration::from_micros(count.into()),
                discount: Duration::from_micros(amount.into()),
            },
            9 => Self::Lost { timed_out: flag != 0 },
            10 => Self::Freed { count },
            11 => Self::Cost { job, more: count, less: amount },
            12 => {
                let windows =
                    [ThrottleWindow::Second, ThrottleWindow::Minute, ThrottleWindow::Day, ThrottleWindow::Concurrency];
                let on = windows.into_iter().find(|window| *window as u8 == flag >> 1)?;
                Self::Paused { on, pause: Duration::from_millis(count.into()), alone: flag & 1 == 1 }
            }
            13 => {
                let millis = i64::from(amount as i32) << 32 | i64::from(count);
                Self::Spent { until: Timestamp::from_millisecond(millis).ok()? }
            }
            14 => Self::Learned {
                period: Duration::from_millis(count.into()),
                share: amount,
                interval: Duration::from_millis(extra.into()),
                growth: flag,
            },
            15 => {
                let unit = [Unit::Calls, Unit::Credits].into_iter().find(|unit| *unit as u8 == flag)?;
                Self::Set { period: Duration::from_millis(count.into()), unit, used: amount }
            }
            16 => Self::Foreign {
                period: Duration::from_millis(count.into()),
                count: amount,
                held_for: Duration::from_millis(extra.into()),
            },
            _ => return None,
        })
    }
}

fn word(bytes: &[u8; RECORD], at: usize) -> u32 {
    let mut word = [0; 4];
    word.copy_from_slice(&bytes[at..at + 4]);
    u32::from_le_bytes(word)
}

fn micros(duration: Duration) -> u32 {
    u32::try_from(duration.as_micros()).unwrap_or(u32::MAX)
}

fn micros64(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// Whole milliseconds; the longest window, 31 days, fits.
fn millis(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis()).unwrap_or(u32::MAX)
}

/// The number a job has in records.
pub(super) fn job_number(name: &str) -> u32 {
    crc32fast::hash(name.as_bytes())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn whats(number: u32, flag: bool, text: [u8; NAME_PART]) -> Vec<What> {
        let micros = Duration::from_micros(number.into());
        let millis = Duration::from_millis(number.into());
        let (job, count, price, part) = (number, number / 2, number / 3, number as u8);
        vec![
            What::Header,
            What::Joined { boot: number },
            What::Gone,
            What::Name { job, part, text },
            What::Sent { job, count, price, late: micros },
            What::Unsent { job, count, price },
            What::Carried { job, count, price },
            What::Past { job, count, credits: price },
            What::Answered { how: if flag { How::Accepted } else { How::Failed }, latency: micros, discount: micros },
            What::Lost { timed_out: flag },
            What::Freed { count },
            What::Cost { job, more: count, less: price },
            What::Paused { on: ThrottleWindow::Day, pause: millis, alone: flag },
            What::Spent { until: Timestamp::from_millisecond(i64::from(number) * 1000 - 9_000_000_000).unwrap() },
            What::Learned { period: millis, share: number, interval: millis, growth: part },
            What::Foreign { period: millis, count, held_for: millis },
            What::Set { period: millis, unit: if flag { Unit::Credits } else { Unit::Calls }, used: number },
        ]
    }

    proptest! {
        #[test]
        fn every_record_is_read_as_it_was_written(number: u32, flag: bool, text: [u8; NAME_PART], user: u16, millis in 0_i64..4_000_000_000_000, bit in 0_usize..320) {
            for what in whats(number, flag, text) {
                let named = matches!(what, What::Name { .. });
                let (wall, host) = if named { (0, 0) } else { (millis, millis.unsigned_abs()) };
                let at = Stamp { wall: Timestamp::from_millisecond(wall).unwrap(), host: Duration::from_micros(host) };
                let record = Record { user, at, what };
                let mut bytes = record.encode();
                prop_assert_eq!(Record::decode(&bytes), Some(record));
                bytes[bit / 8] ^= 1 << (bit % 8);
                prop_assert_eq!(Record::decode(&bytes), None);
            }
        }
    }
}
