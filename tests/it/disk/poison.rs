//! A spool segment whose write or sync failed is never written to again.

use std::io;

use tidemill::disk::{Durability, Watch, What};
use tidemill::ledger::Outcome;
use tidemill::plan::CellId;
use tidemill::spool::{EndFrame, Frame, Head, PartitionSpool, SpoolError};

fn end(cell: u8) -> Frame {
    let (cell, received) = (CellId([cell; 16]), jiff::Timestamp::UNIX_EPOCH);
    let outcome = Outcome::Empty { unconfirmed: false };
    Frame::End(EndFrame { cell, epoch: 0, pages: 0, records: 0, outcome, received })
}

#[test]
fn a_failed_write_or_sync_poisons_until_opened_again() {
    for broken in ["write", "sync"] {
        let dir = tempfile::tempdir().unwrap();
        let head = Head { job: "j".into(), partition: "#0".into(), generation: 1, token: 1, replaces: None };
        let mut spool = PartitionSpool::open(dir.path(), head, Durability::Power).unwrap();
        spool.append(&[end(1)]).unwrap();
        let watch = Watch::below(dir.path(), move |op| match op.what {
            What::Append { .. } if broken == "write" => Err(io::ErrorKind::StorageFull.into()),
            What::SyncFile if broken == "sync" => Err(io::Error::other("the disk is gone")),
            _ => Ok(()),
        });
        assert!(matches!(spool.append(&[end(2)]), Err(SpoolError::Io { .. })), "{broken}");
        drop(watch);
        assert!(matches!(spool.append(&[end(3)]), Err(SpoolError::Poisoned { .. })));
        assert!(matches!(spool.commit(), Err(SpoolError::Poisoned { .. })));
        assert!(dir.path().join("g1-e1-0.pgs.suspect").exists());
        let mut spool = spool.reopen().unwrap();
        assert!(spool.progress(&CellId([1; 16])).is_some());
        // After a failed sync nobody knows; what is found is whole.
        assert!(broken == "sync" || spool.progress(&CellId([2; 16])).is_none(), "it was not answered for");
        assert!(!dir.path().join("g1-e1-0.pgs.suspect").exists());
        if broken == "write" {
            spool.append(&[end(2)]).unwrap();
        }
        assert_eq!(spool.reopen().unwrap().cells().count(), 2);
    }
}
