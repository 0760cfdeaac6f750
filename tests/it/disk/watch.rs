//! The seam itself: what is done is logged as it was done, and what is refused has no effect.

use std::cell::RefCell;
use std::fs;
use std::io::{self, Write};
use std::path::Path;

use tidemill::disk::{self, DiskFile, Durability, Op, Watch, What};

/// One of each kind, in an order in which all of them can be.
fn all(root: &Path) -> io::Result<()> {
    let (folder, one, two) = (root.join("a/b"), root.join("a/b/one"), root.join("a/two"));
    disk::create_folders(&folder, Durability::Power)?;
    let mut file = DiskFile::create_new(&one)?;
    file.write_all(b"abc")?;
    file.write_all(b"def")?;
    file.sync_data()?;
    disk::rename(&one, &two)?;
    disk::sync_folder(&folder)?;
    let mut file = DiskFile::append(&two)?;
    file.cut(4)?;
    file.write_all(b"x")?;
    disk::began(&two);
    disk::committed(&two);
    assert_eq!(fs::read(&two)?, b"abcdx");
    DiskFile::create(&two)?.sync_all()?;
    assert_eq!(fs::read(&two)?, b"");
    disk::remove_folder(&folder)?;
    disk::remove_tree(&root.join("a"))
}

#[test]
fn the_log_is_what_took_effect() {
    let root = tempfile::tempdir().unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    let watch = Watch::all_below(root.path());
    all(root.path()).unwrap();
    all(elsewhere.path()).unwrap();
    let path = |name: &str| root.path().join(name);
    let op = |name: &str, what| Op { path: path(name), what };
    let append = |name: &str, offset, bytes: &[u8]| op(name, What::Append { offset, bytes: bytes.to_vec() });
    let wanted = [
        op("a", What::CreateFolder),
        Op { path: root.path().to_owned(), what: What::SyncFolder },
        op("a/b", What::CreateFolder),
        op("a", What::SyncFolder),
        op("a/b/one", What::CreateFile),
        append("a/b/one", 0, b"abc"),
        append("a/b/one", 3, b"def"),
        op("a/b/one", What::SyncFile),
        op("a/b/one", What::RenameTo(path("a/two"))),
        op("a/b", What::SyncFolder),
        op("a/two", What::OpenFile),
        op("a/two", What::Cut(4)),
        append("a/two", 4, b"x"),
        op("a/two", What::Began),
        op("a/two", What::Committed),
        op("a/two", What::CreateFile),
        op("a/two", What::SyncFile),
        op("a/b", What::RemoveFolder),
        op("a/two", What::RemoveFile),
        op("a", What::RemoveFolder),
    ];
    assert_eq!(watch.log(), wanted);
}

#[test]
fn a_step_that_is_refused_has_no_effect() {
    for refused in 0.. {
        let root = tempfile::tempdir().unwrap();
        let left = RefCell::new(refused);
        let watch = Watch::below(root.path(), move |op| match left.replace_with(|left| *left - 1) {
            0 if !matches!(op.what, What::Began | What::Committed) => Err(io::Error::from_raw_os_error(28)),
            _ => Ok(()),
        });
        let done = all(root.path());
        let log = watch.log();
        if done.is_ok() && log.len() <= refused as usize {
            assert_eq!(refused, 20, "each step was refused once");
            break;
        }
        match done {
            Err(error) => {
                assert_eq!(error.raw_os_error(), Some(28));
                assert_eq!(log.len(), refused as usize, "nothing was done after it");
            }
            Ok(()) => assert!(matches!(log[refused as usize].what, What::Began | What::Committed)),
        }
    }
}
