//! The spool: what was answered for is found again, damage is never taken for a page.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use jiff::Timestamp;
use proptest::prelude::*;
use tidemill::ledger::Outcome;
use tidemill::plan::CellId;
use tidemill::spool::{
    CellProgress, Durability, EndFrame, Frame, FrameError, Head, Header, PageFrame, PageHead, PartitionSpool,
    SpoolError, decode, encode,
};

pub(crate) const A: CellId = CellId([0xa; 16]);
pub(crate) const B: CellId = CellId([0xb; 16]);

pub(crate) fn head(token: u64) -> Head {
    Head { job: "job".into(), partition: "day=2026-01-01#0".into(), generation: 1, token, replaces: None }
}

pub(crate) fn open(dir: &Path, token: u64) -> Result<PartitionSpool, SpoolError> {
    PartitionSpool::open(dir, head(token), Durability::Process)
}

pub(crate) fn page(cell: CellId, epoch: u32, page: u32) -> Frame {
    let head = PageHead {
        cell,
        epoch,
        page,
        status: 200,
        records: 3,
        next: Some(format!("{{\"page\":{}}}", page + 1)),
        request: [page as u8; 16],
        credits: Some(2),
        total: None,
        parallel: false,
        received: Timestamp::from_millisecond(1_767_225_600_123).unwrap(),
    };
    let body = format!("{{\"cell\":\"{cell:?}\",\"epoch\":{epoch},\"page\":{page},\"x\":\"{}\"}}", "y".repeat(40));
    Frame::Page(PageFrame { head, body: Bytes::from(body) })
}

pub(crate) fn end(cell: CellId, epoch: u32, pages: u32, outcome: Outcome) -> Frame {
    let received = Timestamp::from_millisecond(1_767_225_600_456).unwrap();
    Frame::End(EndFrame { cell, epoch, pages, records: u64::from(pages) * 3, outcome, received })
}

pub(crate) type Found = BTreeMap<[u8; 16], (CellProgress, Vec<PageFrame>)>;

pub(crate) fn found(spool: &PartitionSpool) -> Result<Found, SpoolError> {
    let read = |(cell, progress): (&CellId, &CellProgress)| {
        let pages = spool.pages(cell).iter().map(|page| spool.read(page)).collect::<Result<_, _>>()?;
        Ok((cell.0, (progress.clone(), pages)))
    };
    spool.cells().map(read).collect()
}

