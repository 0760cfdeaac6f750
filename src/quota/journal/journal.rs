//! Remembers in a file what a credential does, so that neither a crash nor a second process on this host forgets: each
//! process reads what the others wrote and keeps the limits of all of them.
//!
//! Invariant: an attempt is in the file before it may leave; a torn tail was never granted. Writes are not synced: they
//! survive the death of the process, not of the machine. `<fingerprint>.lock` is held for each look and each write;
//! `<fingerprint>.user-<n>` is held by a process as long as it lives; the file is replaced by a shorter one only while
//! nobody else lives.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::disk::{self, DiskFile, Durability};
use crate::job::JobName;
use crate::provider::{Window, WindowKind};
use crate::quota::clock::Host;
use crate::quota::{Clock, Moment};

use super::compact::still_counting;
use super::history::{History, Told};
use super::reader::{NEVER, Names, Reader, name_records, parse};
use super::record::{RECORD, Record, Stamp, What, job_number};
use super::users::{Presence, is_alive};

/// Grown by so many bytes, the file is made shorter at the next moment in which nobody else uses it.
const GROWTH: u64 = 4 * 1024 * 1024;

/// So many records fewer are worth a new file, which costs as much as some hundred writes.
const WORTH: usize = 64;

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
        "the quota journal `{path}` is damaged at byte {offset}: move it away and say with `tidemill quota --set-used` how \
         much of each window is used, or delete it once all windows of this credential have passed"
    )]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where.
        offset: u64,
    },
}

/// Something to be written down.
#[derive(Debug, Clone, Copy)]
pub(in crate::quota) struct Note {
    pub(in crate::quota) at: Moment,
    pub(in crate::quota) what: What,
}

/// One credential's journal, open.
#[derive(Debug)]
pub struct Journal {
    folder: PathBuf,
    path: PathBuf,
    stem: PathBuf,
    lock: DiskFile,
    file: DiskFile,
    /// Everything before it is known to the limiter.
    offset: u64,
    /// Length when it was last made shorter.
    shortest: u64,
    presence: Presence,
    host: Host,
    windows: Vec<Window>,
    names: Names,
    /// Start of the host of every process that has joined and is not known to be gone.
    boots: HashMap<u16, u32>,
    /// Jobs of this process that may not be named in the file yet.
    unnamed: BTreeMap<u32, String>,
}

impl Journal {
    /// Whether windows must be kept beyond this process: any window at all. Requests in flight alone need no journal.
    pub fn is_needed(windows: &[Window]) -> bool {
        !windows.is_empty()
    }

    /// Opens or creates `<folder>/<fingerprint>.journal` and reads what still counts.
    ///
    /// # Errors
    /// When the system refuses, or what stands in the file is not what was written.
    pub fn open(
        folder: &Path,
        fingerprint: &str,
        clock: &Clock,
        windows: &[Window],
    ) -> Result<(Self, History), JournalError> {
        let stem = folder.join(fingerprint);
        let path = folder.join(format!("{fingerprint}.journal"));
        let fail = |source| JournalError::Io { path: path.clone(), source };
        disk::create_folders(folder, Durability::Process).map_err(fail)?;
        let lock = DiskFile::append(&folder.join(format!("{fingerprint}.lock"))).map_err(fail)?;
        lock.file().lock().map_err(fail)?;
        let presence = Presence::join(&stem).map_err(fail)?;
        let file = DiskFile::append(&path).map_err(fail)?;
        let mut journal = Self {
            folder: folder.to_owned(),
            path: path.clone(),
            stem,
            lock,
            file,
            offset: 0,
            shortest: 0,
            presence,
            host: clock.host(),
            windows: windows.to_vec(),
            names: Names::default(),
            boots: HashMap::new(),
            unnamed: BTreeMap::new(),
        };
        let now = clock.now();
        let told = journal.begin(now);
        journal.lock.file().unlock().map_err(fail)?;
        let history = History { told: told?, names: journal.names.clone() };
        Ok((journal, history))
    }

    fn begin(&mut self, now: Moment) -> Result<Vec<Told>, JournalError> {
        let mut told = self.catch_up(now)?;
        let suspects: Vec<u16> = self.boots.keys().copied().collect();
        let gone = self.gone(&suspects, now)?;
        let alone = self.boots.is_empty();
        told.extend(gone.iter().map(|record| Told { record: *record, ago: Duration::ZERO, by_host: true }));
        if alone {
            let kept = still_counting(&told, now.wall, &self.windows);
            if kept.len() + WORTH <= told.len() {
                self.replace(&kept)?;
                told = self.tell(kept, now);
                // Those who are gone stand in what is kept.
                return self.join(Vec::new(), now).map(|()| told);
            }
        }
        self.join(gone, now)?;
        Ok(told)
    }

