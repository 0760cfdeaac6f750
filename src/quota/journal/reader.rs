//! From the bytes of a journal to what happened how long ago.
//!
//! Invariant: times of another start of the host, which its clock does not know, are told by the wall clock.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;

use crate::quota::Moment;
use crate::quota::clock::Host;

use super::JournalError;
use super::history::Told;
use super::record::{NAME_PART, RECORD, Record, Stamp, What};

/// For records without a time.
pub(in crate::quota) const NEVER: Stamp = Stamp { wall: Timestamp::UNIX_EPOCH, host: Duration::ZERO };

/// The names of jobs by their numbers, as far as read.
#[derive(Debug, Clone, Default)]
pub(in crate::quota) struct Names(BTreeMap<u32, Vec<u8>>);

impl Names {
    pub(in crate::quota) fn add(&mut self, record: &Record) {
        if let What::Name { job, part, text } = record.what {
            let name = self.0.entry(job).or_default();
            // Written twice by two processes at one time: the second says the same.
            if name.len() == usize::from(part) * NAME_PART {
                name.extend_from_slice(&text);
            }
        }
    }

    /// The name of a job, if it is known.
    pub(in crate::quota) fn get(&self, job: u32) -> Option<String> {
        let bytes = self.0.get(&job)?;
        Some(String::from_utf8_lossy(bytes).trim_end_matches('\0').to_owned())
    }
}

/// Places the records of a file in time.
pub(in crate::quota) struct Reader {
    pub(in crate::quota) host: Host,
    pub(in crate::quota) names: Names,
    pub(in crate::quota) boots: HashMap<u16, u32>,
}

impl Reader {
    pub(in crate::quota) fn tell(&mut self, records: Vec<Record>, now: Moment) -> Vec<Told> {
        let up = self.host.base + now.elapsed;
        let mut told = Vec::with_capacity(records.len());
        for record in records {
            self.names.add(&record);
            if let What::Joined { boot } = record.what {
                self.boots.insert(record.user, boot);
            }
            let by_wall = Duration::try_from(now.wall.duration_since(record.at.wall)).unwrap_or_default();
            let by_host = self.boots.get(&record.user) == Some(&self.host.boot);
            let ago = if by_host { up.saturating_sub(record.at.host) } else { by_wall };
            if record.what == What::Gone {
                self.boots.remove(&record.user);
            }
            if record.what != What::Header {
                told.push(Told { record, ago, by_host });
            }
        }
        told
    }
}

/// The records of `bytes`, which stand at `offset`, and how many bytes of them are whole.
pub(in crate::quota) fn parse(path: &Path, offset: u64, bytes: &[u8]) -> Result<(Vec<Record>, u64), JournalError> {
    let (chunks, _torn) = bytes.as_chunks::<RECORD>();
    let decoded: Vec<Option<Record>> = chunks.iter().map(Record::decode).collect();
    let count = decoded.iter().rposition(Option::is_some).map_or(0, |last| last + 1);
    let damaged =
        |index: usize| JournalError::Damaged { path: path.to_owned(), offset: offset + (index * RECORD) as u64 };
    // No death leaves so much without a header: another version wrote it, or it was altered.
    if offset == 0 && decoded.first().is_some_and(Option::is_none) {
        return Err(damaged(0));
    }
    let mut records = Vec::with_capacity(count);
    for (index, record) in decoded.into_iter().take(count).enumerate() {
        let record = record.ok_or_else(|| damaged(index))?;
        if (record.what == What::Header) != (offset == 0 && index == 0) {
            return Err(damaged(index));
        }
        records.push(record);
    }
    Ok((records, (count * RECORD) as u64))
}

/// The records that name a job.
pub(in crate::quota) fn name_records(job: u32, name: &str) -> Vec<Record> {
    let parts = name.as_bytes().chunks(NAME_PART).zip(0_u8..);
    let record = |(bytes, part): (&[u8], u8)| {
        let mut text = [0; NAME_PART];
        text[..bytes.len()].copy_from_slice(bytes);
        Record { user: 0, at: NEVER, what: What::Name { job, part, text } }
    };
    parts.map(record).collect()
}
