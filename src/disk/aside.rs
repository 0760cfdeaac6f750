//! Work that waits for the disk goes aside, to a thread that may block.
//!
//! A thread can be told to do it on the spot instead: then nothing depends on which thread is faster, and a run on
//! tokio's paused clock is the same run each time. Tests and benches in virtual time ask for that.

use std::future::Future;
use std::pin::Pin;

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

/// The same, begun at once: whoever asks for it goes on, and hears of its end when he waits for it.
pub(crate) fn begun<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Begun<T> {
    if on_the_spot::is_asked() {
        return Box::pin(aside(work));
    }
    let working = tokio::task::spawn_blocking(work);
    Box::pin(async move { working.await.ok() })
}

/// Work that has begun.
pub(crate) type Begun<T> = Pin<Box<dyn Future<Output = Option<T>> + Send>>;

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