pub(crate) fn files(dir: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

fn frames() -> impl Strategy<Value = Frame> {
    let told = any::<([u8; 16], Option<u64>, Option<u64>, bool)>();
    let page = (any::<([u8; 16], u32, u32, u16, u64)>(), any::<Option<String>>(), told).prop_map(
        |((cell, epoch, page, status, records), next, (request, credits, total, parallel))| PageHead {
            cell: CellId(cell),
            epoch,
            page,
            status,
            records,
            next,
            request,
            credits,
            total,
            parallel,
            received: Timestamp::UNIX_EPOCH,
        },
    );
    let page = (page, proptest::collection::vec(any::<u8>(), 0..2000), -1_000_000_000_000i64..4_000_000_000_000)
        .prop_map(|(head, body, ms)| {
            let head = PageHead { received: Timestamp::from_millisecond(ms).unwrap(), ..head };
            Frame::Page(PageFrame { head, body: Bytes::from(body) })
        });
    let outcome = prop_oneof![
        Just(Outcome::Records),
        any::<bool>().prop_map(|unconfirmed| Outcome::Empty { unconfirmed }),
        any::<(String, String)>().prop_map(|(code, message)| Outcome::Rejected { code, message }),
    ];
    let end = (any::<([u8; 16], u32, u32, u64)>(), outcome).prop_map(|((cell, epoch, pages, records), outcome)| {
        Frame::End(EndFrame { cell: CellId(cell), epoch, pages, records, outcome, received: Timestamp::UNIX_EPOCH })
    });
    prop_oneof![page, end]
}

proptest! {
    #[test]
    fn a_frame_comes_back_as_it_was(frame in frames(), seq: u64, batch: u64) {
        let mut bytes = Vec::new();
        encode(&frame, seq, batch, &mut zstd::bulk::Compressor::new(1).unwrap(), &mut bytes).unwrap();
        let back = match decode(&bytes, 1 << 20).unwrap() {
            (Header::Page(head), body) => Frame::Page(PageFrame { head, body }),
            (Header::End(end), _) => Frame::End(end),
            (Header::Head(_), _) => unreachable!(),
        };
        prop_assert_eq!(back, frame);
    }

    #[test]
    fn a_changed_frame_is_an_error(frame in frames(), at: prop::sample::Index, flip in 1u8..) {
        let mut bytes = Vec::new();
        encode(&frame, 1, 1, &mut zstd::bulk::Compressor::new(1).unwrap(), &mut bytes).unwrap();
        let at = at.index(bytes.len());
        bytes[at] ^= flip;
        prop_assert!(decode(&bytes, 1 << 20).is_err());
    }

    /// Whatever is appended, in whatever order, closing and opening: memory and disk agree.
    #[test]
    fn appended_is_what_is_found(
        steps in proptest::collection::vec((0u8..3, 0u32..2, 0u32..4, any::<bool>(), 0u8..8), 1..40)
    ) {
        let dir = tempfile::tempdir().unwrap();
        let mut spool = open(dir.path(), 1).unwrap();
        for (token, (cell, epoch, number, is_end, then)) in (2..).zip(steps) {
            let cell = CellId([cell; 16]);
            let frame = if is_end { end(cell, epoch, number, Outcome::Records) } else { page(cell, epoch, number) };
            match spool.append(&[frame]) {
                Ok(()) | Err(SpoolError::Refused { .. }) => {}
                Err(other) => panic!("{other}"),
            }
            if then == 0 {
                let before = found(&spool).unwrap();
                spool = open(dir.path(), token).unwrap();
                prop_assert_eq!(&before, &found(&spool).unwrap());
            }
        }
        let before = found(&spool).unwrap();
        prop_assert_eq!(before, found(&open(dir.path(), 99).unwrap()).unwrap());
    }
}

#[test]
fn a_body_over_the_limit_is_refused_before_memory_is_taken() {
    let Frame::Page(mut bomb) = page(A, 0, 0) else { unreachable!() };
    bomb.body = Bytes::from(vec![0; 1 << 20]);
    let mut bytes = Vec::new();
    encode(&Frame::Page(bomb), 0, 0, &mut zstd::bulk::Compressor::new(1).unwrap(), &mut bytes).unwrap();
    assert!(bytes.len() < 1000);
    assert_eq!(decode(&bytes, 1000), Err(FrameError::TooLong { found: 1 << 20, limit: 1000 }));
    bytes[36..40].copy_from_slice(&u32::MAX.to_le_bytes());
    assert!(matches!(decode(&bytes, 1000), Err(FrameError::TooLong { .. })));
}

#[test]
fn progress_tells_where_to_go_on() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().join("job/hash");
    let mut spool = open(&dir, 1).unwrap();
    assert!(!dir.exists(), "nothing is made before the first append");
    spool.append(&[page(A, 0, 0), page(B, 0, 1), page(A, 0, 1), page(B, 0, 2)]).unwrap();
    let spool = open(&dir, 1).unwrap();
    let a = spool.progress(&A).unwrap();
    assert_eq!((a.pages, a.records, a.credits, a.next.as_deref()), (2, 6, 4, Some("{\"page\":2}")));
    let b = spool.progress(&B).unwrap();
    assert_eq!((b.pages, b.records, b.credits, b.next.as_deref()), (0, 0, 4, None), "page 0 is missing");
    let mut spool = open(&dir, 2).unwrap();
    spool.append(&[page(B, 0, 0), end(B, 0, 3, Outcome::Records), page(A, 1, 0)]).unwrap();
    let spool = open(&dir, 3).unwrap();
    assert_eq!(spool.progress(&B).unwrap().end, Some(Outcome::Records));
    assert_eq!(spool.pages(&B).iter().map(|page| page.page).collect::<Vec<_>>(), [0, 1, 2]);
    let a = spool.progress(&A).unwrap();
    assert_eq!((a.epoch, a.pages, a.records, a.credits), (1, 1, 3, 6), "older pages are void, but were paid for");
    assert!(String::from_utf8_lossy(&spool.read(&spool.pages(&A)[0]).unwrap().body).contains("\"epoch\":1"));
}

