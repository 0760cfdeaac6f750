//! What a credential has sent outlives the process, cut at any byte.

use std::fs;
use std::path::Path;
use std::time::Duration;

use jiff::civil::time;
use jiff::{SignedDuration, Timestamp};
use tidemill::job::JobName;
use tidemill::provider::Window;
use tidemill::quota::{self, Clock, Decision, History, Journal, JournalError, Limiter, Refusal, Sends, WaitsFor};

use super::{MAX_WAIT, MINUTE, at, day, limits, ms, noon, rolling};

#[test]
fn history_is_held_until_it_cannot_count() {
    let limits = limits(vec![rolling(2, MINUTE), day(10, time(0, 0, 0, 0), "UTC")], 4);
    let sent = noon() - SignedDuration::from_secs(20);
    let history = History::of(&[Sends { at: sent, count: 2 }], at(noon(), Duration::ZERO));
    let limiter = Limiter::new(&limits, MAX_WAIT, &history, at(noon(), Duration::ZERO));
    let until = Some(ms(45_012)); // 60 s and 200 ppm after the send, and 5 s for its latency
    assert_eq!(
        limiter.check(at(noon(), Duration::ZERO)),
        Decision::Wait { until, on: WaitsFor::Window("minute".to_owned()) }
    );
    let snapshot = limiter.snapshot(at(noon(), Duration::ZERO), 0);
    assert_eq!(snapshot.windows.iter().map(|window| window.used).collect::<Vec<_>>(), [2, 2]);
}

#[test]
fn requests_in_flight_alone_need_no_journal() {
    assert!(!Journal::is_needed(&[]));
    assert!(Journal::is_needed(&[rolling(10, ms(1000))]));
    assert!(Journal::is_needed(&[day(10, time(0, 0, 0, 0), "UTC")]));
}

fn windows() -> Vec<Window> {
    vec![rolling(300, MINUTE), day(1000, time(0, 0, 0, 0), "Asia/Shanghai")]
}

fn open(dir: &Path, now: Timestamp) -> Result<(Journal, History), JournalError> {
    Journal::open(dir, "key", &Clock::starting_at(now), &windows())
}

/// Bytes of a record.
const RECORD: usize = 40;

/// A journal as a process that was killed leaves it.
fn write(dir: &Path, sends: &[(Timestamp, u32)]) {
    // The format is a promise between versions: it is spelt here a second time.
    let mut bytes = record(0, 0, 2, Timestamp::UNIX_EPOCH);
    bytes.extend(record(1, 7, 0, sends.first().map_or(Timestamp::UNIX_EPOCH, |(at, _)| *at)));
    for (at, count) in sends {
        bytes.extend(record(4, 7, *count, *at));
    }
    fs::write(dir.join("key.journal"), bytes).unwrap();
}

fn record(kind: u8, user: u16, count: u32, at: Timestamp) -> Vec<u8> {
    let mut bytes = vec![kind, 0];
    bytes.extend(user.to_le_bytes());
    for word in [0, count, 1, 0] {
        bytes.extend(u32::to_le_bytes(word));
    }
    bytes.extend(at.as_millisecond().to_le_bytes());
    bytes.extend(at.as_microsecond().to_le_bytes());
    bytes.extend(crc32fast::hash(&bytes).to_le_bytes());
    bytes
}

fn total(history: &History) -> u32 {
    history.sends().iter().map(|sends| sends.count).sum()
}

#[test]
fn a_torn_tail_is_dropped_at_every_byte() {
    let dir = tempfile::tempdir().unwrap();
    let sends: Vec<_> = (1..=4).map(|n| (noon() - SignedDuration::from_secs(n), 1)).collect();
    write(dir.path(), &sends);
    let whole = fs::read(dir.path().join("key.journal")).unwrap();
    for length in 0..=whole.len() {
        fs::write(dir.path().join("key.journal"), &whole[..length]).unwrap();
        let (_journal, history) = open(dir.path(), noon()).unwrap();
        assert_eq!(total(&history) as usize, (length / RECORD).saturating_sub(2), "cut at {length}");
        drop(_journal);
        let (_journal, again) = open(dir.path(), noon()).unwrap();
        assert_eq!(again.sends(), history.sends(), "cut at {length}");
    }
}

