//! The next generation of a spool: begun from the one before, at no instant two that count.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use tidemill::ledger::Outcome;
use tidemill::plan::CellId;
use tidemill::spool::{
    Durability, Head, Keep, PartitionSpool, SpoolError, SpoolView, Tail, generation_of, has_generation,
    remove_leftovers, remove_other_generations,
};

use super::spool::{A, B, end, files, found, head, page, sample};

fn next(token: u64) -> Head {
    Head { generation: 2, ..head(token) }
}

fn renew(dir: &Path, token: u64, anew: &[CellId]) -> Result<PartitionSpool, SpoolError> {
    PartitionSpool::renew(dir, next(token), Durability::Power, &HashSet::from_iter(anew.iter().copied()), None)
}

#[test]
fn it_begins_with_all_pages_of_the_other_cells() {
    let dir = tempfile::tempdir().unwrap();
    let (whole, _) = sample(dir.path());
    let mut spool = renew(dir.path(), 3, &[B]).unwrap();
    let begun = found(&spool).unwrap();
    assert_eq!((begun.len(), &begun[&A.0]), (1, &whole[&A.0]), "as it was, and B is to begin anew");
    spool.append(&[page(B, 0, 0)]).unwrap();
    spool.append(&[end(B, 0, 1, Outcome::Records)]).unwrap();
    let mended = found(&spool).unwrap();
    drop(spool);
    // Begun once: what was renewed is gone on with, whoever is named then.
    let spool = renew(dir.path(), 4, &[A, B]).unwrap();
    assert_eq!(found(&spool).unwrap(), mended);
    assert_eq!(spool.torn(), 0);
    let view = SpoolView::open(dir.path(), next(4), Tail::Whole).unwrap();
    assert_eq!(view.pages(&A).len(), 2);
    // The older one is untouched, until it is removed.
    assert_eq!(found(&PartitionSpool::open(dir.path(), head(3), Durability::Power).unwrap()).unwrap(), whole);
    remove_other_generations(dir.path(), 2).unwrap();
    assert!(files(dir.path()).iter().all(|path| generation_of(path) == Some(2)));
    assert_eq!(found(&renew(dir.path(), 4, &[]).unwrap()).unwrap(), mended);
}

#[test]
fn it_can_begin_with_nothing() {
    let dir = tempfile::tempdir().unwrap();
    sample(dir.path());
    assert_eq!(renew(dir.path(), 3, &[A, B]).unwrap().cells().count(), 0);
    assert!(has_generation(dir.path(), 2).unwrap());
    assert_eq!(renew(dir.path(), 4, &[]).unwrap().cells().count(), 0, "it has begun, it is not begun again");
}

/// A copy that was cut short has no name yet: the older generation counts, and the next attempt copies anew.
#[test]
fn a_crash_at_any_byte_of_the_copy_leaves_the_older_one() {
    let dir = tempfile::tempdir().unwrap();
    let (whole, _) = sample(dir.path());
    let expected = found(&renew(dir.path(), 3, &[B]).unwrap()).unwrap();
    let copy = dir.path().join("g2-e3-0.pgs");
    let bytes = fs::read(&copy).unwrap();
    for cut in (0..=bytes.len()).step_by(7) {
        for path in files(dir.path()).iter().filter(|path| generation_of(path) != Some(1)) {
            fs::remove_file(path).unwrap();
        }
        fs::write(dir.path().join("g2-e3-0.pgs.tmp"), &bytes[..cut]).unwrap();
        assert!(!has_generation(dir.path(), 2).unwrap());
        let view = SpoolView::open(dir.path(), head(4), Tail::Whole).unwrap();
        assert_eq!(view.cells().count(), whole.len(), "cut at {cut}");
        let spool = renew(dir.path(), 4, &[B]).unwrap();
        assert_eq!(found(&spool).unwrap(), expected, "cut at {cut}");
        assert!(files(dir.path()).iter().all(|path| generation_of(path).is_some()), "the unfinished copy is removed");
    }
}

/// The copy is as well guarded as what it was made of: a flip is damage, and a cut end is no page.
#[test]
fn damage_to_the_copy_is_never_a_page() {
    let dir = tempfile::tempdir().unwrap();
    sample(dir.path());
    let expected = found(&renew(dir.path(), 3, &[B]).unwrap()).unwrap();
    let copy = dir.path().join("g2-e3-0.pgs");
    let bytes = fs::read(&copy).unwrap();
    let mut seen = 0;
    for at in (0..bytes.len()).step_by(5) {
        let mut flipped = bytes.clone();
        flipped[at] ^= 0x10;
        fs::write(&copy, &flipped).unwrap();
        match renew(dir.path(), 3, &[]) {
            Err(SpoolError::Damaged { .. } | SpoolError::Newer { .. }) => seen += 1,
            Err(other) => panic!("flip at {at}: {other}"),
            // The end of the cell was last: without it the cell is not ended.
            Ok(spool) => {
                let (progress, pages) = &found(&spool).unwrap()[&A.0];
                assert_eq!((&progress.end, pages), (&None, &expected[&A.0].1), "flip at {at}");
            }
        }
    }
    assert!(seen * 5 > bytes.len() / 2, "{seen}");
}

#[test]
fn damage_to_the_older_one_begins_nothing() {
    let dir = tempfile::tempdir().unwrap();
    sample(dir.path());
    let first = files(dir.path()).remove(0);
    let mut bytes = fs::read(&first).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&first, bytes).unwrap();
    assert!(matches!(renew(dir.path(), 3, &[B]), Err(SpoolError::Damaged { .. })));
    assert!(!has_generation(dir.path(), 2).unwrap());
}

#[test]
fn leftovers_go_by_partition_and_generation() {
    let job = tempfile::tempdir().unwrap();
    for name in ["all", "second", "nothing"] {
        sample(&job.path().join(name));
        renew(&job.path().join(name), 3, &[B]).unwrap();
    }
    remove_leftovers(job.path(), |name| {
        Ok::<_, SpoolError>(match name {
            "all" => Keep::All,
            "second" => Keep::Generation(2),
            _ => Keep::Nothing,
        })
    })
    .unwrap();
    assert_eq!(files(&job.path().join("all")).len(), 4);
    assert_eq!(files(&job.path().join("second")).len(), 1);
    assert!(!job.path().join("nothing").exists());
}
