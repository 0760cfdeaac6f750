//! Damage to every byte of a spool: it is seen or looks like a write that was cut off, no page is ever another than the
//! one that was bought, and mending it costs exactly the pages that are missing.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use jiff::Timestamp;
use tempfile::TempDir;
use tidemill::ledger::Outcome;
use tidemill::plan::{CellId, CellKey};
use tidemill::spool::{
    Durability, EndFrame, Frame, Head, PageFrame, PageHead, PartitionSpool, Price, SpoolError, Survey, generation_of,
};

use super::spool::{files, found, head};

const A: CellId = CellId([0xa; 16]);
const B: CellId = CellId([0xb; 16]);
const C: CellId = CellId([0xc; 16]);
const D: CellId = CellId([0xd; 16]);
const CELLS: [CellId; 4] = [A, B, C, D];

/// Later than every token of [`Bought`].
const TOKEN: u64 = 9;

fn of(generation: u32, token: u64) -> Head {
    Head { generation, ..head(token) }
}

fn page(cell: CellId, epoch: u32, page: u32, last: bool) -> Frame {
    let head = PageHead {
        cell,
        epoch,
        page,
        status: 200,
        records: 3,
        next: (!last).then(|| format!("{}", page + 1)),
        request: [page as u8; 16],
        credits: Some(2),
        total: None,
        parallel: false,
        received: Timestamp::UNIX_EPOCH,
    };
    Frame::Page(PageFrame { head, body: Bytes::from(format!("{{\"{}.{epoch}.{page}\":[1,2,3]}}", cell.0[0])) })
}

fn end(cell: CellId, epoch: u32, pages: u32) -> Frame {
    let outcome = if pages > 0 { Outcome::Records } else { Outcome::Empty { unconfirmed: false } };
    let received = Timestamp::UNIX_EPOCH;
    Frame::End(EndFrame { cell, epoch, pages, records: u64::from(pages) * 3, outcome, received })
}

/// What a folder must hold of each cell: epoch, pages, whether it ended. Written down apart from the spool's own rules.
type State = BTreeMap<[u8; 16], (u32, Vec<PageFrame>, bool)>;

fn state<'a>(frames: impl IntoIterator<Item = &'a Frame>) -> State {
    let mut state = State::new();
    for frame in frames {
        let (cell, epoch) = match frame {
            Frame::Page(page) => (page.head.cell, page.head.epoch),
            Frame::End(end) => (end.cell, end.epoch),
        };
        let entry = state.entry(cell.0).or_default();
        if epoch > entry.0 {
            *entry = (epoch, Vec::new(), false);
        }
        match frame {
            Frame::Page(page) if epoch == entry.0 => entry.1.push(page.clone()),
            Frame::End(_) => entry.2 = true,
            Frame::Page(_) => {}
        }
    }
    state
}

fn read(spool: &PartitionSpool) -> State {
    let cells = found(spool).unwrap().into_iter();
    cells.map(|(cell, (progress, pages))| (cell, (progress.epoch, pages, progress.end.is_some()))).collect()
}

/// Two generations of a partition, as they were bought.
struct Bought {
    dir: TempDir,
    /// The writes of each generation, in order, with their frames.
    writes: BTreeMap<u32, Vec<Vec<Frame>>>,
}

