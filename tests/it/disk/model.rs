//! A file system that forgets: what is left of a folder when the power goes, by the rules that hold on any of them.
//!
//! - Bytes of a file are there for good once the file is synced; names in a folder once the folder is synced. Syncing one
//!   says nothing about the other.
//! - A change of names that was not synced is there or not, whatever became of any other. A rename within a folder is one
//!   change; between two folders it is one in each.
//! - A write that was not synced is there, or not, or its first half is. Whole pages of memory are written: with a later
//!   write come the bytes before it that share its page, and where nothing was written before it there are zeros.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

use tidemill::disk::{Op, What};

/// What a write takes along of the bytes before it.
const PAGE: u64 = 4096;

/// What became of a change that was not synced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Kept,
    Dropped,
    /// For a write: half of it is there.
    Torn,
}

/// What is there, by path below the root: folders without bytes, files with theirs.
pub(crate) type Tree = BTreeMap<PathBuf, Option<Vec<u8>>>;

/// A folder and all below it, as the disk has it and as the system shows it.
#[derive(Debug, Clone)]
pub(crate) struct Model {
    nodes: Vec<Node>,
}

#[derive(Debug, Clone)]
enum Node {
    Folder { names: BTreeMap<OsString, usize>, pending: Vec<Naming> },
    File { bytes: Vec<u8>, pending: Vec<Change> },
}

#[derive(Debug, Clone)]
enum Naming {
    Add(OsString, usize),
    Remove(OsString),
    Move(OsString, OsString, usize),
}

#[derive(Debug, Clone)]
enum Change {
    Append(Vec<u8>),
    Cut(u64),
}

impl Naming {
    fn happen(&self, names: &mut BTreeMap<OsString, usize>) {
        match self {
            Self::Add(name, node) => drop(names.insert(name.clone(), *node)),
            Self::Remove(name) => drop(names.remove(name)),
            Self::Move(from, to, node) => {
                names.remove(from);
                names.insert(to.clone(), *node);
            }
        }
    }
}

impl Model {
    /// An empty folder.
    pub(crate) fn new() -> Self {
        Self { nodes: vec![Node::folder()] }
    }

    /// Does `op`, whose paths are below the root.
    pub(crate) fn apply(&mut self, op: &Op) {
        let Op { path, what } = op;
        match what {
            What::CreateFolder => self.add(path, Node::folder()),
            What::CreateFile | What::OpenFile => match self.find(path) {
                None => self.add(path, Node::File { bytes: Vec::new(), pending: Vec::new() }),
                Some(node) if *what == What::CreateFile => self.change(node, Change::Cut(0)),
                Some(_) => {}
            },
            What::Append { bytes, .. } => {
                let node = self.find(path).unwrap();
                self.change(node, Change::Append(bytes.clone()));
            }
            What::Cut(len) => {
                let node = self.find(path).unwrap();
                self.change(node, Change::Cut(*len));
            }
            What::SyncFile | What::SyncFolder => {
                let node = self.find(path).unwrap();
                self.nodes[node] = self.nodes[node].survive(&mut |_| Fate::Kept);
            }
            What::RenameTo(to) => {
                let node = self.find(path).unwrap();
                if path.parent() == to.parent() {
                    self.name(path, |name| Naming::Move(name, to.file_name().unwrap().to_owned(), node));
                } else {
                    self.name(to, |name| Naming::Add(name, node));
                    self.name(path, Naming::Remove);
                }
            }
            What::RemoveFile | What::RemoveFolder => self.name(path, Naming::Remove),
            What::Began | What::Committed => {}
        }
    }

    /// The changes that are not synced: for each whether it may be torn.
    pub(crate) fn open(&self) -> Vec<bool> {
        let mut open = Vec::new();
        let mut fates = |tears| {
            open.push(tears);
            Fate::Kept
        };
        for node in self.reachable() {
            self.nodes[node].survive(&mut fates);
        }
        open
    }

    /// What is there after each open change, in their order, met its fate.
    pub(crate) fn survivors(&self, fates: &[Fate]) -> Tree {
        let mut fates = fates.iter().copied();
        let mut left = BTreeMap::new();
        for node in self.reachable() {
            left.insert(node, self.nodes[node].survive(&mut |_| fates.next().unwrap()));
        }
        let mut tree = Tree::new();
        walk(&left, 0, Path::new(""), &mut tree);
        tree
    }

    /// What the system shows as long as the power stays.
    pub(crate) fn shown(&self) -> Tree {
        self.survivors(&vec![Fate::Kept; self.open().len()])
    }

    fn find(&self, path: &Path) -> Option<usize> {
        path.components().try_fold(0, |node, part| {
            let Node::Folder { names, .. } = self.nodes[node].survive(&mut |_| Fate::Kept) else { return None };
            names.get(part.as_os_str()).copied()
        })
    }

