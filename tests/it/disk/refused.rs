//! The disk refuses a step, any step: the run says where and what to do, nothing partial is visible, and the next run
//! completes everything.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use tidemill::disk::{Op, Watch, What};
use tidemill::run::Exit;

use super::case::first;
use super::mill::{Ended, How, IN_FLIGHT, Mill, STOCKS};

/// An error of the system.
struct Refusal {
    code: i32,
    /// Which steps it can meet.
    meets: fn(&What) -> bool,
    /// Whether it stays until the run ends.
    lasts: bool,
    /// Part of a write is there before it is refused.
    tears: bool,
}

const REFUSALS: [Refusal; 4] = [
    // ENOSPC: what needs room; a file system may notice only when it is told to sync.
    Refusal {
        code: 28,
        meets: |what| {
            matches!(
                what,
                What::CreateFolder | What::CreateFile | What::OpenFile | What::Append { .. } | What::SyncFile
            )
        },
        lasts: true,
        tears: true,
    },
    // EIO
    Refusal { code: 5, meets: |_| true, lasts: false, tears: true },
    // EMFILE: what opens something.
    Refusal {
        code: 24,
        meets: |what| matches!(what, What::CreateFile | What::OpenFile | What::SyncFolder),
        lasts: false,
        tears: false,
    },
    // EROFS: a disk that was mounted anew after an error.
    Refusal { code: 30, meets: |what| !matches!(what, What::SyncFile | What::SyncFolder), lasts: true, tears: false },
];

impl Refusal {
    /// The answer to `op` from the `at`-th step on that this can meet; `last` is told of the refused ones.
    fn judge(
        &'static self,
        at: u64,
        met: Arc<AtomicU64>,
        last: Arc<Mutex<PathBuf>>,
    ) -> impl FnMut(&Op) -> io::Result<()> + Send {
        move |op| {
            if matches!(op.what, What::Began | What::Committed) || !(self.meets)(&op.what) {
                return Ok(());
            }
            let step = met.fetch_add(1, Ordering::Relaxed) + 1;
            if step < at || (step > at && !self.lasts) {
                return Ok(());
            }
            if let (What::Append { bytes, .. }, true) = (&op.what, self.tears) {
                let mut file = std::fs::File::options().append(true).open(&op.path)?;
                file.write_all(&bytes[..bytes.len() / 2])?;
            }
            last.lock().unwrap().clone_from(&op.path);
            Err(io::Error::from_raw_os_error(self.code))
        }
    }
}

/// Refuses the `at`-th step of a first run that this error can meet; false when there are fewer.
async fn point(mill: &Arc<Mill>, whole: &BTreeMap<PathBuf, Vec<u8>>, refusal: &'static Refusal, at: u64) -> bool {
    let what = format!("error {} at step {at}", refusal.code);
    let place = mill.place("");
    let met = Arc::new(AtomicU64::new(0));
    let last = Arc::new(Mutex::new(PathBuf::new()));
    let watch = Watch::below(place.root(), refusal.judge(at, Arc::clone(&met), Arc::clone(&last)));
    let Ended { exit, reason, .. } = place.run(How::Plain).await;
    drop(watch);
    if met.load(Ordering::Relaxed) < at {
        assert_eq!(exit, Exit::Done, "{what}: {reason}");
        return false;
    }
    // All is published, and whoever cannot say that it leaves is found to be gone.
    let left = last.lock().unwrap().starts_with(place.folders().quota) && exit == Exit::Done;
    if left {
        assert!(place.output() == *whole, "{what}");
        return true;
    }
    let root = place.root().to_string_lossy();
    assert!(reason.contains(&*root) && reason.contains("run again"), "{what}: {reason}");
    assert_eq!(exit, Exit::Failed, "{what}: {reason}");
    for (path, bytes) in place.output() {
        if !path.starts_with("_staging") {
            assert!(whole.get(&path) == Some(&bytes), "{what}: {} is visible", path.display());
        }
    }
    let place = place.later(1);
    let Ended { exit, reason, .. } = place.run(How::Plain).await;
    assert_eq!(exit, Exit::Done, "{what}, then {reason}");
    assert!(place.output() == *whole, "{what}");
    mill.assert_sound(&place.folders(), &what);
    assert!(place.bought_again() <= IN_FLIGHT, "{what}: {} pages bought again", place.bought_again());
    true
}

#[tokio::test(start_paused = true)]
async fn at_every_step() {
    let mill = Mill::new(STOCKS);
    let whole = first(STOCKS).await.proof.after;
    for refusal in &REFUSALS {
        for at in 1.. {
            if !point(&mill, &whole, refusal, at).await {
                assert!(at > 25, "error {} met {at} steps", refusal.code);
                break;
            }
        }
    }
}