impl Bought {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut bought = Self { dir, writes: BTreeMap::new() };
        let spool = PartitionSpool::open(bought.path(), of(1, 1), Durability::Process).unwrap();
        let spool =
            bought.write(1, spool, vec![vec![page(A, 0, 0, false)], vec![page(B, 0, 0, false), page(A, 0, 1, true)]]);
        // The same process opens it again.
        let spool = bought.write(1, spool.reopen().unwrap(), vec![vec![end(A, 0, 2)], vec![page(C, 0, 0, false)]]);
        drop(spool);
        let spool = PartitionSpool::open(bought.path(), of(1, 2), Durability::Process).unwrap();
        // The cursor of C died: its second epoch begins at the first page.
        let writes = vec![vec![page(C, 1, 0, false), page(B, 0, 1, false)], vec![end(D, 0, 0), page(C, 1, 1, true)]];
        drop(bought.write(1, spool, writes));
        let spool = PartitionSpool::open(bought.path(), of(1, 3), Durability::Process).unwrap();
        let writes = vec![vec![page(B, 0, 2, true)], vec![end(C, 1, 2), end(B, 0, 3)]];
        drop(bought.write(1, spool, writes));
        let again = HashSet::from([B]);
        let spool = PartitionSpool::renew(bought.path(), of(2, 4), Durability::Process, &again, None).unwrap();
        let copied = bought.writes[&1].iter().flatten().filter(|frame| match frame {
            Frame::Page(page) => page.head.cell != B,
            Frame::End(end) => end.cell != B,
        });
        let copied = copied.map(|frame| vec![frame.clone()]).collect();
        bought.writes.insert(2, copied);
        drop(bought.write(2, spool, vec![vec![page(B, 0, 0, true)], vec![end(B, 0, 1)]]));
        bought
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }

    fn write(&mut self, generation: u32, mut spool: PartitionSpool, writes: Vec<Vec<Frame>>) -> PartitionSpool {
        for frames in writes {
            spool.append(&frames).unwrap();
            self.writes.entry(generation).or_default().push(frames);
        }
        spool
    }

    fn frames(&self, generation: u32) -> impl Iterator<Item = &Frame> {
        self.writes[&generation].iter().flatten()
    }

    /// What a write that was cut off at byte `at` of a segment leaves; none where it cannot have been one. A flip can
    /// only be taken for one in the last write.
    fn torn(&self, path: &Path, at: usize, flip: bool) -> Option<State> {
        let generation = generation_of(path).unwrap();
        let last = files(self.path()).into_iter().rfind(|path| generation_of(path) == Some(generation));
        if last.as_deref() != Some(path) {
            return None;
        }
        let bytes = fs::read(path).unwrap();
        let starts = (0..bytes.len()).filter(|at| bytes[*at..].starts_with(b"PGS1"));
        let ends: Vec<usize> = starts.skip(1).chain([bytes.len()]).collect();
        let behind = ends.iter().filter(|end| **end > at).count().min(ends.len() - 1);
        let torn = !flip || behind <= self.writes[&generation].last().unwrap().len();
        let count = self.frames(generation).count() - behind;
        // With the head everything behind it is gone.
        (torn && (!flip || at >= ends[0])).then(|| state(self.frames(generation).take(count)))
    }

    /// Asks for what `spool` lacks, as a run would; gives the requests that takes.
    fn buy(&self, generation: u32, spool: &mut PartitionSpool) -> u64 {
        let mut requests = 0;
        for (cell, (_, pages, _)) in state(self.frames(generation)) {
            let (cell, count) = (CellId(cell), u32::try_from(pages.len()).unwrap());
            let at = spool.progress(&cell).cloned().unwrap_or_default();
            if at.end.is_some() {
                continue;
            }
            let pages = (at.pages..count).map(|number| page(cell, at.epoch, number, number + 1 == count));
            let frames: Vec<Frame> = pages.chain([end(cell, at.epoch, count)]).collect();
            requests += (frames.len() as u64 - 1).max(u64::from(count == 0));
            spool.append(&frames).unwrap();
        }
        requests
    }
}

/// The bodies of each cell without the number of the epoch, which begins anew where nothing of a cell is left.
fn asked(state: &State) -> BTreeMap<[u8; 16], (usize, bool)> {
    state.iter().map(|(cell, (_, pages, ended))| (*cell, (pages.len(), *ended))).collect()
}