    fn join(&mut self, gone: Vec<Record>, now: Moment) -> Result<(), JournalError> {
        let mut bytes: Vec<u8> = gone.iter().flat_map(Record::encode).collect();
        let joined = self.record(&Note { at: now, what: What::Joined { boot: self.host.boot } });
        self.boots.insert(self.presence.user, self.host.boot);
        bytes.extend(joined.encode());
        self.write(&bytes)
    }

    /// Whether anything is remembered of a credential.
    pub fn exists(folder: &Path, fingerprint: &str) -> bool {
        folder.join(format!("{fingerprint}.journal")).exists()
    }

    /// Reads what a journal says without taking part; empty where there is none.
    ///
    /// # Errors
    /// As [`Journal::open`].
    pub fn read(folder: &Path, fingerprint: &str, clock: &Clock) -> Result<History, JournalError> {
        let path = folder.join(format!("{fingerprint}.journal"));
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(History::default()),
            Err(source) => return Err(JournalError::Io { path, source }),
        };
        let (records, _torn) = parse(&path, 0, &bytes)?;
        let mut reader = Reader { host: clock.host(), names: Names::default(), boots: HashMap::new() };
        let told = reader.tell(records, clock.now());
        Ok(History { told, names: reader.names })
    }

    /// Notes that every window is used up now: what was sent is not known, and fewer must never be counted.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn fill(&mut self, now: Moment) -> Result<History, JournalError> {
        let full = self.windows.clone();
        let full = full.iter().map(|window| Note { at: now, what: set(window, window.max) });
        let full: Vec<Note> = full.collect();
        let told =
            full.iter().map(|note| Told { record: self.record(note), ago: Duration::ZERO, by_host: true }).collect();
        self.tick(|| now, &[], |_, _| (full, ()))?;
        Ok(History { told, names: self.names.clone() })
    }

    /// Notes how much of `window` is used.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn set_used(&mut self, now: Moment, window: &Window, used: u32) -> Result<(), JournalError> {
        let note = Note { at: now, what: set(window, used) };
        self.tick(|| now, &[], |_, _| (vec![note], ()))
    }

    /// The number of a job, which is named in the file with the next record.
    pub(in crate::quota) fn number(&mut self, job: &JobName) -> u32 {
        let number = job_number(job.as_str());
        if self.names.get(number).is_none() {
            self.unnamed.entry(number).or_insert_with(|| job.as_str().to_owned());
        }
        number
    }

    /// How many other processes use the credential, as far as is known.
    pub(in crate::quota) fn others(&self) -> usize {
        self.boots.len().saturating_sub(1)
    }

    /// Under the lock: hands `decide` what others wrote since the last tick, and that those of the `suspects` are gone who
    /// no longer live; then writes what it decided.
    pub(in crate::quota) fn tick<T>(
        &mut self,
        now: impl FnOnce() -> Moment,
        suspects: &[u16],
        decide: impl FnOnce(&[Told], Moment) -> (Vec<Note>, T),
    ) -> Result<T, JournalError> {
        self.lock.file().lock().map_err(|source| self.fail(source))?;
        let result = self.exchange(now(), suspects, decide);
        self.lock.file().unlock().map_err(|source| self.fail(source))?;
        result
    }

    fn exchange<T>(
        &mut self,
        now: Moment,
        suspects: &[u16],
        decide: impl FnOnce(&[Told], Moment) -> (Vec<Note>, T),
    ) -> Result<T, JournalError> {
        let mut told = self.catch_up(now)?;
        let mut records = self.gone(suspects, now)?;
        told.extend(records.iter().map(|record| Told { record: *record, ago: Duration::ZERO, by_host: true }));
        let (own, answer) = decide(&told, now);
        if !own.is_empty() {
            records.extend(self.names_due());
        }
        records.extend(own.iter().map(|note| self.record(note)));
        let bytes: Vec<u8> = records.iter().flat_map(Record::encode).collect();
        if !bytes.is_empty() {
            self.write(&bytes)?;
        }
        if self.offset > self.shortest + GROWTH {
            self.shorten(now)?;
        }
        Ok(answer)
    }

    /// Ends the part of this process: nothing of it is in flight any more.
    ///
    /// # Errors
    /// When it cannot be written; the next process finds out by itself.
    pub fn leave(mut self, now: Moment) -> Result<(), JournalError> {
        let gone = Note { at: now, what: What::Gone };
        self.tick(|| now, &[], |_, _| (vec![gone], ()))
    }

    /// Those of `suspects` who no longer live, and are forgotten by this.
    fn gone(&mut self, suspects: &[u16], now: Moment) -> Result<Vec<Record>, JournalError> {
        let mut gone = Vec::new();
        for user in suspects.iter().filter(|user| self.boots.contains_key(user)) {
            // Its number may be ours by now.
            let lives = *user != self.presence.user && is_alive(&self.stem, *user).map_err(|error| self.fail(error))?;
            if !lives {
                gone.push(Record { user: *user, at: self.stamp(now), what: What::Gone });
            }
        }
        gone.iter().for_each(|record| {
            self.boots.remove(&record.user);
        });
        Ok(gone)
    }

    /// Drops what no window counts any more, if nobody else uses the file.
    fn shorten(&mut self, now: Moment) -> Result<(), JournalError> {
        self.shortest = self.offset;
        let others: Vec<u16> = self.boots.keys().copied().filter(|user| *user != self.presence.user).collect();
        let gone = self.gone(&others, now)?;
        if self.others() > 0 || !gone.is_empty() {
            return Ok(());
        }
        let bytes = std::fs::read(&self.path).map_err(|source| self.fail(source))?;
        let (records, _whole) = parse(&self.path, 0, &bytes)?;
        let told = self.tell(records, now);
        let kept = still_counting(&told, now.wall, &self.windows);
        self.replace(&kept)
    }

    fn replace(&mut self, kept: &[Record]) -> Result<(), JournalError> {
        let staging = self.path.with_extension("journal.new");
        let header = Record { user: 0, at: NEVER, what: What::Header };
        let bytes: Vec<u8> = std::iter::once(&header).chain(kept).flat_map(Record::encode).collect();
        let fail = |source| JournalError::Io { path: self.path.clone(), source };
        let mut file = DiskFile::create(&staging).map_err(fail)?;
        file.write_all(&bytes).and_then(|()| file.sync_all()).map_err(fail)?;
        disk::rename(&staging, &self.path).map_err(fail)?;
        disk::sync_folder(&self.folder).map_err(fail)?;
        self.file = DiskFile::append(&self.path).map_err(fail)?;
        self.offset = bytes.len() as u64;
        self.shortest = self.offset;
        Ok(())
    }

    fn names_due(&mut self) -> Vec<Record> {
        let unnamed = std::mem::take(&mut self.unnamed);
        let unnamed = unnamed.into_iter().filter(|(job, _)| self.names.get(*job).is_none());
        let records: Vec<Record> = unnamed.flat_map(|(job, name)| name_records(job, &name)).collect();
        records.iter().for_each(|record| self.names.add(record));
        records
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), JournalError> {
        let mut all = Vec::with_capacity(bytes.len() + RECORD);
        if self.offset == 0 {
            all.extend(Record { user: 0, at: NEVER, what: What::Header }.encode());
        }
        all.extend_from_slice(bytes);
        self.file.write_all(&all).map_err(|source| self.fail(source))?;
        self.offset += all.len() as u64;
        Ok(())
    }

    /// Reads from `offset` on; cuts a torn tail, whose writer died before it could grant anything.
    fn catch_up(&mut self, now: Moment) -> Result<Vec<Told>, JournalError> {
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
        Ok(self.tell(records, now))
    }

    fn tell(&mut self, records: Vec<Record>, now: Moment) -> Vec<Told> {
        let names = std::mem::take(&mut self.names);
        let mut reader = Reader { host: self.host, names, boots: std::mem::take(&mut self.boots) };
        let told = reader.tell(records, now);
        (self.names, self.boots) = (reader.names, reader.boots);
        told
    }

    fn record(&self, note: &Note) -> Record {
        Record { user: self.presence.user, at: self.stamp(note.at), what: note.what }
    }

    fn stamp(&self, at: Moment) -> Stamp {
        Stamp { wall: at.wall, host: self.host.base + at.elapsed }
    }

    fn fail(&self, source: io::Error) -> JournalError {
        JournalError::Io { path: self.path.clone(), source }
    }
}

fn set(window: &Window, used: u32) -> What {
    let period = match window.kind {
        WindowKind::Rolling(period) => period,
        WindowKind::Day { .. } => Duration::ZERO,
    };
    What::Set { period, unit: window.unit, used }
}
