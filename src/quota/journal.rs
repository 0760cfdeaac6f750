//! Remembers in a file what a credential has sent, so that neither a crash nor a second process on this host forgets.
//!
//! Invariant: an attempt is in the file before it may leave; a torn tail was never granted. Writes are not synced: they
//! survive the death of the process, not of the machine. `<fingerprint>.lock` is held shared by every user, and
//! exclusive by the one who rewrites the file; the file itself is locked for each tick.
//!
//! A process never shortens the file it writes to: a shared lock cannot become exclusive without a moment in which
//! another process may replace the file. It need not: one record a tick is at most 20 bytes a call, 9 MB for a day of
//! 300 calls a minute, and the next process that opens it alone drops what no window counts.

use std::fs::{self, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::disk::{self, DiskFile, Durability};
use crate::provider::{Window, WindowKind};

use super::held::{FOREIGN_LATENCY, SHORT, drifted};
use super::record::{History, RECORD, Record};
use super::{Calendar, Moment};

/// Why the journal cannot be used. Nothing may be sent without it.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// The system refused.
    #[error("cannot use the quota journal `{path}`, without which nothing may be sent")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A record in the middle is not what was written.
    #[error(
        "the quota journal `{path}` is damaged at byte {offset}: when all windows of this credential have passed, delete it"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where.
        offset: u64,
    },
}

/// One credential's journal, open.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: DiskFile,
    /// Everything before it is known to the limiter.
    offset: u64,
    /// Held shared as long as the journal is open.
    _users: DiskFile,
}

impl Journal {
    /// Whether any of `windows` is long enough to outlive a process: more than five seconds.
    pub fn is_needed(windows: &[Window]) -> bool {
        windows.iter().any(|window| match window.kind {
            WindowKind::Rolling(period) => period > SHORT,
            WindowKind::Day { .. } => true,
        })
    }

    /// Opens or creates `<dir>/<fingerprint>.journal` and reads what still counts.
    ///
    /// Entries that no window counts any more are dropped if no other process uses the file.
    pub fn open(
        dir: &Path,
        fingerprint: &str,
        now: Moment,
        windows: &[Window],
    ) -> Result<(Self, History), JournalError> {
        let path = dir.join(format!("{fingerprint}.journal"));
        let fail = |source| JournalError::Io { path: path.clone(), source };
        disk::create_folders(dir, Durability::Process).map_err(fail)?;
        let users = dir.join(format!("{fingerprint}.lock"));
        let users = DiskFile::append(&users).map_err(fail)?;
        match users.file().try_lock() {
            Ok(()) => {
                compact(dir, &path, now, windows)?;
                // A lock cannot be weakened in one step; the file is opened only once the shared one is held.
                users.file().unlock().map_err(fail)?;
            }
            Err(TryLockError::WouldBlock) => {}
            Err(TryLockError::Error(source)) => return Err(fail(source)),
        }
        users.file().lock_shared().map_err(fail)?;
        let file = DiskFile::append(&path).map_err(fail)?;
        let mut journal = Self { path: path.clone(), file, offset: 0, _users: users };
        let records = journal.tick(|records| (Vec::new(), records.to_vec()))?;
        Ok((journal, History::of(&records)))
    }

    /// Whether anything is remembered of a credential.
    pub fn exists(dir: &Path, fingerprint: &str) -> bool {
        dir.join(format!("{fingerprint}.journal")).exists()
    }