/// What is left of `bought` in `dir` is mended, and costs what is said; gives the price.
fn mended(bought: &Bought, dir: &Path, generation: u32, what: &str) -> Option<Price> {
    let aside = dir.join("aside");
    let survey = match Survey::of(dir, of(generation, TOKEN)) {
        Ok(survey) => survey,
        Err(SpoolError::Foreign { .. }) => return None,
        Err(other) => panic!("{what}: {other}"),
    };
    let price = survey.price(CELLS);
    let before: Vec<_> = files(dir).into_iter().filter(|path| path.is_file()).collect();
    let before: Vec<_> = before.iter().map(|path| (path.clone(), fs::read(path).unwrap())).collect();
    let done = survey.mend(&[], &aside, Durability::Process, Timestamp::UNIX_EPOCH).unwrap();
    for (path, bytes) in &before {
        assert_eq!(&fs::read(path).unwrap(), bytes, "{what}: mending changes no file");
    }
    for path in &done.aside {
        let original = dir.join(path.file_name().unwrap());
        assert_eq!(fs::read(path).unwrap(), fs::read(original).unwrap(), "{what}: as it was");
        let note = fs::read_to_string(format!("{}.json", path.display())).unwrap();
        assert!(note.contains("\"job\": \"job\"") && note.contains("\"damage\": ["), "{note}");
    }
    let mut spool = PartitionSpool::open(dir, of(generation, TOKEN), Durability::Process).unwrap();
    assert_eq!(files(dir).iter().filter(|path| generation_of(path) == Some(generation)).count(), 1, "{what}");
    let whole = state(bought.frames(generation));
    for (cell, (epoch, pages, _)) in read(&spool) {
        // A cell whose later epoch is lost without a trace stands where it stood before.
        let all = bought.frames(generation).filter_map(|frame| match frame {
            Frame::Page(page) if page.head.cell.0 == cell && page.head.epoch == epoch => Some(page),
            Frame::Page(_) | Frame::End(_) => None,
        });
        assert!(all.take(pages.len()).eq(&pages), "{what}: kept pages are the first that were bought");
    }
    let requests = bought.buy(generation, &mut spool);
    assert_eq!(asked(&read(&spool)), asked(&whole), "{what}");
    assert!(requests <= price.pages, "{what}: {requests} requests, {price}");
    assert!(price.at_most || requests == price.pages, "{what}: {requests} requests, {price}");
    spool.remove().unwrap();
    Some(price)
}

/// Brings `work` back to what `bought` holds.
fn copied(bought: &Bought, work: &Path) {
    drop(fs::remove_dir_all(work.join("aside")));
    let name = |path: &PathBuf| path.file_name().unwrap().to_owned();
    let whole: HashSet<_> = files(bought.path()).iter().map(name).collect();
    for path in files(work).into_iter().filter(|path| !whole.contains(&name(path))) {
        fs::remove_file(path).unwrap();
    }
    for name in whole.iter().filter(|name| !work.join(name).exists()) {
        fs::copy(bought.path().join(name), work.join(name)).unwrap();
    }
}

/// Opens the damaged generation and the other one. `torn` is what may be found without a word.
fn judge(bought: &Bought, work: &Path, generation: u32, torn: Option<&State>, what: &str) -> Option<Price> {
    let other = 3 - generation;
    let sound = PartitionSpool::open(work, of(other, TOKEN), Durability::Process).unwrap();
    assert_eq!(read(&sound), state(bought.frames(other)), "{what}: the other generation");
    drop(sound);
    match PartitionSpool::open(work, of(generation, TOKEN), Durability::Process) {
        Ok(spool) => {
            assert_eq!(Some(&read(&spool)), torn, "{what}: a page is lost or changed, and nobody is told");
            None
        }
        Err(SpoolError::Damaged { .. }) => mended(bought, work, generation, what),
        Err(SpoolError::Foreign { .. }) => None,
        Err(other) => panic!("{what}: {other}"),
    }
}

/// Damages each file of `bought` at each byte and lets `judge` look; it says whether the folder is spoilt by that.
fn each_byte(
    bought: &Bought,
    damage: impl Fn(&[u8], usize) -> Vec<u8>,
    mut judge: impl FnMut(&Path, &Path, usize) -> bool,
) {
    let work = tempfile::tempdir().unwrap();
    copied(bought, work.path());
    for path in files(bought.path()) {
        let (original, target) = (fs::read(&path).unwrap(), work.path().join(path.file_name().unwrap()));
        for at in 0..original.len() {
            fs::write(&target, damage(&original, at)).unwrap();
            if judge(&path, work.path(), at) {
                copied(bought, work.path());
            }
        }
        fs::write(&target, &original).unwrap();
    }
}