    fn name(&mut self, path: &Path, naming: impl FnOnce(OsString) -> Naming) {
        let folder = self.find(path.parent().unwrap()).unwrap();
        let Node::Folder { pending, .. } = &mut self.nodes[folder] else { panic!("{path:?} is in a file") };
        pending.push(naming(path.file_name().unwrap().to_owned()));
    }

    fn add(&mut self, path: &Path, node: Node) {
        self.nodes.push(node);
        let node = self.nodes.len() - 1;
        self.name(path, |name| Naming::Add(name, node));
    }

    fn change(&mut self, node: usize, change: Change) {
        let Node::File { pending, .. } = &mut self.nodes[node] else { panic!("a folder is written to") };
        pending.push(change);
    }

    /// Every node that may still have a name.
    fn reachable(&self) -> BTreeSet<usize> {
        let mut reached = BTreeSet::from([0]);
        let mut next = vec![0];
        while let Some(node) = next.pop() {
            let Node::Folder { names, pending } = &self.nodes[node] else { continue };
            let named = pending.iter().filter_map(|naming| match naming {
                Naming::Add(_, node) | Naming::Move(_, _, node) => Some(*node),
                Naming::Remove(_) => None,
            });
            next.extend(names.values().copied().chain(named).filter(|node| reached.insert(*node)));
        }
        reached
    }
}

impl Node {
    fn folder() -> Self {
        Self::Folder { names: BTreeMap::new(), pending: Vec::new() }
    }

    /// The node as the disk has it after each of its open changes met its fate.
    fn survive(&self, fate: &mut impl FnMut(bool) -> Fate) -> Self {
        match self {
            Self::Folder { names, pending } => {
                let mut names = names.clone();
                pending.iter().filter(|_| fate(false) == Fate::Kept).for_each(|naming| naming.happen(&mut names));
                Self::Folder { names, pending: Vec::new() }
            }
            Self::File { bytes, pending } => {
                let mut bytes = bytes.clone();
                for writes in pending.split_inclusive(|change| matches!(change, Change::Cut(_))) {
                    let appends = writes.iter().filter_map(|change| match change {
                        Change::Append(bytes) => Some(bytes.as_slice()),
                        Change::Cut(_) => None,
                    });
                    write(&mut bytes, appends, fate);
                    if let Some(Change::Cut(len)) = writes.last()
                        && fate(false) == Fate::Kept
                    {
                        bytes.truncate(usize::try_from(*len).unwrap());
                    }
                }
                Self::File { bytes, pending: Vec::new() }
            }
        }
    }
}

/// Appends what is there of `appends`.
fn write<'a>(bytes: &mut Vec<u8>, appends: impl Iterator<Item = &'a [u8]>, fate: &mut impl FnMut(bool) -> Fate) {
    let durable = bytes.len();
    let mut there: Vec<(usize, usize)> = Vec::new();
    for append in appends {
        let start = bytes.len();
        bytes.extend_from_slice(append);
        let end = match fate(true) {
            Fate::Kept => bytes.len(),
            Fate::Torn => start + append.len() / 2,
            Fate::Dropped => continue,
        };
        there.push((start - start % PAGE as usize, end));
    }
    bytes.truncate(there.iter().map(|(_, end)| *end).max().unwrap_or(durable).max(durable));
    for (at, byte) in bytes.iter_mut().enumerate().skip(durable) {
        if !there.iter().any(|(start, end)| (*start..*end).contains(&at)) {
            *byte = 0;
        }
    }
}

fn walk(nodes: &BTreeMap<usize, Node>, node: usize, path: &Path, tree: &mut Tree) {
    match &nodes[&node] {
        Node::File { bytes, .. } => drop(tree.insert(path.to_owned(), Some(bytes.clone()))),
        Node::Folder { names, .. } => {
            if node != 0 {
                tree.insert(path.to_owned(), None);
            }
            names.iter().for_each(|(name, node)| walk(nodes, *node, &path.join(name), tree));
        }
    }
}

mod tests {
    use super::*;

    fn op(path: &str, what: What) -> Op {
        Op { path: PathBuf::from(path), what }
    }

    fn append(path: &str, bytes: &[u8]) -> Op {
        op(path, What::Append { offset: 0, bytes: bytes.to_vec() })
    }

    fn model(ops: &[Op]) -> Model {
        let mut model = Model::new();
        ops.iter().for_each(|op| model.apply(op));
        model
    }

    /// Every state that the open changes can leave, as text.
    fn states(model: &Model) -> BTreeSet<String> {
        let open = model.open();
        let mut all = vec![Vec::new()];
        for tears in open {
            let fates = [Fate::Kept, Fate::Dropped, Fate::Torn];
            let fates = &fates[..if tears { 3 } else { 2 }];
            all = all.iter().flat_map(|known| fates.iter().map(|fate| [&known[..], &[*fate]].concat())).collect();
        }
        all.iter().map(|fates| show(&model.survivors(fates))).collect()
    }

