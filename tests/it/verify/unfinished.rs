//! Damage to the pages of partitions that are not published yet.

use std::fs;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use jiff::Timestamp;
use tidemill::ledger::{Decision, Ledger, Outcome, PartitionRow, SealedCell};
use tidemill::plan::CellId;
use tidemill::run::{FindingKind as Kind, Folders};
use tidemill::spool::{CellProgress, Durability, EndFrame, Frame, Head, PageFrame, PageHead, PartitionSpool};

use super::place::{assert_found, ledger, look, paused, spools};

fn flip(path: &Path, at: usize) {
    let mut bytes = fs::read(path).unwrap();
    bytes[at] ^= 0x10;
    fs::write(path, bytes).unwrap();
}

fn row(root: &Path) -> PartitionRow {
    ledger(root).partitions("ranks").unwrap().remove(0)
}

fn folder(root: &Path) -> PathBuf {
    Folders::rehearsal(root).spool("ranks", &row(root).hash)
}

/// The spool of the first partition, opened as a run under `token` would.
fn spool(root: &Path, token: u64) -> PartitionSpool {
    let partition = row(root).key;
    let head = Head { job: "ranks".to_owned(), partition, generation: 1, token, replaces: None };
    PartitionSpool::open(&folder(root), head, Durability::Process).unwrap()
}

/// A cell of the first partition that is not at its end.
fn open_cell(spool: &PartitionSpool) -> (CellId, CellProgress) {
    let (id, progress) = spool.cells().find(|(_, progress)| progress.end.is_none()).unwrap();
    (*id, progress.clone())
}

fn page(cell: CellId, epoch: u32, page: u32, next: Option<&str>, request: u8) -> Frame {
    let next = next.map(ToOwned::to_owned);
    let (request, received) = ([request; 16], Timestamp::UNIX_EPOCH);
    let head = PageHead {
        cell,
        epoch,
        page,
        status: 200,
        records: 1,
        next,
        request,
        credits: None,
        total: None,
        parallel: false,
        received,
    };
    Frame::Page(PageFrame { head, body: Bytes::from_static(b"{}") })
}

