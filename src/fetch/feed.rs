//! Hands what is durable on to whoever makes a file of it, so that a page need not be read back from the disk.
//!
//! Invariant: nothing is handed on before it is durable, and nothing more is asked for while too much waits to be taken:
//! memory is bounded, whoever is slower.

use tokio::sync::{mpsc, watch};

use crate::json::Outline;
use crate::spool::Frame;

/// Bytes of bodies that may wait to be taken; beyond this fetching waits.
const MOST: usize = 8 << 20;

/// Hands on the frames of one partition; cheap to clone. It ends when the last of them is gone.
#[derive(Debug, Clone)]
pub struct Feed {
    handed: mpsc::UnboundedSender<Handed>,
    waiting: watch::Sender<usize>,
}

/// What became durable together.
#[derive(Debug)]
pub struct Handed {
    /// In order for each cell; at most one page.
    pub frames: Vec<Frame>,
    /// Of the body of that page.
    pub outline: Option<Outline>,
}

/// The other end of a [`Feed`].
#[derive(Debug)]
pub struct Fed {
    handed: mpsc::UnboundedReceiver<Handed>,
    waiting: watch::Sender<usize>,
}

impl Feed {
    /// A feed and its other end.
    pub fn new() -> (Self, Fed) {
        let (sender, handed) = mpsc::unbounded_channel();
        let waiting = watch::Sender::new(0);
        (Self { handed: sender, waiting: waiting.clone() }, Fed { handed, waiting })
    }

    /// Waits while there is too much.
    pub(super) async fn room(&self) {
        if *self.waiting.borrow() <= MOST {
            return;
        }
        // The sender is held here, so this ends by what is taken.
        drop(self.waiting.subscribe().wait_for(|waiting| *waiting <= MOST).await);
    }

    pub(super) fn hand_on(&self, handed: Handed) {
        let bytes = bytes(&handed.frames);
        change(&self.waiting, |waiting| waiting + bytes);
        if self.handed.send(handed).is_err() {
            // Nobody wants them any more.
            self.waiting.send_replace(0);
        }
    }
}

impl Fed {
    /// What became durable next; nothing once no more can come.
    pub async fn next(&mut self) -> Option<Handed> {
        self.handed.recv().await
    }

    /// The same, if it is there already.
    pub fn ready(&mut self) -> Option<Handed> {
        self.handed.try_recv().ok()
    }

    /// So many bytes of bodies are taken.
    pub fn taken(&self, bytes: usize) {
        if bytes > 0 {
            change(&self.waiting, |waiting| waiting.saturating_sub(bytes));
        }
    }
}

impl Drop for Fed {
    fn drop(&mut self) {
        self.handed.close();
        self.waiting.send_replace(0);
    }
}

/// Whoever waits for room is woken once there is some, and by nothing else.
fn change(waiting: &watch::Sender<usize>, to: impl FnOnce(usize) -> usize) {
    waiting.send_if_modified(|waiting| {
        let before = std::mem::replace(waiting, to(*waiting));
        before > MOST && *waiting <= MOST
    });
}

fn bytes(frames: &[Frame]) -> usize {
    frames.iter().map(Frame::body_bytes).sum()
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::pin;
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;
    use std::sync::atomic::Ordering::Relaxed;
    use std::task::{Context, Wake, Waker};

    use bytes::Bytes;
    use futures_util::FutureExt;
    use jiff::Timestamp;

    use super::*;
    use crate::plan::CellId;
    use crate::spool::{PageFrame, PageHead};

    fn page(bytes: usize) -> Handed {
        let head = PageHead {
            cell: CellId([1; 16]),
            epoch: 0,
            page: 0,
            status: 200,
            records: 1,
            next: None,
            request: [0; 16],
            credits: None,
            total: None,
            parallel: false,
            received: Timestamp::UNIX_EPOCH,
        };
        let frames = vec![Frame::Page(PageFrame { head, body: Bytes::from(vec![0; bytes]) })];
        Handed { frames, outline: None }
    }

    #[test]
    fn fetching_waits_while_too_much_does() {
        let (feed, mut fed) = Feed::new();
        let may_fetch = || feed.room().now_or_never().is_some();
        feed.hand_on(page(MOST));
        assert!(may_fetch(), "as much as may wait");
        feed.hand_on(page(1));
        assert!(!may_fetch());
        let taken = fed.ready().map(|handed| bytes(&handed.frames)).unwrap();
        assert!(!may_fetch(), "what is on its way is still in memory");
        fed.taken(taken);
        assert!(may_fetch());
        feed.hand_on(page(MOST));
        assert!(!may_fetch());
        drop(fed);
        assert!(may_fetch(), "nobody takes anything any more");
        feed.hand_on(page(MOST + 1));
        assert!(may_fetch());
    }

    #[derive(Default)]
    struct Woken(AtomicBool);

    impl Wake for Woken {
        fn wake(self: Arc<Self>) {
            self.0.store(true, Relaxed);
        }
    }

    #[test]
    fn whoever_waits_is_woken_when_there_is_room_and_no_sooner() {
        let (feed, mut fed) = Feed::new();
        feed.hand_on(page(MOST + 2));
        let woken = Arc::new(Woken::default());
        let mut room = pin!(feed.room());
        let waker = Waker::from(Arc::clone(&woken));
        let mut is_there = || room.as_mut().poll(&mut Context::from_waker(&waker)).is_ready();
        assert!(!is_there());
        feed.hand_on(page(1));
        fed.taken(2);
        assert!(!woken.0.load(Relaxed), "one byte too much waits");
        fed.taken(1);
        assert!(woken.0.load(Relaxed));
        assert!(is_there());
        assert!(fed.ready().is_some());
    }
}
