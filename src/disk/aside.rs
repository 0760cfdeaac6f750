//! Work that waits for the disk goes aside, to a thread that may block.
//!
//! A thread can be told to do it on the spot instead: then nothing depends on which thread is faster, and a run on
//! tokio's paused clock is the same run each time. Tests and benches in virtual time ask for that.

use std::sync::{Arc, Mutex, PoisonError, mpsc};

/// What `work` gives; none when it panicked. Once begun it is done to its end, even if nobody waits any more.
pub(crate) async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    if on_the_spot::is_asked() {
        // Others go on meanwhile, before and after: what is killed then has not begun it, or never heard of its end.
        tokio::task::yield_now().await;
        let given = work();
        tokio::task::yield_now().await;
        return Some(given);
    }
    tokio::task::spawn_blocking(work).await.ok()
}

/// Begins `work` at once; whoever asks for it goes on, and may wait for its end on a thread that may block.
pub(crate) fn begun<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Begun<T> {
    let (sender, given) = mpsc::channel();
    let work: Arc<Mutex<Option<Work<T>>>> = Arc::new(Mutex::new(Some(Box::new(work))));
    if !on_the_spot::is_asked() {
        let work = Arc::clone(&work);
        drop(tokio::task::spawn_blocking(move || take(&work).map(|work| sender.send(work()))));
    }
    Begun { work, given }
}

/// Work that has begun. It needs no thread to end: whoever waits for it before one came to it does it himself, or threads
/// that all wait would wait for ever.
pub(crate) struct Begun<T> {
    work: Arc<Mutex<Option<Work<T>>>>,
    given: mpsc::Receiver<T>,
}

type Work<T> = Box<dyn FnOnce() -> T + Send>;

impl<T> Begun<T> {
    /// What it gives; none when it panicked. Blocks.
    pub(crate) fn wait(self) -> Option<T> {
        match take(&self.work) {
            Some(work) => Some(work()),
            None => self.given.recv().ok(),
        }
    }
}

/// The work, for the one who comes first.
fn take<T>(work: &Mutex<Option<Work<T>>>) -> Option<Work<T>> {
    work.lock().unwrap_or_else(PoisonError::into_inner).take()
}

pub use on_the_spot::OnTheSpot;

/// For time that is virtual only.
mod on_the_spot {
    use std::cell::Cell;
    use std::marker::PhantomData;

    thread_local! {
        static ASKED: Cell<bool> = const { Cell::new(false) };
    }

    pub(super) fn is_asked() -> bool {
        ASKED.get()
    }

    /// Until it is dropped, what runs on this thread does its blocking work on the spot.
    #[derive(Debug)]
    pub struct OnTheSpot(PhantomData<*const ()>);

    impl OnTheSpot {
        /// From now on.
        #[must_use = "it ends when it is dropped"]
        pub fn begin() -> Self {
            ASKED.set(true);
            Self(PhantomData)
        }
    }

    impl Drop for OnTheSpot {
        fn drop(&mut self) {
            ASKED.set(false);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn work_ends_although_no_thread_is_left_for_it() {
        let (sender, waited) = mpsc::channel();
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().max_blocking_threads(1).build().unwrap();
            sender.send(runtime.block_on(aside(|| begun(|| 5).wait())).flatten()).unwrap();
        });
        assert_eq!(waited.recv_timeout(Duration::from_secs(60)), Ok(Some(5)));
    }

    #[tokio::test]
    async fn whoever_waits_for_what_panicked_gets_nothing() {
        let begun = begun(|| -> u32 { panic!("as a test") });
        assert_eq!(aside(move || begun.wait()).await.flatten(), None);
    }

    #[test]
    fn on_the_spot_it_is_done_by_who_waits() {
        let _here = OnTheSpot::begin();
        let here = std::thread::current().id();
        assert_eq!(begun(move || std::thread::current().id()).wait(), Some(here));
    }
}