#[test]
fn what_another_version_wrote_is_no_torn_tail() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("key.journal");
    // Records of twenty bytes, as before there were processes to tell apart.
    let bytes = [7; 60];
    fs::write(&path, bytes).unwrap();
    let error = open(dir.path(), noon()).unwrap_err();
    assert!(matches!(error, JournalError::Damaged { offset: 0, .. }), "{error}");
    assert!(error.to_string().contains("--set-used"), "{error}");
    assert_eq!(fs::read(&path).unwrap(), bytes, "nothing is lost");
}

#[test]
fn damage_before_the_tail_is_an_error() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), &[(noon(), 1), (noon(), 2), (noon(), 3)]);
    let path = dir.path().join("key.journal");
    let mut bytes = fs::read(&path).unwrap();
    bytes[2 * RECORD + 5] ^= 1;
    fs::write(&path, bytes).unwrap();
    assert!(matches!(open(dir.path(), noon()), Err(JournalError::Damaged { offset: 80, .. })));
}

#[test]
fn what_no_window_counts_is_dropped_on_open_by_the_only_user() {
    let dir = tempfile::tempdir().unwrap();
    let yesterday = noon() - SignedDuration::from_hours(24);
    let mut sends = vec![(yesterday, 1); 70];
    sends.extend([(noon() - SignedDuration::from_hours(1), 2), (noon(), 1)]);
    write(dir.path(), &sends);
    let (first, history) = open(dir.path(), yesterday).unwrap();
    assert_eq!(total(&history), 73);
    let (second, history) = open(dir.path(), noon()).unwrap();
    assert_eq!(total(&history), 73, "another uses the file");
    drop((first, second));
    let (third, history) = open(dir.path(), noon()).unwrap();
    assert_eq!(total(&history), 3);
    assert!(fs::metadata(dir.path().join("key.journal")).unwrap().len() < 20 * RECORD as u64);
    drop(third);
    let tomorrow = noon() + SignedDuration::from_hours(24);
    // The last day stays, whole: a clock set back must not open it a second time.
    let (_journal, history) = open(dir.path(), tomorrow).unwrap();
    assert_eq!(total(&history), 3);
}

#[test]
fn a_clock_set_back_over_a_restart_opens_no_second_day() {
    let dir = tempfile::tempdir().unwrap();
    write(dir.path(), &[(noon(), 1000)]);
    let yesterday = noon() - SignedDuration::from_hours(24);
    let (_journal, history) = open(dir.path(), yesterday).unwrap();
    let limits = limits(windows(), 4);
    let limiter = Limiter::new(&limits, MAX_WAIT, &history, at(yesterday, Duration::ZERO));
    let resume_at = "2026-03-10T16:00:05Z".parse().unwrap();
    let now = at(yesterday, Duration::ZERO);
    assert_eq!(limiter.check(now), Decision::Park { resume_at, on: WaitsFor::Window("day".to_owned()) });
}

/// The message that would wake the dispatcher never comes: nobody is in flight.
#[tokio::test(start_paused = true)]
async fn whoever_waits_when_the_journal_breaks_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let clock = Clock::starting_at(noon());
    let (journal, history) = Journal::open(dir.path(), "key", &clock, &windows()).unwrap();
    fs::File::options().write(true).open(dir.path().join("key.journal")).unwrap().set_len(0).unwrap();
    let (quota, dispatcher) = quota::open(&limits(windows(), 4), MAX_WAIT, Some(journal), history, clock.clone());
    let mut tasks = tokio::task::JoinSet::new();
    tasks.spawn(dispatcher.run());
    let name = JobName::parse("a").unwrap();
    for _ in 0..2 {
        tokio::select! {
            biased;
            refused = quota.permit(&name) => assert!(matches!(refused.unwrap_err(), Refusal::Broken { .. })),
            () = clock.sleep_until(clock.now().elapsed + MINUTE) => panic!("it waits for ever"),
        }
    }
}