#[test]
fn a_flip_in_any_byte_is_seen_and_costs_what_it_hit() {
    let bought = Bought::new();
    let (mut seen, mut exact, mut bytes) = (0, 0, 0);
    let flip = |bytes: &[u8], at: usize| {
        let mut bytes = bytes.to_vec();
        bytes[at] ^= 1 << (at % 8);
        bytes
    };
    each_byte(&bought, flip, |path, work, at| {
        let generation = generation_of(path).unwrap();
        let what = format!("{} byte {at}", path.display());
        let price = judge(&bought, work, generation, bought.torn(path, at, true).as_ref(), &what);
        bytes += 1;
        let Some(price) = price else { return false };
        seen += 1;
        exact += u64::from(!price.at_most);
        assert!(price.pages <= 3, "{what}: {price} for one frame");
        true
    });
    assert!(bytes > 5000 && seen * 10 > bytes * 8 && exact * 2 > seen, "{exact} of {seen} of {bytes}");
}

#[test]
fn a_cut_at_any_length_is_seen_or_looks_like_a_torn_write() {
    let bought = Bought::new();
    let mut seen = 0;
    each_byte(
        &bought,
        |bytes, at| bytes[..at].to_vec(),
        |path, work, at| {
            let (generation, torn) = (generation_of(path).unwrap(), bought.torn(path, at, false));
            let what = format!("{} cut at {at}", path.display());
            if torn.is_none() && at % 3 > 0 {
                let opened = PartitionSpool::open(work, of(generation, TOKEN), Durability::Process);
                assert!(matches!(opened, Err(SpoolError::Damaged { .. })), "{what}");
                return false;
            }
            let mended = judge(&bought, work, generation, torn.as_ref(), &what).is_some();
            seen += u64::from(mended);
            mended
        },
    );
    assert!(seen > 1000, "{seen}");
}

#[test]
fn segments_that_are_gone_or_in_each_others_place_are_seen() {
    let bought = Bought::new();
    let work = tempfile::tempdir().unwrap();
    let all: Vec<PathBuf> = files(bought.path()).into_iter().filter(|path| generation_of(path) == Some(1)).collect();
    assert_eq!(all.len(), 4);
    let name = |path: &Path| work.path().join(path.file_name().unwrap());
    for (index, path) in all.iter().enumerate() {
        copied(&bought, work.path());
        fs::remove_file(name(path)).unwrap();
        // Nobody can miss here what nothing follows; the ledger does, once the partition is sealed.
        let torn = bought.torn(path, 0, false);
        let price = judge(&bought, work.path(), 1, torn.as_ref(), &format!("segment {index} gone"));
        assert_eq!(price.is_none(), index + 1 == all.len(), "segment {index} gone");
        for other in &all[index + 1..] {
            [path, other].into_iter().for_each(|path| drop(fs::remove_file(name(path))));
            copied(&bought, work.path());
            fs::copy(path, name(other)).unwrap();
            fs::copy(other, name(path)).unwrap();
            let price = judge(&bought, work.path(), 1, None, &format!("{} swapped", path.display()));
            // Of one token nothing but the order is wrong, and the numbers tell it.
            assert!(price.is_none_or(|price| price == Price::default()), "{price:?}");
            [path, other].into_iter().for_each(|path| drop(fs::remove_file(name(path))));
        }
    }
}

/// Whoever loses the ledger too still learns from the mended spool which cells the partition has.
#[test]
fn a_mended_spool_names_its_cells_although_the_head_was_hit() {
    let job = tempfile::tempdir().unwrap();
    let (dir, members) = (job.path().join("hash"), ["a", "b"].map(|name| CellKey(name.into())));
    let spool = PartitionSpool::open(&dir, of(1, 1), Durability::Process).unwrap();
    let mut spool = spool.with_members(members.to_vec());
    spool.append(&[page(A, 0, 0, false)]).unwrap();
    spool.append(&[page(A, 0, 1, true)]).unwrap();
    let segment = files(&dir).remove(0);
    let mut bytes = fs::read(&segment).unwrap();
    bytes[60] ^= 1;
    fs::write(&segment, bytes).unwrap();
    let named = || tidemill::spool::found(job.path(), |_| true).unwrap().remove(0).members;
    assert_eq!(named(), None, "the only head is damaged");
    let survey = Survey::of(&dir, of(1, 2)).unwrap();
    survey.mend(&members, &job.path().join("aside"), Durability::Process, Timestamp::UNIX_EPOCH).unwrap();
    drop(PartitionSpool::open(&dir, of(1, 2), Durability::Process).unwrap());
    fs::remove_dir_all(job.path().join("aside")).unwrap();
    assert_eq!(named().as_deref(), Some(&members[..]));
}
