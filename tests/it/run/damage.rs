//! A damaged spool: its partition alone waits for a person, who is told the price, and pays exactly that.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use tidemill::ledger::{PartitionRow, PartitionState};
use tidemill::run::Exit;

use super::jobs::{APPS, ranks};
use super::kill::Mortal;
use super::parquet::files;
use super::scene::{Ended, Night, Scene, Twist};

/// Two files of four cells of three pages; the run before paused with pages of both.
async fn paused(requests: u64) -> Scene {
    let job = format!("max_requests = {requests}\n{}", ranks(&APPS, "2026-01-01", "2026-01-02"));
    let mut scene = Night { jobs: &[&job], ..Night::default() }.begin();
    scene.run().await.assert(Exit::Paused);
    scene.jobs = vec![ranks(&APPS, "2026-01-01", "2026-01-02")];
    scene
}

impl Scene {
    fn partition(&self, index: usize) -> PartitionRow {
        self.ledger().partitions(self.name(0)).unwrap().remove(index)
    }

    fn segments(&self, index: usize) -> Vec<PathBuf> {
        files(&self.folders().spool(self.name(0), &self.partition(index).hash))
    }

    fn quarantined(&self) -> Vec<PathBuf> {
        files(&self.folders().state.join("quarantine"))
    }

    async fn refetch_damaged(&mut self) -> Ended {
        self.refetch_damaged = true;
        let ended = self.run().await;
        self.refetch_damaged = false;
        ended
    }
}

/// Changes one bit of the frame with this number in a segment, in its middle; gives the bytes that were there.
fn damage(path: &Path, frame: usize) -> Vec<u8> {
    let original = fs::read(path).unwrap();
    let starts: Vec<usize> = (0..original.len()).filter(|at| original[*at..].starts_with(b"PGS1")).collect();
    let end = starts.get(frame + 1).copied().unwrap_or(original.len());
    let mut bytes = original.clone();
    bytes[(starts[frame] + end) / 2] ^= 0x10;
    fs::write(path, bytes).unwrap();
    original
}

/// The price as a person reads it: pages, and whether it may be less.
fn price(text: &str) -> (u64, bool) {
    let words: Vec<&str> = text.split(' ').collect();
    let pages = words.windows(3).find(|three| three[1].starts_with("page") && three[2] == "of");
    let pages = pages.and_then(|three| three[0].parse().ok());
    (pages.unwrap_or(0), text.contains("at most"))
}

#[tokio::test(start_paused = true)]
async fn the_others_go_on_and_the_price_is_paid_once() {
    let mut exact = 0;
    // Frame 0 is the head of the segment; of the first pages later ones of their cells stand behind them.
    for frame in 0..6 {
        let mut scene = paused(18).await;
        let what = format!("frame {frame}");
        let segment = scene.segments(0).remove(0);
        damage(&segment, frame);
        let spool: Vec<_> = scene.segments(0).iter().map(|path| fs::read(path).unwrap()).collect();

        let ended = scene.run().await;
        ended.assert(Exit::Failed);
        assert!(ended.reason().contains("1 partition are damaged or lost"), "{}", ended.reason());
        assert!(ended.reason().contains("`tidemill run JOB --refetch-damaged`"), "{}", ended.reason());
        let warning = ended.job(0).warnings.join("\n");
        assert!(warning.contains(&segment.display().to_string()) && warning.contains("at byte "), "{warning}");
        assert_eq!(scene.output().len(), 1, "{what}: the other partition is published");
        assert_eq!(scene.partition(1).state, PartitionState::Committed);
        let now: Vec<_> = scene.segments(0).iter().map(|path| fs::read(path).unwrap()).collect();
        assert!(now == spool && scene.quarantined().is_empty(), "{what}: nothing of it is changed");
        assert_eq!(scene.duplicates(), 0, "{what}");
        scene.assert_part();
        let asked = scene.requests();

        let (pages, at_most) = price(ended.reason());
        let mended = scene.refetch_damaged().await;
        mended.assert(Exit::Done);
        let again = scene.duplicates();
        assert!(again == pages || (at_most && again < pages), "{what}: {again} bought again, {}", ended.reason());
        exact += u64::from(!at_most && pages > 0);
        assert_eq!(mended.requests, 24 - asked + again, "{what}");
        scene.assert_exact();
        let aside = scene.quarantined();
        assert!(aside.iter().any(|path| path.file_name() == segment.file_name()), "{what}: {aside:?}");
        scene.assert_settled(Exit::Done).await;
        assert_eq!(scene.quarantined(), aside, "{what}: no run removes it");
    }
    assert!(exact >= 3, "{exact}");
}

/// Leaves one partition sealed or decided, as a run that died between two steps of the ledger does.
async fn unpublished(state: PartitionState) -> Scene {
    let job = ranks(&APPS[..2], "2026-01-01", "2026-01-02");
    // The first calls plan and begin.
    for dies_at in 9..60 {
        let scene = Night { jobs: &[&job], ..Night::default() }.begin();
        let (ledger, calls) = Mortal::new(scene.ledger(), dies_at, true);
        scene.run_with(Twist::None, Box::new(ledger)).await.unwrap();
        assert!(calls.load(Ordering::Relaxed) >= dies_at);
        if scene.partition(0).state == state && !scene.segments(0).is_empty() {
            return scene;
        }
    }
    panic!("no death left the partition {}", state.as_str());
}

