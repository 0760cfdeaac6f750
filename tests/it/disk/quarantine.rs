//! Mending a damaged spool dies at each of its steps: the damage is there as it was, or all of it is mended.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use jiff::Timestamp;
use tidemill::disk::{Durability, Watch};
use tidemill::plan::CellId;
use tidemill::spool::{Frame, Head, PageFrame, PageHead, PartitionSpool, SpoolError, Survey};

const CELLS: [CellId; 2] = [CellId([1; 16]), CellId([2; 16])];

fn head(token: u64) -> Head {
    Head { job: "j".into(), partition: "#0".into(), generation: 1, token, replaces: None }
}

fn page(cell: CellId, page: u32) -> Frame {
    let (next, received) = (Some((page + 1).to_string()), Timestamp::UNIX_EPOCH);
    let (request, credits) = ([page as u8; 16], None);
    let head = PageHead {
        cell,
        epoch: 0,
        page,
        status: 200,
        records: 1,
        next,
        request,
        credits,
        total: None,
        parallel: false,
        received,
    };
    Frame::Page(PageFrame { head, body: Bytes::from(format!("[{page}]")) })
}

fn open(root: &Path, token: u64) -> Result<PartitionSpool, SpoolError> {
    PartitionSpool::open(&root.join("spool"), head(token), Durability::Power)
}

fn mend(root: &Path, token: u64) -> Result<PartitionSpool, SpoolError> {
    let survey = Survey::of(&root.join("spool"), head(token))?;
    survey.mend(&[], &root.join("quarantine/j"), Durability::Power, Timestamp::UNIX_EPOCH)?;
    open(root, token)
}

fn files(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let entries = fs::read_dir(dir).into_iter().flatten().map(|entry| entry.unwrap().path());
    entries.map(|path| (PathBuf::from(path.file_name().unwrap()), fs::read(path).unwrap())).collect()
}

/// Two segments; the first page of the first cell is damaged.
fn damaged(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    for token in [1, 2] {
        let mut spool = open(root, token).unwrap();
        for cell in CELLS {
            spool.append(&[page(cell, token as u32 - 1)]).unwrap();
        }
    }
    let first = root.join("spool/g1-e1-0.pgs");
    let mut bytes = fs::read(&first).unwrap();
    let at = bytes.windows(4).rposition(|bytes| bytes == b"PGS1").unwrap() - 1;
    bytes[at] ^= 1;
    fs::write(&first, bytes).unwrap();
    files(&root.join("spool"))
}

fn pages(spool: &PartitionSpool) -> [u32; 2] {
    CELLS.map(|cell| spool.progress(&cell).map_or(0, |progress| progress.pages))
}

#[test]
fn a_death_at_any_step_leaves_the_damage_or_the_mended_spool() {
    let mut kinds = [0, 0];
    for dies_at in 0.. {
        let root = tempfile::tempdir().unwrap();
        let before = damaged(root.path());
        let mut step = 0;
        let watch = Watch::below(root.path(), move |_| {
            step += 1;
            if step > dies_at { Err(io::Error::other("dead")) } else { Ok(()) }
        });
        let done = mend(root.path(), 3);
        drop(watch);
        let what = format!("died at step {dies_at}");
        match open(root.path(), 4) {
            Err(SpoolError::Damaged { .. }) => {
                kinds[0] += 1;
                let mut now = files(&root.path().join("spool"));
                now.retain(|name, _| name.extension().is_some_and(|ending| ending == "pgs"));
                assert_eq!(now, before, "{what}");
                assert!(done.is_err(), "{what}");
                assert_eq!(pages(&mend(root.path(), 4).unwrap()), [0, 2], "{what}: mended again");
            }
            Ok(spool) => {
                kinds[1] += 1;
                assert_eq!(pages(&spool), [0, 2], "{what}");
            }
            Err(other) => panic!("{what}: {other}"),
        }
        // Set aside once, as they were: the damaged one, and the one whose page stands beyond the gap.
        let mut aside = files(&root.path().join("quarantine/j"));
        aside.retain(|name, _| name.extension().is_some_and(|ending| ending != "json"));
        assert_eq!(aside, before, "{what}");
        let left = files(&root.path().join("spool"));
        assert_eq!(left.len(), 1, "{what}: {:?}", left.keys());
        let mut spool = open(root.path(), 5).unwrap();
        spool.append(&[page(CELLS[0], 0), page(CELLS[0], 1)]).unwrap();
        assert_eq!(pages(&open(root.path(), 6).unwrap()), [2, 2], "{what}: bought again");
        if done.is_ok() {
            break;
        }
    }
    assert!(kinds[0] > 15 && kinds[1] > 2, "{kinds:?}");
}

/// A spool that is damaged twice under one name: the older file stays beside the newer one.
#[test]
fn what_was_set_aside_before_stays() {
    let root = tempfile::tempdir().unwrap();
    let before = damaged(root.path());
    let aside = root.path().join("quarantine/j");
    fs::create_dir_all(&aside).unwrap();
    fs::write(aside.join("g1-e1-0.pgs"), b"another damage").unwrap();
    drop(mend(root.path(), 3).unwrap());
    let found = files(&aside);
    assert_eq!(found[Path::new("g1-e1-0.pgs")], b"another damage");
    assert_eq!(found[Path::new("g1-e1-0.pgs.1")], before[Path::new("g1-e1-0.pgs")]);
    assert!(found.contains_key(Path::new("g1-e1-0.pgs.1.json")));
}
