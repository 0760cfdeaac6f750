//! Appends of many cells: one write serves all who wait, and frames that go together have one answer.

use futures_util::future::join_all;
use tidemill::ledger::Outcome;
use tidemill::plan::CellId;
use tidemill::spool::{Durability, Frame, PageFrame, PartitionSpool, SpoolError, SpoolWriter};

use super::spool::{A, B, end, head, open, page};

#[tokio::test]
async fn one_write_serves_all_who_wait() {
    let dir = tempfile::tempdir().unwrap();
    let (writer, handle) = SpoolWriter::new(256);
    for partition in ["p", "q"] {
        let spool = PartitionSpool::open(&dir.path().join(partition), head(1), Durability::Power).unwrap();
        handle.open(partition, spool).await.unwrap();
    }
    let clients = async move {
        let cells = (0..64u8).map(|n| {
            let handle = handle.clone();
            async move {
                let partition = if n % 2 == 0 { "p" } else { "q" };
                for number in 0..4 {
                    handle.append(partition, vec![page(CellId([n; 16]), 0, number)]).await.unwrap();
                }
            }
        });
        join_all(cells).await;
        assert!(matches!(handle.append("r", vec![page(A, 0, 0)]).await, Err(SpoolError::NotOpen(name)) if name == "r"));
        let refused = join_all([
            handle.append("p", vec![page(CellId([0; 16]), 0, 0)]),
            handle.append("p", vec![page(CellId([200; 16]), 0, 0)]),
        ]);
        let answers = refused.await;
        assert!(matches!(answers[0], Err(SpoolError::Refused { .. })), "a page twice");
        assert!(answers[1].is_ok(), "one bad frame spoils no other");
        let closed = handle.close("p").await.unwrap();
        assert_eq!(closed.pages(&CellId([2; 16])).len(), 4);
        assert!(handle.append("p", vec![page(B, 0, 0)]).await.is_err());
        assert!(matches!(handle.close("p").await, Err(SpoolError::NotOpen(_))));
    };
    let (stats, ()) = tokio::join!(writer.run(), clients);
    assert_eq!(stats.frames, 64 * 4 + 1);
    assert!(stats.writes <= 64, "{} writes for {} frames", stats.writes, stats.frames);
    for (partition, cells) in [("p", 33), ("q", 32)] {
        assert_eq!(open(&dir.path().join(partition), 2).unwrap().cells().count(), cells);
    }
}

#[tokio::test]
async fn only_for_a_sync_do_long_pages_wait_for_each_other() {
    // Six pages of 100 KB: where nothing is synced three are enough for a write.
    for (durability, writes) in [(Durability::Process, 2), (Durability::Power, 1)] {
        let dir = tempfile::tempdir().unwrap();
        let (writer, handle) = SpoolWriter::new(256);
        handle.open("p", PartitionSpool::open(dir.path(), head(1), durability).unwrap()).await.unwrap();
        let long = |number: u8| match page(CellId([number; 16]), 0, 0) {
            Frame::Page(page) => Frame::Page(PageFrame { body: vec![b'x'; 100 << 10].into(), ..page }),
            Frame::End(_) => unreachable!("it is a page"),
        };
        let clients = async move {
            let appended = join_all((0..6).map(|number| handle.append("p", vec![long(number)]))).await;
            assert!(appended.iter().all(Result::is_ok), "{appended:?}");
        };
        let (stats, ()) = tokio::join!(writer.run(), clients);
        assert_eq!((stats.frames, stats.writes), (6, writes), "{durability:?}");
        assert_eq!(open(dir.path(), 2).unwrap().cells().count(), 6);
    }
}

#[tokio::test]
async fn what_is_appended_together_is_one_write_and_one_answer() {
    let dir = tempfile::tempdir().unwrap();
    let (writer, handle) = SpoolWriter::new(256);
    handle.open("p", open(dir.path(), 1).unwrap()).await.unwrap();
    let client = async move {
        handle.append("p", vec![page(A, 0, 0), end(A, 0, 1, Outcome::Records)]).await.unwrap();
        // The second cannot stand: it is the answer, and what stood before it is kept.
        let refused = handle.append("p", vec![page(B, 0, 0), end(B, 0, 2, Outcome::Records), page(B, 0, 1)]).await;
        assert!(matches!(refused, Err(SpoolError::Refused { .. })), "{refused:?}");
    };
    let (stats, ()) = tokio::join!(writer.run(), client);
    assert_eq!((stats.frames, stats.writes), (3, 2));
    let spool = open(dir.path(), 2).unwrap();
    assert_eq!(spool.progress(&A).unwrap().end, Some(Outcome::Records));
    let kept = spool.progress(&B).unwrap();
    assert_eq!((kept.pages, kept.end.clone()), (1, None));
}