#[test]
fn frames_that_cannot_stand_are_refused_and_change_nothing() {
    let cases = [
        ("twice", page(A, 0, 0)),
        ("agree", end(A, 0, 2, Outcome::Records)),
        ("agree", end(B, 0, 1, Outcome::Empty { unconfirmed: false })),
        ("agree", end(A, 1, 1, Outcome::Records)),
    ];
    let dir = tempfile::tempdir().unwrap();
    let mut spool = open(dir.path(), 1).unwrap();
    spool.append(&[page(A, 0, 0)]).unwrap();
    let before = (found(&spool).unwrap(), spool.stats());
    for (why, frame) in cases {
        let error = spool.append(&[frame]).unwrap_err();
        assert!(error.to_string().contains(why), "{error}");
        assert_eq!(before, (found(&spool).unwrap(), spool.stats()));
    }
    spool.append(&[end(A, 0, 1, Outcome::Records)]).unwrap();
    assert!(spool.append(&[page(A, 0, 1)]).is_err());
    assert!(spool.append(&[end(A, 0, 1, Outcome::Records)]).is_err());
    spool.append(&[end(B, 0, 0, Outcome::Empty { unconfirmed: true })]).unwrap();
}

/// Three segments of several writes; gives where the last write of the last segment starts.
pub(crate) fn sample(dir: &Path) -> (Found, u64) {
    let mut spool = open(dir, 1).unwrap();
    spool.append(&[page(A, 0, 0)]).unwrap();
    spool.append(&[page(B, 0, 0), page(A, 0, 1)]).unwrap();
    let mut spool = open(dir, 1).unwrap();
    spool.append(&[end(A, 0, 2, Outcome::Records)]).unwrap();
    let mut spool = open(dir, 2).unwrap();
    spool.append(&[page(B, 0, 1)]).unwrap();
    let last = spool.stats().bytes;
    spool.append(&[page(B, 0, 2), end(B, 0, 3, Outcome::Records)]).unwrap();
    (found(&spool).unwrap(), last)
}

/// What is found is a part of what was kept, page by page; at the end of the last segment only.
fn check(dir: &Path, whole: &Found, torn: bool, what: &str) {
    let spool = match open(dir, 3) {
        Ok(spool) => spool,
        Err(SpoolError::Damaged { .. }) if !torn => return,
        // A flip can make `PGS1` another layout's magic, which is never cut away.
        Err(SpoolError::Newer { .. }) => return,
        Err(other) => panic!("{what}: {other}"),
    };
    assert!(torn, "{what}: damage was not seen");
    let found = found(&spool).unwrap();
    assert_eq!(found[&A.0], whole[&A.0], "{what}: A is in earlier segments");
    let (progress, pages) = &found[&B.0];
    assert_eq!(pages[..], whole[&B.0].1[..pages.len()], "{what}");
    assert_eq!(progress.pages as usize, pages.len(), "{what}");
    assert!(progress.end.is_none() || found == *whole, "{what}");
    drop(spool);
    assert_eq!(self::found(&open(dir, 3).unwrap()).unwrap(), found, "{what}: found again");
}

fn damaged(damage: impl Fn(&[u8], usize) -> Vec<u8>, torn: impl Fn(bool, u64, u64) -> bool) {
    let original = tempfile::tempdir().unwrap();
    let (whole, last_write) = sample(original.path());
    let segments = files(original.path());
    assert_eq!(segments.len(), 3);
    let work = tempfile::tempdir().unwrap();
    for (number, segment) in segments.iter().enumerate() {
        let bytes = fs::read(segment).unwrap();
        for at in 0..bytes.len() {
            for old in files(work.path()) {
                fs::remove_file(old).unwrap();
            }
            for other in &segments {
                fs::copy(other, work.path().join(other.file_name().unwrap())).unwrap();
            }
            fs::write(work.path().join(segment.file_name().unwrap()), damage(&bytes, at)).unwrap();
            let torn = torn(number == 2, at as u64, last_write);
            check(work.path(), &whole, torn, &format!("segment {number} byte {at}"));
        }
    }
}