    fn show(tree: &Tree) -> String {
        let one = |(path, bytes): (&PathBuf, &Option<Vec<u8>>)| match bytes {
            Some(bytes) => format!("{}={}", path.display(), String::from_utf8_lossy(bytes).replace('\0', "0")),
            None => format!("{}/", path.display()),
        };
        tree.iter().map(one).collect::<Vec<_>>().join(" ")
    }

    fn assert_states(ops: &[Op], wanted: &[&str]) {
        let wanted: BTreeSet<String> = wanted.iter().map(|state| (*state).to_owned()).collect();
        assert_eq!(states(&model(ops)), wanted, "{ops:?}");
    }

    #[test]
    fn names_and_bytes_are_synced_apart() {
        let new = [op("a", What::CreateFile), append("a", b"xyzt")];
        assert_states(&new, &["", "a=", "a=xy", "a=xyzt"]);
        assert_states(&[&new[..], &[op("a", What::SyncFile)]].concat(), &["", "a=xyzt"]);
        assert_states(&[&new[..], &[op("", What::SyncFolder)]].concat(), &["a=", "a=xy", "a=xyzt"]);
        let both = [op("a", What::SyncFile), op("", What::SyncFolder)];
        assert_states(&[&new[..], &both].concat(), &["a=xyzt"]);
        assert_states(&[&new[..], &both, &[op("a", What::RemoveFile)]].concat(), &["", "a=xyzt"]);
    }

    #[test]
    fn what_is_in_a_lost_folder_is_lost() {
        let ops = [
            op("d", What::CreateFolder),
            op("d/a", What::CreateFile),
            append("d/a", b"xy"),
            op("d/a", What::SyncFile),
            op("d", What::SyncFolder),
        ];
        assert_states(&ops, &["", "d/ d/a=xy"]);
        assert_states(&[&ops[..], &[op("", What::SyncFolder)]].concat(), &["d/ d/a=xy"]);
    }

    #[test]
    fn a_rename_is_one_change_in_each_folder() {
        let made = [
            op("d", What::CreateFolder),
            op("a", What::CreateFile),
            append("a", b"xy"),
            op("a", What::SyncFile),
            op("", What::SyncFolder),
        ];
        let within = op("a", What::RenameTo(PathBuf::from("b")));
        assert_states(&[&made[..], &[within]].concat(), &["a=xy d/", "b=xy d/"]);
        let between = [&made[..], &[op("a", What::RenameTo(PathBuf::from("d/b")))]].concat();
        assert_states(&between, &["a=xy d/", "a=xy d/ d/b=xy", "d/", "d/ d/b=xy"]);
        let synced = [&between[..], &[op("d", What::SyncFolder)]].concat();
        assert_states(&synced, &["a=xy d/ d/b=xy", "d/ d/b=xy"]);
        assert_eq!(show(&model(&between).shown()), "d/ d/b=xy");
    }

    #[test]
    fn a_file_replaced_is_the_old_one_or_the_new_one() {
        let ops = [
            op("a", What::CreateFile),
            append("a", b"old!"),
            op("a", What::SyncFile),
            op("b", What::CreateFile),
            append("b", b"new!"),
            op("b", What::SyncFile),
            op("", What::SyncFolder),
            op("b", What::RenameTo(PathBuf::from("a"))),
        ];
        assert_states(&ops, &["a=old! b=new!", "a=new!"]);
        // Whoever writes the file in place gets this.
        let in_place =
            [&ops[..3], &[op("", What::SyncFolder), op("a", What::CreateFile), append("a", b"new!")]].concat();
        assert_states(&in_place, &["a=old!", "a=", "a=new!", "a=ne", "a=old!new!", "a=old!ne"]);
    }

    #[test]
    fn writes_share_pages() {
        let begun = [op("a", What::CreateFile), op("", What::SyncFolder)];
        let two = [&begun[..], &[append("a", b"wx"), append("a", b"yz")]].concat();
        assert_states(&two, &["a=", "a=w", "a=wx", "a=wxy", "a=wxyz"]);
        // A page further on brings no bytes of the one before.
        let long = [&begun[..], &[append("a", &[b'x'; 4096]), append("a", b"yz")]].concat();
        let hole = format!("a={}yz", "0".repeat(4096));
        assert!(states(&model(&long)).contains(&hole));
        assert_eq!(states(&model(&long)).len(), 9, "each write has a fate of its own");
    }

    #[test]
    fn a_cut_is_a_change_like_others() {
        let ops = [
            op("a", What::CreateFile),
            append("a", b"wxyz"),
            op("a", What::SyncFile),
            op("", What::SyncFolder),
            op("a", What::Cut(2)),
        ];
        assert_states(&ops, &["a=wxyz", "a=wx"]);
        assert_states(&[&ops[..], &[op("a", What::SyncFile)]].concat(), &["a=wx"]);
        let grown = [&ops[..], &[append("a", b"!!"), op("a", What::SyncFile)]].concat();
        assert_states(&grown, &["a=wx!!"]);
    }
}