#[test]
fn damage_to_the_spool_is_found() {
    type Damage = (&'static str, fn(&Path, &[PathBuf]), Kind);
    let table: [Damage; 9] = [
        ("a flip in its first frame", |_, segments| flip(&segments[0], 60), Kind::Damaged),
        (
            "a flip in the middle",
            |_, segments| flip(&segments[0], fs::read(&segments[0]).unwrap().len() / 2),
            Kind::Damaged,
        ),
        (
            "an earlier segment cut short",
            |_, segments| {
                let bytes = fs::read(&segments[0]).unwrap();
                fs::write(&segments[0], &bytes[..bytes.len() - 1]).unwrap();
            },
            Kind::Damaged,
        ),
        ("an earlier segment gone", |_, segments| fs::remove_file(&segments[0]).unwrap(), Kind::Damaged),
        (
            "a segment of a newer version",
            |_, segments| {
                fs::write(segments[0].with_file_name("g1-e9-0.pgs"), b"PGS2 whatever").unwrap();
            },
            Kind::Damaged,
        ),
        (
            "pages of a cell of another partition",
            |root, _| {
                spool(root, 2).append(&[page(CellId([7; 16]), 0, 0, None, 1)]).unwrap();
            },
            Kind::Foreign,
        ),
        (
            "a page after the last one",
            |root, _| {
                let mut spool = spool(root, 2);
                let (id, at) = open_cell(&spool);
                let pages = [page(id, at.epoch, at.pages, None, 1), page(id, at.epoch, at.pages + 1, Some("{}"), 2)];
                spool.append(&pages).unwrap();
            },
            Kind::Chain,
        ),
        (
            "a page bought twice",
            |root, _| {
                let mut spool = spool(root, 2);
                let (id, at) = open_cell(&spool);
                let pages =
                    [page(id, at.epoch, at.pages, Some("1"), 1), page(id, at.epoch, at.pages + 1, Some("2"), 1)];
                spool.append(&pages).unwrap();
            },
            Kind::Chain,
        ),
        (
            "a page left out",
            |root, _| {
                let mut spool = spool(root, 2);
                let (id, at) = open_cell(&spool);
                spool.append(&[page(id, at.epoch, at.pages + 1, Some("1"), 1)]).unwrap();
            },
            Kind::Chain,
        ),
    ];
    for (what, damage, kind) in table {
        let root = paused();
        let folder = folder(root.path());
        let (_, segments) = spools(root.path()).into_iter().find(|(at, _)| *at == folder).unwrap();
        damage(root.path(), &segments);
        assert_found(what, &look(root.path(), false), &[kind], Some(&folder));
    }
}

#[test]
fn damage_names_its_price_and_who_pays_it() {
    let root = paused();
    let segment = &spools(root.path())[0].1[0];
    flip(segment, fs::read(segment).unwrap().len() / 2);
    let finding = look(root.path(), false).findings.remove(0);
    let said = |text: &str| assert!(finding.message.contains(text), "{}", finding.message);
    said(&segment.display().to_string());
    said("is damaged at byte ");
    said(" must be fetched again");
    assert!(finding.next.contains("tidemill run JOB --refetch-damaged"), "{}", finding.next);
}

#[test]
fn what_was_set_aside_is_a_note_and_no_finding() {
    let root = paused();
    let aside = Folders::rehearsal(root.path()).quarantine("ranks", &row(root.path()).hash);
    fs::create_dir_all(&aside).unwrap();
    fs::write(aside.join("g1-e1-0.pgs"), b"damaged").unwrap();
    let found = look(root.path(), true);
    assert_found("set aside", &found, &[], None);
    assert_eq!((found.quarantined, found.leftovers), (vec![aside.display().to_string()], vec![]));
}

#[test]
fn swapped_folders_are_found() {
    let root = paused();
    let spools = spools(root.path());
    let aside = root.path().join("aside");
    fs::rename(&spools[0].0, &aside).unwrap();
    fs::rename(&spools[1].0, &spools[0].0).unwrap();
    fs::rename(&aside, &spools[1].0).unwrap();
    let found = look(root.path(), false);
    assert_found("swapped", &found, &[Kind::Foreign], Some(&spools[1].0));
    assert_eq!(found.findings.len(), 2);
}

#[test]
fn an_end_that_says_something_else_than_its_pages_is_found() {
    for (outcome, what) in [(Outcome::Empty { unconfirmed: false }, "empty"), (Outcome::Records, "records")] {
        let root = paused();
        let mut spool = spool(root.path(), 2);
        let (cell, at) = open_cell(&spool);
        // A new epoch makes the pages of the cell void: it has no record then.
        let (epoch, pages, records) = match outcome {
            Outcome::Records => (at.epoch + 1, 0, 0),
            Outcome::Empty { .. } | Outcome::Rejected { .. } => (at.epoch, at.pages, at.records),
        };
        let end = EndFrame { cell, epoch, pages, records, outcome, received: Timestamp::UNIX_EPOCH };
        spool.append(&[Frame::End(end)]).unwrap();
        drop(spool);
        assert_found(what, &look(root.path(), false), &[Kind::Chain], Some(&folder(root.path())));
    }
}

/// Pages that are asked for side by side come in any order; what is missing is asked for when the run goes on.
#[test]
fn a_gap_before_pages_asked_for_side_by_side_is_no_finding() {
    let root = paused();
    let mut spool = spool(root.path(), 2);
    let (id, at) = open_cell(&spool);
    let mut ahead = page(id, at.epoch, at.pages + 1, Some("1"), 1);
    if let Frame::Page(page) = &mut ahead {
        page.head.parallel = true;
    }
    spool.append(&[ahead]).unwrap();
    drop(spool);
    assert_found("a gap", &look(root.path(), false), &[], None);
}

#[test]
fn pages_under_a_token_nobody_was_given_are_found() {
    let root = paused();
    let mut spool = spool(root.path(), 99);
    let (id, at) = open_cell(&spool);
    spool.append(&[page(id, at.epoch, at.pages, Some("1"), 1)]).unwrap();
    drop(spool);
    assert_found("token 99", &look(root.path(), false), &[Kind::Token], Some(&folder(root.path())));
}

#[test]
fn a_torn_tail_is_no_finding_and_stays() {
    let root = paused();
    let last = spools(root.path())[0].1[1].clone();
    let bytes = fs::read(&last).unwrap();
    fs::write(&last, &bytes[..bytes.len() - 3]).unwrap();
    assert_found("torn", &look(root.path(), true), &[], None);
    assert_eq!(fs::read(&last).unwrap().len(), bytes.len() - 3);
}

#[test]
fn a_suspect_segment_and_an_unfinished_copy_are_no_finding_and_stay() {
    let root = paused();
    let last = spools(root.path())[0].1[1].clone();
    let suspect = PathBuf::from(format!("{}.suspect", last.display()));
    fs::rename(&last, &suspect).unwrap();
    fs::write(last.with_file_name("g1-e3-0.pgs.tmp"), b"a copy cut short").unwrap();
    assert_found("suspect", &look(root.path(), true), &[], None);
    assert!(suspect.exists() && last.with_file_name("g1-e3-0.pgs.tmp").exists());
}

/// Ends all cells of the first partition and seals it, as far as the ledger is told.
fn seal(root: &Path) -> PartitionRow {
    let row = row(root);
    let mut spool = spool(root, 2);
    let mut ledger = ledger(root);
    let mut sealed = Vec::new();
    for cell in ledger.cells(row.id).unwrap() {
        let id = cell.key.id();
        let at = spool.progress(&id).cloned().unwrap_or_default();
        if at.end.is_none() {
            let (epoch, pages, records) = (at.epoch, at.pages, at.records);
            let outcome = if records > 0 { Outcome::Records } else { Outcome::Empty { unconfirmed: false } };
            let end =
                EndFrame { cell: id, epoch, pages, records, outcome: outcome.clone(), received: Timestamp::UNIX_EPOCH };
            spool.append(&[Frame::End(end)]).unwrap();
        }
        let at = spool.progress(&id).cloned().unwrap();
        let (pages, records, credits) = (at.pages, at.records, at.credits);
        sealed.push(SealedCell { key: cell.key, outcome: at.end.unwrap(), records, pages, credits });
    }
    ledger.seal(row.id, 2, &sealed, &[]).unwrap();
    row
}

#[test]
fn a_sealed_partition_must_keep_its_pages() {
    let root = paused();
    seal(root.path());
    let found = look(root.path(), true);
    assert_found("sealed", &found, &[], None);
    assert_eq!((found.cells.records, found.cells.left), (2, 2));

    let folder = folder(root.path());
    fs::remove_dir_all(&folder).unwrap();
    assert_found("its pages gone", &look(root.path(), true), &[Kind::Lost], Some(&folder));
}

#[test]
fn a_decided_file_may_be_late_until_it_is_committed() {
    let root = paused();
    let row = seal(root.path());
    let mut ledger = ledger(root.path());
    let records = ledger.cells(row.id).unwrap().into_iter();
    let rows = records.filter(|cell| cell.outcome == Some(Outcome::Records)).map(|cell| cell.records).sum();
    let file = format!("ranks/day=2026-01-01/part-{}.parquet", row.hash);
    let decision = Decision { digest: "0".repeat(64), rows, bytes: 1, file: file.clone() };
    assert!(ledger.decide(row.id, 2, &decision).unwrap());
    assert_found("decided", &look(root.path(), true), &[], None);
    ledger.commit(row.id, 2, Timestamp::UNIX_EPOCH).unwrap();
    drop(ledger);
    let at = root.path().join("rehearsal/data").join(file);
    assert_found("committed", &look(root.path(), true), &[Kind::Missing], Some(&at));
}