#[test]
fn a_cut_at_any_byte_loses_only_the_tail_of_the_last_segment() {
    damaged(|bytes, at| bytes[..at].to_vec(), |last, _, _| last);
}

#[test]
fn a_flip_of_any_byte_is_seen_unless_it_looks_like_a_torn_write() {
    let flip = |bytes: &[u8], at: usize| {
        let mut bytes = bytes.to_vec();
        bytes[at] ^= 1 << (at % 8);
        bytes
    };
    damaged(flip, |last, at, last_write| last && at >= last_write);
}

#[test]
fn a_lost_segment_is_damage() {
    let dir = tempfile::tempdir().unwrap();
    sample(dir.path());
    fs::remove_file(&files(dir.path())[1]).unwrap();
    assert!(matches!(open(dir.path(), 3), Err(SpoolError::Damaged { .. })));
}

#[test]
fn a_torn_tail_is_cut_off_and_counted() {
    let dir = tempfile::tempdir().unwrap();
    let (_, last_write) = sample(dir.path());
    let last = &files(dir.path())[2];
    let bytes = fs::read(last).unwrap();
    fs::write(last, &bytes[..bytes.len() - 1]).unwrap();
    let spool = open(dir.path(), 3).unwrap();
    assert!(spool.torn() > 0);
    assert!(fs::metadata(last).unwrap().len() > last_write, "the page before the torn end stays");
    assert_eq!(open(dir.path(), 3).unwrap().torn(), 0);
}

#[test]
fn other_pages_and_later_runs_are_not_touched() {
    let dir = tempfile::tempdir().unwrap();
    sample(dir.path());
    assert!(matches!(open(dir.path(), 1), Err(SpoolError::Fenced { found: 2, token: 1, .. })));
    let other = Head { partition: "day=2026-01-02#0".into(), ..head(3) };
    let opened = PartitionSpool::open(dir.path(), other, Durability::Process);
    assert!(matches!(opened, Err(SpoolError::Foreign { .. })));
    let second = Head { generation: 2, ..head(3) };
    let mut spool = PartitionSpool::open(dir.path(), second, Durability::Power).unwrap();
    assert_eq!(spool.progress(&A), None, "generations do not mix");
    spool.append(&[page(A, 0, 0)]).unwrap();
    spool.remove().unwrap();
    assert_eq!(files(dir.path()).len(), 3, "only its own generation is removed");
    open(dir.path(), 3).unwrap().remove().unwrap();
    assert!(!dir.path().exists());
}

#[test]
fn a_newer_layout_is_never_cut_off() {
    let dir = tempfile::tempdir().unwrap();
    sample(dir.path());
    let newest = dir.path().join("g1-e3-0.pgs");
    fs::write(&newest, b"PGS2 whatever").unwrap();
    assert!(matches!(open(dir.path(), 3), Err(SpoolError::Newer { .. })));
    assert_eq!(fs::read(newest).unwrap(), b"PGS2 whatever");
}

#[test]
fn a_suspect_segment_is_copied_and_counts_once() {
    let dir = tempfile::tempdir().unwrap();
    let (whole, _) = sample(dir.path());
    let last = files(dir.path())[2].clone();
    let suspect = PathBuf::from(format!("{}.suspect", last.display()));
    fs::rename(&last, &suspect).unwrap();
    let original = fs::read(&suspect).unwrap();
    fs::write(dir.path().join("g1-e3-0.pgs.tmp"), b"a copy cut short").unwrap();
    let spool = open(dir.path(), 3).unwrap();
    assert_eq!(found(&spool).unwrap(), whole, "readable at once");
    assert_eq!(files(dir.path()).len(), 3);
    assert!(!suspect.exists());
    // A crash after the copy got its name, before the original went.
    fs::write(&suspect, original).unwrap();
    assert_eq!(found(&open(dir.path(), 4).unwrap()).unwrap(), whole);
    assert!(!suspect.exists());
}
