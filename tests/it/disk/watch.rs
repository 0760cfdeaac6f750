//! The seam itself: what is done is logged as it was done, and what is refused has no effect.

use std::cell::RefCell;
use std::fs;
use std::io::{self, Write};
use std::path::Path;

use tidemill::disk::{self, DiskFile, Durability, Op, Watch};

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
    let append = |name: &str, offset, bytes: &[u8]| Op::Append { path: path(name), offset, bytes: bytes.to_vec() };
    let wanted = [
        Op::CreateFolder(path("a")),
        Op::SyncFolder(root.path().to_owned()),
        Op::CreateFolder(path("a/b")),
        Op::SyncFolder(path("a")),
        Op::CreateFile(path("a/b/one")),
        append("a/b/one", 0, b"abc"),
        append("a/b/one", 3, b"def"),
        Op::SyncFile(path("a/b/one")),
        Op::Rename { from: path("a/b/one"), to: path("a/two") },
        Op::SyncFolder(path("a/b")),
        Op::OpenFile(path("a/two")),
        Op::Cut { path: path("a/two"), len: 4 },
        append("a/two", 4, b"x"),
        Op::Began(path("a/two")),
        Op::Committed(path("a/two")),
        Op::CreateFile(path("a/two")),
        Op::SyncFile(path("a/two")),
        Op::RemoveFolder(path("a/b")),
        Op::RemoveFile(path("a/two")),
        Op::RemoveFolder(path("a")),
    ];
    assert_eq!(watch.log(), wanted);
}

#[test]
fn a_step_that_is_refused_has_no_effect() {
    for refused in 0.. {
        let root = tempfile::tempdir().unwrap();
        let left = RefCell::new(refused);
        let watch = Watch::below(root.path(), move |op| match left.replace_with(|left| *left - 1) {
            0 if !matches!(op, Op::Began(_) | Op::Committed(_)) => Err(io::Error::from_raw_os_error(28)),
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
            Ok(()) => assert!(matches!(log[refused as usize], Op::Began(_) | Op::Committed(_))),
        }
    }
}