#[tokio::test(start_paused = true)]
async fn what_was_sealed_is_fetched_again_as_far_as_it_is_lost() {
    for state in [PartitionState::Sealed, PartitionState::Publishing] {
        for gone in ["a page", "the folder"] {
            let mut scene = unpublished(state).await;
            let what = format!("{} without {gone}", state.as_str());
            // What was decided may be visible already; its pages are not needed then.
            scene.output().into_keys().for_each(|path| fs::remove_file(path).unwrap());
            match gone {
                "a page" => drop(damage(&scene.segments(0)[0], 2)),
                _ => fs::remove_dir_all(scene.segments(0)[0].parent().unwrap()).unwrap(),
            }
            let ended = scene.run().await;
            ended.assert(Exit::Failed);
            assert_eq!(scene.partition(0).state, state, "{what}: nothing is changed unasked");
            assert_eq!(scene.partition(1).state, PartitionState::Committed, "{what}");
            assert_eq!(scene.duplicates(), 0, "{what}");
            let (pages, at_most) = price(ended.reason());
            let due = if gone == "a page" { 1..=3 } else { 6..=6 };
            assert!(!at_most && due.contains(&pages), "{what}: the ledger knows the pages: {}", ended.reason());

            let mended = scene.refetch_damaged().await;
            mended.assert(Exit::Done);
            assert_eq!((mended.requests, scene.duplicates()), (pages, pages), "{what}");
            let cells = mended.job(0).cells;
            assert_eq!((cells.settled(), cells.earlier), (4, 2), "{what}: {cells:?}");
            scene.assert_exact();
            scene.assert_settled(Exit::Done).await;
        }
    }
}

/// The mended spool is a spool like any other: whoever comes next goes on from it, without being asked again.
#[tokio::test(start_paused = true)]
async fn a_run_that_dies_while_it_pays_is_gone_on_with() {
    for after in [4, 6, 9, 12] {
        let mut scene = paused(18).await;
        damage(&scene.segments(0)[0], 1);
        let (pages, _) = price(scene.run().await.reason());
        scene.refetch_damaged = true;
        assert!(scene.run_twisted(Twist::Kill(after)).await.is_none());
        scene.refetch_damaged = false;
        scene.run().await.assert(Exit::Done);
        scene.assert_exact();
        assert!(scene.duplicates() <= pages + 4, "killed after event {after}: {} of {pages}", scene.duplicates());
    }
}

/// Damage that comes while the run goes on is met when the file is made.
#[cfg(debug_assertions)]
#[tokio::test(start_paused = true)]
async fn damage_that_comes_later_holds_up_its_partition_alone() {
    use tidemill::disk::{Watch, What};

    let mut scene = paused(6).await;
    let (folder, mut writes) = (scene.folders().spool(scene.name(0), &scene.partition(0).hash), 0);
    let first = scene.segments(0)[0].clone();
    let watch = Watch::below(&folder, move |op| {
        let appends = matches!(op.what, What::Append { .. });
        writes += u64::from(appends);
        // Before the pages of the first run are read back; what comes in the second needs no second look.
        if appends && writes == 1 {
            damage(&first, 1);
        }
        Ok(())
    });
    let ended = scene.run().await;
    drop(watch);
    ended.assert(Exit::Failed);
    assert!(ended.job(0).warnings[0].contains("at byte "), "{:?}", ended.job(0).warnings);
    assert_eq!((scene.output().len(), scene.partition(1).state), (1, PartitionState::Committed));
    let (pages, at_most) = price(ended.reason());
    let mended = scene.refetch_damaged().await;
    mended.assert(Exit::Done);
    assert!(!at_most && pages > 0, "{}", ended.reason());
    assert_eq!((mended.requests, scene.duplicates()), (pages, pages));
    scene.assert_exact();
}

/// The disk dies at any step of the mending, and of what comes after it.
#[cfg(debug_assertions)]
#[tokio::test(start_paused = true)]
async fn a_disk_that_dies_while_it_is_mended_loses_nothing() {
    use tidemill::disk::Watch;

    let mut unfinished = 0;
    for dies_at in (1..30).step_by(2) {
        let mut scene = paused(18).await;
        damage(&scene.segments(0)[0], 1);
        let (pages, _) = price(scene.run().await.reason());
        let mut step = 0;
        let watch = Watch::below(&scene.folders().state, move |_| {
            step += 1;
            if step >= dies_at { Err(std::io::Error::other("dead")) } else { Ok(()) }
        });
        let ended = scene.refetch_damaged().await;
        drop(watch);
        let what = format!("dead from step {dies_at} on");
        scene.assert_part();
        unfinished += u64::from(ended.report.exit != Exit::Done);
        scene.refetch_damaged().await.assert(Exit::Done);
        scene.assert_exact();
        assert!(scene.duplicates() <= pages + 4, "{what}: {} of {pages}", scene.duplicates());
        let names = scene.quarantined();
        assert!(names.iter().all(|path| path.extension().is_none_or(|ending| ending != "tmp")), "{what}: {names:?}");
    }
    assert!(unfinished > 10, "{unfinished}");
}