    /// Notes that every one of `windows` is used up at `now`: what was sent is not known, and fewer must never be counted.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn fill(&mut self, now: Moment, windows: &[Window]) -> Result<History, JournalError> {
        let most = windows.iter().map(|window| window.max).max().unwrap_or(0);
        let full = Record::Sent { at: now.wall, count: most };
        self.tick(|_| (vec![full], ()))?;
        Ok(History::of(&[full]))
    }

    /// Under the lock: hands `decide` what others wrote since the last tick, then writes what it decided.
    pub(super) fn tick<T>(&mut self, decide: impl FnOnce(&[Record]) -> (Vec<Record>, T)) -> Result<T, JournalError> {
        self.file.file().lock().map_err(|source| self.fail(source))?;
        let result = self.exchange(decide);
        self.file.file().unlock().map_err(|source| self.fail(source))?;
        result
    }

    fn exchange<T>(&mut self, decide: impl FnOnce(&[Record]) -> (Vec<Record>, T)) -> Result<T, JournalError> {
        let foreign = self.catch_up()?;
        let (own, answer) = decide(&foreign);
        let mut bytes = Vec::with_capacity(RECORD * (own.len() + 1));
        if self.offset == 0 {
            bytes.extend_from_slice(&Record::Header.encode());
        }
        for record in own {
            bytes.extend_from_slice(&record.encode());
        }
        if !bytes.is_empty() {
            self.file.write_all(&bytes).map_err(|source| self.fail(source))?;
            self.offset += bytes.len() as u64;
        }
        Ok(answer)
    }

    /// Reads from `offset` on; cuts a torn tail, whose writer died before it could grant anything.
    fn catch_up(&mut self) -> Result<Vec<Record>, JournalError> {
        let length = self.file.file().metadata().map_err(|source| self.fail(source))?.len();
        if length == self.offset {
            return Ok(Vec::new());
        }
        if length < self.offset {
            return Err(JournalError::Damaged { path: self.path.clone(), offset: length });
        }
        let mut bytes = Vec::new();
        let mut file = self.file.file();
        file.seek(SeekFrom::Start(self.offset)).map_err(|source| self.fail(source))?;
        file.read_to_end(&mut bytes).map_err(|source| self.fail(source))?;
        let (records, whole) = parse(&self.path, self.offset, &bytes)?;
        self.offset += whole;
        if self.offset != length {
            self.file.cut(self.offset).map_err(|source| self.fail(source))?;
        }
        Ok(records)
    }

    fn fail(&self, source: io::Error) -> JournalError {
        JournalError::Io { path: self.path.clone(), source }
    }
}

/// The records of `bytes`, which stand at `offset`, and how many bytes of them are whole.
fn parse(path: &Path, offset: u64, bytes: &[u8]) -> Result<(Vec<Record>, u64), JournalError> {
    let (chunks, _torn) = bytes.as_chunks::<RECORD>();
    let decoded: Vec<Option<Record>> = chunks.iter().map(Record::decode).collect();
    let count = decoded.iter().rposition(Option::is_some).map_or(0, |last| last + 1);
    let damaged =
        |index: usize| JournalError::Damaged { path: path.to_owned(), offset: offset + (index * RECORD) as u64 };
    let mut records = Vec::with_capacity(count);
    for (index, record) in decoded.into_iter().take(count).enumerate() {
        let record = record.ok_or_else(|| damaged(index))?;
        if (record == Record::Header) != (offset == 0 && index == 0) {
            return Err(damaged(index));
        }
        records.push(record);
    }
    Ok((records, (count * RECORD) as u64))
}

/// Rewrites the file without what no window counts any more. The caller is its only user.
fn compact(dir: &Path, path: &Path, now: Moment, windows: &[Window]) -> Result<(), JournalError> {
    let fail = |source| JournalError::Io { path: path.to_owned(), source };
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(fail(error)),
    };
    let (records, _whole) = parse(path, 0, &bytes)?;
    let kept = still_counting(&records, now.wall, windows);
    if kept.len() + 1 >= records.len() {
        return Ok(());
    }
    let staging = path.with_extension("journal.new");
    let mut bytes = Record::Header.encode().to_vec();
    kept.into_iter().for_each(|record| bytes.extend_from_slice(&record.encode()));
    let mut file = DiskFile::create(&staging).map_err(fail)?;
    file.write_all(&bytes).and_then(|()| file.sync_all()).map_err(fail)?;
    disk::rename(&staging, path).map_err(fail)?;
    disk::sync_folder(dir).map_err(fail)
}

fn still_counting(records: &[Record], now: Timestamp, windows: &[Window]) -> Vec<Record> {
    let history = History::of(records);
    // The latest day stays whole even when it has passed: it is what a clock set back must not fall behind.
    let latest = history.sends.last().map(|sends| sends.at);
    let counts = |at: Timestamp| {
        windows.iter().any(|window| match &window.kind {
            WindowKind::Rolling(period) => {
                let age = now.duration_since(at);
                // A grain more than the limiter holds at most; from the future, after a clock was set back: held.
                age < jiff::SignedDuration::try_from(drifted(*period) + FOREIGN_LATENCY * 20)
                    .unwrap_or(jiff::SignedDuration::MAX)
            }
            WindowKind::Day { resets, zone } => {
                let calendar = Calendar::new(window.max, *resets, zone.clone());
                latest.is_some_and(|latest| calendar.day_of(at) == calendar.day_of(latest))
            }
        })
    };
    let mut kept: Vec<Record> = history
        .sends
        .iter()
        .filter(|sends| counts(sends.at))
        .map(|sends| Record::Sent { at: sends.at, count: sends.count })
        .collect();
    kept.extend(history.spent_until.filter(|until| *until > now).map(|until| Record::Spent { until }));
    kept
}
